"""The operators and methods of arrays and boxes: each is one of the functions of this package.

Installed from here, as the functions need the class first.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import broadcasting, comparisons, elementwise, indexing, products, reductions, shaping
from .absent import absent
from .arrays import ArrayLike, is_foreign

_OPERANDS = (ArrayLike, bool, int, float, np.ndarray, np.generic)


def _is_operand(value: Any) -> bool:
    return isinstance(value, _OPERANDS) or is_foreign(value)


def _forward(fn: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def operator(self: Any, other: Any) -> Any:
        return fn(self, other) if _is_operand(other) else NotImplemented

    return operator


def _reflected(fn: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def operator(self: Any, other: Any) -> Any:
        return fn(other, self) if _is_operand(other) else NotImplemented

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


# The methods that are the function of their name, with the array as its first argument.
_METHODS: dict[Any, str] = {
    broadcasting: "sum",
    comparisons: "all any",
    elementwise: "abs cos exp log log1p reciprocal round rsqrt sin sqrt square",
    reductions: "argmax argmin cumsum logsumexp max mean min prod std var",
    shaping: "flatten moveaxis split squeeze",
}


def _reshape(self: Any, *shape: Any) -> Any:
    return broadcasting.reshape(self, shape[0] if len(shape) == 1 else shape)


def _transpose(self: Any, *axes: Any) -> Any:
    if len(axes) == 1 and not isinstance(axes[0], int):
        axes = tuple(axes[0])
    return shaping.transpose(self, axes or None)


def _shift(name: str) -> Callable[[Any, Any], Any]:
    def operator(self: Any, other: Any) -> Any:
        raise absent("mx", name)

    return operator


def install() -> None:
    for sign, name in (("lshift", "left_shift"), ("rshift", "right_shift")):
        setattr(ArrayLike, f"__{sign}__", _shift(name))
        setattr(ArrayLike, f"__r{sign}__", _shift(name))
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
        "mT": property(lambda self: shaping.swapaxes(self, -1, -2)),
    }
    for room, names in _METHODS.items():
        methods |= {name: getattr(room, name) for name in names.split()}
    for name, method in methods.items():
        setattr(ArrayLike, name, method)


install()
