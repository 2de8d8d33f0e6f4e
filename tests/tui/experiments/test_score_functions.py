"""Four score functions in one recipe: alike but for the score, and what temperature does to each."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.tui.experiments.checking import (
    assert_hold_or_null,
)
from tui.experiments.score_functions.declaration import EXPERIMENT
from tui.figures.data import Curve, Heatmap, Table


@pytest.mark.parametrize("sentence", ["猫", "黑 猫", "大黑猫追小白猫", "我看见猫在追老鼠，老鼠跑了"])
def test_claims_hold_together(sentence: str) -> None:
    for seed, width in ((1, 4), (2, 64), (3, 128)):
        settings = {"sentence": sentence, "seed": seed, "d_k": width}
        assert_hold_or_null(EXPERIMENT.run(settings), settings)


def test_two_keys_alike_share_the_weight_however_cold() -> None:
    figure = EXPERIMENT.run({"temperature": 0.015625}).figures[0]
    assert isinstance(figure, Heatmap)
    dot = np.asarray(figure.stages[-1].values)[1]
    np.testing.assert_allclose(dot[2], [0, 0, 0.5, 0, 0, 0, 0.5], atol=1e-6)  # 猫 on both 猫


def test_the_scores_are_those_of_the_formulas() -> None:
    result = EXPERIMENT.run({"d_k": 16})
    steps = {step.path: step.value for step in result.steps}
    figure = result.figures[0]
    assert isinstance(figure, Heatmap)
    _, dot, scaled, cosine = np.asarray(figure.stages[0].values)
    np.testing.assert_allclose(dot / math.sqrt(16), scaled, rtol=1e-5)
    assert np.abs(cosine).max() <= 1 + 1e-6 < np.abs(dot).max()
    assert steps["kinds.additive.features"].shape == (1, 1, 7, 7, 16)


def test_the_row_of_the_table_is_the_chosen_one() -> None:
    result = EXPERIMENT.run({"query": 6})
    maps, table = result.figures[:2]
    assert isinstance(maps, Heatmap) and isinstance(table, Table)
    np.testing.assert_array_equal(
        np.array([row[1:] for row in table.rows]), np.asarray(maps.stages[-1].values)[:, 5].T.astype(np.float64)
    )


def test_each_curve_falls_with_the_temperature() -> None:
    figure = EXPERIMENT.run().figures[2]
    assert isinstance(figure, Curve)
    for series in figure.series[:-1]:
        assert all(later <= earlier + 1e-6 for earlier, later in zip(series.y, series.y[1:], strict=False))
