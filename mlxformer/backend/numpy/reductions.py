"""Sums, means, extremes and orders over axes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from . import dtypes
from .arrays import array, wrap
from .comparisons import equal
from .elementwise import divide, exp, multiply, sqrt, square, subtract
from .operands import data, floats, quiet
from .primitives import Function, constant, differentiable, from_partials, plain

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


def _kept(x: Any, axis: Axis, g: Any) -> Any:
    """``g``, whose reduced axes may have gone, with them back as axes of one."""
    axes = axes_of(axis, x.ndim)
    return g.reshape(tuple(1 if at in axes else size for at, size in enumerate(x.shape)))


def _spread(x: Any, axis: Axis, g: Any) -> Any:
    from .shaping import broadcast_to

    return broadcast_to(_kept(x, axis, g), x.shape)


def _sum_dtype(dtype: dtypes.Dtype) -> dtypes.Dtype:
    if dtype.kind == "f" or dtype.itemsize >= 4:
        return dtype
    return dtypes.uint32 if dtype.kind == "u" else dtypes.int32


@quiet
def _sum_array(a: Any, axis: Axis, keepdims: bool) -> array:
    x = data(a)
    return wrap(np.sum(x, axes_of(axis, x.ndim), _sum_dtype(x.dtype), keepdims=keepdims))


_sum: Function = from_partials(_sum_array, lambda value, a, axis, keepdims: lambda g: _spread(a, axis, g))


def sum(a: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """The sum; small integers and booleans are added up as int32."""
    return _sum(a, axis, keepdims)


def _count(a: Any, axis: Axis) -> int:
    return int(np.prod([a.shape[at] for at in axes_of(axis, a.ndim)], dtype=np.int64))


@quiet
def _mean_array(a: Any, axis: Axis, keepdims: bool) -> array:
    x = floats(a)
    total = np.sum(x, axes_of(axis, x.ndim), keepdims=keepdims)
    return wrap(total / x.dtype.type(_count(a, axis)))


_mean: Function = from_partials(
    _mean_array,
    lambda value, a, axis, keepdims: lambda g: _spread(a, axis, divide(g, _count(a, axis))),
)


def mean(a: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    return _mean(a, axis, keepdims)


def var(a: Any, axis: Axis = None, keepdims: bool = False, ddof: int = 0) -> Any:
    """The mean squared deviation, over n − ddof."""
    deviations = subtract(a, mean(a, axis, True))
    return divide(sum(square(deviations), axis, keepdims), _count(a, axis) - ddof)


def std(a: Any, axis: Axis = None, keepdims: bool = False, ddof: int = 0) -> Any:
    return sqrt(var(a, axis, keepdims, ddof))


def _prod_array(a: Any, axis: Axis, keepdims: bool) -> array:
    x = data(a)
    return wrap(np.prod(x, axes_of(axis, x.ndim), _sum_dtype(x.dtype), keepdims=keepdims))


def _products_of_others(x: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    """For each element the product of all others of its slice: no division, as one of them may be 0."""
    kept = [axis for axis in range(x.ndim) if axis not in axes]
    turned = np.transpose(x, (*kept, *axes))
    flat = turned.reshape(*turned.shape[: len(kept)], -1)
    before, after = np.ones_like(flat), np.ones_like(flat)
    np.cumprod(flat[..., :-1], -1, out=before[..., 1:])
    np.cumprod(flat[..., :0:-1], -1, out=after[..., -2::-1])
    return np.transpose((before * after).reshape(turned.shape), np.argsort((*kept, *axes)))


def _prod_rule(needed: tuple[int, ...], a: Any, axis: Axis, keepdims: bool) -> Any:
    plain("prod", a)

    def pullback(g: Any) -> list[Any]:
        return [multiply(_spread(a, axis, g), wrap(_products_of_others(a._data, axes_of(axis, a.ndim))))]

    return _prod_array(a, axis, keepdims), pullback


_prod: Function = differentiable(_prod_array, _prod_rule)


def prod(a: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    return _prod(a, axis, keepdims)


def _max_array(a: Any, axis: Axis, keepdims: bool) -> array:
    x = data(a)
    return wrap(np.max(x, axes_of(axis, x.ndim), keepdims=keepdims))


def _min_array(a: Any, axis: Axis, keepdims: bool) -> array:
    x = data(a)
    return wrap(np.min(x, axes_of(axis, x.ndim), keepdims=keepdims))


def _extreme_pull(value: Any, a: Any, axis: Axis, keepdims: bool) -> Any:
    """The gradient is shared by the elements that attain the extreme."""

    def pull(g: Any) -> Any:
        hits = equal(a, _kept(a, axis, value)).astype(g.dtype)
        return multiply(_kept(a, axis, g), divide(hits, sum(hits, axes_of(axis, a.ndim), True)))

    return pull


_max: Function = from_partials(_max_array, _extreme_pull)
_min: Function = from_partials(_min_array, _extreme_pull)


def max(a: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    return _max(a, axis, keepdims)


def min(a: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    return _min(a, axis, keepdims)


@constant
def argmax(a: Any, axis: int | None = None, keepdims: bool = False) -> array:
    """The position of the first largest element, uint32."""
    return wrap(np.argmax(data(a), axis, keepdims=keepdims).astype(np.uint32))


@constant
def argmin(a: Any, axis: int | None = None, keepdims: bool = False) -> array:
    return wrap(np.argmin(data(a), axis, keepdims=keepdims).astype(np.uint32))


@constant
def argsort(a: Any, axis: int | None = -1) -> array:
    """The order that sorts, uint32; equal elements keep their order."""
    return wrap(np.argsort(data(a), axis, kind="stable").astype(np.uint32))


def sort(a: Any, axis: int | None = -1) -> Any:
    from .indexing import take_along_axis

    if axis is None:
        a, axis = a.reshape(-1), 0
    return take_along_axis(a, argsort(a, axis), axis)


def topk(a: Any, k: int, axis: int | None = -1) -> Any:
    """The ``k`` largest, in ascending order."""
    from .indexing import take_along_axis

    if axis is None:
        a, axis = a.reshape(-1), 0
    if not 0 < k <= a.shape[axis]:
        raise ValueError(f"topk: k is {k}, but the axis has {a.shape[axis]} elements.")
    order = argsort(a, axis)._data
    return take_along_axis(a, wrap(np.take(order, range(order.shape[axis] - k, order.shape[axis]), axis)), axis)


def _cumulative(x: np.ndarray, axis: int, reverse: bool, inclusive: bool) -> np.ndarray:
    turned = np.flip(x, axis) if reverse else x
    total = np.cumsum(turned, axis, _sum_dtype(x.dtype))
    if not inclusive:
        total = np.roll(total, 1, axis)
        first: list[Any] = [slice(None)] * x.ndim
        first[axis] = slice(0, 1)
        total[tuple(first)] = 0
    return np.flip(total, axis) if reverse else total


def _cumsum_array(a: Any, axis: int, reverse: bool, inclusive: bool) -> array:
    return wrap(_cumulative(data(a), axis, reverse, inclusive))


_cumsum: Function = from_partials(
    _cumsum_array,
    lambda value, a, axis, reverse, inclusive: lambda g: _cumsum(g, axis, not reverse, inclusive),
)


def cumsum(a: Any, axis: int | None = None, *, reverse: bool = False, inclusive: bool = True) -> Any:
    """Running sums along ``axis`` (``None``: of the flattened array)."""
    if axis is None:
        a, axis = a.reshape(-1), 0
    return _cumsum(a, axis, reverse, inclusive)


def _logsumexp_rule(needed: tuple[int, ...], a: Any, axis: Axis, keepdims: bool) -> Any:
    value = _logsumexp(a, axis, keepdims)
    return value, lambda g: [multiply(_kept(a, axis, g), exp(subtract(a, _kept(a, axis, value))))]


@quiet
def _logsumexp_array(a: Any, axis: Axis, keepdims: bool) -> array:
    x = floats(a)
    axes = axes_of(axis, x.ndim)
    top = np.max(x, axes, keepdims=True)
    finite = np.where(np.isfinite(top), top, x.dtype.type(0))
    total = np.log(np.sum(np.exp(x - finite), axes, keepdims=True)) + finite
    return wrap(total if keepdims else np.squeeze(total, axes))


_logsumexp: Function = differentiable(_logsumexp_array, _logsumexp_rule)


def logsumexp(a: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """log Σ exp(a), without overflow; a row of −inf gives −inf."""
    return _logsumexp(a, axis, keepdims)
