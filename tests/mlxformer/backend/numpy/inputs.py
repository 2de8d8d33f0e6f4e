"""Arrays of every shape that breaks things: rank 0, empty, odd, one, and every dtype of the list."""

from __future__ import annotations

from typing import Any

import numpy as np

SHAPES = [(), (0,), (1,), (7,), (3, 0), (3, 5), (2, 1, 5), (2, 3, 5)]
DTYPES = ["bool_", "uint8", "uint32", "int8", "int32", "int64", "float16", "float32"]


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def normal(*shape: int, seed: int = 0, scale: float = 1.0) -> np.ndarray:
    return (rng(seed).standard_normal(shape) * scale).astype(np.float32)


def integers(low: int, high: int, *shape: int, seed: int = 0) -> np.ndarray:
    return rng(seed).integers(low, high, shape).astype(np.int32)


def array(mx: Any, x: Any, dtype: str | None = None) -> Any:
    """``x`` as an array of a namespace."""
    made = mx.array(np.asarray(x))
    return made if dtype is None else made.astype(getattr(mx, dtype))


def of_dtype(mx: Any, dtype: str, shape: tuple[int, ...], seed: int = 0, positive: bool = False) -> Any:
    """Numbers that suit a dtype: booleans, small integers, or numbers round zero."""
    if dtype == "bool_":
        return mx.array(rng(seed).random(shape) < 0.5)
    if "int" in dtype:
        low = 1 if positive or dtype.startswith("u") else -4
        return array(mx, integers(low, 6, *shape, seed=seed), dtype)
    x = normal(*shape, seed=seed)
    return array(mx, np.abs(x) + np.float32(0.1) if positive else x, dtype)
