"""What is measured on a traced attention: how sharp, how alive, of what rank, at what cost.

The functions take NumPy arrays, as ``Step.value`` is one, and compute in float64; the measured model stays in float32.
"""

from __future__ import annotations

import numpy as np

from mlxformer.tracing import Trace


def softmax_jacobian_norm(weights: np.ndarray) -> np.ndarray:
    """‖J‖_F of each row, J = diag(p) − p pᵀ: how much the softmax still moves with its scores.

        ‖J‖²_F = Σ p² − 2 Σ p³ + (Σ p²)²

    Rounding makes it slightly negative in a saturated row, hence the clip at 0; the norm is right to 2e-8.

    Args:
        weights: p, distributions [..., Tk].

    Returns:
        float64 [...].

    >>> import numpy as np
    >>> from mlxformer.inspection.diagnostics import softmax_jacobian_norm
    >>> softmax_jacobian_norm(np.array([[0.5, 0.5], [1.0, 0.0]])).round(6).tolist()
    [0.5, 0.0]
    """
    p = np.asarray(weights, np.float64)
    squares = np.square(p).sum(-1)
    return np.sqrt(np.clip(squares - 2 * (p**3).sum(-1) + np.square(squares), 0.0, None))


def softmax_jacobian_spectral_norm(weights: np.ndarray) -> np.ndarray:
    """The largest |eigenvalue| of J = diag(p) − p pᵀ for each row.

    At most 1/2 where p is a distribution: by Gershgorin the eigenvalues lie below max 2 pᵢ(1 − pᵢ) ≤ 1/2, and two equal
    weights of 1/2 reach it.

    Args:
        weights: p, distributions [..., Tk].

    Returns:
        float64 [...].

    >>> import numpy as np
    >>> from mlxformer.inspection.diagnostics import softmax_jacobian_spectral_norm
    >>> float(softmax_jacobian_spectral_norm(np.array([0.5, 0.5, 0.0])).round(6))
    0.5
    """
    p = np.asarray(weights, np.float64)
    jacobians = p[..., :, None] * np.eye(p.shape[-1]) - p[..., :, None] * p[..., None, :]  # [..., Tk, Tk]
    return np.abs(np.linalg.eigvalsh(jacobians)).max(-1)


def largest_softmax_jacobian_norm(weights: np.ndarray) -> float:
    """The largest ``softmax_jacobian_spectral_norm`` of all rows, without those that can't have it.

    A spectral norm is at most the Frobenius norm, so rows are taken from the largest of these down, until the next
    lies below what was found.

    Args:
        weights: p, distributions [..., Tk].

    Returns:
        The norm.

    >>> import numpy as np
    >>> from mlxformer.inspection.diagnostics import largest_softmax_jacobian_norm
    >>> round(largest_softmax_jacobian_norm(np.array([[1.0, 0.0], [0.5, 0.5]])), 6)
    0.5
    """
    p = np.asarray(weights, np.float64).reshape(-1, weights.shape[-1])
    bounds = softmax_jacobian_norm(p) + 2e-8  # what rounding leaves uncertain
    order, largest = np.argsort(-bounds), 0.0
    for start in range(0, len(order), 32):
        rows = order[start : start + 32]
        if bounds[rows[0]] < largest:
            break
        largest = max(largest, float(softmax_jacobian_spectral_norm(p[rows]).max()))
    return largest


def entropy(weights: np.ndarray, *, normalized: bool = False) -> np.ndarray:
    """``−Σ p ln p`` of each row, 0 ln 0 being 0.

    Args:
        weights: p, distributions [..., Tk].
        normalized: True divides by ln Tk: 1 for a uniform row and 0 for a one-hot one; a row of one key, which has no
            choice, gives 0.

    Returns:
        float64 [...], in nats, or in shares of ln Tk.

    >>> import numpy as np
    >>> from mlxformer.inspection.diagnostics import entropy
    >>> entropy(np.array([[0.25, 0.25, 0.25, 0.25], [1.0, 0.0, 0.0, 0.0]]), normalized=True).tolist()
    [1.0, 0.0]
    """
    p = np.asarray(weights, np.float64)
    nats = -(p * np.log(np.where(p > 0, p, 1.0))).sum(-1)
    nats = np.clip(nats, 0.0, None)  # a weight rounded to just above 1 would give -0.0 or less
    return nats / np.log(p.shape[-1]) if normalized and p.shape[-1] > 1 else nats


