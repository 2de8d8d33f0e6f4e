"""erf and GELU in float32.

erf(x) = tanh(x · P(x²)), with a polynomial P of a float32's relative error (1e-7): NumPy's tanh is as fast as a
multiplication, and needs no SciPy. GELU's erf is most of what a plain NumPy BERT layer spends outside of matrix
products, so it runs in blocks that stay in the cache, on all cores.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .arrays import array, wrap
from .elementwise import exp, multiply, negative, square
from .operands import floats, quiet
from .primitives import differentiable, from_partials, plain
from .threads import chunks, each

# Least squares of atanh(erf(x)) / x in x² on [0, 4.2], weighted so that the largest error of erf is least (Lawson).
# Beyond, P stays above 2, and tanh is ±1.
_P = [1.4189292256903366e-07, -5.669014203139019e-06, 8.763978477881317e-05, -6.197893550229913e-04]
_P += [-1.9182717002928330e-04, 1.0276905489390824e-01, 1.1283792743348975]
_ERF = [np.float32(coefficient) for coefficient in _P]
# The same of x / √2, for Φ(x) = (1 + erf(x / √2)) / 2.
_NORMAL = [np.float32(c * 0.5 ** (len(_P) - 1 - n + 0.5)) for n, c in enumerate(_P)]
_HALF, _ONE = np.float32(0.5), np.float32(1)
_ROOT_INVERSE_2PI = np.float32(0.3989422804014327)


def _tanh_of_odd(coefficients: list[np.float32], x: np.ndarray, out: np.ndarray, squared: np.ndarray) -> None:
    """``out`` = tanh(x · P(x²))"""
    np.square(x, out=squared)
    np.multiply(squared, coefficients[0], out=out)
    for coefficient in coefficients[1:-1]:
        out += coefficient
        out *= squared
    out += coefficients[-1]
    out *= x
    np.tanh(out, out=out)


@quiet
def _erf_array(a: Any) -> array:
    x = floats(a)
    flat = x.astype(np.float32, copy=False).reshape(-1)
    result = np.empty(x.size, np.float32)

    def block(part: slice) -> None:
        _tanh_of_odd(_ERF, flat[part], result[part], np.empty_like(result[part]))

    each(block, chunks(x.size))
    return wrap(result.reshape(x.shape).astype(x.dtype, copy=False))


erf = from_partials(
    _erf_array,
    lambda value, a: lambda g: multiply(multiply(g, 1.1283791670955126), exp(negative(square(a)))),
)


def _gelu_kernel(x: np.ndarray, slope: np.ndarray | None) -> np.ndarray:
    """x·Φ(x); where ``slope`` is given it is filled with Φ(x) + x·φ(x)."""
    flat, result = x.reshape(-1), np.empty(x.size, np.float32)

    def block(part: slice) -> None:
        given, out = flat[part], result[part]
        squared = np.empty_like(out)
        _tanh_of_odd(_NORMAL, given, out, squared)
        out += _ONE
        if slope is not None:
            squared *= -_HALF
            np.exp(squared, out=squared)
            squared *= _ROOT_INVERSE_2PI
            squared *= given
            np.multiply(out, _HALF, out=slope[part])
            slope[part] += squared
        out *= np.multiply(given, _HALF, out=squared)

    each(block, chunks(x.size))
    return result.reshape(x.shape)


@quiet
def _gelu_array(x: Any) -> array:
    given = floats(x)
    return wrap(_gelu_kernel(given.astype(np.float32, copy=False), None).astype(given.dtype, copy=False))


@quiet
def _gelu_rule(needed: tuple[int, ...], x: Any) -> Any:
    plain("gelu", x)
    given = floats(x)
    slope = np.empty(given.size, np.float32)
    value = _gelu_kernel(given.astype(np.float32, copy=False), slope).astype(given.dtype, copy=False)

    def pullback(g: Any) -> list[array]:
        plain("gelu", g)
        return [wrap((g._data * slope.reshape(given.shape)).astype(given.dtype, copy=False))]

    return wrap(value), pullback


gelu = differentiable(_gelu_array, _gelu_rule)
