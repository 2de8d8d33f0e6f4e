"""√d makes words commensurate with sinusoids; a trained model reads only with the factor that it was trained with."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.tui.experiments.checking import (
    values_of,
)
from tui.experiments.embedding_scale.declaration import EXPERIMENT


def test_the_trained_model_is_best_with_its_own_factor() -> None:
    curve: Any = EXPERIMENT.run({"d_model": 64}).figures[0]
    exact = dict(zip(curve.series[0].x, curve.series[0].y, strict=True))
    assert exact[1.0] == max(exact.values()) and exact[0.125] == 0
    assert 0 < exact[0.75] < 100 and 10 < exact[2.0] < 60, "some are lost, as the predict item says"


def test_the_positions_share_beside_sines_by_hand() -> None:
    """The mean square of a sine and a cosine of one angle is 1/2, whatever the width."""
    angles = np.arange(32)[:, None] / 10_000 ** (2 * np.arange(32) / 64)
    square = np.square(np.concatenate([np.sin(angles), np.cos(angles)], 1)).mean()
    assert square == pytest.approx(0.5)
    found = values_of(EXPERIMENT, {"d_model": 64})
    assert found["positions-without"] == pytest.approx(100 * square / (square + found["raw-std"] ** 2), abs=0.05)
