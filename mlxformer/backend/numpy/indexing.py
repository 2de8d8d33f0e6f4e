"""Reading parts of an array, and the gradient of that: adding parts back where they came from."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arrays import array, is_foreign, wrap
from .broadcasting import broadcast_to
from .operands import data, operand
from .primitives import Function, from_partials
from .tape import Part, unrecorded

Index = Any


_PLAIN = (slice, int, type(None), type(Ellipsis))  # most indices: not asked whether they are arrays


def _one(index: Any) -> Any:
    if type(index) in _PLAIN:
        return index
    index = unrecorded(index)
    if isinstance(index, np.ndarray) or is_foreign(index):
        index = array(index)
    if isinstance(index, array):
        if index.dtype.kind == "b":
            raise ValueError("Boolean indices are not supported (neither are they in MLX): use mx.where.")
        if index.dtype.kind == "f":
            raise ValueError(f"Indices must be integers, not {index.dtype}.")
        return index._data
    if isinstance(index, list):
        return np.asarray(index)
    if isinstance(index, (int, np.integer)) and not isinstance(index, bool):
        return int(index)
    raise ValueError(f"Cannot index an array with a {type(index).__name__}: use ints, slices or integer arrays.")


def _read(a: Any, index: Index) -> array:
    return wrap(data(a)[index])


def _basic(index: Index) -> bool:
    return not any(isinstance(part, np.ndarray) for part in (index if isinstance(index, tuple) else (index,)))


def _add_back(g: Any, shape: tuple[int, ...], index: Index) -> array:
    """Zeros of ``shape`` with ``g`` added at ``index``; what is read twice is added twice."""
    total = np.zeros(shape, g.dtype)
    if _basic(index):
        total[index] = g._data
    else:
        np.add.at(total, index, g._data)
    return wrap(total)


def _pull_part(g: Any, shape: tuple[int, ...], index: Index) -> Any:
    """The gradient of a part: a ``Part`` that waits to be added to its siblings, or ``_untake``."""
    return Part(g, shape, index) if type(g) is array and _basic(index) else _untake(g, shape, index)


_getitem: Function = from_partials(_read, lambda value, a, index: lambda g: _pull_part(g, a.shape, index))
_untake: Function = from_partials(_add_back, lambda value, g, shape, index: lambda gg: _getitem(gg, index))


def getitem(a: Any, index: Index) -> Any:
    """``a[index]`` with ints, slices, ``None``, ``...`` and integer arrays. Out of range is an ``IndexError``."""
    return _getitem(a, tuple(_one(part) for part in index) if isinstance(index, tuple) else _one(index))


def take(a: Any, indices: Any, axis: int | None = None) -> Any:
    """The slices of ``a`` at ``indices`` along ``axis`` (``None``: of the flattened array)."""
    a = operand(a)
    if axis is None:
        a, axis = a.reshape(-1), 0
    where = _one(indices)
    return _getitem(a, (*(slice(None),) * (axis % a.ndim), where) if axis % a.ndim else where)


def _take_along(a: Any, indices: Any, axis: int) -> array:
    return wrap(np.take_along_axis(data(a), indices, axis))


def _put_along(g: Any, shape: tuple[int, ...], indices: np.ndarray, axis: int) -> array:
    total = np.zeros(shape, g.dtype)
    grid = list(np.ogrid[tuple(slice(size) for size in indices.shape)])
    grid[axis] = indices
    np.add.at(total, tuple(grid), g._data)
    return wrap(total)


_taken: Function = from_partials(_take_along, lambda value, a, indices, axis: lambda g: _put(g, a.shape, indices, axis))
_put: Function = from_partials(_put_along, lambda value, g, shape, indices, axis: lambda gg: _taken(gg, indices, axis))


def take_along_axis(a: Any, indices: Any, axis: int | None = None) -> Any:
    """``out[i, j] = a[i, indices[i, j]]`` for ``axis=1``; the other axes broadcast."""
    a = operand(a)
    positions = data(unrecorded(indices))
    if axis is None:
        a, axis = a.reshape(-1), 0
    axis %= a.ndim
    shape = [*np.broadcast_shapes(*((*each[:axis], 1, *each[axis + 1 :]) for each in (a.shape, positions.shape)))]
    a_shape, at_shape = list(shape), list(shape)
    a_shape[axis], at_shape[axis] = a.shape[axis], positions.shape[axis]
    if list(a.shape) != a_shape:
        a = broadcast_to(a, a_shape)
    return _taken(a, np.broadcast_to(positions, at_shape).astype(np.int64), axis)
