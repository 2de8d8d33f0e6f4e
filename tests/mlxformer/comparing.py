"""What the tests of mlxformer share: seeded numbers, the binding tolerance, finite differences."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import numpy as np

from mlxformer.backend import mx, to_numpy

# test -> the error that came nearest to what it may be, and that limit: what ``pytest --numbers`` prints.
MEASURED: dict[str, tuple[float, float]] = {}


def numbers(*shape: int, seed: int = 0, scale: float = 1.0) -> np.ndarray:
    """Standard normal float32 numbers, the same on both backends and in every library compared with."""
    return (scale * np.random.default_rng(seed).standard_normal(shape)).astype(np.float32)


def booleans(*shape: int, seed: int = 0, share: float = 0.7) -> np.ndarray:
    return np.random.default_rng(seed).random(shape) < share


def as_numpy(x: Any) -> np.ndarray:
    """``x`` of ours, of torch or of NumPy."""
    if isinstance(x, np.ndarray):
        return x
    if type(x).__module__.split(".")[0] == "torch":
        return x.detach().cpu().numpy()
    return to_numpy(x)


def assert_close(ours: Any, reference: Any, tolerance: float = 1e-5) -> None:
    """``max |ours - reference| <= tolerance · max(1, max |reference|)``, and the shapes are the same."""
    got, wanted = as_numpy(ours), as_numpy(reference)
    assert got.shape == wanted.shape, f"shape {got.shape}, but the reference has {wanted.shape}"
    error = np.abs(got.astype(np.float64) - wanted.astype(np.float64))
    limit = tolerance * max(1.0, float(np.abs(wanted).max(initial=0.0)))
    worst = float(error.max(initial=0.0))
    test = os.environ.get("PYTEST_CURRENT_TEST", "").partition("[")[0].partition(" ")[0]
    if limit:  # where nothing is tolerated there is no share of it to print
        MEASURED[test] = max(MEASURED.get(test, (0.0, 1.0)), (worst, limit), key=lambda each: each[0] / each[1])
    assert worst <= limit, f"max error {worst:.3g} > {limit:.3g} at {np.unravel_index(error.argmax(), error.shape)}"


def assert_bit_equal(ours: Any, reference: Any) -> None:
    got, wanted = as_numpy(ours), as_numpy(reference)
    assert got.dtype == wanted.dtype
    np.testing.assert_array_equal(got, wanted)


def is_float32(*arrays: Any) -> bool:
    return all(array.dtype == mx.float32 for array in arrays)


def directional_difference(
    loss: Callable[..., Any], arrays: list[np.ndarray], index: int, *, seed: int = 0, step: float = 1e-2
) -> tuple[float, np.ndarray]:
    """The slope of ``loss`` along a random unit direction of ``arrays[index]``, by central differences.

    In float32, so the direction covers the whole array (one slope, well above rounding) and the step is large; the
    fourth-order formula keeps the truncation error below the rounding error.
    """
    direction = np.random.default_rng(seed).standard_normal(arrays[index].shape)
    direction /= np.linalg.norm(direction)

    def at(factor: float) -> float:
        moved = list(arrays)
        moved[index] = (arrays[index] + factor * step * direction).astype(np.float32)
        return float(to_numpy(loss(*map(mx.array, moved))))

    slope = (8 * (at(1) - at(-1)) - (at(2) - at(-2))) / (12 * step)
    return slope, direction


def assert_gradients(
    loss: Callable[..., Any], arrays: list[np.ndarray], tolerance: float = 2e-3, step: float = 1e-2
) -> None:
    """The gradient of ``loss`` by each array agrees with finite differences along random directions.

    A loss with kinks (ReLU, maxout) needs a smaller ``step``, so that none lies within it.
    """
    for index in range(len(arrays)):
        gradient = to_numpy(mx.grad(loss, argnums=index)(*map(mx.array, arrays)))
        assert gradient.shape == arrays[index].shape and gradient.dtype == np.float32
        for seed in range(2):
            slope, direction = directional_difference(loss, arrays, index, seed=seed, step=step)
            ours = float((gradient * direction).sum())
            limit = tolerance * max(1.0, abs(slope))
            assert abs(ours - slope) <= limit, f"argument {index}: gradient {ours:.6g}, differences {slope:.6g}"
