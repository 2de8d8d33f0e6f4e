"""What the rows of attention must look like if the components of q and k are independent N(0, 1): the reference.

Given q, the scores q·k_j over independent keys are exactly ‖q‖ times independent N(0, 1), and ‖q‖² is chi-squared with
d_k degrees of freedom. So a row is drawn from n + 1 numbers, in float64, without vectors and without attention.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from questions.bilingual import Bilingual
from tui.experiments.contract import Check, Experiment

ROWS = 4000  # the share of saturated rows is then known to 0.8 percentage points


@dataclass(frozen=True)
class Each:
    """Of each of R rows: its largest weight, ‖J‖, ‖∂L/∂s‖ and ‖∂L/∂q‖, [R]."""

    largest: np.ndarray
    jacobian: np.ndarray
    logit: np.ndarray
    gradient: np.ndarray


@dataclass(frozen=True)
class Rows:
    """Of many independent rows: the percentage with a weight above 0.99, the medians of ‖J‖, ‖∂L/∂s‖ and ‖∂L/∂q‖.

    Of ‖∂L/∂q‖ also the mean and the standard deviation, which say how many rows a mean needs to be worth anything.
    """

    saturated: float
    jacobian_norm: float
    logit_norm: float
    gradient_norm: float
    gradient_mean: float
    gradient_deviation: float


@lru_cache(maxsize=3)  # every scale looks at the same rows
def _drawn(d_k: int, keys: int, count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Scores [R, n], each key's component along q, z, and ‖·‖² of a vector across q, [R]."""
    generator = np.random.default_rng([d_k, keys])
    length = np.sqrt(generator.chisquare(d_k, (count, 1)))  # ‖q‖
    along = generator.standard_normal((count, keys))
    z = generator.standard_normal((count, keys))
    return length * along, along, z, generator.chisquare(d_k - 1, count)


@lru_cache(maxsize=64)
def saturated(d_k: int, keys: int, scale: float) -> float:
    """``Rows.saturated`` alone: the largest weight of a row is 1 / Σ exp(s − max s)."""
    scores = scale * _drawn(d_k, keys, ROWS)[0]
    total = np.exp(scores - scores.max(-1, keepdims=True)).sum(-1)
    return 100.0 * float((total < 1 / 0.99).mean())


def each(d_k: int, keys: int, scale: float, count: int) -> Each:
    """``count`` rows of ``keys`` weights at ``scale``, and the gradient of L = Σ_j p_j z_j, z independent N(0, 1)."""
    score, along, z, beside = _drawn(d_k, keys, count)
    scores = scale * score
    p = np.exp(scores - scores.max(-1, keepdims=True))
    p /= p.sum(-1, keepdims=True)
    p_squared = np.square(p)
    squares = p_squared.sum(-1)
    # ‖J‖²: on the diagonal p(1 − p), off it −p_i p_j.
    jacobian = np.sqrt((p_squared * (np.square(1 - p) + squares[:, None] - p_squared)).sum(-1))
    y = p * (z - (p * z).sum(-1, keepdims=True))  # J z = ∂L/∂s
    # ∂L/∂q = scale · Kᵀ y: along q it is y · along; across q, d_k − 1 independent N(0, ‖y‖²).
    across = beside * np.square(y).sum(-1)
    gradient = scale * np.sqrt(np.square((along * y).sum(-1)) + across)
    return Each(p.max(-1), jacobian, np.linalg.norm(y, axis=-1), gradient)


@lru_cache(maxsize=64)  # turning another knob asks for the same rows again
def rows(d_k: int, keys: int, scale: float) -> Rows:
    """``ROWS`` of them in a few numbers."""
    found = each(d_k, keys, scale, ROWS)
    return Rows(
        saturated=100.0 * float((found.largest > 0.99).mean()),
        jacobian_norm=float(np.median(found.jacobian)),
        logit_norm=float(np.median(found.logit)),
        gradient_norm=float(np.median(found.gradient)),
        gradient_mean=float(found.gradient.mean()),
        gradient_deviation=float(found.gradient.std()),
    )


def where_theory_says(experiment: Experiment, name: str, ratio: float, limit: float, theory_ratio: float) -> Check:
    """A ratio of medians, below ``limit`` where theory puts it below half of that; else it is not claimed."""
    if theory_ratio <= limit / 2:
        return experiment.measured(name, ratio, limit)
    return experiment.undefined(
        name,
        Bilingual(
            f"d_k 还太小（或键太多），多数行没有饱和：理论比值是 {theory_ratio:.2g}，不超过 {limit / 2:g} 才断言。",
            f"d_k is too small here (or the keys too many) to saturate most rows: theory puts this ratio at "
            f"{theory_ratio:.2g}, and the claim is made only where that is at most {limit / 2:g}.",
        ),
    )
