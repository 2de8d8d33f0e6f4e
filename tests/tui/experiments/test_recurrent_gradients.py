"""Gradients through time: exact where theory is exact, and as large as the literature's regimes say elsewhere."""

from __future__ import annotations

import numpy as np
import pytest

from mlxformer.backend import to_numpy
from tests.tui.experiments.checking import (
    assert_hold_or_null,
    assert_result_is_sound,
    label,
    settings_at_ends,
    values_of,
)
from tui.experiments.contract import Cancelled, Check
from tui.experiments.recurrent_gradients.body import WIDTH, Arms
from tui.experiments.recurrent_gradients.declaration import EXPERIMENT
from tui.experiments.recurrent_gradients.reference import forget_product
from tui.experiments.recurrent_gradients.unrolling import attention_jacobians, jacobians, shares, whole_gradient

KNOBS = EXPERIMENT.defaults() | {knob.name: knob.default for knob in EXPERIMENT.hidden_knobs}


def quiet(fraction: float, text: str) -> None:
    pass


def checks_at(**settings: object) -> dict[str, Check]:
    return {check.name: check for check in EXPERIMENT.run(settings).checks}


def small(*shape: int, seed: int = 0) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).standard_normal(shape)).astype(np.float32)


@pytest.mark.parametrize("settings", settings_at_ends(EXPERIMENT), ids=label)
def test_at_the_ends_of_the_knobs(settings: dict[str, object]) -> None:
    result = EXPERIMENT.run({"steps": 12} | settings)
    assert_hold_or_null(result, settings)
    assert_result_is_sound(EXPERIMENT, result)


@pytest.mark.parametrize("activation", ["tanh", "relu", "linear"])
@pytest.mark.parametrize("sigma", [0.5, 1.0, 1.5])
def test_claims_hold_together(sigma: float, activation: str) -> None:
    for seed in range(2):
        settings = {"sigma": sigma, "activation": activation, "steps": 20, "seed": seed}
        assert_hold_or_null(EXPERIMENT.run(settings), settings)


@pytest.mark.parametrize(
    ("sigma", "low", "high"),
    [(0.5, 3e-16, 9e-16), (0.9, 5e-4, 5e-3), (1.0, 0.03, 0.3), (1.5, 1e2, 3e3), (2.0, 3e3, 1e6)],
)
def test_a_tanh_network_vanishes_or_explodes_by_its_singular_values(sigma: float, low: float, high: float) -> None:
    """Fifty steps: saturation tames the explosion of σ > 1 and does not cancel it."""
    ends = next(figure for figure in EXPERIMENT.run({"sigma": sigma}).figures if figure.name == "ends")
    assert low < ends.rows[0][1] < high


def test_half_open_forget_gates_lose_everything_in_fifty_steps() -> None:
    assert checks_at()["forget-gate-half-vanishes"].measured == pytest.approx(8.88e-16, rel=1e-3)


@pytest.mark.parametrize(("bias", "expected"), [(0.0, 9e-16), (1.0, 1.6e-7), (4.6, 0.61)])
def test_the_forget_bias_decides_what_the_lstm_remembers(bias: float, expected: float) -> None:
    """σ(0) = 0.5, σ(1) = 0.73 and σ(4.6) = 0.99, to the fiftieth power, give or take the units' inputs."""
    ratio = checks_at(forget_bias=bias)["lstm-path-is-forget-product"].measured / expected
    assert 0.5 < ratio < 4


def test_jacobians_by_finite_differences() -> None:
    arms = Arms(KNOBS)
    x, goal = small(6, WIDTH), np.eye(WIDTH, dtype=np.float32)
    got = jacobians(arms.lstm, x, quiet, 0.0, part=1)
    assert got.shape == (7, WIDTH, WIDTH)
    np.testing.assert_array_equal(got[-1], goal)
    # ∂c_T/∂c_0 along one direction, in float64 by the reference equations.
    weights = {name: value.astype(np.float64) for name, value in arms.lstm_weights.items()}

    def last_cell(cell: np.ndarray) -> np.ndarray:
        hidden = np.zeros(WIDTH)
        for inputs in x.astype(np.float64):
            i, f, g, o = (
                weights["input_proj.weight"] @ inputs
                + weights["input_proj.bias"]
                + weights["hidden_proj.weight"] @ hidden
            ).reshape(4, WIDTH)
            cell = cell / (1 + np.exp(-f)) + np.tanh(g) / (1 + np.exp(-i))
            hidden = np.tanh(cell) / (1 + np.exp(-o))
        return cell

    direction = np.random.default_rng(1).standard_normal(WIDTH)
    slope = (last_cell(1e-5 * direction) - last_cell(-1e-5 * direction)) / 2e-5
    np.testing.assert_allclose(got[0] @ direction, slope, atol=1e-5)


def test_the_path_along_the_cell_is_diagonal_and_the_product_of_gates() -> None:
    arms = Arms(KNOBS)
    x = small(8, WIDTH)
    got = jacobians(arms.lstm, x, quiet, 0.0, part=1, hold_hidden=True)[0]
    np.testing.assert_allclose(got, np.diag(forget_product(arms.lstm_weights, x)), atol=1e-7)


