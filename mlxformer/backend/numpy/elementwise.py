"""Arithmetic and functions of one element at a time, with their gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .arrays import array, wrap
from .broadcasting import sum_to
from .comparisons import greater, greater_equal, less, less_equal
from .operands import binary, data, floating_pair, operand, pair, quiet, unary
from .primitives import Function, constant, differentiable, from_partials
from .tape import unrecorded


@quiet
def _subtract(a: Any, b: Any) -> array:
    x, y = pair(a, b)
    return wrap(np.not_equal(x, y) if x.dtype.kind == "b" else np.subtract(x, y))


@quiet
def _negative(a: Any) -> array:
    x = data(a)
    if x.dtype.kind == "b":
        raise ValueError("negative is not supported for bool: use logical_not instead.")
    return wrap(np.negative(x))


add: Function = from_partials(
    binary(np.add),
    lambda value, a, b: lambda g: sum_to(g, a),
    lambda value, a, b: lambda g: sum_to(g, b),
)
subtract: Function = from_partials(
    _subtract,
    lambda value, a, b: lambda g: sum_to(g, a),
    lambda value, a, b: lambda g: sum_to(negative(g), b),
)
multiply: Function = from_partials(
    binary(np.multiply),
    lambda value, a, b: lambda g: sum_to(multiply(g, b), a),
    lambda value, a, b: lambda g: sum_to(multiply(g, a), b),
)
divide: Function = from_partials(
    binary(np.divide, floating_pair),
    lambda value, a, b: lambda g: sum_to(divide(g, b), a),
    lambda value, a, b: lambda g: sum_to(negative(divide(multiply(g, value), b)), b),
)
negative: Function = from_partials(_negative, lambda value, a: lambda g: negative(g))
power: Function = from_partials(
    binary(np.power),
    lambda value, a, b: lambda g: sum_to(multiply(g, multiply(b, power(a, subtract(b, 1)))), a),
    lambda value, a, b: lambda g: sum_to(multiply(g, multiply(value, log(a))), b),
)
floor_divide: Function = constant(binary(np.floor_divide))
remainder: Function = from_partials(
    binary(np.remainder),
    lambda value, a, b: lambda g: sum_to(g, a),
    lambda value, a, b: lambda g: sum_to(negative(multiply(g, floor_divide(a, b))), b),
)


def _share(g: Any, mine: Any, other: Any, wins: Callable[[Any, Any], Any]) -> Any:
    """The larger (or smaller) operand takes the gradient; equal ones: the second does, as in MLX."""
    return sum_to(multiply(g, wins(mine, other)), mine)


maximum: Function = from_partials(
    binary(np.maximum),
    lambda value, a, b: lambda g: _share(g, a, b, greater),
    lambda value, a, b: lambda g: _share(g, b, a, greater_equal),
)
minimum: Function = from_partials(
    binary(np.minimum),
    lambda value, a, b: lambda g: _share(g, a, b, less),
    lambda value, a, b: lambda g: _share(g, b, a, less_equal),
)


@quiet
def _where(condition: Any, x: Any, y: Any) -> array:
    chosen, other = pair(x, y)
    return wrap(np.where(data(condition), chosen, other))


def _where_rule(needed: tuple[int, ...], condition: Any, x: Any, y: Any) -> Any:
    def pullback(g: Any) -> list[Any]:
        parts = {1: lambda: sum_to(where(condition, g, 0), x), 2: lambda: sum_to(where(condition, 0, g), y)}
        return [parts[position]() for position in needed]

    return where(condition, x, y), pullback


_choose = differentiable(_where, _where_rule)


def where(condition: Any, x: Any, y: Any) -> Any:
    """``x`` where ``condition`` holds, else ``y``. The gradient goes to the chosen one only."""
    return _choose(unrecorded(condition), x, y)


def clip(a: Any, a_min: Any = None, a_max: Any = None) -> Any:
    """``a`` held between two bounds; either may be ``None``."""
    if a_min is None and a_max is None:
        raise ValueError("clip needs at least one of its bounds.")
    lower = a if a_min is None else maximum(a, a_min)
    return lower if a_max is None else minimum(lower, a_max)


def sigmoid_array(x: np.ndarray) -> np.ndarray:
    """1 / (1 + e^−x). Not by tanh, which is faster and loses all digits of a small probability."""
    wide = np.asarray(np.exp(-x, dtype=np.float32))
    wide += np.float32(1)
    np.reciprocal(wide, out=wide)
    return wide.astype(x.dtype, copy=False)


def _square(x: np.ndarray) -> np.ndarray:
    return x if x.dtype.kind == "b" else np.square(x)


def _rsqrt(x: np.ndarray) -> np.ndarray:
    return np.reciprocal(np.sqrt(x))


exp: Function = from_partials(unary(np.exp), lambda value, a: lambda g: multiply(g, value))
expm1: Function = from_partials(unary(np.expm1), lambda value, a: lambda g: multiply(g, add(value, 1)))
log: Function = from_partials(unary(np.log), lambda value, a: lambda g: divide(g, a))
log1p: Function = from_partials(unary(np.log1p), lambda value, a: lambda g: divide(g, add(a, 1)))
sqrt: Function = from_partials(unary(np.sqrt), lambda value, a: lambda g: divide(multiply(g, 0.5), value))
rsqrt: Function = from_partials(unary(_rsqrt), lambda value, a: lambda g: multiply(g, multiply(divide(value, a), -0.5)))
reciprocal: Function = from_partials(
    unary(np.reciprocal), lambda value, a: lambda g: negative(multiply(g, square(value)))
)
square: Function = from_partials(unary(_square, data), lambda value, a: lambda g: multiply(g, multiply(a, 2)))
abs: Function = from_partials(unary(np.abs, data), lambda value, a: lambda g: multiply(g, sign(a)))
sin: Function = from_partials(unary(np.sin), lambda value, a: lambda g: multiply(g, cos(a)))
cos: Function = from_partials(unary(np.cos), lambda value, a: lambda g: negative(multiply(g, sin(a))))
tanh: Function = from_partials(unary(np.tanh), lambda value, a: lambda g: multiply(g, subtract(1, square(value))))
sigmoid: Function = from_partials(
    unary(sigmoid_array), lambda value, a: lambda g: multiply(g, multiply(value, subtract(1, value)))
)
# Of one piece: |x| and max(x, 0) have no slope at 0, where softplus has one half, and where losses of logits begin.
softplus: Function = from_partials(
    unary(lambda x: np.logaddexp(x, x.dtype.type(0))), lambda value, a: lambda g: multiply(g, sigmoid(a))
)


def _sign(x: np.ndarray) -> np.ndarray:
    if x.dtype.kind == "b":
        return x
    # The sign of NaN is 0 in MLX, NaN in NumPy.
    return np.subtract(x > 0, x < 0, dtype=x.dtype) if x.dtype.kind == "f" else np.sign(x)


def _unless_integer(ufunc: Callable[[np.ndarray], Any]) -> Callable[[np.ndarray], Any]:
    def apply(x: np.ndarray) -> Any:
        return ufunc(x) if x.dtype.kind == "f" else x

    return apply


sign: Function = constant(unary(_sign, data))
floor: Function = constant(unary(_unless_integer(np.floor), data))
ceil: Function = constant(unary(_unless_integer(np.ceil), data))
_rint: Function = constant(unary(_unless_integer(np.rint), data))


def round(a: Any, decimals: int = 0) -> Any:
    """To the nearest, ties to even; ``decimals`` may be negative."""
    if decimals == 0:
        return _rint(a)
    scale = 10.0**decimals
    return divide(_rint(multiply(a, scale)), scale)


def stop_gradient(a: Any) -> Any:
    """``a`` as a constant: no gradient passes."""
    return unrecorded(operand(a))
