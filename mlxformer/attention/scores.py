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

from collections.abc import Callable
from typing import Any, Literal

from mlxformer.attention.functional import masked_softmax, masks
from mlxformer.backend import mx, nn
from mlxformer.tracing import Module, tap
from mlxformer.validation import (
    require_choice,
    require_floating,
    require_positive,
    require_positive_number,
    require_shape,
)

Score = Literal["dot", "scaled-dot", "cosine", "additive"]
SCORES: tuple[Score, ...] = ("additive", "dot", "scaled-dot", "cosine")
_SCORES = ("batch", "head", "query", "key")
_SHORTEST = 1e-12  # a shorter vector has no direction: its cosines are 0


def dot_scores(q: Any, k: Any) -> Any:
    """``q kᵀ``. Unbounded; for unit-variance entries its standard deviation is √A."""
    _check(q, k)
    return q @ k.swapaxes(-1, -2)


def scaled_dot_scores(q: Any, k: Any) -> Any:
    """``q kᵀ / √A``."""
    return dot_scores(q, k) * float(q.shape[-1]) ** -0.5


def cosine_scores(q: Any, k: Any) -> Any:
    """The cosine of the angle between q and k; 0 for a vector of zeros."""
    _check(q, k)
    return _unit(q) @ _unit(k).swapaxes(-1, -2)


def additive_scores(q: Any, k: Any, combine: Callable[[Any], Any]) -> Any:
    """``combine(tanh(q + k))``, where ``combine`` takes [..., A] to [..., 1] (a linear layer: vᵀ).

    Makes [B, H, Tq, Tk, A] on the way, A times the memory of the others, which are one matrix product.
    """
    _check(q, k)
    features = mx.tanh(mx.expand_dims(q, 3) + mx.expand_dims(k, 2))
    features = tap("features", features, axes=(*_SCORES, "dim"), formula="tanh(q + k)")
    return mx.squeeze(combine(features), -1)


def weights_from_scores(scores: Any, *, temperature: float = 1.0, mask: Any = None) -> Any:
    """``softmax(scores / temperature, masked)`` over the keys: [B, H, Tq, Tk], whatever made the scores.

    Toward temperature 0 a row goes to its largest score (or is shared by those that tie), toward infinity to the
    mean. mask: as in ``scaled_dot_product_attention``; a row that may attend to nothing is zeros.

    Raises ``ArgumentError`` for another rank, masks of another kind, and a temperature that is not above 0.
    """
    require_floating("scores", scores)
    require_shape("scores", scores, _SCORES)
    require_positive_number("temperature", temperature)
    mask = masks.resolve(mask, scores.shape)
    scores = tap("tempered", scores * (1.0 / temperature), axes=_SCORES, formula="scores / temperature")
    return masked_softmax(scores, mask, "scores / temperature")


def attend_with_scores(scores: Any, v: Any, *, temperature: float = 1.0, mask: Any = None) -> Any:
    """``weights_from_scores(scores) v``: [B, H, Tq, Dv], for v [B, H, Tk, Dv]. Arguments and errors as there."""
    require_floating("scores", scores)
    require_shape("scores", scores, _SCORES)
    require_floating("v", v)
    require_shape("v", v, ("batch", "head", "key", "dim"), (*scores.shape[:2], scores.shape[3], None))
    weights = weights_from_scores(scores, temperature=temperature, mask=mask)
    return tap("heads", weights @ v, axes=("batch", "head", "query", "dim"), formula="weights V")


class ScoredAttention(Module):
    """Attention of one head with any of the scores, on projected queries, keys and values, without biases.

    query_dims, key_dims: the widths of what comes in. attention_dims: A, that of queries and keys, which are compared
    and so must agree. value_dims: that of the values and the output, free.

    Raises ``ArgumentError`` for an unknown score and widths below 1.
    """

    def __init__(
        self, query_dims: int, key_dims: int, attention_dims: int, value_dims: int, *, score: Score = "scaled-dot"
    ) -> None:
        super().__init__()
        require_choice("score", score, SCORES)
        require_positive(query_dims=query_dims, key_dims=key_dims, attention_dims=attention_dims, value_dims=value_dims)
        self.query_dims = query_dims
        self.key_dims = key_dims
        self.score = score
        self.query_proj = nn.Linear(query_dims, attention_dims, bias=False)
        self.key_proj = nn.Linear(key_dims, attention_dims, bias=False)
        self.value_proj = nn.Linear(key_dims, value_dims, bias=False)
        if score == "additive":
            self.score_proj = nn.Linear(attention_dims, 1, bias=False)

    def __call__(self, queries: Any, keys: Any, mask: Any = None, *, temperature: float = 1.0) -> Any:
        """queries [B, Tq, Cq] and keys [B, Tk, Ck] (of which the values are made too) -> [B, Tq, Dv]."""
        for name, x, width in (("queries", queries, self.query_dims), ("keys", keys, self.key_dims)):
            require_floating(name, x)
            require_shape(name, x, ("batch", "time", "dims"), (None, None, width))
        require_shape("keys", keys, ("batch", "time", "dims"), (queries.shape[0], None, self.key_dims))
        q, k, v = (
            mx.expand_dims(projection(x), 1)
            for projection, x in ((self.query_proj, queries), (self.key_proj, keys), (self.value_proj, keys))
        )
        scores = tap("scores", self._scores(q, k), axes=_SCORES, formula=self.score)
        return mx.squeeze(attend_with_scores(scores, v, temperature=temperature, mask=mask), 1)

    def _scores(self, q: Any, k: Any) -> Any:
        if self.score == "additive":
            return additive_scores(q, k, self.score_proj)
        return {"dot": dot_scores, "scaled-dot": scaled_dot_scores, "cosine": cosine_scores}[self.score](q, k)


def _unit(x: Any) -> Any:
    return x * mx.rsqrt(mx.maximum(mx.sum(mx.square(x), axis=-1, keepdims=True), _SHORTEST))


def _check(q: Any, k: Any) -> None:
    for name, x in (("q", q), ("k", k)):
        require_floating(name, x)
        require_shape(name, x, ("batch", "head", "time", "dim"))
    require_shape("k", k, ("batch", "head", "key", "dim"), (*q.shape[:2], None, q.shape[3]))
