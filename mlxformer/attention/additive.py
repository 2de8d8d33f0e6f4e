"""Additive attention: the first one, a small network that scores how well a key fits a query.

    e_ij = vᵀ tanh(W s_i + U h_j),  α_ij = softmax_j(e_ij),  c_i = Σ_j α_ij h_j     (Bahdanau et al. 2015, §3.1, A.1.2)

In the paper s_i is the decoder's state before it writes a word and the h_j are the encoder's states, which are keys
and values at once. Compared with the dot product: queries and keys may differ in width, nothing has to be scaled, and
there is one tanh of A features for every pair.
"""

from __future__ import annotations

from typing import Any

from mlxformer.attention.functional import masked_softmax, masks
from mlxformer.attention.scores import additive_scores
from mlxformer.backend import fused_additive_attention, mx, nn
from mlxformer.tracing import Module, is_tracing, tap
from mlxformer.validation import require_floating, require_positive, require_shape


class AdditiveAttention(Module):
    """Additive attention of one head. attention_dims: A, the width of the scoring network (n' in the paper).

    Like the paper's, its three matrices have no biases.
    """

    def __init__(self, query_dims: int, key_dims: int, attention_dims: int) -> None:
        super().__init__()
        require_positive(query_dims=query_dims, key_dims=key_dims, attention_dims=attention_dims)
        self.query_dims = query_dims
        self.key_dims = key_dims
        self.attention_dims = attention_dims
        self.query_proj = nn.Linear(query_dims, attention_dims, bias=False)  # W
        self.key_proj = nn.Linear(key_dims, attention_dims, bias=False)  # U
        self.score_proj = nn.Linear(attention_dims, 1, bias=False)  # v

    def __call__(self, queries: Any, keys: Any, mask: Any = None, *, projected_keys: Any = None) -> Any:
        """queries [B, Tq, Cq] and keys [B, Tk, Ck] -> contexts [B, Tq, Ck].

        mask: boolean, True = may attend, [Tq, Tk] or broadcastable to [B, 1, Tq, Tk] (``masks.padding``); a query that
        may attend to nothing gets zeros. projected_keys: ``key_proj(keys)``, made once where queries come one by one.
        The scores are computed as [B, Tq, Tk, A], which is A times the memory of dot-product attention's.

        Raises ``ArgumentError`` for shapes that do not fit and masks of another kind.
        """
        self._check(queries, keys, projected_keys)
        projected = self.key_proj(keys) if projected_keys is None else projected_keys  # [B, Tk, A]
        asked = self.query_proj(queries)  # [B, Tq, A]
        if mask is None and not is_tracing():
            fused = fused_additive_attention(asked, projected, self.score_proj, keys)
            if fused is not None:
                return fused
        scores = additive_scores(mx.expand_dims(asked, 1), mx.expand_dims(projected, 1), self.score_proj)
        scores = tap("scores", scores, axes=("batch", "head", "query", "key"), formula="vᵀ tanh(W s + U h)")
        weights = masked_softmax(scores, masks.resolve(mask, scores.shape))  # [B, 1, Tq, Tk]
        context = mx.squeeze(weights, 1) @ keys  # [B, Tq, Ck]
        return tap("context", context, axes=("batch", "query", "model"), formula="Σ_j α_ij h_j")

    def _check(self, queries: Any, keys: Any, projected_keys: Any) -> None:
        for name, x, width in (("queries", queries, self.query_dims), ("keys", keys, self.key_dims)):
            require_floating(name, x)
            require_shape(name, x, ("batch", "time", "dims"), (None, None, width))
        require_shape("keys", keys, ("batch", "time", "dims"), (queries.shape[0], None, self.key_dims))
        if projected_keys is not None:
            require_floating("projected_keys", projected_keys)
            wanted = (*keys.shape[:2], self.attention_dims)
            require_shape("projected_keys", projected_keys, ("batch", "key", "attention"), wanted)
