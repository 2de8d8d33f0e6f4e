"""From arguments (arrays, Python scalars, NumPy arrays) to the ndarrays that a kernel works on, in MLX's dtype."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import dtypes
from .arrays import ArrayLike, array, wrap

# MLX overflows, divides by zero and makes NaN without a word; so does this backend.
quiet = np.errstate(all="ignore")


def data(x: Any) -> np.ndarray:
    """The ndarray of an array or scalar."""
    return x._data if type(x) is array else array(x)._data


def operand(x: Any) -> Any:
    """An array as it is; anything that can be made one (a list, an array of another library) as an array."""
    return x if isinstance(x, ArrayLike) else array(x)


def floats(x: Any) -> np.ndarray:
    """As ``data``, with integers and booleans as float32: the operand of ``exp``, ``sqrt``, ``mean``..."""
    found = data(x)
    return found if found.dtype.kind == "f" else found.astype(np.float32)


_SCALARS = (bool, int, float, np.bool_, np.integer, np.floating)


def wide(x: Any) -> np.ndarray:
    """As ``data``, all of it as float32: what a function adds up in, whatever it gives."""
    return data(x).astype(np.float32, copy=False)


def pair(first: Any, second: Any) -> tuple[Any, Any]:
    """Two operands that NumPy combines in MLX's dtype; a weak scalar may stay a Python scalar."""
    if type(first) is array:
        x: Any = first._data
        if type(second) is array:
            y = second._data
            if x.dtype == y.dtype:
                return x, y
            dtype = dtypes.promote(x.dtype, y.dtype)
            return x.astype(dtype, copy=False), y.astype(dtype, copy=False)
        if isinstance(second, _SCALARS):
            dtype = dtypes.promote_scalar(x.dtype, second)
            return x.astype(dtype, copy=False), _scalar(second, dtype)
        return pair(first, array(second))
    if type(second) is array or (isinstance(first, _SCALARS) and not isinstance(second, _SCALARS)):
        y, x = pair(second, first)
        return x, y
    return pair(array(first), second)


def floating_pair(first: Any, second: Any) -> tuple[Any, Any]:
    """As ``pair``, in float32 where both are integers: the operands of a division."""
    x, y = pair(first, second)
    dtype = x.dtype if isinstance(x, np.ndarray) else y.dtype
    if dtype.kind == "f":
        return x, y
    return np.asarray(x, np.float32), np.asarray(y, np.float32)


def _scalar(value: Any, dtype: dtypes.Dtype) -> np.ndarray:
    return np.asarray(value).astype(dtype)


def binary(ufunc: np.ufunc, operands: Callable[[Any, Any], tuple[Any, Any]] = pair) -> Callable[[Any, Any], array]:
    """A ufunc of two operands as a function of arrays and scalars."""

    @quiet
    def apply(a: Any, b: Any) -> array:
        x, y = operands(a, b)
        return wrap(ufunc(x, y))

    apply.__name__ = apply.__qualname__ = ufunc.__name__
    return apply


def unary(ufunc: Callable[..., Any], operand: Callable[[Any], np.ndarray] = floats) -> Callable[[Any], array]:
    """A function of one ndarray as a function of an array or scalar."""

    @quiet
    def apply(a: Any) -> array:
        return wrap(ufunc(operand(a)))

    apply.__name__ = apply.__qualname__ = ufunc.__name__
    return apply
