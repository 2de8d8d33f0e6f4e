"""Decay by three optimizers against plain float64 loops, and the claims at other seeds."""

from __future__ import annotations

import numpy as np
import pytest

from tests.tui.experiments.checking import assert_hold_or_null, values_of
from tui.experiments.decoupled_decay.body import RATE, SCALES, _noise
from tui.experiments.decoupled_decay.declaration import EXPERIMENT


@pytest.mark.parametrize(("decay", "seed"), [(0.05, 1), (0.3, 2)])
def test_claims_hold_elsewhere(decay: float, seed: int) -> None:
    settings = {"decay": decay, "seed": seed}
    assert_hold_or_null(EXPERIMENT.run(settings), settings)


def test_what_is_left_by_a_loop() -> None:
    """Adam with its penalty in the gradient, written out in float64."""
    decay, steps = 0.1, 50
    noise = _noise(steps, 0).astype(np.float64)
    w, m, v = np.ones(noise.shape[1:]), 0.0, 0.0
    for t, drawn in enumerate(noise, 1):
        g = drawn + decay * w
        m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
        w = w - RATE * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-12)
    penalty, decoupled, plain = EXPERIMENT.run({"decay": decay, "steps": steps}).figures[0].series
    np.testing.assert_allclose(penalty.y, 100 * w.mean(-1), atol=0.05)
    np.testing.assert_allclose(decoupled.y, 100 * (1 - RATE * decay) ** steps, atol=0.01)
    np.testing.assert_allclose(plain.y, 100 * (1 - RATE * decay) ** steps, atol=0.01)
    assert tuple(penalty.x) == SCALES


def test_only_the_frequent_classes_are_learned_by_sgd() -> None:
    bars = EXPERIMENT.run().figures[1]
    by_sgd, by_adam = np.array(bars.values[::2]), np.array(bars.values[1::2])
    assert (by_adam < by_sgd).all() and by_sgd[-1] > np.log(64) > by_sgd[0]
    assert values_of(EXPERIMENT)["rare-by-adam"] == pytest.approx((by_sgd - by_adam)[2:].mean())
