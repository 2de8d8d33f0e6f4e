"""Attention on a typed sentence: right recipes hold at every setting, wrong ones go wrong as claimed."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.tui.experiments.checking import (
    SENTENCES,
    assert_hold_or_null,
    assert_result_is_sound,
    label,
    settings_at_ends,
    values_of,
)
from tui.experiments.attention_steps.declaration import EXPERIMENT
from tui.experiments.contract import KnobError

# The one setting that gives NaN on purpose: half-precision exponentials overflow where scores are large.
OVERFLOWING = "no-max-subtract"


@pytest.mark.parametrize("settings", settings_at_ends(EXPERIMENT), ids=label)
def test_at_the_ends_of_the_knobs(settings: dict[str, object]) -> None:
    result = EXPERIMENT.run(settings)
    assert_hold_or_null(result, settings)
    if settings.get("mistake") != OVERFLOWING:
        assert_result_is_sound(EXPERIMENT, result)


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("temperature", [0.1, 1.0, 10.0])
@pytest.mark.parametrize("sentence", ["我 我 我", "猫", "the cat sat on the mat", "注意力" * 20])
def test_claims_hold_together(sentence: str, temperature: float, causal: bool) -> None:
    for seed in range(3):
        settings = {"sentence": sentence, "temperature": temperature, "causal": causal, "seed": seed}
        assert_hold_or_null(EXPERIMENT.run(settings), settings)


@pytest.mark.parametrize("sentence", [text for text in SENTENCES if not text.strip()], ids=ascii)
def test_a_sentence_without_tokens_is_said(sentence: str) -> None:
    result = EXPERIMENT.run({"sentence": sentence})
    assert not result.figures
    assert all(check.holds is None and "词元" in check.reason.zh for check in result.checks)


def test_a_sentence_too_long_is_said() -> None:
    with pytest.raises(KnobError, match="at most 200 characters; got '2000 characters'"):
        EXPERIMENT.run({"sentence": "字" * 2000})


def test_another_sentence_gives_other_numbers() -> None:
    assert values_of(EXPERIMENT) == values_of(EXPERIMENT, {})
    first, second = (EXPERIMENT.run({"sentence": text}).figures[0] for text in ("我看见猫", "我看见狗"))
    here, there = (np.asarray(figure.stages[-1].values) for figure in (first, second))
    assert here.shape == there.shape and np.abs(here - there).max() > 0.01


def test_equal_tokens_have_equal_rows_and_columns_where_there_are_no_positions() -> None:
    weights = EXPERIMENT.run({"sentence": "to be or not to be"}).figures[0].stages[-1].values[0]
    np.testing.assert_allclose(weights[0], weights[4], atol=1e-7)
    np.testing.assert_allclose(weights[:, 1], weights[:, 5], atol=1e-7)


def test_shuffled_tokens_have_the_same_weights_in_another_place() -> None:
    plain, shuffled = (EXPERIMENT.run({"sentence": "甲乙丙丁戊", "shuffle": on}).figures[0] for on in (False, True))
    assert sorted(plain.rows) == sorted(shuffled.rows) and plain.rows != shuffled.rows
    order = [plain.rows.index(token) for token in shuffled.rows]
    before = np.asarray(plain.stages[-1].values[0])
    np.testing.assert_allclose(shuffled.stages[-1].values[0], before[np.ix_(order, order)], atol=1e-6)


def test_softmax_over_queries_sums_columns_and_not_rows() -> None:
    weights = EXPERIMENT.run({"mistake": "wrong-axis"}).figures[0].stages[-1].values[0]
    np.testing.assert_allclose(weights.sum(0), 1, atol=1e-6)
    assert np.abs(weights.sum(1) - 1).max() > 0.1


def test_a_mask_after_the_softmax_loses_weight_and_hits_the_output() -> None:
    result = EXPERIMENT.run({"mistake": "mask-after-softmax"})
    weights = result.figures[0].stages[-1].values[0]
    assert weights.sum(-1).min() < 0.2 and np.triu(weights, 1).max() == 0
    sums = next(figure for figure in result.figures if figure.name == "sums")
    assert sums.rows[1][-1] > 0.1


def test_without_the_maximum_float16_overflows_where_scores_are_large() -> None:
    cold, warm = (
        EXPERIMENT.run({"mistake": OVERFLOWING, "temperature": temperature}).figures[0].stages[-1].values
        for temperature in (0.1, 10)
    )
    assert np.isnan(cold).any() and not np.isnan(warm).any()
    assert math.isclose(np.exp(np.float16(11)), 59874, rel_tol=1e-3)


def test_without_scaling_the_weights_are_sharper() -> None:
    entropies = []
    for mistake in ("none", "no-scale"):
        table = next(figure for figure in EXPERIMENT.run({"mistake": mistake}).figures if figure.name == "queries")
        entropies.append(np.mean([row[2] for row in table.rows]))
    assert entropies[1] < 0.5 * entropies[0]


def test_the_steps_are_in_the_order_of_the_formula() -> None:
    paths = [step.path for step in EXPERIMENT.run({"causal": True}).steps]
    assert paths == ["queries", "keys", "values", "scores", "scaled", "masked", "weights", "heads", "output"]


def test_the_looked_at_query_is_the_last_where_the_knob_points_past_the_end() -> None:
    for query, shown in ((0, 0), (2, 2), (50, 2)):
        bars = next(
            figure for figure in EXPERIMENT.run({"sentence": "一二三", "query": query}).figures if figure.name == "row"
        )
        assert bars.title.en.startswith(f"Weights of query {shown}")
        assert sum(bars.values) == pytest.approx(1, abs=1e-6)
