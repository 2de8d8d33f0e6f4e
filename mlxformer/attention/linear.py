"""Linear attention: a kernel in the softmax's place, so that the past fits into a matrix of fixed size.

With a feature map φ > 0 and for a causal query i (Katharopoulos et al. 2020)

    y_i = Σ_{j≤i} φ(q_i)·φ(k_j) v_j / Σ_{j≤i} φ(q_i)·φ(k_j)              parallel: one map [T, T], as in attention

and, since φ(q_i) can be taken out of both sums, with S [D, Dv] and z [D]

    S_i = S_{i−1} + φ(k_i) v_iᵀ,  z_i = z_{i−1} + φ(k_i),  y_i = S_iᵀφ(q_i) / z_i·φ(q_i)       recurrent: an RNN

Both give the same numbers. The first takes T² products and runs all positions at once; the second takes a step a
token, and its state does not grow. φ(x) = elu(x) + 1 as in the paper; there is no 1/√D. It is another function than
softmax attention, which has no such φ of finite width. With ``decay`` γ < 1 the state is multiplied by γ before each
token (S_i = γ S_{i−1} + …), and the pair (i, j) by γ^(i−j): the simplest of the gates in RetNet and state-space models.
"""

from __future__ import annotations

import math
from numbers import Real
from typing import Any

from mlxformer.attention import masks
from mlxformer.attention.checks import check_heads, check_steps
from mlxformer.attention.exactness import joint_dtype, only_seen, wide
from mlxformer.axes import HEADS, SCORES, STATE
from mlxformer.backend import mx, nn
from mlxformer.errors import ArgumentError
from mlxformer.origins import Function, Named, Share, Where, grouped, mixed
from mlxformer.tracing import tap
from mlxformer.validation import array_text, shape_text


def feature_map(x: mx.array) -> mx.array:
    """``φ(x) = elu(x) + 1``: x + 1 above 0 and e^x below, so always positive.

    Args:
        x: floating point, of any shape.

    Returns:
        The shape of x.

    Source: Katharopoulos et al. 2020, "Transformers are RNNs", Eq. 7.

    >>> from mlxformer.attention.linear import feature_map
    >>> from mlxformer.backend import mx
    >>> feature_map(mx.array([0.0, 2.0])).tolist()
    [1.0, 3.0]
    """
    return nn.elu(x) + 1.0


def linear_attention(
    q: mx.array, k: mx.array, v: mx.array, *, mask: mx.array | str | None = None, decay: float = 1.0
) -> mx.array:
    """The parallel form: ``y_i = Σ_j φ(q_i)·φ(k_j) v_j / Σ_j φ(q_i)·φ(k_j)`` over the keys that i may attend to.

    Without a mask and with decay 1 no map is made: φ(Q)(φ(K)ᵀV) takes about 2·T·D·Dv multiplications, linear in T.

    Args:
        q: queries, floating point [B, H, Tq, D].
        k: keys, floating point [B, H, Tk, D].
        v: values, floating point [B, H, Tk, Dv].
        mask: None, ``"causal"`` or boolean as in ``scaled_dot_product_attention``.
        decay: γ, above 0 and at most 1, the default; below 1 it needs ``"causal"``.

    Returns:
        [B, H, Tq, Dv]; zeros for a query that may attend to nothing.

    Raises:
        ArgumentError: shapes, masks and decays that do not fit.

    Source: Katharopoulos et al. 2020, §3.2.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> q = mx.zeros((1, 1, 2, 3))  # all keys alike: means
    >>> mf.linear_attention(q, q, mx.array([[[[1.0], [3.0]]]]), mask="causal").tolist()
    [[[[1.0], [2.0]]]]
    """
    mask = masks.checked(mask, check_heads(q, k, v))
    decay = _decay(decay, mask)
    dtype = joint_dtype(q, k, v)
    if not isinstance(mask, str):
        k, v = only_seen(k, v, mask)
    features_q, features_k = _features(q, k)
    if mask is None:
        summary = features_k.swapaxes(-1, -2) @ wide(v)  # [B, H, D, Dv]
        total = mx.sum(features_k, axis=2, keepdims=True).swapaxes(-1, -2)  # [B, H, D, 1]
        heads = _divide(features_q @ summary, features_q @ total).astype(dtype)
        return tap("heads", heads, axes=HEADS, formula="φ(Q)(φ(K)ᵀ V)")
    scores = features_q @ features_k.swapaxes(-1, -2)  # [B, H, Tq, Tk]
    if decay < 1.0:
        rows = mx.arange(k.shape[2] - q.shape[2], k.shape[2])  # lower-right aligned, as the mask is
        distance = rows.reshape(-1, 1) - mx.arange(k.shape[2]).reshape(1, -1)
        scores = scores * mx.exp(mx.maximum(distance, 0).astype(mx.float32) * math.log(decay))
    allowed = masks.causal(q.shape[2], k.shape[2]) if isinstance(mask, str) else mask
    decayed = decay < 1.0
    scores = tap(
        "scores",
        mx.where(allowed, scores, 0.0),
        axes=SCORES,
        formula="φ(Q) φ(K)ᵀ, 0 where not allowed",
        of=lambda: None if decayed else Where(allowed, grouped(features_q, features_k), 0.0),
    )
    weights = tap(
        "weights",
        _divide(scores, mx.sum(scores, axis=-1, keepdims=True)),
        axes=SCORES,
        formula="scores / their row's sum",
        of=lambda: Share(scores),
    )
    heads = (weights @ wide(v)).astype(dtype)
    return tap("heads", heads, axes=HEADS, formula="weights V", of=lambda: mixed(weights, v))


