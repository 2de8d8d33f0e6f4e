"""Heads switched off through the trace, twins that stay twins, and what one head cannot do."""

from __future__ import annotations

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.backend import mx, nn, to_numpy, tree_flatten
from tests.tui.experiments.checking import (
    assert_hold_or_null,
    values_of,
)
from tui.experiments.falsify import run_broken
from tui.experiments.head_ablation.body import LEARNING_RATE, TRAINING_STEPS, part_of_head, with_twins
from tui.experiments.head_ablation.compromise import compare
from tui.experiments.head_ablation.declaration import EXPERIMENT
from tui.experiments.head_ablation.trained import READ, measure
from tui.experiments.shared.random_weights import draw, load
from tui.experiments.take_apart.reading import held_out


@pytest.mark.once  # as test_every_experiment does with claims at other settings
def test_twins_that_are_treated_differently_part_by_a_finite_amount() -> None:
    name = "nothing-forces-diversity"
    checks = run_broken(EXPERIMENT, EXPERIMENT.declaration(name).fails_when).checks
    assert 0.01 < next(check for check in checks if check.name == name).measured < 100


@pytest.mark.parametrize("heads", [2, 4, 16])
@pytest.mark.parametrize("width", [16, 64])
def test_claims_hold_together(width: int, heads: int) -> None:
    for seed in range(3):
        settings = {"d_model": width, "heads": heads, "tokens": 24, "seed": seed}
        assert_hold_or_null(EXPERIMENT.run(settings), settings)


@pytest.mark.parametrize("heads", [2, 4, 8])
def test_the_rank_is_the_head_width_where_there_are_tokens_enough(heads: int) -> None:
    values = values_of(EXPERIMENT, {"heads": heads, "d_model": 64, "tokens": 64})
    assert values["rank-at-most-head-width"] == 64 / heads


def test_the_ablated_head_is_zero_in_the_trace_and_the_others_are_not() -> None:
    for ablate, off in ((2, {2}), (15, {7}), (-1, set())):
        steps = {step.path: step.value for step in EXPERIMENT.run({"ablate": ablate}).steps}
        heads = steps["concatenated"][0].reshape(16, 8, 8)  # [T, H, D]
        assert {head for head in range(8) if np.abs(heads[:, head]).max() == 0} == off


def test_on_random_weights_each_head_matters_about_alike() -> None:
    bars = next(figure for figure in EXPERIMENT.run().figures if figure.name == "changes")
    assert "none learned a thing" in bars.title.en and "没有哪个头学过什么" in bars.title.zh
    assert np.mean(bars.values) == pytest.approx(8**-0.5, rel=0.15)


def test_the_twins_are_trained_and_not_just_left_alone() -> None:
    """With the same steps the parameters move, and heads that began differently stay different."""
    width, generator = 8, np.random.default_rng(0)
    weights = with_twins(draw(generator, mf.MultiHeadAttention(64, 8, bias=False)), width)
    layer = load(mf.MultiHeadAttention(64, 8, bias=False), weights)
    x, target = (mx.array(generator.standard_normal((1, 32, 64)).astype(np.float32)) for _ in range(2))
    gradient_of = nn.value_and_grad(layer, lambda: mx.mean(mx.square(layer(x, x, x) - target)))
    loss, gradients = gradient_of()
    moved = {path: TRAINING_STEPS * LEARNING_RATE * np.abs(to_numpy(g)).max() for path, g in tree_flatten(gradients)}
    assert float(to_numpy(loss)) > 0.5 and min(moved.values()) > 1e-4
    for path, gradient in tree_flatten(gradients):
        first, second, third = (part_of_head(path, to_numpy(gradient), head, width) for head in range(3))
        np.testing.assert_allclose(first, second, atol=1e-8)
        assert np.abs(first - third).max() > 1e-4


def test_one_head_needs_another_to_compare_with() -> None:
    checks = {check.name: check for check in EXPERIMENT.run({"heads": 1}).checks}
    assert checks["nothing-forces-diversity"].holds is None
    assert checks["single-head-averages"].holds is True


@pytest.mark.parametrize("seed", range(10))
def test_the_compromise_is_the_least_of_all_mixtures(seed: int) -> None:
    """The bound is the minimum of a parabola: here found by trying a million mixtures, of any sign."""
    compromise = compare(seed, lambda fraction, text: None)
    mixtures = np.linspace(-5, 6, 1_100_001)
    index = [int(np.abs(compromise.attention_to_first - a).argmin()) for a in (0.0, 1.0)]
    distance_a, distance_b = compromise.one_head[index[0]], compromise.one_head[index[1]]  # errors at a = 0 and a = 1
    least = ((1 - mixtures) ** 2 * distance_a + mixtures**2 * distance_b).min()
    assert compromise.bound == pytest.approx(least, rel=1e-4)
    assert compromise.best_of_one == pytest.approx(compromise.bound, rel=0.01)
    assert compromise.best_of_two < 1e-6 < compromise.bound


def test_heads_that_do_not_divide_the_width_are_said() -> None:
    result = EXPERIMENT.run({"heads": 5})
    assert all(check.holds is None and "64 is not divisible by 5" in check.reason.en for check in result.checks)


@pytest.mark.parametrize("seed", [1, 2])
def test_a_trained_model_misses_few_of_its_heads(seed: int) -> None:
    trained = measure(seed, lambda fraction, text: None)
    assert len(trained.alone) == 24 and trained.whole == 100
    assert sum(share == 100 for share in trained.alone.values()) >= 19
    assert 45 < trained.least < 65
    assert trained.together >= 90 and len(set(trained.pruned)) == 8


def test_a_head_is_off_where_it_is_said_to_be_off() -> None:
    """Zeroing a head's columns of W_O is the same as zeroing the head: one by the trace, one by the weights."""
    seed, path, head = 0, "decoder.layers.0.self_attention", 2
    trained = measure(seed, lambda fraction, text: None)
    model = mf.load_pretrained("dates").model
    projection = model.decoder.layers[0].self_attention.out_proj
    weight = to_numpy(projection.weight).copy()
    weight[:, head * weight.shape[1] // 4 : (head + 1) * weight.shape[1] // 4] = 0
    projection.weight = mx.array(weight)
    dates = held_out(seed)
    logits = to_numpy(model(mx.array(dates.sources[:READ]), mx.array(dates.gold[:READ, :-1])))
    right = (logits.argmax(-1) == dates.gold[:READ, 1:]).all(-1)
    assert trained.alone[f"{path}.heads", head] == pytest.approx(100 * right.mean())
