"""Attention's mixing matrix comes from the input, a fully connected layer's from training."""

from __future__ import annotations

import numpy as np
import pytest

from tests.tui.experiments.checking import (
    assert_hold_or_null,
)
from tui.experiments.static_mixing.declaration import EXPERIMENT
from tui.figures.data import Heatmap


@pytest.mark.parametrize("width", [16, 128])
@pytest.mark.parametrize("tokens", [4, 32])
def test_claims_hold_together(tokens: int, width: int) -> None:
    for seed in range(1, 6):
        settings = {"d_model": width, "tokens": tokens, "seed": seed}
        assert_hold_or_null(EXPERIMENT.run(settings), settings)


@pytest.mark.parametrize("layer", ["attention", "dense"])
def test_the_drawn_matrices_are_those_of_the_layer(layer: str) -> None:
    figure = EXPERIMENT.run({"layer": layer}).figures[0]
    assert isinstance(figure, Heatmap)
    first, second = figure.stages[-1].values
    assert np.array_equal(first, second) == (layer == "dense")
    assert (np.abs(first.sum(-1) - 1).max() < 1e-5) == (layer == "attention")
