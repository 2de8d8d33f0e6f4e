"""Dropped attention weights sum to 1 on average only; the residual passes; evaluation repeats."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from tests.tui.experiments.checking import (
    assert_hold_or_null,
)
from tui.experiments.dropout_places.body import _scatter
from tui.experiments.dropout_places.declaration import EXPERIMENT


def test_claims_hold_for_several_seeds() -> None:
    for seed in (1, 2, 3):
        settings = {"seed": seed, "masks": 256}
        assert_hold_or_null(EXPERIMENT.run(settings), settings)


def test_the_derived_scatter_by_all_masks_of_three_weights() -> None:
    """Every one of the 8 masks with its probability, instead of drawing any."""
    weights, p = np.array([0.5, 0.3, 0.2]), 0.25
    square = 0.0
    for mask in np.ndindex(2, 2, 2):
        probability = math.prod(1 - p if kept else p for kept in mask)
        square += probability * ((weights * mask).sum() / (1 - p) - 1) ** 2
    assert _scatter(weights, weights, p)[1] == pytest.approx(math.sqrt(square))


def test_one_mask_has_zeros_and_the_mean_of_many_is_what_was_before() -> None:
    figure: Any = EXPERIMENT.run({"p": 0.3}).figures[0]
    stages = {stage.name: np.asarray(stage.values)[0] for stage in figure.stages}
    assert (stages["one-mask"] == 0).any() and not (stages["weights"] == 0).any()
    np.testing.assert_allclose(stages["mean"], stages["weights"], atol=0.05)
