"""Linear parts obey superposition to rounding; the others do not, and each in its own way."""

from __future__ import annotations

import numpy as np
import pytest

from tests.tui.experiments.checking import (
    assert_hold_or_null,
)
from tui.experiments.linearity.declaration import EXPERIMENT


@pytest.mark.parametrize("a", [-2.0, -0.5, 1.0, 2.0])
@pytest.mark.parametrize("b", [-2.0, 0.5, 2.0])
def test_claims_hold_for_other_sums(a: float, b: float) -> None:
    for seed in range(3):
        settings = {"a": a, "b": b, "seed": seed}
        assert_hold_or_null(EXPERIMENT.run(settings), settings)


def test_growth_tells_linear_cubic_and_invariant_apart() -> None:
    curve = next(figure for figure in EXPERIMENT.run().figures if figure.name == "growth")
    factors = np.array(curve.series[0].x)
    linear, cubic, _, norm = (np.array(series.y) for series in curve.series)
    np.testing.assert_allclose(linear, factors, rtol=1e-5)
    np.testing.assert_allclose(cubic, factors**3, rtol=1e-4)
    np.testing.assert_allclose(norm, 1, rtol=1e-3)


def test_nothing_is_claimed_where_there_is_nothing_to_add() -> None:
    checks = {check.name: check for check in EXPERIMENT.run({"b": 0.0}).checks}
    assert checks["softmax-attention-is-not-linear"].holds is None
    assert checks["frozen-attention-is-linear"].holds is True
