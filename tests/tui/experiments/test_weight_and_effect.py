"""A key's weight, what it adds, and what leaving it out does are three things."""

from __future__ import annotations

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.backend import mx
from tests.tui.experiments.checking import (
    values_of,
)
from tui.experiments.teacher_forcing.decoding import encode, reader
from tui.experiments.weight_and_effect.declaration import EXPERIMENT
from tui.experiments.weight_and_effect.measuring import STEPS, attended, look, rank_correlation
from tui.figures.data import Table, Tokens


@pytest.mark.parametrize("layer", [0, 1])
def test_the_effect_is_that_of_a_score_of_minus_infinity(layer: int) -> None:
    model, tokenizer = reader().model, reader().tokenizer
    sources = encode(["23 November 2026"], tokenizer.pad([tokenizer.target("2026-11-23")]))
    before = look(sources, _silent)
    found = attended(sources, before, layer, _silent)
    for place in (5, 8, 13):
        hidden = mx.array((np.arange(17) == place)[None, None, None])
        with mf.trace(model) as steps:
            steps.replace(
                f"decoder.layers.{layer}.cross_attention.scaled", lambda s, hidden=hidden: mx.where(hidden, -1e9, s)
            )
            model.decode(mx.array(sources.gold[:, :-1]), sources.memory, sources.mask)
        first, second = (softmax(trace["logits"].value[0, :STEPS].astype(np.float64)) for trace in (before, steps))
        np.testing.assert_allclose(found.effect[0, :, place], np.abs(first - second).sum(-1) / 2, atol=1e-5)


def softmax(x: np.ndarray) -> np.ndarray:
    powers = np.exp(x - x.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def _silent(fraction: float, text: str) -> None:
    pass


def test_the_table_is_ordered_by_weight_and_shows_weight_without_effect() -> None:
    strips, table = EXPERIMENT.run().figures[1:3]
    assert isinstance(strips, Tokens) and isinstance(table, Table)
    weights = [float(row[1]) for row in table.rows]  # type: ignore[arg-type]
    assert weights == sorted(weights, reverse=True) and sum(weights) > 0.9
    second = table.rows[1]
    assert float(second[1]) > 0.15 and float(second[3]) < 1e-3  # type: ignore[arg-type]


def test_rank_correlation_is_spearmans() -> None:
    x = np.array([3.0, 1.0, 2.0, 5.0, 4.0])
    assert rank_correlation(x, np.exp(x)) == pytest.approx(1) and rank_correlation(x, -x) == pytest.approx(-1)
    d = np.array([3, 1, 2, 5, 4]) - np.array([1, 2, 3, 4, 5])
    assert rank_correlation(x, np.arange(5.0)) == pytest.approx(1 - 6 * (d**2).sum() / (5 * 24))


def test_another_seed_gives_other_numbers() -> None:
    first = values_of(EXPERIMENT)
    assert values_of(EXPERIMENT, {"step": 3}) == first  # kept from the run before
    assert values_of(EXPERIMENT, {"seed": 1})["last-layer-weight-tells"] != first["last-layer-weight-tells"]
    assert values_of(EXPERIMENT) == first
