"""Cross-entropy with class ids, fused, in blocks of rows that stay in the cache; no array as large is kept."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arrays import array, wrap
from .operands import floats
from .primitives import Function, differentiable, plain
from .threads import chunks, each


def _rows(logits: np.ndarray, axis: int) -> np.ndarray:
    """[R, K] in float32, the classes last."""
    return np.ascontiguousarray(np.moveaxis(logits, axis, -1), np.float32).reshape(-1, logits.shape[axis])


def _blocks(rows: np.ndarray) -> list[slice]:
    """Larger ones than elsewhere: to tell NumPy what to do with a few rows of a vocabulary costs more than doing it."""
    return chunks(len(rows), rows.shape[-1] // 8)


def _losses(rows: np.ndarray, targets: np.ndarray, smoothing: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The loss [R]; and the maximum and Σ exp(x − max) of each row, [R, 1]."""
    loss, top, total = (np.empty((len(rows), 1), np.float32) for _ in range(3))

    def block(part: slice) -> None:
        rows[part].max(axis=-1, keepdims=True, out=top[part])
        shifted = rows[part] - top[part]
        said = np.float32(1 - smoothing) * np.take_along_axis(shifted, targets[part, None], -1)
        if smoothing:
            said += np.float32(smoothing) * shifted.mean(-1, keepdims=True)
        np.exp(shifted, out=shifted)
        np.einsum("rk->r", shifted, out=total[part, 0])
        np.subtract(np.log(total[part]), said, out=loss[part])

    each(block, _blocks(rows))
    return loss[:, 0], top, total


def _cross_entropy_array(logits: Any, targets: np.ndarray, axis: int, smoothing: float) -> array:
    given = floats(logits)
    loss, _, _ = _losses(_rows(given, axis), targets.reshape(-1), smoothing)
    return wrap(loss.reshape(targets.shape).astype(given.dtype, copy=False))


def _cross_entropy_rule(needed: tuple[int, ...], logits: Any, targets: np.ndarray, axis: int, smoothing: float) -> Any:
    plain("cross_entropy", logits)
    given = floats(logits)
    rows, ids = _rows(given, axis), targets.reshape(-1)
    loss, top, total = _losses(rows, ids, smoothing)

    def pullback(g: Any) -> list[array]:
        """(p − (1 − ε)·onehot − ε/K)·g; of a row that nothing is asked of, as of padding, 0"""
        plain("cross_entropy", g)
        scale = g._data.reshape(-1, 1).astype(np.float32, copy=False)
        gradient = np.zeros(rows.shape, np.float32)

        def block(part: slice) -> None:
            wanted = scale[part, 0] != 0
            asked = part if wanted.all() else part.start + np.flatnonzero(wanted)
            found = rows[asked] - top[asked]
            np.exp(found, out=found)
            found *= scale[asked] / total[asked]
            found[np.arange(len(found)), ids[asked]] -= np.float32(1 - smoothing) * scale[asked, 0]
            if smoothing:
                found -= np.float32(smoothing / rows.shape[-1]) * scale[asked]
            gradient[asked] = found

        each(block, _blocks(rows))
        shaped = gradient.reshape(*targets.shape, rows.shape[-1])
        return [wrap(np.moveaxis(shaped, -1, axis).astype(given.dtype, copy=False))]

    return wrap(loss.reshape(targets.shape).astype(given.dtype, copy=False)), pullback


_cross_entropy: Function = differentiable(_cross_entropy_array, _cross_entropy_rule)


def cross_entropy_of_ids(logits: Any, targets: Any, axis: int, smoothing: float) -> Any:
    """log Σ exp(x) − (1 − ε)·x[target] − ε·mean(x) along ``axis``, for integer ``targets`` of the other axes."""
    ids = targets._data
    classes = logits.shape[axis]
    if ids.size and not -classes <= int(ids.min()) <= int(ids.max()) < classes:
        raise IndexError(f"cross_entropy: targets from {ids.min()} to {ids.max()}, but there are {classes} classes.")
    return _cross_entropy(logits, ids.astype(np.int64), axis, smoothing)
