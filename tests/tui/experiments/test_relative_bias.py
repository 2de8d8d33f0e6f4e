"""ALiBi's slopes, T5's buckets and Shaw's keys, against what their papers say."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.tui.experiments.checking import (
    assert_hold_or_null,
    values_of,
)
from tui.experiments.relative_bias.declaration import EXPERIMENT


@pytest.mark.parametrize("heads", [1, 2, 4, 8, 16])
@pytest.mark.parametrize("length", [8, 64])
def test_claims_hold_together(heads: int, length: int) -> None:
    for seed in range(4):
        settings = {"heads": heads, "length": length, "seed": seed}
        assert_hold_or_null(EXPERIMENT.run(settings), settings)


def test_the_slopes_of_eight_heads_are_those_of_the_paper() -> None:
    table = next(figure for figure in EXPERIMENT.run().figures if figure.name == "slopes")
    assert [row[1] for row in table.rows] == [2.0**-power for power in range(1, 9)]


def test_the_steepest_head_by_hand() -> None:
    values = values_of(EXPERIMENT)
    assert values["alibi-head-range"] == pytest.approx(1 - math.exp(-0.5), abs=1e-5)
    assert values["alibi-longer-text"] == pytest.approx(math.exp(-16), abs=1e-6)
    assert values["t5-parameters"] == 256


@pytest.mark.parametrize("kind", ["alibi", "t5"])
def test_biases_are_constant_along_diagonals(kind: str) -> None:
    bias = np.asarray(EXPERIMENT.run({"kind": kind}).figures[0].stages[0].values)
    np.testing.assert_array_equal(bias[:, 1:, 1:], bias[:, :-1, :-1])
