"""Sinusoids: a shift is one rotation, dot products see distances, and tokens get a place."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.tui.experiments.checking import (
    assert_hold_or_null,
    values_of,
)
from tui.experiments.sinusoids.declaration import EXPERIMENT


@pytest.mark.parametrize("width", [8, 64, 512])
@pytest.mark.parametrize("offset", [1, 7, 12])
def test_claims_hold_together(width: int, offset: int) -> None:
    for seed in range(3):
        settings = {"width": width, "offset": offset, "seed": seed, "length": 32}
        assert_hold_or_null(EXPERIMENT.run(settings), settings)


def test_the_table_by_hand() -> None:
    picture = EXPERIMENT.run({"width": 8, "length": 16}).figures[0]
    sines, cosines = np.asarray(picture.stages[0].values)  # [16, 4] each: the even features and the odd ones
    np.testing.assert_allclose(sines[0], [0] * 4)
    np.testing.assert_allclose(cosines[0], [1] * 4)
    np.testing.assert_allclose(sines[1, :2], [math.sin(1), math.sin(0.1)], atol=1e-7)
    np.testing.assert_allclose(cosines[1, :2], [math.cos(1), math.cos(0.1)], atol=1e-7)


def test_the_paper_s_wavelengths() -> None:
    assert values_of(EXPERIMENT, {"width": 512})["longest-wavelength"] == pytest.approx(60_612, rel=1e-3)
    table = next(figure for figure in EXPERIMENT.run().figures if figure.name == "wavelengths")
    assert table.rows[0][2] == pytest.approx(2 * math.pi)


def test_without_a_repeated_token_nothing_is_claimed_of_it() -> None:
    checks = {check.name: check for check in EXPERIMENT.run({"sentence": "甲乙丙"}).checks}
    assert checks["without-positions-alike"].holds is None and checks["shift-is-linear"].holds is True
