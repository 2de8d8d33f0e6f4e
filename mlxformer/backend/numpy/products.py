"""Matrix products."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import dtypes
from .arrays import array, wrap
from .broadcasting import broadcast_to, reshape, sum_to
from .elementwise import multiply
from .gemm import are_few, by_columns, multiply_few_rows, multiply_matrices
from .operands import data, operand, pair, quiet
from .primitives import differentiable
from .shaping import expand_dims, swapaxes, transpose


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
        return wrap(multiply_matrices(x.reshape(-1, x.shape[-1]), y).reshape(*x.shape[:-1], y.shape[-1]))
    return wrap(multiply_matrices(x, y))


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


@quiet
def _linear_arrays(x: Any, weight: Any, bias: Any = None) -> array:
    given, rows = data(x), data(weight)
    if are_few(given, rows):
        y = wrap(multiply_few_rows(given, rows))
    else:
        y = _product(x, wrap(by_columns(given, weight)))
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
