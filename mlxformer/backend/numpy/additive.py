"""Additive attention as one function with its own gradient: a decoder that asks once a step pays one call a step."""

from __future__ import annotations

from typing import Any

import numpy as np

from .arrays import array, wrap
from .operands import quiet, wide
from .primitives import Function, differentiable, plain
from .softmaxes import softmax_in_place


@quiet
def _forward(asked: Any, projected: Any, v: Any, keys: Any) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The features [B, Tq, Tk, A], the weights [B, Tq, Tk] and the contexts [B, Tq, C]."""
    features = wide(asked)[:, :, None] + wide(projected)[:, None]
    np.tanh(features, out=features)
    weights = softmax_in_place(features @ wide(v))
    return features, weights, weights @ wide(keys)


def _value(asked: Any, projected: Any, v: Any, keys: Any) -> array:
    return wrap(_forward(asked, projected, v, keys)[2].astype(keys.dtype, copy=False))


def _rule(needed: tuple[int, ...], asked: Any, projected: Any, v: Any, keys: Any) -> Any:
    plain("additive_attention", asked, projected, v, keys)
    features, weights, contexts = _forward(asked, projected, v, keys)

    @quiet
    def pullback(g: Any) -> list[array]:
        plain("additive_attention", g)
        pulled = wide(g)
        of_scores = pulled @ wide(keys).swapaxes(-1, -2)
        of_scores -= np.einsum("bqk,bqk->bq", of_scores, weights)[..., None]
        of_scores *= weights
        inner = 1 - features * features
        inner *= of_scores[..., None]
        inner *= wide(v)
        of_v = of_scores.reshape(-1) @ features.reshape(-1, features.shape[-1])
        found = (inner.sum(2), inner.sum(1), of_v, weights.swapaxes(-1, -2) @ pulled)
        operands = (asked, projected, v, keys)
        return [wrap(found[position].astype(operands[position].dtype, copy=False)) for position in needed]

    return wrap(contexts.astype(keys.dtype, copy=False)), pullback


_additive: Function = differentiable(_value, _rule)


def additive_attention(asked: Any, projected: Any, v: Any, keys: Any) -> Any:
    """``Σ_j softmax_j(vᵀ tanh(asked_i + projected_j)) keys_j``.

    asked [B, Tq, A], projected [B, Tk, A], v [A], keys [B, Tk, C] -> [B, Tq, C].
    """
    return _additive(asked, projected, v, keys)
