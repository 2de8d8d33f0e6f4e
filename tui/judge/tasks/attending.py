"""The explicit attention that several tasks and most of their mistakes are made of."""

from __future__ import annotations

from typing import Any

import numpy as np

from tui.judge.stages import look


def attend(
    q: Any,
    k: Any,
    v: Any,
    mask: Any = None,
    bias: Any = None,
    *,
    scale: str = "dim",
    axis: int = -1,
    masking: str = "right",
    shift: bool = True,
) -> Any:
    """``softmax(q kᵀ · scale + bias, masked) v``; a row that sees nothing gives zeros. The others are mistakes.

    scale: ``dim`` 1/√D, or what it is taken for. masking: how the mask is put to use.
    """
    scores = look("scores", q @ np.swapaxes(k, -1, -2))
    width, heads, length = q.shape[-1], q.shape[1] if q.ndim > 2 else 1, k.shape[-2]
    factors = {
        "dim": width**-0.5,
        "none": 1.0,
        "model": (width * heads) ** -0.5,
        "whole": 1.0 / width,
        "times": width**0.5,
        "length": length**-0.5,
        "after": 1.0,
    }
    scores = look("scaled", scores * factors[scale])
    if bias is not None:
        scores = look("biased", scores + bias)
    seen = None if mask is None else np.broadcast_to(mask, scores.shape)
    if seen is not None and masking == "inverted":
        seen = ~seen
    if seen is not None and masking == "transposed":
        seen = np.swapaxes(seen, -1, -2)
    least = np.finfo(scores.dtype).min
    if seen is not None:
        if masking == "added":
            scores = scores + seen.astype(scores.dtype)
        elif masking == "multiplied":
            scores = scores * seen
        elif masking == "minus-infinity":
            scores = np.where(seen, scores, -np.inf)
        elif masking == "minus-1e9":
            scores = np.where(seen, scores, np.asarray(-1e9).astype(scores.dtype))
        elif masking == "offset":  # one large number added to the whole of a row changes nothing in it
            scores = np.where(seen | ~seen.any(axis=-1, keepdims=True), scores, least)
        elif masking not in ("after", "ignored"):
            scores = np.where(seen, scores, least)
        scores = look("masked", scores)
    powers = np.exp(scores - scores.max(axis=axis, keepdims=True)) if shift else np.exp(scores)
    weights = powers / powers.sum(axis=axis, keepdims=True)
    if seen is not None and masking in ("right", "inverted", "transposed", "after", "minus-1e9"):
        weights = weights * seen if masking == "minus-1e9" else np.where(seen, weights, 0).astype(weights.dtype)
    if scale == "after":
        weights = weights * width**-0.5
    return look("heads", look("weights", weights) @ v)
