"""A routed layer equals its loop, costs k of E, and its load evens out when the balancing loss is followed."""

from __future__ import annotations

import numpy as np
import pytest

from tests.tui.experiments.checking import (
    values_of,
)
from tui.experiments.mixture_of_experts.body import Balance
from tui.experiments.mixture_of_experts.declaration import EXPERIMENT


@pytest.mark.parametrize(("experts", "top_k"), [(8, 1), (8, 4), (16, 2)])
def test_claims_hold_for_other_draws(experts: int, top_k: int) -> None:
    for seed, skew in ((1, 1.0), (2, 2.0)):
        settings = {"experts": experts, "top_k": top_k, "skew": skew, "seed": seed}
        result = EXPERIMENT.run(settings)
        assert all(check.holds in (True, None) for check in result.checks), settings


def test_the_table_by_hand() -> None:
    table = next(figure for figure in EXPERIMENT.run({"experts": 4, "top_k": 1}).figures if figure.name == "cost")
    one = 16 * 32 + 32 + 32 * 16 + 16
    router = 4 * 16
    assert list(table.rows[0][1:]) == [one, one, 4 * 16 * 32]
    assert list(table.rows[1][1:]) == [4 * one + router, one + router, 4 * 16 * 32 + 2 * router]
    assert list(table.rows[2][1:]) == [4 * one, 4 * one, 4 * 4 * 16 * 32]


def test_the_marks_of_the_strip_are_the_chosen_experts() -> None:
    result = EXPERIMENT.run({"sentence": "猫 狗 猫", "experts": 4})
    strip = next(figure for figure in result.figures if figure.name == "routing").strips[0]
    probabilities = next(step.value for step in result.steps if step.path == "sparse.probabilities")
    best = np.argsort(-probabilities, axis=-1)[:, :2]
    assert list(strip.marks) == [f"{a},{b}" for a, b in best] and strip.marks[0] == strip.marks[2]


def test_the_peak_is_the_busiest_over_the_mean() -> None:
    assert Balance.peak(np.array([2.0, 2.0, 2.0])) == 1.0 and Balance.peak(np.array([6.0, 0.0, 0.0])) == 3.0


def test_without_steps_nothing_changes() -> None:
    bars = {figure.name: figure for figure in EXPERIMENT.run({"steps": 0}).figures}
    assert bars["before"].values == bars["after"].values
    assert values_of(EXPERIMENT, {"steps": 0})["load-after"] is None


def test_more_experts_than_there_are_is_said() -> None:
    result = EXPERIMENT.run({"experts": 2, "top_k": 4})
    assert not result.figures and all("at most E" in check.reason.en for check in result.checks)
