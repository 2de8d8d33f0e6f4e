"""What is lost when queries, keys and values are made one, and that a trained model does not make them one."""

from __future__ import annotations

import numpy as np
import pytest

from tests.tui.experiments.checking import (
    assert_hold_or_null,
    values_of,
)
from tui.experiments.tied_projections import theory
from tui.experiments.tied_projections.declaration import EXPERIMENT
from tui.figures.data import Table


@pytest.mark.parametrize("tokens", [4, 24])
@pytest.mark.parametrize("width", [16, 128])
def test_claims_hold_together(width: int, tokens: int) -> None:
    for seed in (1, 2, 3):
        settings = {"d_model": width, "tokens": tokens, "seed": seed}
        assert_hold_or_null(EXPERIMENT.run(settings), settings)


def test_the_theory_is_that_of_a_plain_simulation() -> None:
    """Tokens and matrices drawn in NumPy, softmax row by row: nothing of the theory's shortcuts."""
    generator = np.random.default_rng(3)
    d, n, draws = 32, 8, 300
    own, tied, moved, asymmetry = [], [], [], []
    for _ in range(draws):
        x = generator.standard_normal((n, d))
        w, other = generator.standard_normal((2, d, d)) / np.sqrt(d)
        weights = _softmax(x @ x.T / np.sqrt(d))
        own.append(np.trace(weights) / n)
        moved.append(np.square(weights @ x - x).sum() / (n * d))
        q, k = x @ w.T, x @ other.T
        tied.append(np.trace(_softmax(q @ q.T / np.sqrt(d))) / n)
        scores = q @ k.T
        asymmetry.append((np.square(scores - scores.T).sum(), np.square(scores).sum()))
    equal = theory.all_equal(d, n)
    assert equal.weight == pytest.approx(np.mean(own), abs=0.01)
    assert equal.change == pytest.approx(np.sqrt(np.mean(moved)), abs=0.01)
    assert theory.tied_query_key(d, n) == pytest.approx(np.mean(tied), abs=0.015)
    difference, whole = np.mean(asymmetry, axis=0)
    assert theory.asymmetry(d, n) == pytest.approx(np.sqrt(difference / whole), abs=0.03)


def _softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def test_the_wider_the_nearer_to_the_identity() -> None:
    widths = [values_of(EXPERIMENT, {"d_model": width})["all-equal-looks-at-itself"] for width in (16, 64, 256)]
    assert widths == pytest.approx([0.70, 0.987, 1.000], abs=0.03)


def test_tied_keys_and_values_carry_something_else_under_the_same_map() -> None:
    separate, tied = (
        {step.path.split(".")[-1]: step.value for step in EXPERIMENT.run({"tie": tie}).steps} for tie in ("none", "kv")
    )
    np.testing.assert_array_equal(separate["weights"], tied["weights"])
    np.testing.assert_array_equal(tied["keys"], tied["values"])
    assert np.abs(separate["heads"] - tied["heads"]).max() > 0.1


def test_a_model_trained_with_one_tensor_for_keys_and_values_reads_and_one_tied_afterwards_does_not() -> None:
    readings = next(figure for figure in EXPERIMENT.run().figures if figure.name == "readings")
    assert isinstance(readings, Table)
    separate, tied, later = ((float(str(row[1])), int(str(row[2]))) for row in readings.rows)
    assert separate[0] == 100 and tied[0] == 100 and later[0] <= 25
    assert separate[1] - tied[1] == 6 * 64 * 64  # a d x d matrix less in each of the six attentions
