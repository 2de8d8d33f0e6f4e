"""Dtypes and the way they combine, as in MLX.

Python scalars are weak (``float16 * 0.5`` stays float16, ``int32 * 0.5`` is float32), an integer meets a float in the
float's dtype, and float64 does not exist: NumPy's own rules would leak it (``int32 * float32``, ``int32 / int32``).
bfloat16 has no NumPy dtype and is absent: a checkpoint in bfloat16 is widened to float32 where it is read.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

Dtype: TypeAlias = np.dtype

bool_ = np.dtype(np.bool_)
uint8 = np.dtype(np.uint8)
uint32 = np.dtype(np.uint32)
int8 = np.dtype(np.int8)
int32 = np.dtype(np.int32)
int64 = np.dtype(np.int64)
float16 = np.dtype(np.float16)
float32 = np.dtype(np.float32)

DTYPES = (bool_, uint8, uint32, int8, int32, int64, float16, float32)


class DtypeCategory:
    """A family of dtypes, for ``issubdtype``."""

    def __init__(self, name: str, kinds: str) -> None:
        self.name, self.kinds = name, kinds

    def __repr__(self) -> str:
        return self.name


floating = DtypeCategory("floating", "f")
integer = DtypeCategory("integer", "iu")
inexact = DtypeCategory("inexact", "f")
number = DtypeCategory("number", "iuf")


def issubdtype(dtype: Any, category: Any) -> bool:
    """Whether ``dtype`` is ``category``, or belongs to it."""
    if isinstance(category, DtypeCategory):
        return np.dtype(dtype).kind in category.kinds
    return np.dtype(dtype) == category


class finfo:
    """The limits of a floating dtype: ``min``, ``max``, ``eps``, ``smallest_normal``, as Python floats."""

    def __init__(self, dtype: Any) -> None:
        info = np.finfo(checked(dtype))
        self.dtype = np.dtype(dtype)
        self.min, self.max = float(info.min), float(info.max)
        self.eps, self.smallest_normal = float(info.eps), float(info.smallest_normal)


def checked(dtype: Any) -> Dtype:
    """``dtype`` as one of the dtypes above; float64 and everything else is a ``TypeError``."""
    found = np.dtype(dtype)
    if found not in DTYPES:
        known = ", ".join(known.name for known in DTYPES)
        raise TypeError(f"dtype {found} is not on the NumPy backend's list ({known}).")
    return found


def of_scalar(value: Any) -> Dtype:
    """The dtype that a Python scalar takes when nothing else decides."""
    if isinstance(value, (bool, np.bool_)):
        return bool_
    if isinstance(value, (int, np.integer)):
        return int32 if -(2**31) <= value < 2**31 else int64
    return float32


def _promote(first: Dtype, second: Dtype) -> Dtype:
    if first.kind == "f" or second.kind == "f":
        floats = [dtype for dtype in (first, second) if dtype.kind == "f"]
        return max(floats, key=lambda dtype: dtype.itemsize)
    return np.promote_types(first, second)


_PROMOTED = {(first, second): _promote(first, second) for first in DTYPES for second in DTYPES}


def promote(first: Dtype, second: Dtype) -> Dtype:
    """The dtype of an operation on two arrays."""
    return _PROMOTED[first, second]


def promote_scalar(dtype: Dtype, value: Any) -> Dtype:
    """The dtype of an operation on an array and a weak Python scalar."""
    if dtype.kind == "f" or isinstance(value, (bool, np.bool_)):
        return dtype
    if isinstance(value, (int, np.integer)):
        return int32 if dtype.kind == "b" else dtype
    return float32
