"""Layer norm and RMS norm over the last axis: fused, with their own gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arrays import array, wrap
from .dtypes import promote
from .operands import data, floats, quiet
from .primitives import differentiable, plain
from .threads import chunks, each

# Mean squares between these are exact in float32; a row of equal numbers has 0 and goes the other way too.
_SQUARES = (1e-30, 1e37)


def _row_means(x: np.ndarray) -> np.ndarray:
    """The mean of each row, as [rows, 1]; einsum adds rows several times faster than ``mean`` does."""
    return (np.einsum("ij->i", x) * np.float32(1 / x.shape[-1]))[:, None]


def _rows(x: np.ndarray) -> np.ndarray:
    return x.reshape(-1, x.shape[-1]).astype(np.float32, copy=False)


def _normalized(
    x: np.ndarray, eps: float, center: bool, weight: Any = None, bias: Any = None
) -> tuple[np.ndarray, np.ndarray]:
    """(x − mean)·r, times ``weight`` and plus ``bias``, and r = 1 / √(var + eps), with rows [N, C] and [N, 1]."""
    rows = _rows(x)
    normal, inverse = np.empty_like(rows), np.empty((len(rows), 1), np.float32)
    gain, shift = (None if given is None else _wide(given) for given in (weight, bias))

    def block(part: slice) -> None:
        _normalize(rows[part], eps, center, normal[part], inverse[part], gain, shift)

    each(block, chunks(*rows.shape))
    return normal, inverse


def _normalize(
    rows: np.ndarray,
    eps: float,
    center: bool,
    normal: np.ndarray,
    inverse: np.ndarray,
    gain: np.ndarray | None,
    shift: np.ndarray | None,
) -> None:
    """Fills ``normal`` and ``inverse``."""
    if center:
        np.subtract(rows, _row_means(rows), out=normal)
    else:
        normal[...] = rows
    mean_square = np.einsum("ij,ij->i", normal, normal) * np.float32(1 / rows.shape[-1])
    if rows.size and not _SQUARES[0] < mean_square.min() <= mean_square.max() < _SQUARES[1]:
        normal[...], inverse[...] = _normalized_wide(rows, eps, center)
    else:
        np.divide(np.float32(1), np.sqrt(mean_square + np.float32(eps))[:, None], out=inverse)
        normal *= inverse
    if gain is not None:
        normal *= gain
    if shift is not None:
        normal += shift


def _normalized_wide(rows: np.ndarray, eps: float, center: bool) -> tuple[np.ndarray, np.ndarray]:
    """The same by float64, for rows whose squares leave float32 (from 1e19 on, and below 1e-19)."""
    wide = rows.astype(np.float64)
    if center:
        wide -= wide.mean(-1, keepdims=True)
    inverse = 1 / np.sqrt(np.einsum("ij,ij->i", wide, wide) / rows.shape[-1] + eps)[:, None]
    return (wide * inverse).astype(np.float32), inverse.astype(np.float32)


def _wide(parameter: Any) -> np.ndarray:
    return data(parameter).astype(np.float32, copy=False)


def _shaped(x: np.ndarray, rows: np.ndarray, weight: Any, bias: Any) -> array:
    """The rows in x's shape; half-precision features with parameters in float32 give float32, as on MLX."""
    dtype = x.dtype
    for parameter in () if weight is None else (weight, bias):  # as MLX does
        if parameter is not None:
            dtype = promote(dtype, data(parameter).dtype)
    return wrap(rows.reshape(x.shape).astype(dtype, copy=False))


@quiet
def _norm_array(x: Any, weight: Any, bias: Any, eps: float, center: bool) -> array:
    given = floats(x)
    return _shaped(given, _normalized(given, eps, center, weight, bias)[0], weight, bias)


@quiet
def _norm_rule(needed: tuple[int, ...], x: Any, weight: Any, bias: Any, eps: float, center: bool) -> Any:
    plain("a norm", x, weight, bias)
    given = floats(x)
    normal, inverse = _normalized(given, eps, center)
    value = normal.copy() if weight is None else normal * _wide(weight)
    if bias is not None:
        value += _wide(bias)

    def pullback(g: Any) -> list[array]:
        plain("a norm", g)
        rows = _rows(g._data)

        def for_x() -> array:
            inner = rows * _wide(weight) if weight is not None else rows.copy()
            projection = np.einsum("ij,ij->i", inner, normal)[:, None] * np.float32(1 / inner.shape[-1])
            if center:
                inner -= _row_means(inner)
            inner -= normal * projection
            inner *= inverse
            return wrap(inner.reshape(given.shape).astype(given.dtype, copy=False))

        def for_weight() -> array:
            return wrap(np.einsum("ij,ij->j", rows, normal).astype(weight.dtype, copy=False))

        def for_bias() -> array:
            return wrap(rows.sum(0).astype(bias.dtype, copy=False))

        return [(for_x, for_weight, for_bias)[position]() for position in needed]

    return _shaped(given, value, weight, bias), pullback


_norm = differentiable(_norm_array, _norm_rule)


def layer_norm(x: Any, weight: Any, bias: Any, eps: float) -> Any:
    """(x − mean) / √(var + eps) · weight + bias over the last axis (Ba et al. 2016, eq. 4)."""
    return _norm(x, weight, bias, eps, True)


def rms_norm(x: Any, weight: Any, eps: float) -> Any:
    """x / √(mean(x²) + eps) · weight over the last axis (Zhang & Sennrich 2019, eq. 4)."""
    return _norm(x, weight, None, eps, False)