def token_spread(x: np.ndarray) -> np.ndarray:
    """``‖X − 1 mᵀ‖_F / ‖X‖_F`` with the mean token m: the share in which tokens differ.

    0 where all tokens are one and the same, as a matrix 1 mᵀ of rank 1 has them; 1 where their mean is 0. The mean is
    the vector at which the numerator is least.

    Args:
        x: X, vectors of tokens [..., T, C].

    Returns:
        float64 [...], 0 to 1.

    Source: the residual of Dong et al. 2021, in the Frobenius norm.

    >>> import numpy as np
    >>> from mlxformer.inspection.diagnostics import token_spread
    >>> float(token_spread(np.ones((5, 8)))), float(token_spread(np.array([[1.0], [-1.0]])))
    (0.0, 1.0)
    """
    tokens = np.asarray(x, np.float64)
    differing = np.linalg.norm(tokens - tokens.mean(-2, keepdims=True), axis=(-2, -1))
    whole = np.linalg.norm(tokens, axis=(-2, -1))
    return differing / np.where(whole > 0, whole, 1.0)


def numerical_rank(matrices: np.ndarray) -> np.ndarray:
    """How many singular values are above ``σ_max · max(M, N) · 2⁻²³``.

    That is NumPy's and MATLAB's rule at float32's precision, since rounding in float32 fills every matrix to full rank.

    Args:
        matrices: [..., M, N], float32 by birth.

    Returns:
        Whole numbers [...].

    >>> import numpy as np
    >>> from mlxformer.inspection.diagnostics import numerical_rank
    >>> int(numerical_rank(np.outer([1.0, 2.0, 3.0], [4.0, 5.0])))
    1
    """
    x = np.asarray(matrices, np.float64)
    singular = np.linalg.svd(x, compute_uv=False)
    limit = singular.max(-1, keepdims=True, initial=0.0) * max(x.shape[-2:]) * np.finfo(np.float32).eps
    return (singular > limit).sum(-1)


def low_rank_error(matrix: np.ndarray, rank: int) -> float:
    """How far the nearest matrix of rank ``rank`` is, over the norm of the matrix itself.

        √(Σ_{i>rank} σᵢ²) / √(Σ σᵢ²), by the theorem of Eckart and Young

    It is what no table of dot products u_i · v_j of vectors that wide can reproduce.

    Args:
        matrix: [M, N].
        rank: the width of the vectors, at least 0.

    Returns:
        0 to 1 (Frobenius norm); 0 for a matrix of zeros.

    >>> import numpy as np
    >>> from mlxformer.inspection.diagnostics import low_rank_error
    >>> round(low_rank_error(np.diag([3.0, 4.0]), rank=1), 6)
    0.6
    """
    squares = np.square(np.linalg.svd(np.asarray(matrix, np.float64), compute_uv=False))
    return float(np.sqrt(squares[rank:].sum() / squares.sum())) if squares.sum() > 0 else 0.0


def count_attention_flops(steps: Trace, path: str = "") -> dict[str, int]:
    """Floating-point operations of the matrix products of one traced multi-head attention, a multiply-add being 2.

    Read off the shapes that were traced, so it counts what ran. With d = C = H·D and self-attention of n tokens they
    add up to 8 n d² + 4 n² d, whatever H. Softmax is not counted. Only for a call without a cache (cached keys are
    traced but were not projected again).

    Args:
        steps: a closed trace.
        path: of the attention in the traced model; empty where it was called by itself.

    Returns:
        ``{"projections", "scores", "mixing", "output"}``, operations each.

    Raises:
        TraceError: no attention was traced under ``path``.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> from mlxformer.inspection.diagnostics import count_attention_flops
    >>> layer, x = mf.MultiHeadAttention(8, 2), mx.ones((1, 5, 8))
    >>> with mf.trace() as steps:
    ...     y = layer(x, x, x)
    >>> sum(count_attention_flops(steps).values()) == 8 * 5 * 8**2 + 4 * 5**2 * 8
    True
    """

    def of(name: str) -> np.ndarray:
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
