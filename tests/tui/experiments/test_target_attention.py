"""Target attention sums without normalising; cross-attention does not; self-attention mixes the history."""

from __future__ import annotations

import numpy as np
import pytest

from tests.tui.experiments.checking import (
    assert_falsifiers_bite,
    assert_hold_or_null,
    assert_result_is_sound,
    label,
    settings_at_ends,
    values_of,
)
from tui.experiments.target_attention.body import SLOPE, stock
from tui.experiments.target_attention.declaration import EXPERIMENT


def test_every_claim_holds_and_can_be_broken() -> None:
    assert_falsifiers_bite(EXPERIMENT)


@pytest.mark.parametrize("settings", settings_at_ends(EXPERIMENT), ids=label)
def test_at_the_ends_of_the_knobs(settings: dict[str, object]) -> None:
    result = EXPERIMENT.run(settings)
    assert_hold_or_null(result, settings)
    assert_result_is_sound(EXPERIMENT, result)


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
