"""What each recipe leaves of a pair's speed, and that only what was seen in training can be read farther away."""

from __future__ import annotations

import numpy as np
import pytest

from tests.tui.experiments.checking import assert_hold_or_null
from tui.experiments.rope_scaling.declaration import EXPERIMENT


@pytest.mark.parametrize(("factor", "length", "width"), [(2, 1024, 64), (8, 256, 32), (16, 512, 128)])
def test_claims_hold_for_other_lengths(factor: int, length: int, width: int) -> None:
    for seed in range(3):
        settings = {"factor": factor, "length": length, "head_dim": width, "seed": seed}
        assert_hold_or_null(EXPERIMENT.run(settings), settings)


def test_speeds_pair_by_pair() -> None:
    curve = EXPERIMENT.run({"factor": 8, "length": 512, "head_dim": 64}).figures[0]
    plain, pi, ntk, yarn = (np.array(series.y) for series in curve.series)
    theta = 10_000.0 ** (-np.arange(32) / 32)
    turns = 512 * theta / (2 * np.pi)
    kept = np.clip((turns - 1) / 31, 0, 1)
    np.testing.assert_allclose(plain, 1)
    np.testing.assert_allclose(pi, 1 / 8, rtol=1e-4)
    np.testing.assert_allclose(ntk, 8.0 ** (-np.arange(32) / 31), rtol=1e-4)
    np.testing.assert_allclose(yarn, kept + (1 - kept) / 8, rtol=1e-4)


def test_ntk_reaches_a_little_farther_than_was_seen() -> None:
    """What the answer says of it: pairs just above the slowest go beyond the trained angle at the same s."""
    table = next(figure for figure in EXPERIMENT.run().figures if figure.name == "recipes")
    beyond = {str(getattr(row[0], "en", row[0])): row[3] for row in table.rows}
    assert beyond["extrapolated"] == pytest.approx(4) and 1.05 < beyond["NTK"] < 4
    assert beyond["PI"] == pytest.approx(1, rel=1e-4) and beyond["YaRN"] == pytest.approx(1, rel=1e-4)


def test_an_odd_width_is_said() -> None:
    assert all("pairs" in check.reason.en for check in EXPERIMENT.run({"head_dim": 33}).checks)
