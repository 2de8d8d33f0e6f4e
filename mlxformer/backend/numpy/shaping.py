"""Shapes: the same numbers, arranged otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .arrays import array, wrap
from .broadcasting import astype, broadcast_to, reshape
from .dtypes import promote
from .operands import data, operand
from .primitives import Function, differentiable, from_partials

_transpose: Function = from_partials(
    lambda a, axes: wrap(np.transpose(data(a), axes)),
    lambda value, a, axes: lambda g: _transpose(g, None if axes is None else tuple(np.argsort(axes))),
)


def flatten(a: Any, start_axis: int = 0, end_axis: int = -1) -> Any:
    """The axes from ``start_axis`` to ``end_axis`` (both included) as one."""
    a = operand(a)
    if a.ndim == 0:
        return reshape(a, (1,))
    start, end = _axis(start_axis, a.ndim), _axis(end_axis, a.ndim)
    if start > end:
        raise ValueError(f"flatten: start_axis {start_axis} comes after end_axis {end_axis}.")
    return reshape(a, (*a.shape[:start], int(np.prod(a.shape[start : end + 1])), *a.shape[end + 1 :]))


def _axis(axis: int, ndim: int) -> int:
    if not -ndim <= axis < ndim:
        raise ValueError(f"axis {axis} is out of range for an array of rank {ndim}.")
    return axis % ndim


def transpose(a: Any, axes: Sequence[int] | None = None) -> Any:
    """The axes in another order; reversed by default."""
    a = operand(a)
    return _transpose(a, None if axes is None else tuple(_axis(axis, a.ndim) for axis in axes))


def swapaxes(a: Any, axis1: int, axis2: int) -> Any:
    a = operand(a)
    order = list(range(a.ndim))
    first, second = _axis(axis1, a.ndim), _axis(axis2, a.ndim)
    order[first], order[second] = order[second], order[first]
    return _transpose(a, tuple(order))


def moveaxis(a: Any, source: int, destination: int) -> Any:
    a = operand(a)
    order = [axis for axis in range(a.ndim) if axis != _axis(source, a.ndim)]
    order.insert(_axis(destination, a.ndim), _axis(source, a.ndim))
    return _transpose(a, tuple(order))


def expand_dims(a: Any, axis: int | Sequence[int]) -> Any:
    a = operand(a)
    shape = data_of(a).shape
    if isinstance(axis, int) and -len(shape) - 1 <= axis <= len(shape):
        at = axis % (len(shape) + 1)
        return reshape(a, (*shape[:at], 1, *shape[at:]))
    given = (axis,) if isinstance(axis, int) else tuple(axis)
    return reshape(a, np.expand_dims(data_of(a), given).shape)


def squeeze(a: Any, axis: int | Sequence[int] | None = None) -> Any:
    a = operand(a)
    given = tuple(axis) if isinstance(axis, (list, tuple)) else axis
    return reshape(a, np.squeeze(data_of(a), given).shape)


def data_of(a: Any) -> np.ndarray:
    """The ndarray of an array or box, to ask its shape."""
    return a._data


def _concatenate_arrays(axis: int, *parts: Any) -> array:
    dtype = _common_dtype(parts)
    return wrap(np.concatenate([part._data.astype(dtype, copy=False) for part in parts], axis))


def _common_dtype(parts: Sequence[Any]) -> Any:
    dtype = parts[0].dtype
    for part in parts[1:]:
        if part.dtype != dtype:
            dtype = promote(dtype, part.dtype)
    return dtype


def _concatenate_rule(needed: tuple[int, ...], axis: int, *parts: Any) -> Any:
    value = _concatenate(axis, *parts)
    ends = np.cumsum([part.shape[axis] for part in parts])

    def pullback(g: Any) -> list[Any]:
        gradients = []
        for position in needed:
            part = parts[position - 1]
            window: list[Any] = [slice(None)] * g.ndim
            window[axis] = slice(int(ends[position - 1]) - part.shape[axis], int(ends[position - 1]))
            gradients.append(astype(g[tuple(window)], part.dtype))
        return gradients

    return value, pullback


_concatenate: Function = differentiable(_concatenate_arrays, _concatenate_rule)


def concatenate(arrays: Sequence[Any], axis: int | None = 0) -> Any:
    """The arrays one after another along ``axis`` (``None``: each flattened first)."""
    if not arrays:
        raise ValueError("concatenate needs at least one array.")
    arrays = [operand(part) for part in arrays]
    if axis is None:
        arrays, axis = [reshape(part, (-1,)) for part in arrays], 0
    return _concatenate(_axis(axis, arrays[0].ndim), *arrays)


def stack(arrays: Sequence[Any], axis: int = 0) -> Any:
    """The arrays side by side along a new axis."""
    if not arrays:
        raise ValueError("stack needs at least one array.")
    arrays = [operand(part) for part in arrays]
    if any(part.shape != arrays[0].shape for part in arrays):
        raise ValueError("stack: all arrays must have the same shape.")
    return concatenate([expand_dims(part, axis) for part in arrays], axis)


def split(a: Any, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Any]:
    """Equal parts (a number), or parts that begin at the given positions."""
    a = operand(a)
    axis = _axis(axis, a.ndim)
    size = a.shape[axis]
    if isinstance(indices_or_sections, int):
        if size % indices_or_sections:
            raise ValueError(f"split: {size} elements do not divide into {indices_or_sections} equal parts.")
        step = size // indices_or_sections
        starts = [step * part for part in range(indices_or_sections)]
    else:
        starts = [0, *indices_or_sections]
    parts = []
    for start, stop in zip(starts, [*starts[1:], size], strict=True):
        window: list[Any] = [slice(None)] * a.ndim
        window[axis] = slice(start, stop)
        parts.append(a[tuple(window)])
    return parts


def repeat(array: Any, repeats: int, axis: int | None = None) -> Any:
    """Each element ``repeats`` times in a row."""
    array = operand(array)
    if axis is None:
        array, axis = reshape(array, (-1,)), 0
    axis = _axis(axis, array.ndim)
    shape = array.shape
    wide = broadcast_to(expand_dims(array, axis + 1), (*shape[: axis + 1], repeats, *shape[axis + 1 :]))
    return reshape(wide, (*shape[:axis], shape[axis] * repeats, *shape[axis + 1 :]))


def tile(a: Any, reps: int | Sequence[int]) -> Any:
    """The whole array repeated along each axis."""
    a = operand(a)
    times = (reps,) if isinstance(reps, int) else tuple(reps)
    rank = max(len(times), a.ndim)
    times = (1,) * (rank - len(times)) + times
    shape = (1,) * (rank - a.ndim) + a.shape
    pairs = [number for size, count in zip(shape, times, strict=True) for number in (1, size)]
    wide = [number for size, count in zip(shape, times, strict=True) for number in (count, size)]
    result = tuple(size * count for size, count in zip(shape, times, strict=True))
    return reshape(broadcast_to(reshape(a, tuple(pairs)), tuple(wide)), result)


def _pad_array(a: Any, widths: tuple[tuple[int, int], ...], value: Any) -> array:
    return wrap(np.pad(data(a), widths, constant_values=value))


def _pad_rule(needed: tuple[int, ...], a: Any, widths: tuple[tuple[int, int], ...], value: Any) -> Any:
    inner = tuple(slice(before, before + size) for (before, _), size in zip(widths, a.shape, strict=True))
    return _pad(a, widths, value), lambda g: [g[inner]]


_pad: Function = differentiable(_pad_array, _pad_rule)


def pad(a: Any, pad_width: Any, mode: str = "constant", constant_values: Any = 0) -> Any:
    """``a`` with a border. ``pad_width``: one number, one ``(before, after)``, or one pair for each axis."""
    a = operand(a)
    if mode != "constant":
        raise ValueError(f"pad: mode {mode!r} is not on the NumPy backend's list; only 'constant' is.")
    if isinstance(pad_width, int):
        pad_width = (pad_width,)
    pairs = [tuple(pad_width)] if isinstance(pad_width[0], int) else [tuple(pair) for pair in pad_width]
    if len(pairs) == 1:
        pairs *= a.ndim
    if len(pairs) != a.ndim:
        raise ValueError(f"pad: {len(pairs)} pairs of widths for an array of rank {a.ndim}.")
    return _pad(a, tuple((int(pair[0]), int(pair[-1])) for pair in pairs), constant_values)


def _tril_array(a: Any, k: int) -> array:
    return wrap(np.tril(data(a), k))


def _triu_array(a: Any, k: int) -> array:
    return wrap(np.triu(data(a), k))


_tril: Function = from_partials(_tril_array, lambda value, a, k: lambda g: _tril(g, k))
_triu: Function = from_partials(_triu_array, lambda value, a, k: lambda g: _triu(g, k))


def tril(x: Any, k: int = 0) -> Any:
    """The lower triangle: zeros above diagonal ``k``."""
    return _tril(x, k)


def triu(x: Any, k: int = 0) -> Any:
    """The upper triangle: zeros below diagonal ``k``."""
    return _triu(x, k)
