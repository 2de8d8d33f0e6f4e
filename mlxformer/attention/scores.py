"""How well a query fits a key: the one part in which the classic kinds of attention differ.

    score → (÷ temperature) → (mask) → softmax over the keys → weighted sum of the values

    dot         q · k                               (Luong et al. 2015, §3.1)
    scaled-dot  q · k / √A                          (Vaswani et al. 2017, §3.2.1)
    cosine      q · k / (‖q‖ ‖k‖), in [-1, 1]       (Graves et al. 2014, §3.3.1, who multiply it by a learned strength)
    additive    vᵀ tanh(q + k), within ±Σ|v|        (Bahdanau et al. 2015, A.1.2; q = W s and k = U h there)

Luong's "general" score sᵀ W h is the dot product of one projected side. Shapes: q [B, H, Tq, A], k [B, H, Tk, A],
scores [B, H, Tq, Tk]; each can be computed for all pairs at once.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Literal

from mlxformer.attention import masks
from mlxformer.attention.checks import check_heads
from mlxformer.attention.exactness import in_range, only_seen, wide
from mlxformer.attention.functional import masked_softmax
from mlxformer.axes import HEADS, KEYS, SCORES
from mlxformer.backend import fused_additive_attention, mx, nn
from mlxformer.origins import Function, Named, Origin, Product, Total, grouped, mixed, projection, times
from mlxformer.tracing import Module, is_tracing, tap
from mlxformer.validation import (
    require_choice,
    require_floating,
    require_positive,
    require_positive_number,
    require_sequence,
    require_shape,
)

Score = Literal["dot", "scaled-dot", "cosine", "additive"]
KINDS: tuple[Score, ...] = ("additive", "dot", "scaled-dot", "cosine")
_LARGEST = 2.0**126
_SHORTEST = 1e-37  # a vector of smaller entries has no direction: its cosines are 0


def dot_scores(q: mx.array, k: mx.array) -> mx.array:
    """``q kᵀ``: unbounded; for unit-variance entries its standard deviation is √A.

    Args:
        q: queries, floating point [B, H, Tq, A].
        k: keys, floating point [B, H, Tk, A].

    Returns:
        float32 [B, H, Tq, Tk].

    Raises:
        ArgumentError: shapes that do not fit.

    Source: Luong et al. 2015, §3.1.

    >>> from mlxformer.attention.scores import dot_scores
    >>> from mlxformer.backend import mx
    >>> dot_scores(mx.array([[[[3.0, 4.0]]]]), mx.array([[[[1.0, 0.0], [0.0, 2.0]]]])).tolist()
    [[[[3.0, 8.0]]]]
    """
    check_heads(q, k)
    return _products(q, k, 1.0)


def scaled_dot_scores(q: mx.array, k: mx.array) -> mx.array:
    """``q kᵀ / √A``. Arguments, result and errors as in ``dot_scores``.

    Args:
        q: floating point [B, H, Tq, D].
        k: floating point [B, H, Tk, D].

    Source: Vaswani et al. 2017, §3.2.1.

    >>> from mlxformer.attention.scores import scaled_dot_scores
    >>> from mlxformer.backend import mx
    >>> scaled_dot_scores(mx.ones((1, 1, 1, 4)), mx.ones((1, 1, 1, 4))).tolist()
    [[[[2.0]]]]
    """
    check_heads(q, k)
    scale = float(q.shape[-1]) ** -0.5
    return _products(q, k, scale) * scale


def cosine_scores(q: mx.array, k: mx.array) -> mx.array:
    """The cosine of the angle between q and k; 0 for a vector of zeros. Arguments and errors as in ``dot_scores``.

    Args:
        q: floating point [B, H, Tq, D].
        k: floating point [B, H, Tk, D].

    Source: Graves et al. 2014, §3.3.1.

    >>> from mlxformer.attention.scores import cosine_scores
    >>> from mlxformer.backend import mx
    >>> cosine_scores(mx.array([[[[3.0, 0.0]]]]), mx.array([[[[2.0, 0.0], [0.0, 5.0]]]])).tolist()
    [[[[1.0, 0.0]]]]
    """
    check_heads(q, k)
    return _unit(wide(q)) @ _unit(wide(k)).swapaxes(-1, -2)


def additive_scores(q: mx.array, k: mx.array, combine: Callable[[mx.array], mx.array]) -> mx.array:
    """``combine(tanh(q + k))``: a small network that scores how well a key fits a query.

    Makes [B, H, Tq, Tk, A] on the way, A times the memory of the others, which are one matrix product.

    Args:
        q: queries, floating point [B, H, Tq, A].
        k: keys, floating point [B, H, Tk, A].
        combine: takes [..., A] to [..., 1], a linear layer: vᵀ.

    Returns:
        [B, H, Tq, Tk].

    Raises:
        ArgumentError: shapes that do not fit.

    Source: Bahdanau et al. 2015, A.1.2.

    >>> from mlxformer.attention.scores import additive_scores
    >>> from mlxformer.backend import mx
    >>> total = lambda features: mx.sum(features, axis=-1, keepdims=True)
    >>> additive_scores(mx.zeros((1, 1, 2, 4)), mx.zeros((1, 1, 3, 4)), total).shape
    (1, 1, 2, 3)
    """
    check_heads(q, k)
    asked, found = mx.expand_dims(q, 3), mx.expand_dims(k, 2)
    features = tap(
        "features",
        mx.tanh(asked + found),
        axes=(*SCORES, "dim"),
        formula="tanh(q + k)",
        of=lambda: Function("tanh", Total((Named("q", asked), Named("k", found)))),
    )
    return mx.squeeze(combine(features), -1)


def weights_from_scores(scores: mx.array, *, temperature: float = 1.0, mask: mx.array | str | None = None) -> mx.array:
    """``softmax(scores / temperature, masked)`` over the keys, whatever made the scores.

    Toward temperature 0 a row goes to its largest score (or is shared by those that tie), toward infinity to the mean.

    Args:
        scores: floating point [B, H, Tq, Tk].
        temperature: above 0; 1 by default.
        mask: as in ``scaled_dot_product_attention``; a row that may attend to nothing is zeros.

    Returns:
        [B, H, Tq, Tk] in the scores' dtype, computed in float32.

    Raises:
        ArgumentError: another rank, masks of another kind, and a temperature that is not above 0.

    >>> from mlxformer.attention.scores import weights_from_scores
    >>> from mlxformer.backend import mx
    >>> weights_from_scores(mx.zeros((1, 1, 1, 4)), temperature=0.5).tolist()
    [[[[0.25, 0.25, 0.25, 0.25]]]]
    """
    return _tempered_weights(scores, temperature, mask).astype(scores.dtype)


def attend_with_scores(
    scores: mx.array, v: mx.array, *, temperature: float = 1.0, mask: mx.array | str | None = None
) -> mx.array:
    """``weights_from_scores(scores) v``.

    Args:
        scores: floating point [B, H, Tq, Tk].
        v: values, floating point [B, H, Tk, Dv].
        temperature: as in ``weights_from_scores``.
        mask: as in ``weights_from_scores``.

    Returns:
        [B, H, Tq, Dv].

    Raises:
        ArgumentError: as in ``weights_from_scores``.

    >>> from mlxformer.attention.scores import attend_with_scores
    >>> from mlxformer.backend import mx
    >>> attend_with_scores(mx.zeros((1, 1, 1, 2)), mx.array([[[[1.0], [3.0]]]])).tolist()
    [[[[2.0]]]]
    """
    _check_scores(scores)
    require_floating("v", v)
    require_shape("v", v, KEYS, (*scores.shape[:2], scores.shape[3], None))
    weights = _tempered_weights(scores, temperature, mask)
    if not isinstance(mask, str):
        _, v = only_seen(v, v, mask)
    heads = (weights @ wide(v)).astype(v.dtype)
    return tap("heads", heads, axes=HEADS, formula="weights V", of=lambda: mixed(weights, v))


class ScoredAttention(Module):
    """Attention of one head with any of the scores, on projected queries and keys, without biases.

    With ``score="additive"`` and without value_dims it is the first attention of all: s_i are a decoder's states, h_j
    the encoder's, which are keys and values at once,

        e_ij = vᵀ tanh(W s_i + U h_j),  α_ij = softmax_j(e_ij),  c_i = Σ_j α_ij h_j     (Bahdanau et al. 2015, §3.1)

    Args:
        query_dims: Cq, the width of the queries that come in.
        key_dims: Ck, that of the keys.
        attention_dims: A, that of projected queries and keys, which are compared and so must agree.
        value_dims: Dv, that of projected values and the output, free; None takes the keys as values, as they are.
        score: which of ``dot``, ``scaled-dot`` (the default), ``cosine`` and ``additive``.

    Raises:
        ArgumentError: for an unknown score and widths below 1; when called, for shapes and masks that do not fit.

    >>> from mlxformer.attention.scores import ScoredAttention
    >>> from mlxformer.backend import mx
    >>> attention = ScoredAttention(6, 8, 4, score="additive")
    >>> attention(mx.ones((1, 2, 6)), mx.ones((1, 5, 8))).shape
    (1, 2, 8)
    """

    def __init__(
        self,
        query_dims: int,
        key_dims: int,
        attention_dims: int,
        value_dims: int | None = None,
        *,
        score: Score = "scaled-dot",
    ) -> None:
        super().__init__()
        require_choice("score", score, KINDS)
        require_positive(query_dims=query_dims, key_dims=key_dims, attention_dims=attention_dims)
        self.query_dims = query_dims
        self.key_dims = key_dims
        self.attention_dims = attention_dims
        self.value_dims = value_dims
        self.score = score
        self.query_proj = nn.Linear(query_dims, attention_dims, bias=False)
        self.key_proj = nn.Linear(key_dims, attention_dims, bias=False)
        if value_dims is not None:
            require_positive(value_dims=value_dims)
            self.value_proj = nn.Linear(key_dims, value_dims, bias=False)
        if score == "additive":
            self.score_proj = nn.Linear(attention_dims, 1, bias=False)

    def _extra_repr(self) -> str:
        sizes = f"query_dims={self.query_dims}, key_dims={self.key_dims}, attention_dims={self.attention_dims}"
        return f"{sizes}, value_dims={self.value_dims}, score={self.score!r}"

    def __call__(
        self,
        queries: mx.array,
        keys: mx.array,
        mask: mx.array | str | None = None,
        *,
        temperature: float = 1.0,
        projected_keys: mx.array | None = None,
    ) -> mx.array:
        """The mean of the values for each query, weighted by how well their keys fit it.

        Args:
            queries: floating point [B, Tq, Cq].
            keys: floating point [B, Tk, Ck], of which the values are made too.
            mask: boolean, True = may attend, [Tq, Tk] or broadcastable to [B, 1, Tq, Tk] (``masks.padding``); a query
                that may attend to nothing gets zeros.
            temperature: as in ``weights_from_scores``.
            projected_keys: ``key_proj(keys)`` [B, Tk, A], made once where queries come one by one; None makes it here.

        Returns:
            [B, Tq, Dv], or [B, Tq, Ck] without value_dims.
        """
        require_sequence("queries", queries, self.query_dims)
        require_sequence("keys", keys, self.key_dims, batch=queries.shape[0])
        if projected_keys is None:
            projected_keys = self.key_proj(keys)
        else:
            require_sequence(
                "projected_keys", projected_keys, self.attention_dims, batch=keys.shape[0], length=keys.shape[1]
            )
        asked = self.query_proj(queries)  # [B, Tq, A]
        values = keys if self.value_dims is None else self.value_proj(keys)  # [B, Tk, Dv]
        if self.score == "additive" and mask is None and temperature == 1.0 and not is_tracing():
            fused = fused_additive_attention(asked, projected_keys, self.score_proj, values)
            if fused is not None:
                return fused
        q, k = mx.expand_dims(asked, 1), mx.expand_dims(projected_keys, 1)
        made: list[mx.array] = []  # the features of additive scores
        scores = tap(
            "scores",
            self._scores(q, k, made),  # [B, 1, Tq, Tk]
            axes=SCORES,
            formula=self.score,
            of=lambda: self._of_scores(q, k, *made),
        )
        heads = attend_with_scores(scores, mx.expand_dims(values, 1), temperature=temperature, mask=mask)
        return mx.squeeze(heads, 1)  # [B, Tq, Dv]

    def _scores(self, q: mx.array, k: mx.array, made: list[mx.array]) -> mx.array:
        """The scores; in ``made`` the features that additive ones are sums of."""

        def combine(features: mx.array) -> mx.array:
            made.append(features)
            return self.score_proj(features)

        if self.score == "additive":
            return additive_scores(q, k, combine)
        return {"dot": dot_scores, "scaled-dot": scaled_dot_scores, "cosine": cosine_scores}[self.score](q, k)

    def _of_scores(self, q: mx.array, k: mx.array, features: mx.array | None = None) -> Origin | None:
        if features is not None:
            return projection(features, self.score_proj, "v", "bhqkc,oc->bhqk")
        if self.score == "cosine":
            return grouped(_unit(wide(q)), _unit(wide(k)))
        scale = float(q.shape[-1]) ** -0.5 if self.score == "scaled-dot" else 1.0
        return Product("bhqd,bhkd,->bhqk", (Named("Q", q), Named("K", k), Named("scale", scale)))


def _products(q: mx.array, k: mx.array, scale: float) -> mx.array:
    q, k = wide(q), wide(k)
    return in_range(q, k, scale) @ k.swapaxes(-1, -2)


def _unit(x: mx.array) -> mx.array:
    """x / ‖x‖ in float32, whatever its length: it is divided by its largest entry before it is squared."""
    largest = mx.stop_gradient(mx.max(mx.abs(x), axis=-1, keepdims=True))
    x = x / mx.where(largest > _SHORTEST, largest, 1.0)
    return x * mx.rsqrt(mx.maximum(mx.sum(mx.square(x), axis=-1, keepdims=True), _SHORTEST))


def _tempered_weights(scores: mx.array, temperature: float, mask: mx.array | str | None) -> mx.array:
    _check_scores(scores)
    require_positive_number("temperature", temperature)
    allowed = masks.resolve(mask, scores.shape)
    tempered = tap(
        "tempered",
        _divided(wide(scores), temperature, allowed),
        axes=SCORES,
        formula="scores / temperature",
        of=lambda: times(scores, 1 / temperature, "1/temperature"),
    )
    return masked_softmax(tempered, allowed, "scores / temperature")


def _divided(scores: mx.array, temperature: float, allowed: mx.array | None) -> mx.array:
    """``scores / temperature``; a row that this takes out of float32 is brought back to it, and is one-hot."""
    factor = min(1.0 / temperature if temperature > 1e-300 else math.inf, _LARGEST)
    sizes = mx.abs(mx.stop_gradient(scores))
    if allowed is not None:
        sizes = mx.where(allowed, sizes, 0.0)
    most = mx.max(sizes, axis=-1, keepdims=True)
    return scores * mx.minimum(factor, _LARGEST / mx.maximum(most, 1.0))


def _check_scores(scores: Any) -> None:
    require_floating("scores", scores)
    require_shape("scores", scores, SCORES)
