"""Reshape, cast, broadcast and sum, which are each other's gradients; and ``sum_to``, every broadcast's gradient."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from . import dtypes
from .arrays import array, wrap
from .operands import data, quiet
from .primitives import Function, from_partials

Axis = int | Sequence[int] | None


def axes_of(axis: Axis, ndim: int) -> tuple[int, ...]:
    """``axis`` as non-negative numbers; ``None`` is all of them."""
    if axis is None:
        return tuple(range(ndim))
    given = (axis,) if isinstance(axis, (int, np.integer)) else tuple(axis)
    for number in given:
        if not -ndim <= number < ndim:
            raise ValueError(f"axis {number} is out of range for an array of rank {ndim}.")
    return tuple(number % ndim for number in given)


_reshape: Function = from_partials(
    lambda a, shape: wrap(np.reshape(data(a), shape)),
    lambda value, a, shape: lambda g: _reshape(g, a.shape),
)
_broadcast_to: Function = from_partials(
    lambda a, shape: wrap(np.broadcast_to(data(a), shape)),
    lambda value, a, shape: lambda g: sum_to(g, a),
)


@quiet
def _astype(a: Any, dtype: dtypes.Dtype) -> array:
    return wrap(data(a).astype(dtype, copy=False))


_cast: Function = from_partials(_astype, lambda value, a, dtype: lambda g: _cast(g, a.dtype))


def reshape(a: Any, shape: Sequence[int]) -> Any:
    return _reshape(a, (shape,) if isinstance(shape, (int, np.integer)) else tuple(shape))


def broadcast_to(a: Any, shape: Sequence[int]) -> Any:
    return _broadcast_to(a, (shape,) if isinstance(shape, int) else tuple(shape))


def astype(a: Any, dtype: Any) -> Any:
    """``a`` in another dtype."""
    return _cast(a, dtypes.checked(dtype))


def sum_dtype(dtype: dtypes.Dtype) -> dtypes.Dtype:
    """What sums of this dtype are in: small integers and booleans are added up as int32."""
    if dtype.kind == "f" or dtype.itemsize >= 4:
        return dtype
    return dtypes.uint32 if dtype.kind == "u" else dtypes.int32


def wide_sum(x: np.ndarray, axes: tuple[int, ...], keepdims: bool) -> np.ndarray:
    """The sum of floats, float16 added up in float32."""
    return np.asarray(np.sum(x, axes, dtypes.float32 if x.dtype == dtypes.float16 else x.dtype, keepdims=keepdims))


@quiet
def _sum_array(a: Any, axis: Axis, keepdims: bool) -> array:
    x = data(a)
    axes = axes_of(axis, x.ndim)
    if x.dtype.kind == "f":
        return wrap(wide_sum(x, axes, keepdims).astype(x.dtype, copy=False))
    return wrap(np.sum(x, axes, sum_dtype(x.dtype), keepdims=keepdims))


def kept(x: Any, axis: Axis, g: Any) -> Any:
    """``g``, whose reduced axes may have gone, with them back as axes of one."""
    axes = axes_of(axis, x.ndim)
    return reshape(g, tuple(1 if at in axes else size for at, size in enumerate(x.shape)))


def spread(x: Any, axis: Axis, g: Any) -> Any:
    """``g`` of a reduction over ``axis``, repeated to the shape of what was reduced."""
    return broadcast_to(kept(x, axis, g), x.shape)


_sum: Function = from_partials(_sum_array, lambda value, a, axis, keepdims: lambda g: spread(a, axis, g))


def sum(a: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The sum; small integers and booleans are added up as int32, float16 in float32."""
    return _sum(a, axis, keepdims)


def sum_to(g: Any, like: Any) -> Any:
    """The gradient of a broadcast: ``g`` summed over the axes along which ``like`` was repeated, in its dtype."""
    shape = getattr(like, "shape", ())
    if g.shape != shape:
        extra = g.ndim - len(shape)
        repeated = tuple(at + extra for at, size in enumerate(shape) if size == 1 and g.shape[at + extra] != 1)
        if axes := tuple(range(extra)) + repeated:
            g = _sum(g, axes, True)
        if extra:
            g = reshape(g, shape)
    dtype = getattr(like, "dtype", g.dtype)
    return g if g.dtype == dtype else _cast(g, dtype)
