"""Matrix products."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from . import dtypes
from .arrays import array, wrap
from .broadcasting import broadcast_to, reshape, sum_to
from .elementwise import multiply
from .operands import data, operand, pair, quiet
from .primitives import differentiable
from .shaping import expand_dims, swapaxes, transpose
from .threads import each


def _product(a: Any, b: Any) -> array:
    x, y = pair(a, b)
    if x.ndim == 0 or y.ndim == 0:
        raise ValueError("matmul needs arrays of rank 1 or more.")
    if x.dtype.kind != "f":
        raise ValueError(f"matmul multiplies floats, not {data(a).dtype} with {data(b).dtype}: cast one of them.")
    if x.dtype == dtypes.float16:  # NumPy has no fast product of halves, and sums them in halves
        wide = _product(wrap(x.astype(dtypes.float32)), wrap(y.astype(dtypes.float32)))
        return wrap(wide._data.astype(dtypes.float16))
    if x.ndim > 2 and y.ndim == 2 and x.flags.c_contiguous:
        # One product of [N, K] and [K, M] in place of a loop over the leading axes.
        return wrap((x.reshape(-1, x.shape[-1]) @ _for_blas(y)).reshape(*x.shape[:-1], y.shape[-1]))
    return wrap(np.matmul(_for_blas(x), _for_blas(y)))


def _for_blas(x: np.ndarray) -> np.ndarray:
    """``x`` in a layout that BLAS reads: a broadcast matrix (a stride of 0) would take NumPy's own slow loop."""
    return np.ascontiguousarray(x) if 0 in x.strides[-2:] else x


_matmul_arrays = quiet(_product)


def _matmul_rule(needed: tuple[int, ...], a: Any, b: Any) -> Any:
    a, b = operand(a), operand(b)
    value = matmul(a, b)
    x = expand_dims(a, 0) if a.ndim == 1 else a
    y = expand_dims(b, 1) if b.ndim == 1 else b

    def for_first(g: Any) -> Any:
        return reshape(sum_to(matmul(g, swapaxes(y, -1, -2)), x), a.shape)

    def for_second(g: Any) -> Any:
        if y.ndim == 2 and x.ndim > 2:
            flat = reshape(x, (-1, x.shape[-1]))
            return reshape(matmul(transpose(flat), reshape(g, (-1, g.shape[-1]))).astype(y.dtype), b.shape)
        return reshape(sum_to(matmul(swapaxes(x, -1, -2), g), y), b.shape)

    def pullback(g: Any) -> list[Any]:
        if b.ndim == 1:
            g = expand_dims(g, -1)
        if a.ndim == 1:
            g = expand_dims(g, -2)
        return [(for_second if position else for_first)(g) for position in needed]

    return value, pullback


matmul = differentiable(_matmul_arrays, _matmul_rule)


FEW = 32  # rows: a decoding step's tokens, or a short sentence's
UNPACKED = 1_000_000  # multiplications of a product up to which OpenBLAS copies neither matrix beforehand
SHARED = 8  # such products from which they are shared out
LARGE = 1 << 14  # numbers of a weight, from which its layout matters


def _are_few(x: np.ndarray, weight: np.ndarray) -> bool:
    """Whether x [..., in] has so few rows that BLAS would copy the weight [out, in] for longer than it multiplies."""
    if not 1 < math.prod(x.shape[:-1]) <= FEW or weight.ndim != 2 or x.size * len(weight) <= UNPACKED:
        return False
    same = x.dtype == weight.dtype == np.float32 and x.shape[-1] == weight.shape[1]
    return same and weight.flags.c_contiguous


