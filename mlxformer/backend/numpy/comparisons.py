"""Comparisons and booleans: what has no gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arrays import array, wrap
from .operands import binary, data, pair, quiet
from .primitives import constant

equal = constant(binary(np.equal))
not_equal = constant(binary(np.not_equal))
less = constant(binary(np.less))
less_equal = constant(binary(np.less_equal))
greater = constant(binary(np.greater))
greater_equal = constant(binary(np.greater_equal))
logical_and = constant(binary(np.logical_and))
logical_or = constant(binary(np.logical_or))
bitwise_and = constant(binary(np.bitwise_and))
bitwise_or = constant(binary(np.bitwise_or))
bitwise_xor = constant(binary(np.bitwise_xor))


@constant
def logical_not(a: Any) -> array:
    return wrap(np.logical_not(data(a)))


@constant
def bitwise_invert(a: Any) -> array:
    return wrap(np.invert(data(a)))


@constant
def isnan(a: Any) -> array:
    return wrap(np.isnan(data(a)))


@constant
def isinf(a: Any) -> array:
    return wrap(np.isinf(data(a)))


@constant
def isfinite(a: Any) -> array:
    return wrap(np.isfinite(data(a)))


@constant
def all(a: Any, axis: Any = None, keepdims: bool = False) -> array:
    return wrap(np.all(data(a), _axes(axis), keepdims=keepdims))


@constant
def any(a: Any, axis: Any = None, keepdims: bool = False) -> array:
    return wrap(np.any(data(a), _axes(axis), keepdims=keepdims))


def _axes(axis: Any) -> Any:
    return tuple(axis) if isinstance(axis, list) else axis


@constant
def array_equal(a: Any, b: Any, equal_nan: bool = False) -> array:
    x, y = pair(a, b)
    if np.shape(x) != np.shape(y):
        return wrap(np.bool_(False))
    same = np.equal(x, y)
    if equal_nan:
        same = same | (np.isnan(x) & np.isnan(y))
    return wrap(np.all(same))


@constant
@quiet
def isclose(a: Any, b: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> array:
    """|a − b| ≤ atol + rtol·|b|; equal infinities are close."""
    x, y = pair(a, b)
    return wrap(np.isclose(x, y, rtol, atol, equal_nan))


@constant
def allclose(a: Any, b: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False) -> array:
    return wrap(np.all(isclose(a, b, rtol, atol, equal_nan)._data))
