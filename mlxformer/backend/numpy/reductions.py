"""Sums, means, extremes and orders over axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arrays import array, wrap
from .broadcasting import Axis, astype, axes_of, kept, spread, sum, sum_dtype, wide_sum
from .comparisons import equal
from .dtypes import float16, float32, int32
from .elementwise import divide, exp, multiply, sqrt, square, subtract
from .indexing import take_along_axis
from .operands import data, floats, operand, quiet
from .primitives import Function, constant, differentiable, from_partials, plain


def _count(a: Any, axis: Axis) -> int:
    return int(np.prod([a.shape[at] for at in axes_of(axis, a.ndim)], dtype=np.int64))


@quiet
def _mean_array(a: Any, axis: Axis, keepdims: bool) -> array:
    x = floats(a)
    total = wide_sum(x, axes_of(axis, x.ndim), keepdims)
    return wrap(np.asarray(total / total.dtype.type(_count(x, axis))).astype(x.dtype, copy=False))


_mean: Function = from_partials(
    _mean_array,
    lambda value, a, axis, keepdims: lambda g: spread(a, axis, divide(g, _count(a, axis))),
)


def mean(a: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    return _mean(a, axis, keepdims)


def var(a: Any, axis: Axis = None, keepdims: bool = False, ddof: int = 0) -> Any:
    """The mean squared deviation, over n − ddof; of float16 computed in float32."""
    a = operand(a)
    wide = astype(a, float32) if a.dtype == float16 else a
    deviations = subtract(wide, mean(wide, axis, True))
    found = divide(sum(square(deviations), axis, keepdims), _count(a, axis) - ddof)
    return found if wide is a else astype(found, float16)


def std(a: Any, axis: Axis = None, keepdims: bool = False, ddof: int = 0) -> Any:
    return sqrt(var(a, axis, keepdims, ddof))


def _prod_array(a: Any, axis: Axis, keepdims: bool) -> array:
    x = data(a)
    return wrap(np.prod(x, axes_of(axis, x.ndim), sum_dtype(x.dtype), keepdims=keepdims))


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
        return [multiply(spread(a, axis, g), wrap(_products_of_others(a._data, axes_of(axis, a.ndim))))]

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
        hits = equal(a, kept(a, axis, value)).astype(g.dtype)
        return multiply(kept(a, axis, g), divide(hits, sum(hits, axes_of(axis, a.ndim), True)))

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
    a = operand(a)
    if axis is None:
        a, axis = a.reshape(-1), 0
    return take_along_axis(a, argsort(a, axis), axis)


def topk(a: Any, k: int, axis: int | None = -1) -> Any:
    """The ``k`` largest, in ascending order."""
    a = operand(a)
    if axis is None:
        a, axis = a.reshape(-1), 0
    if not 0 < k <= a.shape[axis]:
        raise ValueError(f"topk: k is {k}, but the axis has {a.shape[axis]} elements.")
    order = argsort(a, axis)._data
    return take_along_axis(a, wrap(np.take(order, range(order.shape[axis] - k, order.shape[axis]), axis)), axis)


def _cumulative(x: np.ndarray, axis: int, reverse: bool, inclusive: bool) -> np.ndarray:
    turned = np.flip(x, axis) if reverse else x
    dtype = int32 if x.dtype.kind == "b" else x.dtype  # an int8's sums stay int8 here, as in MLX
    total = np.cumsum(turned, axis, float32 if dtype == float16 else dtype)
    if not inclusive:
        total = np.roll(total, 1, axis)
        first: list[Any] = [slice(None)] * x.ndim
        first[axis] = slice(0, 1)
        total[tuple(first)] = 0
    total = total.astype(dtype, copy=False)
    return np.flip(total, axis) if reverse else total


def _cumsum_array(a: Any, axis: int, reverse: bool, inclusive: bool) -> array:
    return wrap(_cumulative(data(a), axis, reverse, inclusive))


_cumsum: Function = from_partials(
    _cumsum_array,
    lambda value, a, axis, reverse, inclusive: lambda g: _cumsum(g, axis, not reverse, inclusive),
)


def cumsum(a: Any, axis: int | None = None, *, reverse: bool = False, inclusive: bool = True) -> Any:
    """Running sums along ``axis`` (``None``: of the flattened array)."""
    a = operand(a)
    if axis is None:
        a, axis = a.reshape(-1), 0
    return _cumsum(a, axis, reverse, inclusive)


def _logsumexp_rule(needed: tuple[int, ...], a: Any, axis: Axis, keepdims: bool) -> Any:
    value = _logsumexp(a, axis, keepdims)
    return value, lambda g: [multiply(kept(a, axis, g), exp(subtract(a, kept(a, axis, value))))]


@quiet
def _logsumexp_array(a: Any, axis: Axis, keepdims: bool) -> array:
    given = floats(a)
    x = given.astype(float32, copy=False)
    axes = axes_of(axis, x.ndim)
    top = np.max(x, axes, keepdims=True)
    finite = np.where(np.isfinite(top), top, np.float32(0))
    total = np.log(np.sum(np.exp(x - finite), axes, keepdims=True)) + finite
    return wrap((total if keepdims else np.squeeze(total, axes)).astype(given.dtype, copy=False))


_logsumexp: Function = differentiable(_logsumexp_array, _logsumexp_rule)


def logsumexp(a: Any, axis: Axis = None, keepdims: bool = False) -> Any:
    """log Σ exp(a), without overflow; a row of −inf gives −inf."""
    return _logsumexp(a, axis, keepdims)
