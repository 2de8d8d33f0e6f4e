"""What float16 does to gradients, by rounding those of float32 directly, and the claims at other settings."""

from __future__ import annotations

import numpy as np
import pytest

from tests.tui.experiments.checking import assert_hold_or_null, values_of
from tui.experiments.mixed_precision.body import _moved, _overflowed, _vanished
from tui.experiments.mixed_precision.declaration import EXPERIMENT


@pytest.mark.parametrize("settings", [{"tokens": 2048, "seed": 1}, {"tokens": 32768, "power": 12, "seed": 2}])
def test_claims_hold_elsewhere(settings: dict[str, int]) -> None:
    assert_hold_or_null(EXPERIMENT.run(settings), settings)


def test_shares_by_hand() -> None:
    exact = np.array([0.0, 1e-9, 1e-7, 1.0])
    assert _vanished(exact.astype(np.float16).astype(np.float64), exact) == pytest.approx(100 / 3)
    assert _overflowed(np.array([1.0, np.inf, np.nan, 2.0])) == 50


def test_larger_steps_move_half_weights_too() -> None:
    """0.0001 is less than half the gap of 0.00098 after 1 and is lost; below 1/8 the gap is small enough."""
    from mlxformer.backend import mx

    assert _moved(mx.float16)[-1] == 0
    assert _moved(mx.float32)[-1] == pytest.approx(0.01, rel=1e-3)


def test_the_formats_are_ieee_s() -> None:
    table = next(figure for figure in EXPERIMENT.run().figures if figure.name == "formats")
    for row, dtype in zip(table.rows, (np.float32, np.float16), strict=False):
        info = np.finfo(dtype)
        assert tuple(row[3:]) == (float(info.max), float(info.tiny), float(info.eps))


def test_more_tokens_more_zeros() -> None:
    few, many = (values_of(EXPERIMENT, {"tokens": each})["vanish-unscaled"] or 0.0 for each in (2048, 8192))
    assert 0 < few < many
