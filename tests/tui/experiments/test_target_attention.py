"""Target attention sums without normalizing; cross-attention does not; self-attention mixes the history."""

from __future__ import annotations

import numpy as np
import pytest

from tests.tui.experiments.checking import (
    assert_hold_or_null,
    values_of,
)
from tui.experiments.target_attention.body import SLOPE, stock
from tui.experiments.target_attention.declaration import EXPERIMENT


@pytest.mark.parametrize("candidate", ["t-shirt", "phone", "novel"])
def test_claims_hold_for_other_histories_and_draws(candidate: str) -> None:
    for seed in range(1, 9):
        counts = {"clothes": seed % 3, "electronics": 1 + seed % 4, "books": 7 * (seed % 2)}
        settings = {"candidate": candidate, "seed": seed, **counts}
        assert_hold_or_null(EXPERIMENT.run(settings), settings)


def test_the_weights_add_up_as_a_loop_says() -> None:
    shop = stock(3)
    history = shop.history((4, 2, 5)).astype(np.float64)
    total = sum(1 / (1 + np.exp(-SLOPE * (item @ shop.candidates[1].astype(np.float64) - 0.5))) for item in history)
    settings = {"candidate": "phone", "clothes": 4, "electronics": 2, "books": 5, "seed": 3}
    assert values_of(EXPERIMENT, settings)["sum-of-weights"] == pytest.approx(total, abs=1e-4)


def test_the_curve_grows_for_the_sum_and_stays_for_the_softmax() -> None:
    curve = next(figure for figure in EXPERIMENT.run().figures if figure.name == "intensity")
    sums, means = (series.y for series in curve.series)
    assert sums[-1] > 10 * sums[0] and max(means) < 2 * min(means)


def test_an_empty_history_is_said() -> None:
    result = EXPERIMENT.run({"clothes": 0, "electronics": 0, "books": 0})
    assert not result.figures and all(check.holds is None for check in result.checks)