def test_the_terms_of_the_steps_add_up_to_the_gradient_of_the_shared_weight() -> None:
    arms = Arms(KNOBS)
    x, goal = small(9, WIDTH), small(WIDTH, seed=1)
    for cell in (arms.rnn, arms.gru, arms.lstm):
        steps, terms = shares(arms, cell, x, goal, quiet, 0.0)
        whole = to_numpy(whole_gradient(cell, x, goal)["input_proj"]["weight"])
        np.testing.assert_allclose(terms.sum(0), whole, atol=1e-7 + 1e-5 * np.abs(whole).max())
        assert len(terms) == 9 and len(steps) >= 9


def test_attention_jacobians_by_finite_differences() -> None:
    arms = Arms(KNOBS)
    x = np.random.default_rng(0).standard_normal((4, WIDTH)).astype(np.float32)
    got = attention_jacobians(arms.attention, x)
    weights = {path: to_numpy(getattr(arms.attention, path).weight).astype(np.float64) for path in PROJECTIONS}

    def last_output(tokens: np.ndarray) -> np.ndarray:
        scores = weights["query_proj"] @ tokens[-1] @ (tokens @ weights["key_proj"].T).T / np.sqrt(WIDTH)
        p = np.exp(scores - scores.max())
        return weights["out_proj"] @ (p / p.sum() @ (tokens @ weights["value_proj"].T))

    direction = np.random.default_rng(1).standard_normal(x.shape)
    slope = (last_output(x + 1e-5 * direction) - last_output(x - 1e-5 * direction)) / 2e-5
    np.testing.assert_allclose(np.einsum("tij,tj->i", got, direction), slope, atol=1e-4)


PROJECTIONS = ("query_proj", "key_proj", "value_proj", "out_proj")


def test_what_float32_cannot_hold_is_not_claimed() -> None:
    checks = checks_at(sigma=0.3, steps=100, forget_bias=-2.0)
    for name in ("linear-norm-is-sigma-power", "lstm-path-is-forget-product"):
        assert checks[name].holds is None and "float32" in checks[name].reason.zh


def test_a_term_that_has_not_vanished_is_not_claimed_to_have() -> None:
    assert checks_at(steps=5, sigma=1.0)["near-terms-survive"].holds is None
    assert checks_at(steps=5)["exploding-when-sigma-large"].holds is None


def test_the_chosen_cell_is_what_is_drawn() -> None:
    paths = {}
    for cell in ("rnn", "gru", "lstm", "attention"):
        result = EXPERIMENT.run({"cell": cell, "steps": 12})
        assert_result_is_sound(EXPERIMENT, result)
        paths[cell] = {step.path for step in result.steps}
    assert paths["rnn"] == {"rnn.hidden"}
    assert "gru.update_gate" in paths["gru"] and "lstm.forget_gate" in paths["lstm"]
    assert "attention.weights" in paths["attention"]


def test_clipping_scales_what_is_drawn_and_keeps_its_shape() -> None:
    def drawn(clip: bool) -> np.ndarray:
        figures = EXPERIMENT.run({"clip": clip, "steps": 20}).figures
        return np.array(next(figure for figure in figures if figure.name == "shares").series[0].y)

    ratio = drawn(True) / drawn(False)
    assert ratio.max() <= 1 and np.ptp(ratio) < 1e-6


def test_it_can_be_cancelled_between_the_steps() -> None:
    fractions: list[float] = []

    def report(fraction: float, text: str) -> None:
        fractions.append(fraction)
        if len(fractions) == 100:
            raise Cancelled

    with pytest.raises(Cancelled):
        EXPERIMENT.run({"seed": 70}, report)  # what was run before is remembered
    assert fractions == sorted(fractions)


def test_another_seed_gives_other_numbers() -> None:
    first, other = (values_of(EXPERIMENT, {"seed": seed, "steps": 10}) for seed in (0, 1))
    assert first["lstm-path-is-forget-product"] != other["lstm-path-is-forget-product"]
    assert first["linear-norm-is-sigma-power"] == pytest.approx(other["linear-norm-is-sigma-power"], rel=1e-5)


@pytest.mark.parametrize("seed", [1, 4])
@pytest.mark.parametrize(("bias", "steps"), [(0.0, 20), (1.0, 50), (3.0, 50), (5.0, 100)])
def test_an_lstm_s_gradient_is_more_than_its_cell_path(bias: float, steps: int, seed: int) -> None:
    settings = {"forget_bias": bias, "steps": steps, "seed": seed}
    assert_hold_or_null(EXPERIMENT.run(settings), settings)


def test_all_paths_of_an_lstm_are_as_large_as_an_interviewer_measured() -> None:
    """∂c_T/∂c_0 at forget bias 1, fifty steps: 0.1 to 2 by the seed, 81 at bias 2 and 233 at bias 3."""
    ends = [next(f for f in EXPERIMENT.run({"forget_bias": b}).figures if f.name == "ends") for b in (1.0, 2.0, 3.0)]
    whole = [row[1] for table in ends for row in table.rows if getattr(row[0], "en", "") == "LSTM cell state"]
    assert whole == pytest.approx([0.39, 81, 233], rel=0.03)
