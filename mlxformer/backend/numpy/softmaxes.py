"""Softmax and its kin: one pass each, in place, with their own gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arrays import array, wrap
from .broadcasting import Axis, axes_of
from .elementwise import subtract
from .operands import floats, quiet
from .primitives import differentiable, plain
from .reductions import logsumexp
from .threads import chunks, each


def softmax_in_place(scores: np.ndarray, axes: Any = -1) -> np.ndarray:
    """Overwrites ``scores`` with exp(scores − max) / Σ. A row of −inf becomes NaN, as in MLX."""
    if axes == -1 and scores.ndim > 1 and scores.flags.c_contiguous:
        rows = scores.reshape(-1, scores.shape[-1])
        each(lambda part: _rows_in_place(rows[part]), chunks(*rows.shape))
        return scores
    scores -= scores.max(axis=axes, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=axes, keepdims=True)
    return scores


def _rows_in_place(rows: np.ndarray) -> None:
    rows -= rows.max(axis=-1, keepdims=True)
    np.exp(rows, out=rows)
    rows /= np.einsum("ij->i", rows)[:, None]  # it sums rows several times faster than sum does


@quiet
def _probabilities(x: np.ndarray, axis: Axis) -> np.ndarray:
    """In float32, whatever ``x`` is."""
    if x.ndim == 0 or x.size == 0:
        return np.ones(x.shape, np.float32)
    return softmax_in_place(x.astype(np.float32), -1 if axis in (-1, x.ndim - 1) else axes_of(axis, x.ndim))


def _softmax_array(a: Any, axis: Axis, precise: bool) -> array:
    x = floats(a)
    return wrap(_probabilities(x, axis).astype(x.dtype, copy=False))


@quiet
def _softmax_pull(g: np.ndarray, value: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    """y·(g − Σ g·y)"""
    found = np.multiply(g, value, dtype=np.float32)
    found -= value * found.sum(axes, keepdims=True)
    return found.astype(g.dtype, copy=False)


def _softmax_rule(needed: tuple[int, ...], a: Any, axis: Axis, precise: bool) -> Any:
    plain("softmax", a)
    x = floats(a)
    probabilities = _probabilities(x, axis)
    axes = axes_of(axis, x.ndim)

    def pullback(g: Any) -> list[array]:
        plain("softmax", g)
        return [wrap(_softmax_pull(g._data, probabilities, axes))]

    return wrap(probabilities.astype(x.dtype, copy=False)), pullback


_softmax = differentiable(_softmax_array, _softmax_rule)


def softmax(a: Any, axis: Axis = None, *, precise: bool = False) -> Any:
    """exp(a) / Σ exp(a) over ``axis`` (``None``: over everything), always accumulated in float32."""
    return _softmax(a, axis, precise)


def log_softmax(x: Any, axis: int = -1) -> Any:
    """x − log Σ exp(x)"""
    return subtract(x, logsumexp(x, axis, True))
