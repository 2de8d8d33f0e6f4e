"""What a head's map says in a number: how sharp it is, how far it looks, how much goes to the first token."""

from __future__ import annotations

import numpy as np


def peak(weights: np.ndarray) -> np.ndarray:
    """The mean over queries of the largest weight: [H, Tq, Tk] -> [H]."""
    found: np.ndarray = weights.max(-1).mean(-1, dtype=np.float64)
    return found


def entropy(weights: np.ndarray) -> np.ndarray:
    """The mean over queries of -Σ w log₂ w, in bits: 0 looks at one key, log₂ Tk at all alike."""
    wide = weights.astype(np.float64)
    found: np.ndarray = -(wide * np.log2(np.where(wide > 0, wide, 1.0))).sum(-1).mean(-1)
    return found


def distance(weights: np.ndarray) -> np.ndarray:
    """The mean over queries of Σ_j w_ij |i - j|: how many places away a head looks."""
    queries, keys = weights.shape[1:]
    apart = np.abs(np.arange(queries)[:, None] - np.arange(keys)[None, :])
    found: np.ndarray = (weights.astype(np.float64) * apart).sum(-1).mean(-1)
    return found


def to_first(weights: np.ndarray) -> np.ndarray:
    """The mean weight of the first key."""
    found: np.ndarray = weights[:, :, 0].mean(-1, dtype=np.float64)
    return found


MEASURES = {"distance": distance, "first": to_first, "entropy": entropy, "peak": peak}
