"""From which sizes to which the norms are right: on NumPy from 1e-30 to 1e30, on MLX as far as MLX's own go."""

from __future__ import annotations

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.backend import mx, to_numpy
from mlxformer.layers.normalization import normalization

SIZES = [10.0**power for power in range(-30, 31, 5)] + [1e18, 1e19]
ROWS = np.random.default_rng(0).standard_normal((3, 16))


def by_float64(kind: str, x: np.ndarray, eps: float) -> np.ndarray:
    x = x.astype(np.float64)
    if kind == "layer":
        x = x - x.mean(-1, keepdims=True)
    return x / np.sqrt((x * x).mean(-1, keepdims=True) + eps)


def is_right(kind: str, size: float, eps: float) -> bool:
    x = (size * ROWS).astype(np.float32)
    wanted = by_float64(kind, x, np.float64(np.float32(eps)))
    got = to_numpy(normalization(kind, 16, eps)(mx.array(x))).astype(np.float64)
    error = np.abs(got - wanted).max() / np.abs(wanted).max()
    print(f"{mf.backend.name} {kind} ±{size:g} eps {eps:g}: relative error {error:.1e}")
    return bool(error < 1e-5)


@pytest.mark.parametrize("eps", [1e-5, 1e-12, 1e-37])
@pytest.mark.parametrize("kind", ["layer", "rms"])
def test_the_range_of_the_norms(kind: str, eps: float) -> None:
    right = [size for size in SIZES if is_right(kind, size, eps)]
    if mf.backend.name == "numpy":
        assert right == SIZES
    else:  # what the docstring says of MLX's own
        assert [size for size in SIZES if 1e-17 <= size <= 1e18 and size not in right] == []
        assert 1e25 not in right and 1e30 not in right


@pytest.mark.parametrize("size", [1e-30, 1e-20, 1.0, 1e20, 1e30])
def test_the_gradient_on_numpy(size: float) -> None:
    if mf.backend.name != "numpy":
        pytest.skip("MLX's own norm")
    x, g = (size * ROWS).astype(np.float32), np.random.default_rng(1).standard_normal((3, 16)).astype(np.float32)
    got = mx.grad(lambda x: mx.sum(normalization("layer", 16, 1e-37)(x) * mx.array(g)))(mx.array(x))
    normal = by_float64("layer", x, 1e-37)
    spread = np.sqrt(x.astype(np.float64).var(-1, keepdims=True) + 1e-37)
    wanted = (g - g.mean(-1, keepdims=True) - normal * (g * normal).mean(-1, keepdims=True)) / spread
    np.testing.assert_allclose(to_numpy(got) / np.abs(wanted).max(), wanted / np.abs(wanted).max(), atol=1e-5)


@pytest.mark.parametrize("kind", ["layer", "rms"])
def test_sixteen_bits_sum_in_float32(kind: str) -> None:
    """8,192 features of 30: their squares' sum is 7.4 million, and float16 ends at 65,504."""
    x = (30 + np.random.default_rng(0).standard_normal((1, 8192))).astype(np.float16)
    got = normalization(kind, 8192)(mx.array(x))
    norm = normalization(kind, 8192)
    norm.set_dtype(mx.float16)
    for y in (got, norm(mx.array(x))):
        np.testing.assert_allclose(to_numpy(y), by_float64(kind, x, 1e-5), rtol=2e-3, atol=2e-3)
    assert norm(mx.array(x)).dtype == mx.float16


@pytest.mark.parametrize("kind", ["layer", "rms"])
def test_sixteen_bits_with_parameters_in_float32_leave_in_float32(kind: str) -> None:
    """A gain of 100,000 leaves float16's range; both backends promote, as they do for any product."""
    norm = normalization(kind, 4)
    norm.weight = norm.weight * 1e5
    x = np.array([[1, -2, 3, 0.5]], np.float16)
    y, gradient = mx.value_and_grad(lambda x: mx.sum(norm(x)))(mx.array(x))
    got = norm(mx.array(x))
    assert (got.dtype, y.dtype, gradient.dtype) == (mx.float32, mx.float32, mx.float16)
    np.testing.assert_allclose(to_numpy(got), 1e5 * by_float64(kind, x, 1e-5), rtol=1e-5)
