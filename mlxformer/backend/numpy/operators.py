"""The operators and methods of arrays and boxes: each is one of the functions of this package.

Installed from here, as the functions need the class first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import broadcasting, comparisons, elementwise, indexing, products, shaping
from .arrays import ArrayLike

_OPERANDS = (ArrayLike, bool, int, float, np.ndarray, np.generic)


def _forward(fn: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def operator(self: Any, other: Any) -> Any:
        return fn(self, other) if isinstance(other, _OPERANDS) else NotImplemented

    return operator


def _reflected(fn: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def operator(self: Any, other: Any) -> Any:
        return fn(other, self) if isinstance(other, _OPERANDS) else NotImplemented

    return operator


_BOTH_WAYS = {
    "add": elementwise.add,
    "sub": elementwise.subtract,
    "mul": elementwise.multiply,
    "truediv": elementwise.divide,
    "floordiv": elementwise.floor_divide,
    "mod": elementwise.remainder,
    "pow": elementwise.power,
    "matmul": products.matmul,
    "and": comparisons.bitwise_and,
    "or": comparisons.bitwise_or,
    "xor": comparisons.bitwise_xor,
}
_ONE_WAY = {
    "eq": comparisons.equal,
    "ne": comparisons.not_equal,
    "lt": comparisons.less,
    "le": comparisons.less_equal,
    "gt": comparisons.greater,
    "ge": comparisons.greater_equal,
}
_UNARY = {"neg": elementwise.negative, "abs": elementwise.abs, "invert": comparisons.bitwise_invert}


def _reshape(self: Any, *shape: Any) -> Any:
    return broadcasting.reshape(self, shape[0] if len(shape) == 1 else shape)


def _transpose(self: Any, *axes: Any) -> Any:
    if len(axes) == 1 and not isinstance(axes[0], int):
        axes = tuple(axes[0])
    return shaping.transpose(self, axes or None)


def install() -> None:
    for name, fn in _BOTH_WAYS.items():
        setattr(ArrayLike, f"__{name}__", _forward(fn))
        setattr(ArrayLike, f"__r{name}__", _reflected(fn))
    for name, fn in _ONE_WAY.items():
        setattr(ArrayLike, f"__{name}__", _forward(fn))
    for name, unary in _UNARY.items():
        setattr(ArrayLike, f"__{name}__", lambda self, unary=unary: unary(self))
    methods: dict[str, Any] = {
        "__getitem__": indexing.getitem,
        "reshape": _reshape,
        "transpose": _transpose,
        "swapaxes": lambda self, axis1, axis2: shaping.swapaxes(self, axis1, axis2),
        "astype": lambda self, dtype: broadcasting.astype(self, dtype),
        "T": property(lambda self: shaping.transpose(self)),
    }
    for name, method in methods.items():
        setattr(ArrayLike, name, method)


install()
