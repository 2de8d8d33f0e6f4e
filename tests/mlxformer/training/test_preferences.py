"""DPO, PPO and GRPO beside loops in float64, and their gradients beside finite differences."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from mlxformer.backend import mx, to_numpy
from mlxformer.errors import ArgumentError
from mlxformer.training.preferences import dpo_loss, group_advantages, grpo_loss, ppo_loss

ROWS = np.random.default_rng(0).normal(size=(4, 6)).astype(np.float32)
ADVANTAGES = np.array([1.5, -0.5, 2.0, -1.0, 0.25, -2.0], np.float32)
MASK = np.arange(5) < np.array([5, 2, 1])[:, None]
TOKENS = np.random.default_rng(1).normal(size=(3, 3, 5)).astype(np.float32) * np.float32(0.4)
GROUP = np.array([1.0, -2.0, 0.5], np.float32)


def dpo(a: Any, b: Any, c: Any, d: Any, beta: float) -> float:
    return float(
        np.mean([math.log1p(math.exp(-beta * ((w - x) - (y - z)))) for w, y, x, z in zip(a, b, c, d, strict=True)])
    )


def ppo(new: Any, old: Any, advantages: Any, clip: float) -> float:
    total = 0.0
    for n, o, a in zip(new, old, advantages, strict=True):
        ratio = math.exp(n - o)
        a = float(a)
        total += min(ratio * a, min(max(ratio, 1 - clip), 1 + clip) * a)
    return -total / len(new)


def grpo(new: Any, old: Any, reference: Any, clip: float, beta: float) -> float:
    answers = []
    for i in range(len(new)):
        own = []
        for t in np.flatnonzero(MASK[i]):
            d = reference[i, t] - new[i, t]
            own.append(-ppo([new[i, t]], [old[i, t]], [GROUP[i]], clip) - beta * (math.exp(d) - d - 1))
        answers.append(np.mean(own))
    return -float(np.mean(answers))


def test_dpo_beside_a_loop() -> None:
    loss = dpo_loss(*map(mx.array, ROWS), beta=0.7)
    assert float(loss) == pytest.approx(dpo(*ROWS.astype(float), 0.7), rel=1e-5)
    far = mx.array(np.array([-1e4], np.float32))
    assert float(dpo_loss(far, mx.zeros((1,)), mx.zeros((1,)), mx.zeros((1,)), 1.0)) == 1e4  # no log of 0


def test_ppo_beside_a_loop() -> None:
    """With ratios inside and on both sides of the clip, for gains and losses."""
    new, old = ROWS[0], ROWS[1] * np.float32(0.5)
    ratios = np.exp(new - old)
    assert (ratios > 1.2).any() and (ratios < 0.8).any()
    loss = ppo_loss(mx.array(new), mx.array(old), mx.array(ADVANTAGES), 0.2)
    assert float(loss) == pytest.approx(ppo(new.astype(float), old.astype(float), ADVANTAGES, 0.2), rel=1e-5)


def test_grpo_beside_a_loop() -> None:
    arrays = [mx.array(each) for each in (*TOKENS, GROUP, MASK)]
    assert float(grpo_loss(*arrays, clip=0.1, beta=0.5)) == pytest.approx(
        grpo(*TOKENS.astype(float), 0.1, 0.5), rel=1e-5
    )


def test_advantages_by_hand() -> None:
    rewards = np.array([[1, 0, 0, 1], [2, 2, 2, 2]], np.float32)
    found = to_numpy(group_advantages(mx.array(rewards), eps=1e-6))
    np.testing.assert_allclose(found, [[1, -1, -1, 1], [0, 0, 0, 0]], atol=1e-5)


@pytest.mark.parametrize("name", ["dpo", "ppo", "grpo"])
def test_gradients_beside_finite_differences(name: str) -> None:
    """Of the trained policy alone: where the clip holds it is 0."""
    losses: dict[str, tuple[Callable[[Any], Any], Callable[[Any], float], np.ndarray]] = {
        "dpo": (
            lambda x: dpo_loss(x, *map(mx.array, ROWS[1:])),
            lambda x: dpo(x, *ROWS[1:].astype(float), 0.1),
            ROWS[0],
        ),
        "ppo": (
            lambda x: ppo_loss(x, mx.array(ROWS[1]), mx.array(ADVANTAGES)),
            lambda x: ppo(x, ROWS[1].astype(float), ADVANTAGES, 0.2),
            ROWS[0],
        ),
        "grpo": (
            lambda x: grpo_loss(x, *(mx.array(each) for each in (*TOKENS[1:], GROUP, MASK))),
            lambda x: grpo(x, *TOKENS[1:].astype(float), 0.2, 0.04),
            TOKENS[0],
        ),
    }
    ours, plain, at = losses[name]
    found = to_numpy(mx.grad(ours)(mx.array(at)))
    wide, step = at.astype(float), 1e-6
    for index in np.ndindex(at.shape):
        moved = wide.copy()
        moved[index] += step
        up = plain(moved)
        moved[index] -= 2 * step
        assert found[index] == pytest.approx((up - plain(moved)) / (2 * step), abs=2e-5), index


def test_refusals() -> None:
    four, five = mx.zeros((4,)), mx.zeros((5,))
    with pytest.raises(ArgumentError, match="reference must have shape"):
        dpo_loss(four, four, five, four)
    with pytest.raises(ArgumentError, match="beta"):
        dpo_loss(four, four, four, four, beta=0.0)
    with pytest.raises(ArgumentError, match="advantages"):
        ppo_loss(four, four, five)
    with pytest.raises(ArgumentError, match="rewards"):
        group_advantages(four)
