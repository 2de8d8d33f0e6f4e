"""Rotary positions, fused."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arrays import array, wrap
from .operands import floats, operand
from .primitives import Function, from_partials


def _angles(T: int, dims: int, base: float | None, scale: float, offset: int, freqs: Any) -> np.ndarray:
    """The angle of each position and pair, [T, dims / 2]; in float64, as a late position has many turns behind it."""
    if (base is None) == (freqs is None):
        raise ValueError("rope takes either base or freqs.")
    pairs = np.arange(dims // 2)
    rates = float(base) ** (-2 * pairs / dims) if base is not None else 1 / np.asarray(freqs, np.float64)
    return (np.arange(T) + offset)[:, None] * scale * rates


def _halves(x: np.ndarray, dims: int, traditional: bool) -> tuple[np.ndarray, np.ndarray]:
    """The first and second member of each pair: neighbors, or a feature and the one half the width further."""
    if traditional:
        return x[..., 0:dims:2], x[..., 1:dims:2]
    return x[..., : dims // 2], x[..., dims // 2 : dims]


def _rotate(a: Any, cos: np.ndarray, sin: np.ndarray, dims: int, traditional: bool) -> array:
    x = floats(a)
    rotated = x.astype(np.float32)
    first, second = _halves(rotated, dims, traditional)
    turned = first * cos - second * sin
    second *= cos
    second += first * sin
    first[...] = turned
    return wrap(rotated.astype(x.dtype, copy=False))


_rope: Function = from_partials(
    _rotate,
    # The inverse of a rotation is its transpose.
    lambda value, a, cos, sin, dims, traditional: lambda g: _rope(g, cos, -sin, dims, traditional),
)


def rope(
    a: Any, dims: int, *, traditional: bool, base: float | None, scale: float, offset: Any, freqs: Any = None
) -> Any:
    """The first ``dims`` features of a [..., T, D] rotated by position (Su et al. 2021, eq. 34).

    Pair i at position t turns by (offset + t)·scale·base^(−2i/dims), or by (offset + t)·scale / freqs[i]. Pairs are
    neighbors with ``traditional``, else a feature and the one dims/2 further.
    """
    a = operand(a)
    if a.ndim < 3 or dims % 2 or not 0 < dims <= a.shape[-1]:
        raise ValueError(f"rope takes [B, ..., T, D] and an even dims of at most D; got {a.shape} and {dims}.")
    angles = _angles(a.shape[-2], dims, base, scale, offset if isinstance(offset, int) else int(operand(offset)), freqs)
    return _rope(a, np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32), dims, traditional)
