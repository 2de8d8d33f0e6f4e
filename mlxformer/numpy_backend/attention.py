"""Scaled dot-product attention."""

from __future__ import annotations

from typing import Any

import numpy as np

from .elementwise import add, multiply
from .logic import where
from .products import matmul
from .shaping import reshape, swapaxes
from .softmaxes import softmax
from .arrays import array, wrap


def scaled_dot_product_attention(q: Any, k: Any, v: Any, *, scale: float, mask: Any = None) -> Any:
    """softmax(q kᵀ · scale, masked) v, with q [B, H, Tq, D] and k, v [B, Hkv, Tk, D]."""
    B, H, Tq, D = q.shape
    groups = k.shape[1]
    grouped = reshape(q, (B, groups, H // groups, Tq, D))
    keys, values = (reshape(x, (*x.shape[:2], 1, *x.shape[2:])) for x in (k, v))
    scores = multiply(matmul(grouped, swapaxes(keys, -1, -2)), scale)
    if isinstance(mask, str):
        Tk = k.shape[2]
        mask = wrap(np.tri(Tq, Tk, Tk - Tq, dtype=bool))
    if mask is not None:
        if mask.ndim >= 3:
            mask = reshape(mask, (*mask.shape[:-3], *((groups, -1) if mask.shape[-3] > 1 else (1, 1)), *mask.shape[-2:]))
        if mask.dtype == np.bool_:
            scores = where(mask, scores, float(np.finfo(scores.dtype).min))
        else:
            scores = add(scores, mask)
    return reshape(matmul(softmax(scores, axis=-1), values), (B, H, Tq, v.shape[-1]))


__all__ = ["array", "scaled_dot_product_attention"]
