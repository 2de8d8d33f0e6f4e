"""Gradients through an unscaled softmax: never amplified, mostly dead, now and then a spike."""

from __future__ import annotations

import pytest

from tests.tui.experiments.checking import (
    assert_hold_or_null,
)
from tui.experiments.explosion_court.declaration import EXPERIMENT


@pytest.mark.parametrize("d_k", [16, 128, 512])
@pytest.mark.parametrize("seed", [1, 2])
def test_claims_hold_at_other_seeds(seed: int, d_k: int) -> None:
    settings = {"seed": seed, "d_k": d_k}
    assert_hold_or_null(EXPERIMENT.run(settings), settings)


def test_histograms_hold_every_row() -> None:
    for name in ("logits", "query"):
        curve = next(figure for figure in EXPERIMENT.run().figures if figure.name == f"histogram-{name}")
        for series in curve.series:
            assert sum(series.y) == pytest.approx(100)


def test_the_mean_and_the_median_disagree_about_the_query() -> None:
    table = next(figure for figure in EXPERIMENT.run().figures if figure.name == "verdict")
    (_, _, median, mean, largest), (_, _, scaled_median, scaled_mean, scaled_largest) = (
        row for row in table.rows if row[1] == "‖∂L/∂q‖"
    )
    assert median < scaled_median and mean > scaled_mean and largest > 2 * scaled_largest


def test_small_heads_are_not_claimed_to_saturate() -> None:
    checks = {check.name: check for check in EXPERIMENT.run({"d_k": 4}).checks}
    assert checks["median-logit-gradient-vanishes"].holds is None
    assert checks["jacobian-at-most-half"].holds is True
