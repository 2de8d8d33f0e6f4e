"""The delta rule: a memory of fixed size that corrects what it stores for a key instead of adding to it.

    S_t = α_t (S_{t−1} − β_t k_t (k_tᵀ S_{t−1})) + β_t k_t v_tᵀ,     y_t = S_tᵀ q_t       S [D, Dv], keys of length 1

With α = 1 it is DeltaNet (Schlag et al. 2021; Yang et al. 2024): a step of gradient descent on ½‖Sᵀk − v‖², of size β.
With β = 1 what was stored at k is replaced by v; linear attention, S_t = S_{t−1} + k vᵀ, keeps both. α < 1 forgets
everything a little, as Mamba-2's gate does: together Gated DeltaNet (Yang, Kautz & Hatamizadeh 2025). Kimi Linear's KDA
has an α for each feature of the key.

Token by token it is an RNN; in chunks of C tokens it is products of matrices (``chunked``), which is how it is trained.
"""

from __future__ import annotations

import numpy as np

from mlxformer.attention.checks import check_steps
from mlxformer.attention.exactness import joint_dtype, wide
from mlxformer.axes import HEADS, STATE
from mlxformer.backend import mx
from mlxformer.tracing import tap
from mlxformer.validation import require_floating, require_positive, require_shape

GATES = ("batch", "head", "time")


def delta_rule(
    q: mx.array,
    k: mx.array,
    v: mx.array,
    beta: mx.array,
    alpha: mx.array | None = None,
    *,
    state: mx.array | None = None,
) -> tuple[mx.array, mx.array]:
    """Reads tokens one after another.

    Args:
        q: queries, floating point [B, H, T, D].
        k: keys, floating point [B, H, T, D]; of length 1, or a step may overshoot.
        v: values, floating point [B, H, T, Dv].
        beta: β, how much of the correction is made, floating point [B, H, T], 0 to 1 (or 2).
        alpha: α, what is kept of the memory, floating point [B, H, T], 0 to 1; None keeps all.
        state: S before the first token, float32 [B, H, D, Dv]; None is zeros.

    Returns:
        What each token reads, [B, H, T, Dv], and S after the last, float32 [B, H, D, Dv].

    Raises:
        ArgumentError: shapes that do not fit.

    Source: Yang et al. 2024, "Parallelizing Linear Transformers with the Delta Rule over Sequence Length", §2; Yang,
    Kautz & Hatamizadeh 2025, "Gated Delta Networks", §3.

    >>> from mlxformer.attention.delta_rule import delta_rule
    >>> from mlxformer.backend import mx
    >>> k = mx.array([[[[1.0, 0.0], [1.0, 0.0]]]])  # one key, written twice
    >>> y, _ = delta_rule(k, k, mx.array([[[[5.0], [7.0]]]]), mx.ones((1, 1, 2)))
    >>> y.tolist()
    [[[[5.0], [7.0]]]]
    """
    state, gates = _checked(q, k, v, beta, alpha, state)
    dtype = joint_dtype(q, k, v)
    q, k, v = wide(q), wide(k), wide(v)
    outputs = []
    for t in range(q.shape[2]):
        key, b = mx.expand_dims(k[:, :, t], -1), gates[0][:, :, t].reshape(*k.shape[:2], 1, 1)  # [B, H, D, 1]
        stored = key.swapaxes(-1, -2) @ state  # what S holds for the key, [B, H, 1, Dv]
        state = state - b * (key @ stored)
        if alpha is not None:
            state = gates[1][:, :, t].reshape(*k.shape[:2], 1, 1) * state
        state = state + b * (key @ mx.expand_dims(v[:, :, t], -2))
        outputs.append(mx.expand_dims(q[:, :, t], -2) @ state)
    state = tap("state", state, axes=STATE, formula="α (S − β k kᵀS) + β k vᵀ")
    heads = mx.concatenate(outputs, axis=2).astype(dtype)
    return tap("heads", heads, axes=HEADS, formula="Sᵀ q"), state


