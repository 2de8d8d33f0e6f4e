"""Outliers against scales, coarse and fine, and the date model in few bits."""

from __future__ import annotations

import numpy as np
import pytest

import mlxformer as mf
from tests.tui.experiments.checking import (
    assert_hold_or_null,
    values_of,
)
from tui.experiments.quantisation import dates
from tui.experiments.quantisation.declaration import EXPERIMENT


@pytest.mark.parametrize("bits", ["8", "4"])
@pytest.mark.parametrize("outlier", [16, 50])
def test_other_draws(bits: str, outlier: int) -> None:
    settings: dict[str, object] = {"bits": bits, "outlier": outlier, "seed": 1}
    assert_hold_or_null(EXPERIMENT.run(settings), settings)


def test_the_numbers_of_an_independent_draw() -> None:
    """NumPy alone: 64 channels of 128 normal numbers, one of them 30 times as large, 8 bits."""
    weights = np.random.default_rng(0).standard_normal((64, 128))
    weights[7] *= 30
    ordinary = np.arange(64) != 7
    errors = []
    for steps in (np.abs(weights).max() / 127, np.abs(weights).max(1, keepdims=True) / 127):
        difference = np.rint(weights / steps) * steps - weights
        errors.append(np.linalg.norm(difference[ordinary]) / np.linalg.norm(weights[ordinary]))
    values = values_of(EXPERIMENT)
    assert values["one-scale-error"] == pytest.approx(errors[0], rel=1e-3)
    assert values["own-scales-error"] == pytest.approx(errors[1], rel=1e-3)


def test_the_error_of_a_shared_scale_grows_with_the_outlier_and_of_own_scales_not_at_all() -> None:
    near, far = (values_of(EXPERIMENT, {"outlier": outlier}) for outlier in (20, 40))
    assert near["one-scale-error"] is not None and far["one-scale-error"] is not None
    assert far["one-scale-error"] / near["one-scale-error"] == pytest.approx(2, rel=0.03)
    assert far["own-scales-error"] == near["own-scales-error"]


def test_the_date_model_is_itself_again_after_every_reading() -> None:
    whole = dates.read(0, 32, False)
    assert whole.exact == 100 and whole.divergence == 0
    assert whole.kilobytes == 4 * mf.load_pretrained("dates").card.parameters / 1024
    broken = dates.read(0, 2, False)
    assert broken.exact < 20 and broken.divergence > 1
    assert dates._read.measure(0, 32, False) == (whole.exact, whole.divergence, whole.kilobytes)


def test_fewer_bits_never_move_the_predictions_less() -> None:
    for own in (False, True):
        divergences = [dates.read(0, bits, own).divergence for bits in (8, 6, 5, 4, 3)]
        assert divergences == sorted(divergences)
