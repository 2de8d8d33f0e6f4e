"""What the rows must look like if the components of q and k are independent N(0, 1): the reference, in float64.

Given q, its scores are ‖q‖ times independent N(0, 1), ‖q‖² being chi-squared with d_k degrees of freedom.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

ROWS = 8000
DEAD = 1e-3


@dataclass(frozen=True)
class Rows:
    """The percentage of dead rows; the medians of ‖∂L/∂logits‖ and ‖∂L/∂q‖; ``spike``, the latter's 99th percentile."""

    dead: float
    logits: float
    query: float
    spike: float


@lru_cache(maxsize=1)  # both scales look at the same rows
def _drawn(d_k: int, keys: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Scores [R, n], each key's component along q, z, and ‖·‖² of a vector across q, [R]."""
    generator = np.random.default_rng([d_k, keys])
    length = np.sqrt(generator.chisquare(d_k, (ROWS, 1)))  # ‖q‖
    along = generator.standard_normal((ROWS, keys))
    z = generator.standard_normal((ROWS, keys))
    return length * along, along, z, generator.chisquare(d_k - 1, ROWS)


@lru_cache(maxsize=64)
def rows(d_k: int, keys: int, scale: float) -> Rows:
    """Rows of ``keys`` weights at ``scale``, and the gradients of L = Σ_j p_j z_j, z independent N(0, 1)."""
    score, along, z, beside = _drawn(d_k, keys)
    scores = scale * score
    p = np.exp(scores - scores.max(-1, keepdims=True))
    p /= p.sum(-1, keepdims=True)
    p_squared = np.square(p)
    squares = p_squared.sum(-1)
    # ‖J‖²: on the diagonal p(1 − p), off it −p_i p_j.
    jacobian = np.sqrt((p_squared * (np.square(1 - p) + squares[:, None] - p_squared)).sum(-1))
    y = p * (z - (p * z).sum(-1, keepdims=True))  # J z = ∂L/∂logits
    # ∂L/∂q = scale · Kᵀ y: along q it is y · along; across q, d_k − 1 independent N(0, ‖y‖²).
    across = beside * np.square(y).sum(-1)
    query = scale * np.sqrt(np.square((along * y).sum(-1)) + across)
    return Rows(
        dead=100.0 * float((jacobian < DEAD).mean()),
        logits=float(np.median(np.linalg.norm(y, axis=-1))),
        query=float(np.median(query)),
        spike=float(np.quantile(query, 0.99)),
    )
