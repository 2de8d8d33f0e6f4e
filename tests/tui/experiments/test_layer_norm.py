"""Layer norm knows one token; batch norm's output hangs on the batch, on padding and on the mode."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.tui.experiments.checking import (
    assert_hold_or_null,
    values_of,
)
from tui.experiments.layer_norm.declaration import EXPERIMENT


@pytest.mark.parametrize("width", [8, 64])
@pytest.mark.parametrize("batch", [2, 16])
def test_claims_hold_for_many_seeds(batch: int, width: int) -> None:
    for seed in range(6):
        settings = {"batch": batch, "width": width, "seed": seed}
        assert_hold_or_null(EXPERIMENT.run(settings), settings)


def test_as_much_padding_as_text_grows_the_text_by_the_root_of_two() -> None:
    """Half of all tokens are zero, so the variance halves; the means are near 0 with this many tokens."""
    measured = values_of(EXPERIMENT, {"length": 32, "padding": 32, "batch": 64})["bn-padding-inflates"]
    assert measured == pytest.approx(np.sqrt(2), abs=2e-3)


def test_the_map_shows_rows_and_columns_evened_out() -> None:
    """At 2 x 2 tokens and 8 features the map is the whole tensor."""
    figure: Any = EXPERIMENT.run({"batch": 2, "length": 2, "width": 8}).figures[0]
    layer, batch = (np.asarray(stage.values)[0] for stage in figure.stages[1:])
    np.testing.assert_allclose(layer.mean(1), 0, atol=1e-6)
    np.testing.assert_allclose(batch.mean(0), 0, atol=1e-6)
    assert np.abs(layer.mean(0)).max() > 0.05 and np.abs(batch.mean(1)).max() > 0.05


def test_the_curve_of_layer_norm_is_flat_at_zero() -> None:
    curve: Any = EXPERIMENT.run().figures[1]
    assert max(curve.series[0].y) == 0.0 and min(curve.series[1].y) > 0.1
