"""Attention written slowly and obviously, in float64: what the fast ones are compared with."""

from __future__ import annotations

import numpy as np


def attention_loop(
    q: np.ndarray,
    k: np.ndarray,
    v: np.ndarray,
    *,
    scale: float | None = None,
    mask: np.ndarray | None = None,
    bias: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """One query at a time: the outputs [B, H, Tq, Dv] and the weights [B, H, Tq, Tk]."""
    q, k, v = (x.astype(np.float64) for x in (q, k, v))
    batch, heads, queries, width = q.shape
    keys = k.shape[2]
    shared = heads // k.shape[1]
    scale = width**-0.5 if scale is None else scale
    allowed = np.broadcast_to(True if mask is None else mask, (batch, heads, queries, keys))
    added = np.broadcast_to(0.0 if bias is None else bias.astype(np.float64), (batch, heads, queries, keys))
    outputs = np.zeros((batch, heads, queries, v.shape[-1]))
    weights = np.zeros((batch, heads, queries, keys))
    for b in range(batch):
        for h in range(heads):
            for i in range(queries):
                seen = [j for j in range(keys) if allowed[b, h, i, j]]
                if not seen:
                    continue
                scores = np.array([q[b, h, i] @ k[b, h // shared, j] * scale + added[b, h, i, j] for j in seen])
                exponentials = np.exp(scores - scores.max())
                for j, weight in zip(seen, exponentials / exponentials.sum(), strict=True):
                    weights[b, h, i, j] = weight
                    outputs[b, h, i] += weight * v[b, h // shared, j]
    return outputs, weights


def causal_loop(queries: int, keys: int) -> np.ndarray:
    """Query i of the last ``queries`` positions sees key j iff j is not after it."""
    return np.array([[j <= i + keys - queries for j in range(keys)] for i in range(queries)])