class LinearAttentionState:
    """The recurrent form: everything that a causal linear attention keeps of the past, updated in place.

    ``summary`` S [B, H, D, Dv] and ``total`` z [B, H, D, 1], float32, None before the first token; ``size`` is how many
    numbers they are, B·H·D·(Dv + 1) after any number of tokens. A ``KVCache`` beside it grows by 2·D for each head and
    token.

    Args:
        decay: γ, above 0 and at most 1, the default.

    Raises:
        ArgumentError: for another decay.

    Source: Katharopoulos et al. 2020, §3.4.

    >>> from mlxformer.attention.linear import LinearAttentionState
    >>> from mlxformer.backend import mx
    >>> state, q = LinearAttentionState(), mx.zeros((1, 1, 2, 3))
    >>> state.update(q, q, mx.array([[[[1.0], [3.0]]]])).tolist()
    [[[[1.0], [2.0]]]]
    >>> state
    LinearAttentionState(decay=1.0, summary: float32 [1, 1, 3, 1])
    """

    def __init__(self, *, decay: float = 1.0) -> None:
        self.decay = _decay(decay, "causal")
        self.summary: mx.array | None = None
        self.total: mx.array | None = None

    def __repr__(self) -> str:
        held = "empty" if self.summary is None else f"summary: {array_text(self.summary)}"
        return f"LinearAttentionState(decay={self.decay}, {held})"

    @property
    def size(self) -> int:
        """How many numbers are kept."""
        if self.summary is None or self.total is None:
            return 0
        return int(self.summary.size) + int(self.total.size)

    def update(self, q: mx.array, k: mx.array, v: mx.array) -> mx.array:
        """Read tokens one after another.

        Args:
            q: queries, floating point [B, H, T, D].
            k: keys, floating point [B, H, T, D].
            v: values, floating point [B, H, T, Dv].

        Returns:
            What each token finds, [B, H, T, Dv].

        Raises:
            ArgumentError: shapes that do not fit each other or the state.
        """
        check_steps(q, k, v)
        wanted = (*k.shape[:2], k.shape[3], v.shape[3])
        summary, total = self.summary, self.total
        if summary is None or total is None:
            summary = mx.zeros(wanted)
            total = mx.zeros((*wanted[:3], 1))
        elif summary.shape != wanted:
            raise ArgumentError(
                "linear-state",
                f"the state {shape_text(summary)} [B, H, D, Dv] belongs to another layer or batch than "
                f"k {shape_text(k)} and v {shape_text(v)}; make a new one",
                stored=shape_text(summary),
                given=shape_text(k),
            )
        features_q, features_k = _features(q, k)
        dtype, v = joint_dtype(q, k, v), wide(v)
        outputs = []
        for step in range(q.shape[2]):
            column = features_k[:, :, step : step + 1].swapaxes(-1, -2)  # φ(k_i) [B, H, D, 1]
            row = features_q[:, :, step : step + 1]  # φ(q_i)ᵀ [B, H, 1, D]
            summary = self.decay * summary + column @ v[:, :, step : step + 1]
            total = self.decay * total + column
            outputs.append(_divide(row @ summary, row @ total))
        self.total = total
        self.summary = tap("state", summary, axes=STATE, formula="Σ φ(k) vᵀ")
        heads = mx.concatenate(outputs, axis=2).astype(dtype)
        return tap("heads", heads, axes=HEADS, formula="φ(q)ᵀ S / φ(q)ᵀ z")


def _features(q: mx.array, k: mx.array) -> tuple[mx.array, mx.array]:
    axes = ("batch", "head", "time", "feature")
    return (
        tap(
            "query_features",
            feature_map(wide(q)),
            axes=axes,
            formula="elu(q) + 1",
            of=lambda: Function("elu + 1", Named("Q", q)),
        ),
        tap(
            "key_features",
            feature_map(wide(k)),
            axes=axes,
            formula="elu(k) + 1",
            of=lambda: Function("elu + 1", Named("K", k)),
        ),
    )


def _divide(numerator: mx.array, denominator: mx.array) -> mx.array:
    """Zeros where nothing was summed: a query that may attend to nothing, or features that all fell below a float."""
    nothing = denominator <= 0.0
    return mx.where(nothing, 0.0, numerator / mx.where(nothing, 1.0, denominator))


def _decay(decay: Any, mask: Any) -> float:
    if isinstance(decay, bool) or not isinstance(decay, Real) or not 0.0 < float(decay) <= 1.0:
        raise ArgumentError("decay-out-of-range", f"decay must be above 0 and at most 1; got {decay!r}", given=decay)
    if decay != 1.0 and not (isinstance(mask, str) and mask == "causal"):
        raise ArgumentError("decay-not-causal", 'a decay below 1 counts steps into the past: it needs mask="causal"')
    return float(decay)
