"""Block by block with a running softmax attention is exact, holds one block of scores, and saves no operation."""

from __future__ import annotations

import numpy as np
import pytest

from tests.tui.experiments.checking import (
    assert_hold_or_null,
    values_of,
)
from tui.experiments.flash_attention.declaration import EXPERIMENT


@pytest.mark.parametrize("block", [1, 2, 16, 64])
@pytest.mark.parametrize("causal", [False, True])
def test_claims_hold_together(block: int, causal: bool) -> None:
    for seed in range(4):
        settings = {"block": block, "causal": causal, "seed": seed, "gain": 8}
        assert_hold_or_null(EXPERIMENT.run(settings), settings)


def test_the_share_held_by_hand() -> None:
    assert values_of(EXPERIMENT, {"length": 256, "block": 16})["scores-held"] == 16 / 256
    assert values_of(EXPERIMENT, {"length": 4, "block": 64})["scores-held"] == 1


def test_provisional_weights_sum_to_one_and_only_the_seen_have_any() -> None:
    figure = EXPERIMENT.run({"length": 32, "block": 8}).figures[1]
    weights = np.asarray(figure.stages[0].values)[0]
    assert weights.shape == (4, 32)
    np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-5)
    for index in range(4):
        assert (weights[index, 8 * (index + 1) :] == 0).all() and (weights[index, : 8 * (index + 1)] > 0).all()


def test_the_running_maximum_never_falls() -> None:
    table = next(figure for figure in EXPERIMENT.run().figures if figure.name == "state")
    highest = [row[2] for row in table.rows]
    assert highest == sorted(highest) and highest[-1] == max(row[1] for row in table.rows)
    assert table.rows[0][3] == 0  # nothing came before
