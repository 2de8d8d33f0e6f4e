"""Two forms of one function, a state that does not grow, and a recall that runs out of room."""

from __future__ import annotations

import numpy as np
import pytest

from tests.tui.experiments.checking import (
    values_of,
)
from tui.experiments.linear_attention.body import recall
from tui.experiments.linear_attention.declaration import EXPERIMENT


@pytest.mark.parametrize(("width", "pairs"), [(8, 64), (16, 128), (32, 256)])
def test_claims_hold_for_other_draws(width: int, pairs: int) -> None:
    for seed in range(1, 5):
        settings = {"width": width, "pairs": pairs, "tokens": 16, "decay": 0.9, "seed": seed}
        result = EXPERIMENT.run(settings)
        assert all(check.holds for check in result.checks), settings


def test_the_map_is_a_double_loop_with_the_decay() -> None:
    result = EXPERIMENT.run({"decay": 0.7, "tokens": 8, "width": 8})
    steps = {step.path: step.value[0, 0] for step in result.steps}
    phi_q, phi_k = (steps[f"map.{name}_features"].astype(np.float64) for name in ("query", "key"))
    for i in range(8):
        scores = [phi_q[i] @ phi_k[j] * 0.7 ** (i - j) for j in range(i + 1)]
        np.testing.assert_allclose(steps["map.weights"][i, : i + 1], np.array(scores) / sum(scores), atol=1e-6)
        assert not steps["map.weights"][i, i + 1 :].any()


def test_sizes_by_hand() -> None:
    values = values_of(EXPERIMENT, {"tokens": 64, "width": 32})
    assert values["cache-over-state"] == 2 * 32 * 64 / (32 * 33)
    memory = next(figure for figure in EXPERIMENT.run({"tokens": 64, "width": 32}).figures if figure.name == "memory")
    cache, state = (list(series.y) for series in memory.series)
    assert cache == [2 * 32 * n for n in (1, 2, 4, 8, 16, 32, 64)] and state == [32 * 33] * 7


def test_a_wider_head_recalls_more() -> None:
    rates = [np.mean([recall(width, 64, seed)[1] for seed in range(3)]) for width in (8, 16, 32, 64)]
    assert rates == sorted(rates) and rates[-1] > 95 and rates[0] < 20
