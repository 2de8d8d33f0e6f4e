"""GELU's tanh form against float64, values and gradients, in both precisions and as far as they reach."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mlxformer.backend import mx, to_numpy
from mlxformer.layers.activations import gelu_tanh

PLACES = [-3e38, -1e20, -6e4, -1211.0, -41.0, -10.0, -3.0, -0.5, 0.0, 1e-7, 0.7, 3.0, 10.0, 1211.0, 6e4, 1e20, 3e38]


def by_hand(x: float) -> tuple[float, float]:
    """Value and slope in float64; where the tanh is ±1 its own slope is nothing."""
    inner = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3) if abs(x) < 1e6 else math.copysign(math.inf, x)
    tanh = math.tanh(inner)
    bend = 0.0 if abs(tanh) == 1 else (1 - tanh**2) * math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * x**2)
    return 0.5 * x * (1 + tanh), 0.5 * (1 + tanh) + 0.5 * x * bend


@pytest.mark.parametrize(("name", "eps"), [("float16", 2.0**-11), ("float32", 2.0**-22)])
def test_gelu_is_right_wherever_its_dtype_reaches(name: str, eps: float) -> None:
    dtype = getattr(mx, name)
    x = mx.array(np.array([p for p in PLACES if name == "float32" or abs(p) <= 65504], np.float32)).astype(dtype)
    wanted = np.array([by_hand(float(p)) for p in to_numpy(x)])
    slopes = mx.grad(lambda x: mx.sum(gelu_tanh(x).astype(mx.float32)))(x)
    assert gelu_tanh(x).dtype == slopes.dtype == dtype
    for found, right in zip((gelu_tanh(x), slopes), wanted.T, strict=True):
        np.testing.assert_allclose(to_numpy(found).astype(np.float64), right, rtol=eps, atol=2.0**-21)
