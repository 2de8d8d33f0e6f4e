"""Target attention: what of a user's history matters for one candidate, as recommenders ask it (DIN).

    v_U(A) = Σ_j a(e_j, v_A) e_j                                        (Zhou et al. 2018, §4.3, Eq. 3)

e_j are the embeddings of the behaviors, v_A that of the candidate, and a(·) the local activation unit, a small
feed-forward network. It stands apart from cross-attention in two things: the relevance is a network of the pair
and not a dot product, and the weights are *not* normalized. Their sum says how much of the history the candidate
activates, which a softmax would divide away.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Literal

from mlxformer.attention import masks
from mlxformer.attention.functional import masked_softmax
from mlxformer.axes import ATTENDED, SCORES
from mlxformer.backend import mx, nn
from mlxformer.layers import activations
from mlxformer.origins import Named, Product, Total, Where
from mlxformer.tracing import Module, tap
from mlxformer.validation import require_choice, require_positive, require_sequence


class LocalActivationUnit(Module):
    """``a(e, v)``: how much a behavior e bears on a candidate v, by a feed-forward network of [e, e ⊙ v, v].

    The paper feeds both embeddings and their outer product; the element-wise product, which is its diagonal, is what
    implementations take. Its activations are PReLU or Dice; here they are any that ``mlxformer.layers.activations``
    knows.

    Args:
        dims: C, the width of e and v.
        hidden_dims: widths of the hidden layers.
        activation: after each hidden layer, by name.

    Raises:
        ArgumentError: a width below 1, or an unknown activation.

    Source: Zhou et al. 2018, "Deep Interest Network", §4.3.

    >>> from mlxformer.backend import mx
    >>> from mlxformer.teaching.target_attention import LocalActivationUnit
    >>> LocalActivationUnit(4)(mx.ones((1, 5, 4)), mx.ones((1, 2, 4))).shape == (1, 2, 5)
    True
    """

    def __init__(self, dims: int, hidden_dims: Sequence[int] = (36,), *, activation: str = "sigmoid") -> None:
        super().__init__()
        require_positive(dims=dims, **{f"hidden_dims[{i}]": width for i, width in enumerate(hidden_dims)})
        self.dims = dims
        self._activate = activations.activation(activation)
        widths = [3 * dims, *hidden_dims, 1]
        self.layers = [nn.Linear(into, out) for into, out in pairwise(widths)]

    def _extra_repr(self) -> str:
        return f"dims={self.dims}, hidden_dims={[layer.weight.shape[0] for layer in self.layers[:-1]]}"

    def __call__(self, history: mx.array, candidates: mx.array) -> mx.array:
        """One number for each pair of a candidate and a behavior.

        Args:
            history: floating point [B, T, C].
            candidates: floating point [B, N, C].

        Returns:
            [B, N, T].
        """
        shape = (*candidates.shape[:2], *history.shape[1:])  # [B, N, T, C]
        behavior = mx.broadcast_to(mx.expand_dims(history, 1), shape)
        candidate = mx.broadcast_to(mx.expand_dims(candidates, 2), shape)
        x = mx.concatenate([behavior, behavior * candidate, candidate], axis=-1)  # [B, N, T, 3C]
        for layer in self.layers[:-1]:
            x = self._activate(layer(x))
        return mx.squeeze(self.layers[-1](x), -1)  # [B, N, T]


class TargetAttention(Module):
    """``v_U(A) = Σ_j a(e_j, v_A) e_j``: the representation of a user for each candidate.

    Args:
        dims: C, of behaviors and candidates.
        hidden_dims: widths of the hidden layers of the local activation unit.
        activation: of the local activation unit, by name.
        pooling: ``"sum"``, the paper's, or ``"softmax"``, which normalizes the unit's outputs over the history as
            attention does, to compare.

    Raises:
        ArgumentError: a width below 1, an unknown activation, another pooling.

    Source: Zhou et al. 2018, "Deep Interest Network", §4.3, Eq. 3.

    >>> from mlxformer.backend import mx
    >>> from mlxformer.teaching.target_attention import TargetAttention
    >>> TargetAttention(4)(mx.ones((1, 2, 4)), mx.ones((1, 5, 4))).shape == (1, 2, 4)
    True
    """

    def __init__(
        self,
        dims: int,
        hidden_dims: Sequence[int] = (36,),
        *,
        activation: str = "sigmoid",
        pooling: Literal["sum", "softmax"] = "sum",
    ) -> None:
        super().__init__()
        require_choice("pooling", pooling, ("sum", "softmax"))
        self.dims = dims
        self.pooling = pooling
        self.unit = LocalActivationUnit(dims, hidden_dims, activation=activation)

    def _extra_repr(self) -> str:
        return f"dims={self.dims}, pooling={self.pooling!r}"

    def __call__(self, candidates: mx.array, history: mx.array, mask: mx.array | str | None = None) -> mx.array:
        """A user's vector for each candidate. The order of the history does not matter; the unit sees N · T pairs.

        Args:
            candidates: floating point [B, N, C], each a query of its own.
            history: floating point [B, T, C].
            mask: boolean, True at real behaviors, [N, T] or broadcastable to [B, 1, N, T] (``masks.padding``); None
                means all.

        Returns:
            [B, N, C]; zeros for a user without behaviors.

        Raises:
            ArgumentError: shapes that do not fit, or masks of another kind.
        """
        require_sequence("candidates", candidates, self.dims)
        require_sequence("history", history, self.dims, batch=candidates.shape[0])
        scores = mx.expand_dims(self.unit(history, candidates), 1)  # [B, 1, N, T]
        scores = tap("scores", scores, axes=SCORES, formula="a(e_j, v_A)")
        allowed = masks.resolve(mask, scores.shape)
        if self.pooling == "softmax":
            weights = masked_softmax(scores, allowed)
        else:
            kept = scores if allowed is None else mx.where(allowed, scores, 0.0)
            weights = tap(
                "weights",
                kept,
                axes=SCORES,
                formula="a(e_j, v_A), as it is",
                of=lambda: Total((scores,)) if allowed is None else Where(allowed, scores, 0.0),
            )
        return tap(
            "output",
            mx.squeeze(weights, 1) @ history,  # [B, N, C]
            axes=ATTENDED,
            formula="Σ_j w_j e_j",
            of=lambda: Product("bhqk,bkc->bqc", (weights, Named("e", history))),
        )
