"""Cross-entropy with class ids, fused: it keeps one array of the logits' size for the backward pass."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arrays import array, wrap
from .operands import floats, quiet
from .primitives import Function, differentiable, plain


def _exponentials(logits: np.ndarray, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """exp(x − max) and the maxima, with the classes moved to the last axis: [..., K] and [..., 1]."""
    rows = np.moveaxis(logits, axis, -1).astype(np.float32, copy=False)
    top = rows.max(axis=-1, keepdims=True)
    shifted = rows - top
    return np.exp(shifted, out=shifted), top


@quiet
def _losses(logits: np.ndarray, targets: np.ndarray, axis: int, smoothing: float) -> tuple[np.ndarray, np.ndarray]:
    """The loss [...], and the softmax's probabilities [..., K]."""
    probabilities, top = _exponentials(logits, axis)
    total = np.einsum("...k->...", probabilities)
    probabilities /= total[..., None]
    rows = np.moveaxis(logits, axis, -1).astype(np.float32, copy=False)
    target_logits = np.take_along_axis(rows, targets[..., None], -1)
    loss = np.log(total) - np.float32(1 - smoothing) * (target_logits - top)[..., 0]
    if smoothing:
        loss -= np.float32(smoothing) * (rows.mean(-1, keepdims=True) - top)[..., 0]
    return loss, probabilities


def _cross_entropy_array(logits: Any, targets: np.ndarray, axis: int, smoothing: float) -> array:
    given = floats(logits)
    return wrap(_losses(given, targets, axis, smoothing)[0].astype(given.dtype, copy=False))


def _cross_entropy_rule(needed: tuple[int, ...], logits: Any, targets: np.ndarray, axis: int, smoothing: float) -> Any:
    plain("cross_entropy", logits)
    given = floats(logits)
    loss, probabilities = _losses(given, targets, axis, smoothing)

    @quiet
    def pullback(g: Any) -> list[array]:
        """(p − (1 − ε)·onehot − ε/K)·g"""
        plain("cross_entropy", g)
        scale = g._data[..., None].astype(np.float32, copy=False)
        gradient = probabilities * scale
        at = targets[..., None]
        hits = np.take_along_axis(gradient, at, -1) - np.float32(1 - smoothing) * scale
        np.put_along_axis(gradient, at, hits, -1)
        if smoothing:
            gradient -= np.float32(smoothing / gradient.shape[-1]) * scale
        return [wrap(np.moveaxis(gradient, -1, axis).astype(given.dtype, copy=False))]

    return wrap(loss.astype(given.dtype, copy=False)), pullback


_cross_entropy: Function = differentiable(_cross_entropy_array, _cross_entropy_rule)


def cross_entropy_of_ids(logits: Any, targets: Any, axis: int, smoothing: float) -> Any:
    """log Σ exp(x) − (1 − ε)·x[target] − ε·mean(x) along ``axis``, for integer ``targets`` of the other axes."""
    ids = targets._data
    classes = logits.shape[axis]
    if ids.size and not -classes <= int(ids.min()) <= int(ids.max()) < classes:
        raise IndexError(f"cross_entropy: targets from {ids.min()} to {ids.max()}, but there are {classes} classes.")
    return _cross_entropy(logits, ids.astype(np.int64), axis, smoothing)