def chunked(q: mx.array, k: mx.array, v: mx.array, beta: mx.array, *, chunk: int = 64) -> tuple[mx.array, mx.array]:
    """``delta_rule`` without α in chunks: products of matrices within one, the state from one to the next.

    In a chunk what is really written, ``u_i = β_i (v_i − Sᵀk_i − Σ_{j<i} (k_j·k_i) u_j)``, solves a triangular system
    ``(I + A) U = β (V − K S)`` with A = tril(β K Kᵀ, −1); then y = q S + tril(Q Kᵀ) U and S grows by Kᵀ U.

    Args:
        q: queries, floating point [B, H, T, D].
        k: keys, floating point [B, H, T, D].
        v: values, floating point [B, H, T, Dv].
        beta: β, floating point [B, H, T].
        chunk: C, tokens in a chunk.

    Returns:
        As ``delta_rule``.

    Raises:
        ArgumentError: shapes that do not fit, and a chunk below 1.

    Source: Yang et al. 2024, "Parallelizing Linear Transformers with the Delta Rule over Sequence Length", §3.

    >>> from mlxformer.attention.delta_rule import chunked
    >>> from mlxformer.backend import mx
    >>> k = mx.array([[[[1.0, 0.0], [1.0, 0.0]]]])
    >>> chunked(k, k, mx.array([[[[5.0], [7.0]]]]), mx.ones((1, 1, 2)))[0].tolist()
    [[[[5.0], [7.0]]]]
    """
    require_positive(chunk=chunk)
    state, gates = _checked(q, k, v, beta, None, None)
    dtype = joint_dtype(q, k, v)
    q, k, v, b = wide(q), wide(k), wide(v), mx.expand_dims(gates[0], -1)  # [B, H, T, 1]
    outputs = []
    for start in range(0, q.shape[2], chunk):
        here = slice(start, min(start + chunk, q.shape[2]))
        size = here.stop - start
        own_q, own_k, own_b = q[:, :, here], k[:, :, here], b[:, :, here]
        before = mx.array(np.tril(np.ones((size, size), np.float32), -1))
        coupling = own_b * (own_k @ own_k.swapaxes(-1, -2)) * before  # A, strictly lower triangular
        wanted = own_b * (v[:, :, here] - own_k @ state)
        written = _solved(coupling, wanted)  # U [B, H, C, Dv]
        within = (own_q @ own_k.swapaxes(-1, -2)) * (before + mx.eye(size))
        outputs.append(own_q @ state + within @ written)
        state = state + own_k.swapaxes(-1, -2) @ written
    heads = mx.concatenate(outputs, axis=2).astype(dtype)
    return tap("heads", heads, axes=HEADS, formula="q S + tril(Q Kᵀ) U"), state


def _solved(lower: mx.array, wanted: mx.array) -> mx.array:
    """(I + A)⁻¹ W for a strictly lower triangular A: Π (I + (−A)^(2^i)) W, as A^C = 0."""
    power, found = -lower, wanted
    for _ in range(max(1, (lower.shape[-1] - 1).bit_length())):
        found = found + power @ found
        power = power @ power
    return found


def _checked(
    q: mx.array, k: mx.array, v: mx.array, beta: mx.array, alpha: mx.array | None, state: mx.array | None
) -> tuple[mx.array, tuple[mx.array, mx.array]]:
    """S to begin with, and β and α in float32."""
    check_steps(q, k, v)
    for name, gate in (("beta", beta), ("alpha", alpha)):
        if gate is not None:
            require_floating(name, gate)
            require_shape(name, gate, GATES, k.shape[:3])
    shape = (*k.shape[:2], k.shape[3], v.shape[3])
    if state is not None:
        require_floating("state", state)
        require_shape("state", state, STATE, shape)
    zeros = mx.zeros(shape) if state is None else wide(state)
    return zeros, (wide(beta), wide(beta if alpha is None else alpha))
