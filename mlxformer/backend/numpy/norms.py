"""Layer norm and RMS norm over the last axis: fused, with their own gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arrays import array, wrap
from .operands import data, floats, quiet
from .primitives import differentiable, plain

# Mean squares between these are exact in float32; a row of equal numbers has 0 and goes the other way too.
_SQUARES = (1e-30, 1e37)


def _row_means(x: np.ndarray) -> np.ndarray:
    """The mean of each row, as [rows, 1]; einsum adds rows several times faster than ``mean`` does."""
    return (np.einsum("ij->i", x) * np.float32(1 / x.shape[-1]))[:, None]


def _rows(x: np.ndarray) -> np.ndarray:
    return x.reshape(-1, x.shape[-1]).astype(np.float32, copy=False)


def _normalized(x: np.ndarray, eps: float, center: bool) -> tuple[np.ndarray, np.ndarray]:
    """(x − mean)·r and r = 1 / √(var + eps), with rows [N, C] and [N, 1]."""
    rows = _rows(x)
    deviations = rows - _row_means(rows) if center else rows.copy()
    mean_square = np.einsum("ij,ij->i", deviations, deviations) * np.float32(1 / x.shape[-1])
    if x.size and not _SQUARES[0] < mean_square.min() <= mean_square.max() < _SQUARES[1]:
        return _normalized_wide(rows, eps, center)
    inverse = (np.float32(1) / np.sqrt(mean_square + np.float32(eps)))[:, None]
    deviations *= inverse
    return deviations, inverse


def _normalized_wide(rows: np.ndarray, eps: float, center: bool) -> tuple[np.ndarray, np.ndarray]:
    """The same by float64, for rows whose squares leave float32 (from 1e19 on, and below 1e-19)."""
    wide = rows.astype(np.float64)
    if center:
        wide -= wide.mean(-1, keepdims=True)
    inverse = 1 / np.sqrt(np.einsum("ij,ij->i", wide, wide) / rows.shape[-1] + eps)[:, None]
    return (wide * inverse).astype(np.float32), inverse.astype(np.float32)


def _wide(parameter: Any) -> np.ndarray:
    return data(parameter).astype(np.float32, copy=False)


def _finish(x: np.ndarray, normal: np.ndarray, weight: Any, bias: Any) -> array:
    if weight is not None:
        normal = np.multiply(normal, _wide(weight), out=normal)
    if bias is not None:
        normal += _wide(bias)
    return wrap(normal.reshape(x.shape).astype(x.dtype, copy=False))


@quiet
def _norm_array(x: Any, weight: Any, bias: Any, eps: float, center: bool) -> array:
    given = floats(x)
    return _finish(given, _normalized(given, eps, center)[0], weight, bias)


@quiet
def _norm_rule(needed: tuple[int, ...], x: Any, weight: Any, bias: Any, eps: float, center: bool) -> Any:
    plain("a norm", x, weight, bias)
    given = floats(x)
    normal, inverse = _normalized(given, eps, center)
    value = _finish(given, normal.copy(), weight, bias)

    @quiet
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

    return value, pullback


_norm = differentiable(_norm_array, _norm_rule)


def layer_norm(x: Any, weight: Any, bias: Any, eps: float) -> Any:
    """(x − mean) / √(var + eps) · weight + bias over the last axis (Ba et al. 2016, eq. 4)."""
    return _norm(x, weight, bias, eps, True)


def rms_norm(x: Any, weight: Any, eps: float) -> Any:
    """x / √(mean(x²) + eps) · weight over the last axis (Zhang & Sennrich 2019, eq. 4)."""
    return _norm(x, weight, None, eps, False)
