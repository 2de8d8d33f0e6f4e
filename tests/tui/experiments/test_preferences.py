"""DPO's end against RLHF's optimum, PPO's slopes by hand, and the claims at other settings."""

from __future__ import annotations

import numpy as np
import pytest

from tests.tui.experiments.checking import assert_hold_or_null
from tui.experiments.preferences.body import RATIOS, _slopes, _softmax
from tui.experiments.preferences.declaration import EXPERIMENT


@pytest.mark.parametrize("settings", [{"beta": 0.5, "seed": 1}, {"group": 4, "clip": 0.4, "seed": 2}])
def test_claims_hold_elsewhere(settings: dict[str, float]) -> None:
    assert_hold_or_null(EXPERIMENT.run(settings), settings)


@pytest.mark.parametrize("advantage", [1.0, -2.0])
def test_slopes_by_cases(advantage: float) -> None:
    """d/d log π of min(r A, clip(r) A): r A, or 0 where the clipped side is the smaller."""
    flat = RATIOS > 1.2 + 1e-6 if advantage > 0 else RATIOS < 0.8 - 1e-6
    inside = np.abs(np.abs(RATIOS - 1) - 0.2) > 1e-6  # at the corner either slope is right
    wanted = np.where(flat, 0.0, RATIOS * advantage)
    np.testing.assert_allclose(_slopes(advantage, 0.2)[inside], wanted[inside], atol=1e-5)


def test_the_optimum_of_rlhf_by_its_gradient() -> None:
    """At π_ref exp(R/β)/Z no direction on the simplex raises E[R] − β KL(π ‖ π_ref)."""
    generator, beta = np.random.default_rng(0), 0.7
    reference, rewards = generator.standard_normal((2, 6))
    start, best = _softmax(reference), _softmax(reference + rewards / beta)
    slope = rewards - beta * (np.log(best / start) + 1)
    np.testing.assert_allclose(slope, slope[0])
