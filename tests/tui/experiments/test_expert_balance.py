"""A bias that follows the load evens it out and leaves router and gates alone; fine experts cost as coarse ones do."""

from __future__ import annotations

import math

import pytest

from tests.tui.experiments.checking import assert_hold_or_null, values_of
from tui.experiments.expert_balance.declaration import EXPERIMENT


@pytest.mark.parametrize(("experts", "skew", "rate"), [(8, 1.5, 0.01), (16, 1.0, 0.02), (32, 1.5, 0.01)])
def test_claims_hold_for_other_loads(experts: int, skew: float, rate: float) -> None:
    for seed in range(2):
        settings = {"experts": experts, "skew": skew, "rate": rate, "seed": seed}
        assert_hold_or_null(EXPERIMENT.run(settings), settings)


def test_the_table_by_hand() -> None:
    table = next(figure for figure in EXPERIMENT.run({"experts": 16}).figures if figure.name == "fine")
    coarse, fine = (list(row[1:]) for row in table.rows)
    assert coarse == [16, 2, 16 * 2 * 16 * 32, 2 * 2 * 2 * 16 * 32, 120]
    assert fine == [64, 8, *coarse[2:4], math.comb(64, 8)]


def test_without_batches_nothing_changes() -> None:
    values = values_of(EXPERIMENT, {"steps": 0})
    assert values["load-after"] is None and values["load-before"] is not None
    assert set(EXPERIMENT.run({"steps": 0}).figures[1].values) == {0.0}


def test_a_balancing_loss_does_pull_on_the_router() -> None:
    result = EXPERIMENT.run({"by_loss": True}, hidden=True)
    assert next(check.measured for check in result.checks if check.name == "router-untouched") > 1e-4
