"""What each kind of layer lets an output depend on, by its derivatives."""

from __future__ import annotations

import numpy as np
import pytest

from tests.tui.experiments.checking import (
    assert_hold_or_null,
    label,
)
from tui.experiments.influence.declaration import EXPERIMENT
from tui.figures.data import Curve, Heatmap


def maps(settings: dict[str, object]) -> dict[str, np.ndarray]:
    figure = EXPERIMENT.run(settings).figures[0]
    assert isinstance(figure, Heatmap)
    names = ("attention", "recurrent", "convolution")
    return dict(zip(names, np.asarray(figure.stages[-1].values), strict=True))


@pytest.mark.parametrize(
    "settings", [{}, {"positions": True, "depth": 3}, {"length": 16, "shuffle": True, "seed": 2}], ids=label
)
def test_claims_hold_together(settings: dict[str, object]) -> None:
    settings = {"seed": 1, **settings}
    assert_hold_or_null(EXPERIMENT.run(settings), settings)


def test_which_pairs_are_connected() -> None:
    drawn = maps({"depth": 2})
    n = len(drawn["attention"])
    rows = np.arange(n)
    assert (drawn["attention"] > 0).all()
    np.testing.assert_array_equal(drawn["recurrent"] > 0, np.tri(n, dtype=bool))
    np.testing.assert_array_equal(drawn["convolution"] > 0, np.abs(rows[:, None] - rows) <= 2)
    np.testing.assert_array_equal(maps({"causal": True})["attention"] > 0, np.tri(n, dtype=bool))


def test_without_positions_influences_move_with_shuffled_tokens() -> None:
    plain, shuffled = maps({}), maps({"shuffle": True})
    order = np.random.default_rng(0).permutation(len(plain["attention"]))
    np.testing.assert_allclose(shuffled["attention"], plain["attention"][np.ix_(order, order)], atol=1e-5)
    assert np.abs(shuffled["recurrent"] - plain["recurrent"][np.ix_(order, order)]).max() > 0.1
    with_positions = maps({"positions": True}), maps({"positions": True, "shuffle": True})
    assert np.abs(with_positions[1]["attention"] - with_positions[0]["attention"][np.ix_(order, order)]).max() > 0.01


def test_how_far_each_sees_by_depth() -> None:
    figure = EXPERIMENT.run({"length": 48}).figures[1]
    assert isinstance(figure, Curve)
    attention, recurrent, convolution, dilated = (list(series.y) for series in figure.series)
    assert attention == [48] * 6 and recurrent == [25] * 6
    assert convolution == [3, 5, 7, 9, 11, 13] and dilated[:3] == [3, 9, 27]
