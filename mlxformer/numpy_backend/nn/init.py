"""Initialisers: functions that give an array of the shape of the one they get."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from .. import random
from ..creation import full

Initializer = Callable[..., Any]


def constant(value: float, dtype: Any = None) -> Initializer:
    return lambda a: full(a.shape, value, dtype or a.dtype)


def normal(mean: float = 0.0, std: float = 1.0, dtype: Any = None) -> Initializer:
    return lambda a: random.normal(a.shape, dtype or a.dtype, mean, std)


def uniform(low: float = 0.0, high: float = 1.0, dtype: Any = None) -> Initializer:
    return lambda a: random.uniform(low, high, a.shape, dtype or a.dtype)


def _fans(a: Any) -> tuple[int, int]:
    """Inputs and outputs of a weight [outputs, ..., inputs]."""
    if a.ndim < 2:
        raise ValueError(f"Glorot / He initialization requires at least 2 dimensional input but input with {a.ndim} dimensions.")
    field = math.prod(a.shape[1:-1])
    return a.shape[-1] * field, a.shape[0] * field


def glorot_uniform(dtype: Any = None) -> Initializer:
    """U(−k, k), k = gain·√(6 / (fan_in + fan_out)) (Glorot & Bengio 2010)."""

    def initialise(a: Any, gain: float = 1.0) -> Any:
        k = gain * math.sqrt(6.0 / sum(_fans(a)))
        return random.uniform(-k, k, a.shape, dtype or a.dtype)

    return initialise


def glorot_normal(dtype: Any = None) -> Initializer:
    """N(0, gain²·2 / (fan_in + fan_out))"""

    def initialise(a: Any, gain: float = 1.0) -> Any:
        return random.normal(a.shape, dtype or a.dtype, scale=gain * math.sqrt(2.0 / sum(_fans(a))))

    return initialise


__all__ = ["constant", "glorot_normal", "glorot_uniform", "normal", "uniform"]
