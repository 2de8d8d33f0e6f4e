"""What random tokens and random matrices give by theory, in float64 and without running attention."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

TOKENS = 3000  # sampled queries: the mean own weight is then known to half a hundredth
SEED = 20170612  # of the theory's own sampling, so that it shares no draw with what is measured


@dataclass(frozen=True)
class OwnWeight:
    """The mean weight of a token on itself, and ‖out − in‖ / ‖in‖ where values are the tokens themselves."""

    weight: float
    change: float


def all_equal(d: int, n: int) -> OwnWeight:
    """Q = K = V = X of n tokens x ~ N(0, I): a row holds ‖x‖²/√d for itself and N(0, ‖x‖²/d) for each other token.

    The output less the input is Σ α_j x_j − (1 − α) x. Along x that is Σ α_j z_j − (1 − α) ‖x‖, and in each of the
    d − 1 other directions it has the variance Σ α_j².
    """
    generator = np.random.default_rng([SEED, d, n])
    squared = generator.chisquare(d, TOKENS)  # ‖x‖²
    z = generator.standard_normal((TOKENS, n - 1))
    own, others = _softmax(squared / math.sqrt(d), np.sqrt(squared / d)[:, None] * z)
    along = (others * z).sum(-1) - (1 - own) * np.sqrt(squared)
    moved = np.square(along) + np.square(others).sum(-1) * (d - 1)
    return OwnWeight(float(own.mean()), math.sqrt(float(moved.mean()) / d))


def tied_query_key(d: int, n: int) -> float:
    """The mean own weight with q = k = W x, W random: scores are x A x' / √d with A = WᵀW of eigenvalues λ.

    For a given x, own score Σ λ x²/√d, and each other token's is N(0, Σ λ² x²/d). As the mean of λ² is 2, other
    tokens scatter more than under Q = K = X, and the diagonal stands out less.
    """
    generator = np.random.default_rng([SEED, d, n, 1])
    draws = max(1, 256 // d)
    eigenvalues = np.square(
        np.linalg.svd(generator.standard_normal((draws, d, d)) / math.sqrt(d), compute_uv=False)
    )  # [W, d]
    squares = np.square(generator.standard_normal((draws, TOKENS // draws, d)))  # x² in the eigenvectors' basis
    own = (squares @ eigenvalues[:, :, None]).reshape(-1) / math.sqrt(d)
    scatter = np.sqrt(squares @ np.square(eigenvalues)[:, :, None] / d).reshape(-1, 1)
    weight, _ = _softmax(own, scatter * generator.standard_normal((len(own), n - 1)))
    return float(weight.mean())


def asymmetry(d: int, n: int) -> float:
    """‖S − Sᵀ‖ / ‖S‖ for S = X W_Qᵀ W_K Xᵀ with independent W_Q and W_K.

    Off the diagonal E S_ij² = d and E S_ij S_ji = 1 (of order: tr MMᵀ = d, tr MM = 1 for M = W_Qᵀ W_K), on it
    E S_ii² = d + 2, as E ‖x‖⁴ = d² + 2d.
    """
    return math.sqrt(2 * (n - 1) * (1 - 1 / d) / (n + 2 / d))


def _softmax(own: np.ndarray, others: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights of the own score [N] and of the others [N, n − 1]."""
    powers = np.exp(others - own[:, None])
    total = 1 + powers.sum(-1)
    return 1 / total, powers / total[:, None]
