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


def softmax_in_place(scores: np.ndarray, axes: Any = -1) -> np.ndarray:
    """Overwrites ``scores`` with exp(scores − max) / Σ. A row of −inf becomes NaN, as in MLX."""
    scores -= scores.max(axis=axes, keepdims=True)
    np.exp(scores, out=scores)
    if axes == -1 and scores.ndim > 1:
        # einsum sums rows several times faster than sum does.
        scores /= np.einsum("...i->...", scores)[..., None]
    else:
        scores /= scores.sum(axis=axes, keepdims=True)
    return scores


@quiet
def _softmax_array(a: Any, axis: Axis, precise: bool) -> array:
    x = floats(a)
    if x.ndim == 0 or x.size == 0:
        return wrap(np.ones_like(x))
    axes = -1 if axis in (-1, x.ndim - 1) else axes_of(axis, x.ndim)
    return wrap(softmax_in_place(x.astype(np.float32), axes).astype(x.dtype, copy=False))


@quiet
def _softmax_pull(g: np.ndarray, value: np.ndarray, axes: tuple[int, ...]) -> np.ndarray:
    """y·(g − Σ g·y)"""
    found = g * value
    total = found.sum(axes, keepdims=True)
    found -= value * total
    return found


def _softmax_rule(needed: tuple[int, ...], a: Any, axis: Axis, precise: bool) -> Any:
    plain("softmax", a)
    value = _softmax_array(a, axis, precise)
    axes = axes_of(axis, a.ndim)

    def pullback(g: Any) -> list[array]:
        plain("softmax", g)
        return [wrap(_softmax_pull(g._data, value._data, axes))]

    return value, pullback


_softmax = differentiable(_softmax_array, _softmax_rule)


def softmax(a: Any, axis: Axis = None, *, precise: bool = False) -> Any:
    """exp(a) / Σ exp(a) over ``axis`` (``None``: over everything), always accumulated in float32."""
    return _softmax(a, axis, precise)


def log_softmax(x: Any, axis: int = -1) -> Any:
    """x − log Σ exp(x)"""
    return subtract(x, logsumexp(x, axis, True))