def _few_rows(x: np.ndarray, weight: np.ndarray) -> array:
    """x Wᵀ as (W xᵀ)ᵀ, by so few of W's rows at a time that BLAS takes them as they lie in memory.

    2 to 16 rows of x take half the time so, and 32 two thirds. A single one never has W copied.
    """
    rows = x.reshape(-1, x.shape[-1])
    columns, y = np.ascontiguousarray(rows.T), np.empty((len(rows), len(weight)), np.float32)

    @quiet
    def multiply_part(part: slice) -> None:
        y[:, part] = (weight[part] @ columns).T

    step = max(UNPACKED // x.size, 1)
    each(multiply_part, [slice(start, start + step) for start in range(0, len(weight), step)], fewest=SHARED)
    return wrap(y.reshape(*x.shape[:-1], len(weight)))


def expect_one_row(weight: array) -> None:
    """Have ``weight`` [out, in] laid out as [in, out] when ``linear`` next multiplies a single row with it.

    It still is [out, in] to all who see it. Out of memory BLAS reads such a one at twice the speed. It rounds
    differently, so nothing is laid out anew unasked: the same call gives the same.
    """
    weight._single = True


def _columns(x: np.ndarray, weight: Any) -> np.ndarray:
    """Wᵀ [in, out]"""
    rows = data(weight)
    if rows.size < LARGE or type(weight) is not array or not getattr(weight, "_single", False):
        return rows.T
    if rows.ndim == 2 and rows.flags.c_contiguous and math.prod(x.shape[:-1]) == 1:
        weight._data = _by_columns(rows)
    return weight._data.T


def _by_columns(rows: np.ndarray) -> np.ndarray:
    """The same numbers, column after column in memory; a few rows at a time, which stay in the cache."""
    columns = np.empty(rows.shape[::-1], rows.dtype)
    for start in range(0, len(rows), 16):
        columns[:, start : start + 16] = rows[start : start + 16].T
    return columns.T


@quiet
def _linear_arrays(x: Any, weight: Any, bias: Any = None) -> array:
    given, rows = data(x), data(weight)
    y = _few_rows(given, rows) if _are_few(given, rows) else _product(x, wrap(_columns(given, weight)))
    if bias is None:
        return y
    bias = operand(bias)
    if bias.dtype != y.dtype:
        return y + bias
    # The product is nobody else's yet: the bias goes in without a second array of its size.
    np.add(y._data, bias._data, out=y._data)
    return y


def _linear_rule(needed: tuple[int, ...], x: Any, weight: Any, bias: Any = None) -> Any:
    def pullback(g: Any) -> list[Any]:
        flat = reshape(g, (-1, g.shape[-1]))
        parts = {
            0: lambda: sum_to(matmul(g, weight), x),
            1: lambda: sum_to(matmul(transpose(flat), reshape(x, (-1, x.shape[-1]))), weight),
            2: lambda: sum_to(flat, bias),
        }
        return [parts[position]() for position in needed]

    return linear(x, weight, bias), pullback


linear = differentiable(_linear_arrays, _linear_rule)
"""x Wᵀ + b, for W [out, in]: the layer's product and sum in one; b may be None."""


def outer(a: Any, b: Any) -> Any:
    """Every product of an element of ``a`` with one of ``b``; both flattened."""
    return multiply(reshape(a, (-1, 1)), reshape(b, (1, -1)))


def inner(a: Any, b: Any) -> Any:
    """The sum of products over the last axis of both."""
    a, b = operand(a), operand(b)
    if a.ndim == 0 or b.ndim == 0:
        return multiply(a, b)
    return tensordot(a, b, ([-1], [-1]))


def tensordot(a: Any, b: Any, axes: Any = 2) -> Any:
    """The sum of products over the named axes: the last ``axes`` of ``a`` with the first of ``b``, or two lists."""
    a, b = operand(a), operand(b)
    if isinstance(axes, int):
        first, second = list(range(a.ndim - axes, a.ndim)), list(range(axes))
    else:
        first = [axis % a.ndim for axis in axes[0]]
        second = [axis % b.ndim for axis in axes[1]]
    rest_a = [axis for axis in range(a.ndim) if axis not in first]
    rest_b = [axis for axis in range(b.ndim) if axis not in second]
    shared = int(np.prod([a.shape[axis] for axis in first], dtype=int))
    left = reshape(transpose(a, rest_a + first), (int(np.prod([a.shape[x] for x in rest_a], dtype=int)), shared))
    right = reshape(transpose(b, second + rest_b), (shared, int(np.prod([b.shape[x] for x in rest_b], dtype=int))))
    return reshape(matmul(left, right), (*(a.shape[x] for x in rest_a), *(b.shape[x] for x in rest_b)))


@quiet
def _einsum_arrays(subscripts: str, *operands: Any) -> array:
    dtype = operands[0].dtype
    for other in operands[1:]:
        dtype = dtypes.promote(dtype, other.dtype)
    parts = [each._data.astype(dtype, copy=False) for each in operands]
    if dtype == dtypes.float16:
        parts = [part.astype(dtypes.float32) for part in parts]
    return wrap(np.asarray(np.einsum(subscripts, *parts, optimize=len(parts) > 1)).astype(dtype, copy=False))


def _einsum_rule(needed: tuple[int, ...], subscripts: str, *operands: Any) -> Any:
    """The gradient for one operand is the einsum of ``g`` with the others; letters summed alone are spread again."""
    value = _einsum(subscripts, *operands)
    inputs, output = subscripts.split("->")
    letters = inputs.split(",")

    def for_operand(at: int, g: Any) -> Any:
        others = [other for other in range(len(operands)) if other != at]
        known = set(output).union(*(letters[other] for other in others))
        kept = "".join(letter for letter in letters[at] if letter in known)
        names = ",".join([output, *(letters[other] for other in others)])
        found = _einsum(f"{names}->{kept}", g, *(operands[other] for other in others))
        if kept == letters[at]:
            return found
        shape = [size if letter in known else 1 for letter, size in zip(letters[at], operands[at].shape, strict=True)]
        return broadcast_to(reshape(found, shape), operands[at].shape)

    return value, lambda g: [for_operand(position - 1, g).astype(operands[position - 1].dtype) for position in needed]


_einsum = differentiable(_einsum_arrays, _einsum_rule)


def einsum(subscripts: str, *operands: Any) -> Any:
    """Einstein's summation; a letter may not repeat within one operand, and ``...`` is not on the list."""
    subscripts = subscripts.replace(" ", "")
    if "." in subscripts:
        raise ValueError("einsum: '...' is not on the NumPy backend's list; name every axis.")
    if "->" not in subscripts:
        letters = subscripts.replace(",", "")
        subscripts += "->" + "".join(sorted(letter for letter in set(letters) if letters.count(letter) == 1))
    for part in subscripts.split("->")[0].split(","):
        if len(set(part)) != len(part):
            raise ValueError(f"einsum: {part!r} repeats a letter; diagonals are not on the NumPy backend's list.")
    return _einsum(subscripts, *(operand(each) for each in operands))
