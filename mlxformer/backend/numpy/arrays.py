"""The array: immutable, of a known dtype, with MLX's operators and nothing of NumPy's besides.

It wraps one ``numpy.ndarray`` that nobody writes to. Being a class of its own, and not an ``ndarray``, is what closes
the list: a method that MLX lacks does not exist, ``int32 / int32`` is float32, ``x += y`` makes a new array, and a
sum over everything is an array of rank 0 and not a NumPy scalar.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import numpy as np

from . import dtypes
from .absent import absent, immutable


class ArrayLike:
    """What a plain array and one that is recorded (``tape.py``) share. ``operators.py`` gives it its operators."""

    __slots__ = ()
    # NumPy must not take `ndarray * array` into its own hands: it would make an array of objects.
    __array_ufunc__ = None
    _data: np.ndarray

    @property
    def shape(self) -> tuple[int, ...]:
        return self._data.shape

    @property
    def ndim(self) -> int:
        return self._data.ndim

    @property
    def size(self) -> int:
        return self._data.size

    @property
    def dtype(self) -> dtypes.Dtype:
        return self._data.dtype

    @property
    def itemsize(self) -> int:
        return self._data.itemsize

    @property
    def nbytes(self) -> int:
        return self._data.nbytes

    def __len__(self) -> int:
        return len(self._data)

    def __iter__(self) -> Iterator[Any]:
        if self.ndim == 0:
            raise TypeError("An array of rank 0 cannot be iterated over.")
        return (self[index] for index in range(len(self)))

    def __getitem__(self, index: Any) -> Any:
        raise NotImplementedError  # operators.py

    def __setitem__(self, index: Any, value: Any) -> None:
        raise immutable()

    def __getattr__(self, name: str) -> Any:
        raise absent("array", name)

    def item(self) -> bool | int | float:
        """The only element, as a Python scalar."""
        if self.size != 1:
            raise ValueError(f"item() needs exactly one element; this array has shape {self.shape}.")
        return self._data.item()

    def tolist(self) -> Any:
        return self._data.tolist()

    def __bool__(self) -> bool:
        return bool(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __float__(self) -> float:
        return float(self.item())

    def __format__(self, spec: str) -> str:
        if spec and self.ndim:
            raise TypeError(f"Only an array of rank 0 can be formatted; this one has shape {self.shape}.")
        return format(self.item(), spec) if spec else str(self)

    def __index__(self) -> int:
        if self.ndim or self.dtype.kind not in "iu":
            raise TypeError("Only an integer array of rank 0 can be used as an index.")
        return int(self._data)

    def __hash__(self) -> int:
        return id(self)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        if copy is False and (dtype is None or self.dtype == dtype):
            view = self._data.view()
            view.flags.writeable = False
            return view
        return np.array(self._data, dtype=dtype)

    def __dlpack__(self, **options: Any) -> Any:
        return np.array(self._data).__dlpack__(**options)  # a copy: who takes it may write to it

    def __dlpack_device__(self) -> tuple[int, int]:
        return self._data.__dlpack_device__()

    def __str__(self) -> str:
        return repr(self)

    def __repr__(self) -> str:
        body = np.array2string(self._data, separator=", ", prefix="array(", threshold=1000)
        return f"array({body}, dtype={self.dtype.name})"


class array(ArrayLike):
    """``array(value, dtype=None)``: from a scalar, nested lists, or an array of NumPy, MLX, torch... (copied).

    Python floats become float32, ints int32, float64 float32, as in MLX; bfloat16, which NumPy lacks, float32.
    """

    __slots__ = ("_data", "_single")
    _data: np.ndarray
    _single: bool  # set where a single row is going to be multiplied with it (products.py)

    def __init__(self, value: Any, dtype: Any = None) -> None:
        target = None if dtype is None else dtypes.checked(dtype)
        if isinstance(value, ArrayLike):
            self._data = value._data.astype(target or value.dtype, copy=False)
        elif isinstance(value, (bool, int, float)):
            self._data = np.asarray(value, target or dtypes.of_scalar(value))
        elif isinstance(value, (np.ndarray, np.generic)):
            self._data = np.array(value, target or _accepted(value.dtype), order="C")
        elif isinstance(value, (list, tuple)):
            self._data = _from_nested(value, target)
        elif is_foreign(value):
            found = _read(value)
            self._data = np.array(found, target or _accepted(found.dtype), order="C")
        else:
            raise ValueError(f"Invalid type {type(value).__name__} received in array initialization.")


def is_foreign(value: Any) -> bool:
    """Whether ``value`` is an array of another library: MLX, torch, JAX..."""
    if isinstance(value, (ArrayLike, np.ndarray, np.generic)):
        return False
    return hasattr(value, "__array__") or hasattr(value, "__dlpack__")


def _read(value: Any) -> np.ndarray:
    """The numbers of another library's array."""
    if "bfloat16" in str(getattr(value, "dtype", "")):
        # NumPy has no such dtype, so their own library widens them: torch by a method, MLX and JAX by a cast.
        value = value.float() if hasattr(value, "float") else _widened(value)
    try:
        return np.asarray(value) if hasattr(value, "__array__") else np.from_dlpack(value)
    except (TypeError, ValueError, RuntimeError, BufferError) as error:
        kind = f"{type(value).__module__}.{type(value).__qualname__}"
        raise ValueError(f"A {kind} could not be read as an array: {error}") from error


def _widened(value: Any) -> Any:
    namespace = sys.modules.get(type(value).__module__)  # mlx.core has the dtype that its arrays are cast to
    return value.astype(getattr(namespace, "float32", np.float32))


def _accepted(dtype: np.dtype) -> dtypes.Dtype:
    return dtypes.float32 if dtype == np.float64 else dtypes.checked(dtype)


def _unwrapped(nested: Any) -> Any:
    if isinstance(nested, (list, tuple)):
        return [_unwrapped(value) for value in nested]
    if isinstance(nested, ArrayLike):
        return nested._data
    return array(nested)._data if is_foreign(nested) else nested


def _leaf_dtypes(nested: Any) -> Iterator[dtypes.Dtype]:
    for value in nested:
        if isinstance(value, (list, tuple)):
            yield from _leaf_dtypes(value)
        elif isinstance(value, (bool, int, float)):
            yield dtypes.of_scalar(value)
        elif isinstance(value, (ArrayLike, np.ndarray, np.generic)):
            yield _accepted(value.dtype)
        elif is_foreign(value):
            yield array(value).dtype
        else:
            raise ValueError(f"Invalid type {type(value).__name__} received in array initialization.")


def _from_nested(nested: Any, target: dtypes.Dtype | None) -> np.ndarray:
    found = set(_leaf_dtypes(nested))
    if target is None:
        target = dtypes.float32 if not found else found.pop()
        for dtype in found:
            target = dtypes.promote(target, dtype)
    return np.array(_unwrapped(nested), dtype=target)


_new = object.__new__


def wrap(data: Any) -> array:
    """An array over ``data`` (an ndarray or NumPy scalar of an allowed dtype), without a copy."""
    made = _new(array)
    made._data = data if type(data) is np.ndarray else np.asarray(data)
    return made
