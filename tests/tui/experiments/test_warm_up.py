"""The schedule peaks where warm-up ends; Adam's first updates; post-norm stalls without warm-up and learns with it."""

from __future__ import annotations

from statistics import NormalDist
from typing import Any

import numpy as np
import pytest

from tui.experiments.warm_up.body import CHANCE, P95_AT_FIRST, _adaptive_rates
from tui.experiments.warm_up.declaration import EXPERIMENT


def test_too_short_a_warm_up_is_no_claim() -> None:
    checks = {check.name: check for check in EXPERIMENT.run({"race_warmup": 4}).checks}
    assert checks["warm-up-lets-it-learn"].holds is None


def test_one_over_the_gradient_by_the_normal_distribution() -> None:
    """1/|g| exceeds x where |g| < 1/x: with probability 1/20 at the quantile of 0.525."""
    assert pytest.approx(1 / NormalDist().inv_cdf(0.525), abs=0.01) == P95_AT_FIRST


def test_adaptive_rates_beside_a_float64_loop() -> None:
    generator = np.random.default_rng([5, 2])
    second = np.zeros(20_000)
    for step in range(1, 4):
        second = 0.999 * second + 0.001 * generator.standard_normal(20_000).astype(np.float32).astype(np.float64) ** 2
        wanted = np.percentile(1 / np.sqrt(second / (1 - 0.999**step)), (50, 95))
        np.testing.assert_allclose(_adaptive_rates(0.999, 5)[step - 1], wanted, rtol=1e-3)


def test_the_race_as_drawn() -> None:
    curve: Any = EXPERIMENT.run().figures[0]
    none, warmed, pre, chance = (np.array(series.y) for series in curve.series)
    assert (np.abs(none[-8:] - CHANCE) < 0.2).all() and (chance == CHANCE).all()
    assert warmed[-1] < none[-1] - 0.3 and pre[-1] < 0.2
