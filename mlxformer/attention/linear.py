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
from mlxformer.backend import mx, nn
from mlxformer.errors import ArgumentError
from mlxformer.tracing import tap
from mlxformer.validation import require_floating, require_shape, shape_text

_SCORES = ("batch", "head", "query", "key")
_HEADS = ("batch", "head", "query", "dim")


def feature_map(x: Any) -> Any:
    """``φ(x) = elu(x) + 1``: x + 1 above 0 and e^x below, so always positive. Any shape."""
    return nn.elu(x) + 1.0


def linear_attention(q: Any, k: Any, v: Any, *, mask: Any = None, decay: float = 1.0) -> Any:
    """The parallel form: q, k [B, H, T, D], v [B, H, T, Dv] -> [B, H, T, Dv].

    mask: None, ``"causal"`` or boolean as in ``scaled_dot_product_attention``; a query that may attend to nothing gives
    zeros. Without a mask and with decay 1 no map is made: φ(Q)(φ(K)ᵀV) takes about 2·T·D·Dv multiplications, linear in
    T. decay: above 0 and at most 1; below 1 it needs ``"causal"``.

    Raises ``ArgumentError`` for shapes that do not fit, such masks and such a decay.
    """
    _check(q, k, v)
    decay = _decay(decay, mask)
    features_q, features_k = _features(q, k)
    if mask is None:
        summary = features_k.swapaxes(-1, -2) @ v  # [B, H, D, Dv]
        total = mx.sum(features_k, axis=2, keepdims=True).swapaxes(-1, -2)  # [B, H, D, 1]
        return tap("heads", _divide(features_q @ summary, features_q @ total), axes=_HEADS, formula="φ(Q)(φ(K)ᵀ V)")
    scores = features_q @ features_k.swapaxes(-1, -2)  # [B, H, Tq, Tk]
    if decay < 1.0:
        rows = mx.arange(k.shape[2] - q.shape[2], k.shape[2])  # lower-right aligned, as the mask is
        distance = rows.reshape(-1, 1) - mx.arange(k.shape[2]).reshape(1, -1)
        powers = mx.exp(mx.maximum(distance, 0).astype(mx.float32) * math.log(decay))
        scores = scores * powers.astype(scores.dtype)
    scores = mx.where(masks.resolve(mask, scores.shape), scores, 0.0)
    scores = tap("scores", scores, axes=_SCORES, formula="φ(Q) φ(K)ᵀ, 0 where not allowed")
    weights = _divide(scores, mx.sum(scores, axis=-1, keepdims=True))
    weights = tap("weights", weights, axes=_SCORES, formula="scores / their row's sum")
    return tap("heads", weights @ v, axes=_HEADS, formula="weights V")


class LinearAttentionState:
    """The recurrent form: everything that a causal linear attention keeps of the past, updated in place.

    ``summary`` S [B, H, D, Dv] and ``total`` z [B, H, D, 1], None before the first token; ``size`` is how many numbers
    they are, B·H·D·(Dv + 1) after any number of tokens. A ``KVCache`` beside it grows by 2·D for each head and token.
    """

    def __init__(self, *, decay: float = 1.0) -> None:
        self.decay = _decay(decay, "causal")
        self.summary: Any = None
        self.total: Any = None

    @property
    def size(self) -> int:
        return 0 if self.summary is None else int(self.summary.size) + int(self.total.size)

    def update(self, q: Any, k: Any, v: Any) -> Any:
        """Read tokens q, k [B, H, T, D] and v [B, H, T, Dv] one after another; outputs [B, H, T, Dv].

        Raises ``ArgumentError`` for shapes that do not fit each other or the state.
        """
        _check(q, k, v)
        if q.shape[2] != k.shape[2]:
            raise ArgumentError(
                "linear-lengths",
                f"a recurrent step reads a query with each key: q {shape_text(q)} and k {shape_text(k)} must be alike",
                given=shape_text(q),
                wanted=shape_text(k),
            )
        wanted = (*k.shape[:2], k.shape[3], v.shape[3])
        if self.summary is None:
            self.summary = mx.zeros(wanted, dtype=v.dtype)
            self.total = mx.zeros((*wanted[:3], 1), dtype=v.dtype)
        elif self.summary.shape != wanted:
            raise ArgumentError(
                "linear-state",
                f"the state {shape_text(self.summary)} [B, H, D, Dv] belongs to another layer or batch than "
                f"k {shape_text(k)} and v {shape_text(v)}; make a new one",
                stored=shape_text(self.summary),
                given=shape_text(k),
            )
        features_q, features_k = _features(q, k)
        outputs = []
        for step in range(q.shape[2]):
            column = features_k[:, :, step : step + 1].swapaxes(-1, -2)  # φ(k_i) [B, H, D, 1]
            row = features_q[:, :, step : step + 1]  # φ(q_i)ᵀ [B, H, 1, D]
            self.summary = self.decay * self.summary + column @ v[:, :, step : step + 1]
            self.total = self.decay * self.total + column
            outputs.append(_divide(row @ self.summary, row @ self.total))
        self.summary = tap("state", self.summary, axes=("batch", "head", "key_dim", "value_dim"), formula="Σ φ(k) vᵀ")
        return tap("heads", mx.concatenate(outputs, axis=2), axes=_HEADS, formula="φ(q)ᵀ S / φ(q)ᵀ z")


def _features(q: Any, k: Any) -> tuple[Any, Any]:
    axes = ("batch", "head", "time", "feature")
    return (
        tap("query_features", feature_map(q), axes=axes, formula="elu(q) + 1"),
        tap("key_features", feature_map(k), axes=axes, formula="elu(k) + 1"),
    )


def _divide(numerator: Any, denominator: Any) -> Any:
    """Zeros where nothing was summed: a query that may attend to nothing, or features that all fell below a float."""
    nothing = denominator <= 0.0
    return mx.where(nothing, 0.0, numerator / mx.where(nothing, 1.0, denominator))


def _decay(decay: Any, mask: Any) -> float:
    if isinstance(decay, bool) or not isinstance(decay, Real) or not 0.0 < float(decay) <= 1.0:
        raise ArgumentError("decay-out-of-range", f"decay must be above 0 and at most 1; got {decay!r}", given=decay)
    if decay != 1.0 and not (isinstance(mask, str) and mask == "causal"):
        raise ArgumentError("decay-not-causal", 'a decay below 1 counts steps into the past: it needs mask="causal"')
    return float(decay)


def _check(q: Any, k: Any, v: Any) -> None:
    for name, x in (("q", q), ("k", k), ("v", v)):
        require_floating(name, x)
        require_shape(name, x, ("batch", "head", "time", "dim"))
    require_shape("k", k, ("batch", "head", "key", "dim"), (*q.shape[:2], None, q.shape[3]))
    require_shape("v", v, ("batch", "head", "key", "value_dim"), (*k.shape[:3], None))
