"""What is measured on a traced attention: how sharp, how alive, of what rank, at what cost.

The functions take NumPy arrays, as ``Step.value`` is one, and compute in float64; the measured model stays in float32.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mlxformer.tracing import Trace


def softmax_jacobian_norm(weights: np.ndarray) -> np.ndarray:
    """‖J‖_F of each row of ``weights`` [..., Tk], J = diag(p) − p pᵀ: how much a row still moves with its scores.

        ‖J‖²_F = Σ p² − 2 Σ p³ + (Σ p²)²

    Rounding makes it slightly negative in a saturated row, hence the clip at 0; the norm is right to 2e-8. Shape [...].
    """
    p = np.asarray(weights, np.float64)
    squares = np.square(p).sum(-1)
    return np.sqrt(np.clip(squares - 2 * (p**3).sum(-1) + np.square(squares), 0.0, None))


def softmax_jacobian_spectral_norm(weights: np.ndarray) -> np.ndarray:
    """The largest |eigenvalue| of J = diag(p) − p pᵀ for each row of ``weights`` [..., Tk] -> [...].

    At most 1/2 where p is a distribution: by Gershgorin the eigenvalues lie below max 2 pᵢ(1 − pᵢ) ≤ 1/2, and two
    equal weights of 1/2 reach it.
    """
    p = np.asarray(weights, np.float64)
    jacobians = p[..., :, None] * np.eye(p.shape[-1]) - p[..., :, None] * p[..., None, :]  # [..., Tk, Tk]
    return np.abs(np.linalg.eigvalsh(jacobians)).max(-1)


def entropy(weights: np.ndarray, *, normalized: bool = False) -> np.ndarray:
    """−Σ p ln p of each row of ``weights`` [..., Tk], in nats, 0 ln 0 being 0; ``normalized`` divides by ln Tk.

    Normalized it is 1 for a uniform row and 0 for a one-hot one, and 0 for a row of one key, which has no choice.
    """
    p = np.asarray(weights, np.float64)
    nats = -(p * np.log(np.where(p > 0, p, 1.0))).sum(-1)
    nats = np.clip(nats, 0.0, None)  # a weight rounded to just above 1 would give -0.0 or less
    return nats / np.log(p.shape[-1]) if normalized and p.shape[-1] > 1 else nats


def token_spread(x: np.ndarray) -> np.ndarray:
    """‖X − 1 mᵀ‖_F / ‖X‖_F for X [..., T, C] and its mean token m: the share in which tokens differ. Shape [...].

    0 where all tokens are one and the same, as a matrix 1 mᵀ of rank 1 has them; 1 where their mean is 0. The mean is
    the vector at which the numerator is least (the residual of Dong et al. 2021, in the Frobenius norm).
    """
    tokens = np.asarray(x, np.float64)
    differing = np.linalg.norm(tokens - tokens.mean(-2, keepdims=True), axis=(-2, -1))
    whole = np.linalg.norm(tokens, axis=(-2, -1))
    return differing / np.where(whole > 0, whole, 1.0)


def numerical_rank(matrices: np.ndarray) -> np.ndarray:
    """The rank of each matrix [..., M, N], float32 by birth: singular values above σ_max · max(M, N) · 2⁻²³ count.

    That is NumPy's and MATLAB's rule at float32's precision, since rounding in float32 fills every matrix to full rank.
    """
    x = np.asarray(matrices, np.float64)
    singular = np.linalg.svd(x, compute_uv=False)
    limit = singular.max(-1, keepdims=True, initial=0.0) * max(x.shape[-2:]) * np.finfo(np.float32).eps
    return (singular > limit).sum(-1)


def low_rank_error(matrix: np.ndarray, rank: int) -> float:
    """How far the nearest matrix of rank ``rank`` is from ``matrix`` [M, N], over its norm (Frobenius; 0 for zeros).

    √(Σ_{i>rank} σᵢ²) / √(Σ σᵢ²) by the theorem of Eckart and Young: what no table of dot products u_i · v_j of vectors
    that wide can reproduce.
    """
    squares = np.square(np.linalg.svd(np.asarray(matrix, np.float64), compute_uv=False))
    return float(np.sqrt(squares[rank:].sum() / squares.sum())) if squares.sum() > 0 else 0.0


def count_attention_flops(steps: Trace, path: str = "") -> dict[str, int]:
    """Floating-point operations of the matrix products of one traced multi-head attention, a multiply-add being 2.

    Read off the shapes that were traced, so it counts what ran: ``{"projections", "scores", "mixing", "output"}``. With
    d = C = H·D and self-attention of n tokens they add up to 8 n d² + 4 n² d, whatever H. Softmax is not counted. Only
    for a call without a cache (cached keys are traced but were not projected again).
    """

    def of(name: str) -> Any:
        return steps[f"{path}.{name}" if path else name].value

    q, k, v = of("queries"), of("keys"), of("values")  # [B, H, Tq, D], [B, Hkv, Tk, D]
    scores, heads = of("scores"), of("heads")  # [B, H, Tq, Tk], [B, H, Tq, D]
    joined, output = of("concatenated"), of("output")  # [B, Tq, H·D], [B, Tq, C]
    return {
        "projections": 2 * output.shape[-1] * (q.size + k.size + v.size),
        "scores": 2 * q.shape[-1] * scores.size,
        "mixing": 2 * scores.shape[-1] * heads.size,
        "output": 2 * joined.shape[-1] * output.size,
    }
