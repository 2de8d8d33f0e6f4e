"""Initializers: functions that give an array of the shape of the one they get."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from .. import random
from ..absent import absent
from ..creation import eye, full
from ..dtypes import float32

Initializer = Callable[..., Any]


def constant(value: float, dtype: Any = float32) -> Initializer:
    return lambda a: full(a.shape, value, dtype)


def normal(mean: float = 0.0, std: float = 1.0, dtype: Any = float32) -> Initializer:
    return lambda a: random.normal(a.shape, dtype, mean, std)


def uniform(low: float = 0.0, high: float = 1.0, dtype: Any = float32) -> Initializer:
    return lambda a: random.uniform(low, high, a.shape, dtype)


def _fans(a: Any) -> tuple[int, int]:
    """Inputs and outputs of a weight [outputs, ..., inputs]."""
    if a.ndim < 2:
        raise ValueError(f"Glorot and He initialization need an array of rank 2 or more; this one has rank {a.ndim}.")
    field = math.prod(a.shape[1:-1])
    return a.shape[-1] * field, a.shape[0] * field


def glorot_uniform(dtype: Any = float32) -> Initializer:
    """U(−k, k), k = gain·√(6 / (fan_in + fan_out)) (Glorot & Bengio 2010)."""

    def initialize(a: Any, gain: float = 1.0) -> Any:
        k = gain * math.sqrt(6.0 / sum(_fans(a)))
        return random.uniform(-k, k, a.shape, dtype)

    return initialize


def glorot_normal(dtype: Any = float32) -> Initializer:
    """N(0, gain²·2 / (fan_in + fan_out))"""

    def initialize(a: Any, gain: float = 1.0) -> Any:
        return random.normal(a.shape, dtype, scale=gain * math.sqrt(2.0 / sum(_fans(a))))

    return initialize


def _fan(a: Any, mode: str) -> int:
    if mode not in ("fan_in", "fan_out"):
        raise ValueError(f"Invalid mode: {mode}. Valid modes are: fan_in, fan_out")
    return _fans(a)[mode == "fan_out"]


def he_normal(dtype: Any = float32) -> Initializer:
    """N(0, gain² / fan) (He et al. 2015, whose ReLU gain is √2)."""

    def initialize(a: Any, mode: str = "fan_in", gain: float = 1.0) -> Any:
        return random.normal(a.shape, dtype, scale=gain / math.sqrt(_fan(a, mode)))

    return initialize


def he_uniform(dtype: Any = float32) -> Initializer:
    """U(−k, k), k = gain·√(3 / fan)."""

    def initialize(a: Any, mode: str = "fan_in", gain: float = 1.0) -> Any:
        k = gain * math.sqrt(3.0 / _fan(a, mode))
        return random.uniform(-k, k, a.shape, dtype)

    return initialize


def identity(dtype: Any = float32) -> Initializer:
    """Ones on the diagonal of a square matrix."""

    def initialize(a: Any) -> Any:
        if a.ndim != 2 or a.shape[0] != a.shape[1]:
            raise ValueError(f"The input array must be a square matrix but got shape {a.shape}.")
        return eye(a.shape[0], dtype=dtype)

    return initialize


__all__ = ["constant", "glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "identity", "normal", "uniform"]


def __getattr__(name: str) -> Any:
    raise absent("nn.init", name)
