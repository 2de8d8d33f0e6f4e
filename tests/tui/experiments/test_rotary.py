"""Rotary positions leave only distances in the scores, keep lengths, and leave the values alone."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.tui.experiments.checking import (
    assert_hold_or_null,
    values_of,
)
from tui.experiments.rotary.declaration import EXPERIMENT


@pytest.mark.parametrize("width", [4, 16, 64])
def test_claims_hold_together(width: int) -> None:
    for seed in range(4):
        settings = {"head_dim": width, "seed": seed, "sentence": "the cat sat on the mat"}
        assert_hold_or_null(EXPERIMENT.run(settings), settings)


def test_wavelengths_by_hand() -> None:
    assert values_of(EXPERIMENT, {"head_dim": 128})["slowest-wavelength"] == pytest.approx(54_410, rel=1e-3)
    table = next(figure for figure in EXPERIMENT.run().figures if figure.name == "pairs")
    assert table.rows[0][1] == pytest.approx(1) and table.rows[0][2] == pytest.approx(2 * math.pi)


def test_the_curve_is_the_sum_of_cosines() -> None:
    curve = next(figure for figure in EXPERIMENT.run({"head_dim": 16}).figures if figure.name == "distance")
    series = next(series for series in curve.series if series.name.en == "base 10000")
    angles = [10_000 ** (-2 * pair / 16) for pair in range(8)]
    scores = [sum(2 * math.cos(distance * angle) for angle in angles) / 4 for distance in range(512)]
    np.testing.assert_allclose(
        series.y, [sum(scores[first : first + 16]) / 16 for first in range(0, 512, 16)], atol=1e-4
    )
    assert list(series.x) == [first + 7.5 for first in range(0, 512, 16)]


def test_what_is_drawn_by_shift_is_what_the_layer_moved() -> None:
    result = EXPERIMENT.run({"shift": 300})
    lines = {str(line.name): dict(zip(line.x, line.y, strict=True)) for line in result.figures[0].series}
    checks = {check.name: check.measured for check in result.checks}
    added, turned = lines.values()
    assert (
        added[300.0] == pytest.approx(checks["shift-changes-added-positions"], abs=1e-6) and min(added.values()) > 1e-3
    )
    assert turned[300.0] < 2e-5 and checks["shift-changes-nothing"] < 2e-5


def test_nothing_shifted_is_no_claim() -> None:
    checks = {check.name: check for check in EXPERIMENT.run({"shift": 0}).checks}
    assert checks["shift-changes-nothing"].holds is None and checks["norm-kept"].holds is True
