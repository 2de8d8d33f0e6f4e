"""One vector for a text out of the vectors of its tokens.

    cls    h_1, the state of the first token (Devlin et al. 2019, §3, there [CLS])
    mean   Σ_t m_t h_t / Σ_t m_t                    (Reimers & Gurevych 2019, §3)
    max    the largest of each feature over the real tokens
    last   the state of the last real token, as decoder-only models take it

What is "real" is the mask's to say: Hugging Face's ``attention_mask`` counts [CLS] and [SEP] in.
"""

from __future__ import annotations

from typing import Literal

from mlxformer.attention import masks
from mlxformer.axes import MODEL
from mlxformer.backend import mx
from mlxformer.validation import require_choice, require_floating, require_shape

Pooling = Literal["cls", "mean", "max", "last"]
POOLINGS: tuple[Pooling, ...] = ("cls", "mean", "max", "last")


def mean_pooling(hidden: mx.array, attention_mask: mx.array | None = None) -> mx.array:
    """The mean of the hidden states of the real tokens, ``Σ_t m_t h_t / Σ_t m_t``.

    It is how sentence-transformers' MiniLM and E5 make a sentence's vector; cosines of such vectors then tell how alike
    two sentences are.

    Args:
        hidden: h, floating point [B, T, C].
        attention_mask: m [B, T], 1 or True at real tokens; None means all.

    Returns:
        [B, C]; zeros for a row without one real token.

    Raises:
        ArgumentError: shapes that differ, or numbers that are not floating point.

    Source: Reimers & Gurevych 2019, "Sentence-BERT", §3.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> mf.mean_pooling(mx.array([[[1.0, 2.0], [3.0, 4.0], [9.0, 9.0]]]), mx.array([[1, 1, 0]])).tolist()
    [[2.0, 3.0]]
    """
    require_floating("hidden", hidden)
    require_shape("hidden", hidden, MODEL)
    # Sums are float32: in float16 they end at 65504, and thousands of tokens are soon beyond it.
    if attention_mask is None:
        return mx.mean(hidden.astype(mx.float32), axis=1).astype(hidden.dtype)
    real = masks.from_attention_mask(attention_mask, (hidden.shape[0], hidden.shape[1]))
    weights = mx.expand_dims(real.astype(mx.float32), -1)  # [B, T, 1]
    # `where` and not a product: a NaN or infinity at a padded place must not come through.
    total = mx.sum(mx.where(weights > 0, hidden.astype(mx.float32), 0.0), axis=1)  # [B, C]
    return (total / mx.maximum(mx.sum(weights, axis=1), 1.0)).astype(hidden.dtype)


def pool(hidden: mx.array, attention_mask: mx.array | None = None, how: Pooling = "mean") -> mx.array:
    """One vector for a text out of the vectors of its tokens.

    Args:
        hidden: floating point [B, T, C].
        attention_mask: [B, T], 1 or True at the tokens that count; None means all.
        how: ``"cls"`` takes the first place whatever the mask says, ``"mean"`` the mean of the real tokens, ``"max"``
            the largest of each feature over them, ``"last"`` the last of them.

    Returns:
        [B, C]; zeros for a row without one real token, but for ``"cls"``.

    Raises:
        ArgumentError: shapes that differ, or an unknown ``how``.

    >>> from mlxformer.backend import mx
    >>> from mlxformer.models.bert.pooling import pool
    >>> hidden, real = mx.array([[[1.0], [5.0], [3.0], [9.0]]]), mx.array([[1, 1, 1, 0]])
    >>> [pool(hidden, real, how).item() for how in ("cls", "mean", "max", "last")]
    [1.0, 3.0, 5.0, 3.0]
    """
    require_floating("hidden", hidden)
    require_shape("hidden", hidden, MODEL)
    require_choice("how", how, POOLINGS)
    if how == "cls":
        return hidden[:, 0]
    if how == "mean":
        return mean_pooling(hidden, attention_mask)
    if attention_mask is None:
        return mx.max(hidden, axis=1) if how == "max" else hidden[:, -1]
    real = masks.from_attention_mask(attention_mask, (hidden.shape[0], hidden.shape[1]))  # [B, T]
    if how == "max":
        found = mx.max(mx.where(mx.expand_dims(real, -1), hidden, mx.finfo(hidden.dtype).min), axis=1)
    else:
        places = mx.where(real, mx.arange(hidden.shape[1]), -1)  # [B, T]
        is_last = mx.logical_and(real, places == mx.max(places, axis=1, keepdims=True))
        found = mx.sum(mx.where(mx.expand_dims(is_last, -1), hidden, 0.0), axis=1)
    return mx.where(mx.any(real, axis=1, keepdims=True), found, 0.0)
