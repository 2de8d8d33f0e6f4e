"""Scores grow with both projections unless queries and keys are normalized or the scores capped."""

from __future__ import annotations

import numpy as np
import pytest

from tests.tui.experiments.checking import assert_hold_or_null, values_of
from tui.experiments.bounded_scores.body import GAINS, _entropy, _largest
from tui.experiments.bounded_scores.declaration import EXPERIMENT


@pytest.mark.parametrize(("gain", "cap", "width"), [(2, 20, 32), (16, 30, 16), (8, 100, 128)])
def test_claims_hold_for_other_widths(gain: int, cap: int, width: int) -> None:
    for seed in range(2):
        settings = {"gain": gain, "cap": cap, "head_dim": width, "seed": seed}
        assert_hold_or_null(EXPERIMENT.run(settings), settings)


def test_the_curve_of_scores_by_their_laws() -> None:
    plain, normed, capped = (np.array(series.y) for series in EXPERIMENT.run().figures[0].series)
    gains = np.array(GAINS, np.float64)
    np.testing.assert_allclose(plain, plain[0] * gains**2, rtol=1e-4)
    np.testing.assert_allclose(normed, normed[0], rtol=1e-3)
    np.testing.assert_allclose(capped, 50 * np.tanh(plain / 50), rtol=1e-4)


def test_without_the_norm_nearly_every_row_looks_at_one_token() -> None:
    assert values_of(EXPERIMENT, {"gain": 32})["saturated-rows"] > 90


def test_entropy_of_known_rows() -> None:
    rows = np.array([[0.25] * 4, [1.0, 0, 0, 0]])
    np.testing.assert_allclose(_entropy(rows), [np.log(4), 0], atol=1e-12)
    assert _largest(np.array([1.0, -3.0])) == 3
