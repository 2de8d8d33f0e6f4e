"""New arrays: constants, ranges and triangles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from . import dtypes
from .arrays import ArrayLike, array, wrap
from .operands import operand
from .tape import unrecorded

Shape = int | Sequence[int]


def _dtype(dtype: Any) -> dtypes.Dtype:
    return dtypes.float32 if dtype is None else dtypes.checked(dtype)


def zeros(shape: Shape, dtype: Any = None) -> array:
    return wrap(np.zeros(shape, _dtype(dtype)))


def ones(shape: Shape, dtype: Any = None) -> array:
    return wrap(np.ones(shape, _dtype(dtype)))


def full(shape: Shape, vals: Any, dtype: Any = None) -> array:
    """``vals`` (a scalar or an array) broadcast to ``shape``; the dtype is that of ``vals`` unless given."""
    value = unrecorded(vals) if isinstance(vals, ArrayLike) else array(vals)
    return wrap(np.full(shape, value._data, value.dtype if dtype is None else dtypes.checked(dtype)))


def zeros_like(a: Any) -> array:
    a = operand(a)
    return wrap(np.zeros(a.shape, a.dtype))


def ones_like(a: Any) -> array:
    a = operand(a)
    return wrap(np.ones(a.shape, a.dtype))


def arange(start: Any, stop: Any = None, step: Any = None, dtype: Any = None) -> array:
    """``arange(stop)`` or ``arange(start, stop[, step])``: int32 if every bound is an integer, else float32."""
    if stop is None:
        start, stop = 0, start
    step = 1 if step is None else step
    if dtype is None:
        integers = all(isinstance(bound, (int, np.integer)) for bound in (start, stop, step))
        dtype = dtypes.int32 if integers else dtypes.float32
    return wrap(np.arange(start, stop, step).astype(dtypes.checked(dtype)))


def linspace(start: float, stop: float, num: int = 50, endpoint: bool = True, dtype: Any = None) -> array:
    return wrap(np.linspace(start, stop, num, endpoint).astype(_dtype(dtype)))


def eye(n: int, m: int | None = None, k: int = 0, dtype: Any = None) -> array:
    return wrap(np.eye(n, m, k, dtype=_dtype(dtype)))


def tri(n: int, m: int | None = None, k: int = 0, dtype: Any = None) -> array:
    return wrap(np.tri(n, m, k, dtype=_dtype(dtype)))
