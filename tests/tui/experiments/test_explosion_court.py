"""Gradients through an unscaled softmax: never amplified, mostly dead, now and then a spike."""

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
from tui.experiments.explosion_court.declaration import EXPERIMENT


def test_every_claim_holds_and_can_be_broken() -> None:
    assert_falsifiers_bite(EXPERIMENT)


@pytest.mark.parametrize("settings", settings_at_ends(EXPERIMENT), ids=label)
def test_at_the_ends_of_the_knobs(settings: dict[str, object]) -> None:
    result = EXPERIMENT.run(settings)
    assert_hold_or_null(result, settings)
    assert_result_is_sound(EXPERIMENT, result)


@pytest.mark.parametrize("d_k", [16, 128, 512])
@pytest.mark.parametrize("seed", range(1, 6))
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


def test_same_seed_same_numbers() -> None:
    first, again = values_of(EXPERIMENT), values_of(EXPERIMENT)
    assert first == again and np.isfinite([value for value in first.values() if value is not None]).all()
