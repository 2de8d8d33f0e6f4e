"""Several heads are one product split up: equal to a loop, at the same cost, if the transpose is there."""

from __future__ import annotations

import numpy as np
import pytest

from tests.tui.experiments.checking import (
    assert_hold_or_null,
    values_of,
)
from tui.experiments.heads.declaration import EXPERIMENT


@pytest.mark.parametrize("sentence", ["甲乙", "猫 狗 猫", "the cat sat on the mat"])
@pytest.mark.parametrize("heads", [1, 2, 4, 16])
@pytest.mark.parametrize("width", [16, 128])
def test_claims_hold_together(width: int, heads: int, sentence: str) -> None:
    for seed in range(4):
        settings = {"sentence": sentence, "d_model": width, "heads": heads, "seed": seed}
        assert_hold_or_null(EXPERIMENT.run(settings), settings)


def test_the_paper_s_width_has_a_million_parameters_whatever_the_heads() -> None:
    result = EXPERIMENT.run({"d_model": 512})
    costs = next(figure for figure in result.figures if figure.name == "costs")
    assert [row[0] for row in costs.rows] == [1, 2, 4, 8, 16]
    assert {row[2] for row in costs.rows} == {1_048_576}
    assert {row[3] for row in costs.rows} == {8 * 8 * 512**2 + 4 * 8**2 * 512}  # 8 tokens
    assert [row[4] for row in costs.rows] == [heads * 4 * 8**2 for heads in (1, 2, 4, 8, 16)]


def test_more_heads_make_more_maps_of_narrower_heads() -> None:
    for heads in (1, 4):
        figure = EXPERIMENT.run({"heads": heads}).figures[0]
        weights = np.asarray(figure.stages[-1].values)
        assert weights.shape == (heads, 8, 8)
        np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-6)


def test_the_mistake_is_drawn_when_asked_for() -> None:
    right, wrong = (
        np.asarray(EXPERIMENT.run({"mistake": mistake}).figures[0].stages[-1].values)
        for mistake in ("none", "reshape-without-transpose")
    )
    assert right.shape == wrong.shape and np.abs(right - wrong).max() > 0.05


@pytest.mark.parametrize("settings", [{"heads": 1}, {"sentence": "好 好 好"}])
def test_where_the_transpose_changes_nothing_there_is_no_claim(settings: dict[str, object]) -> None:
    checks = {check.name: check for check in EXPERIMENT.run(settings).checks}
    assert checks["reshape-without-transpose-differs"].holds is None
    assert checks["fused-equals-loop"].holds is True


def test_heads_that_do_not_divide_the_width_are_said() -> None:
    result = EXPERIMENT.run({"d_model": 64, "heads": 3})
    assert all(check.holds is None and "64 is not divisible by 3" in check.reason.en for check in result.checks)


def test_another_sentence_gives_other_numbers() -> None:
    assert values_of(EXPERIMENT) == values_of(EXPERIMENT)
    assert values_of(EXPERIMENT) != values_of(
        EXPERIMENT, {"sentence": "another sentence of some words entirely its own"}
    )
