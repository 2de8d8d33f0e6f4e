"""What the rows must look like if the components of q and k are independent N(0, 1): the reference, in float64."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from tui.experiments.scaling.theory import each

ROWS = 8000
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
    found = each(d_k, keys, scale, ROWS)
    return Rows(
        dead=100.0 * float((found.jacobian < DEAD).mean()),
        logits=float(np.median(found.logit)),
        query=float(np.median(found.gradient)),
        spike=float(np.quantile(found.gradient, 0.99)),
    )
