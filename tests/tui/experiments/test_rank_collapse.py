"""Attention alone cubes what tell tokens apart; the residual sum carries it over."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.tui.experiments.checking import (
    assert_hold_or_null,
)
from tui.experiments.rank_collapse.declaration import EXPERIMENT


def test_claims_hold_for_several_seeds() -> None:
    for seed in (1, 2, 3):
        settings = {"seed": seed, "depth": 4, "heads": 1}
        assert_hold_or_null(EXPERIMENT.run(settings), settings)


def test_the_curve_falls_faster_at_each_layer() -> None:
    """Doubly exponential: the logarithm itself falls by a growing factor, about three where nothing disturbs."""
    curve: Any = EXPERIMENT.run().figures[0]
    pure, skip = (np.array(series.y) for series in curve.series)
    falls = np.diff(np.log(pure[:4]))
    assert falls[1] < 2 * falls[0] and falls[2] < 2 * falls[1]
    assert (np.diff(skip) <= 0).all() and skip[-1] > 0.3


def test_the_map_shows_one_vector_in_many_places() -> None:
    figure: Any = EXPERIMENT.run().figures[1]
    stages = {stage.name: np.asarray(stage.values)[0] for stage in figure.stages}
    assert stages["pure-4"].min() > 0.999999
    assert stages["skip-4"].min() < 0.9 and np.abs(stages["input"] - np.eye(8)).max() < 0.6
