"""The smoothed minimum, its floor and its perplexity, at every knob's ends and against a search without gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.tui.experiments.checking import (
    assert_hold_or_null,
    values_of,
)
from tui.experiments.label_smoothing.declaration import EXPERIMENT


@pytest.mark.parametrize("labels", [4, 64])
def test_claims_hold_for_other_seeds(labels: int) -> None:
    for seed in range(1, 4):
        settings = {"labels": labels, "seed": seed, "smoothing": 0.3, "vocab": 20}
        assert_hold_or_null(EXPERIMENT.run(settings), settings)


@pytest.mark.parametrize(("smoothing", "vocab"), [(0.1, 10), (0.25, 5)])
def test_training_ends_where_a_search_over_gaps_finds_the_least_loss(smoothing: float, vocab: int) -> None:
    gaps = np.linspace(0, 12, 120_001)
    right = -np.log1p((vocab - 1) * np.exp(-gaps))
    losses = -(1 - smoothing + smoothing / vocab) * right - (vocab - 1) * smoothing / vocab * (right - gaps)
    measured = values_of(EXPERIMENT, {"smoothing": smoothing, "vocab": vocab})
    assert measured["optimal-gap"] == pytest.approx(gaps[losses.argmin()], abs=2e-3)
    assert measured["loss-floor"] == pytest.approx(losses.min(), abs=1e-4)


def test_the_curve_of_the_loss_has_its_minimum_at_the_mark() -> None:
    curve: Any = EXPERIMENT.run().figures[0]
    plain, smoothed = curve.series
    assert smoothed.x[int(np.argmin(smoothed.y))] == pytest.approx(curve.marks[0][0], abs=0.5)
    assert (np.diff(plain.y) < 0).all(), "without smoothing the loss falls for ever"


def test_perplexity_rises_with_smoothing_where_the_distribution_is_known() -> None:
    curve: Any = EXPERIMENT.run().figures[2]
    known, few = (np.array(series.y) for series in curve.series)
    assert (np.diff(known) > 0).all()
    assert len(few) == len(known) - 1 and int(np.argmin(few)) > 0, "infinite at 0, best between"


def test_without_smoothing_nothing_is_claimed_of_a_minimum() -> None:
    values = values_of(EXPERIMENT, {"smoothing": 0})
    assert values["optimal-gap"] is None and values["perplexity-hurt"] is None
    assert values["mixture-is-the-minimum"] is not None
