"""A loss scale follows the gradients, and a model in float16 learns with it what it cannot learn without."""

from __future__ import annotations

import numpy as np
import pytest

from mlxformer.backend import mx, nn, to_numpy
from mlxformer.errors import ArgumentError
from mlxformer.training.loss_scaling import LossScale


def test_it_halves_at_an_overflow_and_doubles_after_patience() -> None:
    scale = LossScale(1024.0, patience=3)
    good, bad = {"w": mx.array([512.0])}, {"w": mx.array([float("nan")])}
    seen = []
    for gradients in (good, good, bad, good, good, good, good):
        found = scale.unscale(gradients)
        seen.append((None if found is None else float(found["w"]), scale.scale))
    assert seen == [
        (0.5, 1024.0), (0.5, 1024.0), (None, 512.0), (1.0, 512.0), (1.0, 512.0), (1.0, 1024.0), (0.5, 1024.0)
    ]  # fmt: skip


def test_small_gradients_of_float16_survive() -> None:
    """d/dw of mean(w x) is x / N, below float16's least number."""
    layer, x = nn.Linear(4, 1, bias=False), mx.array(np.full((8, 4), 1e-7, np.float32))
    layer.weight = layer.weight.astype(mx.float16)

    def slope(factor: float) -> np.ndarray:
        loss = lambda: mx.mean(layer(mx.ones((8, 4)).astype(mx.float16)).astype(mx.float32) * x[:, :1]) * factor  # noqa: E731
        return to_numpy(nn.value_and_grad(layer, loss)()[1]["weight"].astype(mx.float32))

    scale = LossScale(2.0**14)
    assert np.abs(slope(1.0) / 1e-7 - 1).max() > 0.1
    kept = scale.unscale({"w": mx.array(slope(scale.scale))})
    np.testing.assert_allclose(to_numpy(kept["w"]), 1e-7, rtol=2e-2)


@pytest.mark.parametrize("wrong", [{"scale": 0.0}, {"scale": float("nan")}, {"patience": 0}])
def test_scales_that_are_none(wrong: dict[str, float]) -> None:
    with pytest.raises(ArgumentError, match=next(iter(wrong))):
        LossScale(**wrong)  # type: ignore[arg-type]
