"""What the rows must look like if the components of q and k are independent N(0, 1): the reference, in float64.

Given q, its scores are ‖q‖ times independent N(0, 1), ‖q‖² being chi-squared with d_k degrees of freedom.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

ROWS = 20_000
DEAD = 1e-3


@dataclass(frozen=True)
class Rows:
    """The percentage of dead rows; the medians of ‖∂L/∂logits‖ and ‖∂L/∂q‖; ``spike``, the latter's 99th percentile."""

    dead: float
    logits: float
    query: float
    spike: float


@lru_cache(maxsize=64)
def rows(d_k: int, keys: int, scale: float) -> Rows:
    """Rows of ``keys`` weights at ``scale``, and the gradients of L = Σ_j p_j z_j, z independent N(0, 1)."""
    generator = np.random.default_rng([d_k, keys])
    length = np.sqrt(generator.chisquare(d_k, (ROWS, 1)))  # ‖q‖
    along = generator.standard_normal((ROWS, keys))  # each key's component along q
    z = generator.standard_normal((ROWS, keys))
    scores = scale * length * along
    p = np.exp(scores - scores.max(-1, keepdims=True))
    p /= p.sum(-1, keepdims=True)
    squares = np.square(p).sum(-1)
    # ‖J‖²: on the diagonal p(1 − p), off it −p_i p_j.
    jacobian = np.sqrt((np.square(p) * (np.square(1 - p) + squares[:, None] - np.square(p))).sum(-1))
    y = p * (z - (p * z).sum(-1, keepdims=True))  # J z = ∂L/∂logits
    # ∂L/∂q = scale · Kᵀ y: along q it is y · along; across q, d_k − 1 independent N(0, ‖y‖²).
    across = generator.chisquare(d_k - 1, ROWS) * np.square(y).sum(-1)
    query = scale * np.sqrt(np.square((along * y).sum(-1)) + across)
    return Rows(
        dead=100.0 * float((jacobian < DEAD).mean()),
        logits=float(np.median(np.linalg.norm(y, axis=-1))),
        query=float(np.median(query)),
        spike=float(np.quantile(query, 0.99)),
    )
