"""Attention once more, in float64 and row by row, for checks to be compared with. Shares no code with mlxformer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Reference:
    """One head: ``unmasked`` softmax rows [T, T], ``weights`` [T, T] after the mask, ``heads`` [T, D]."""

    unmasked: np.ndarray
    weights: np.ndarray
    heads: np.ndarray


def attend(q: np.ndarray, k: np.ndarray, v: np.ndarray, scale: float, *, causal: bool = False) -> Reference:
    """softmax(scale · q kᵀ) v for q, k, v [T, D]; ``causal`` lets row i see the keys 0 to i only."""
    q, k, v = (np.asarray(x, np.float64) for x in (q, k, v))
    unmasked, weights = np.zeros((len(q), len(k))), np.zeros((len(q), len(k)))
    for row, query in enumerate(q):
        scores = np.array([scale * float(np.dot(query, key)) for key in k])
        powers = np.exp(scores - scores.max())
        unmasked[row] = powers / powers.sum()
        seen = row + 1 if causal else len(k)
        powers = np.exp(scores[:seen] - scores[:seen].max())
        weights[row, :seen] = powers / powers.sum()
    heads = np.array([sum(weight * value for weight, value in zip(row, v, strict=True)) for row in weights])
    return Reference(unmasked, weights, heads)


def project(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """x Wᵀ for x [T, in] and a linear layer's ``weight`` [out, in], in float64."""
    return np.asarray(x, np.float64) @ np.asarray(weight, np.float64).T
