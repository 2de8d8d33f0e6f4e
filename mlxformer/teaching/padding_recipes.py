"""Other ways to keep padding out than a boolean mask: one that is used, and two that go wrong or look alike.

Kept to be looked at. What this library uses is ``mf.masks.padding``: a boolean mask of the keys, before the softmax.
"""

from __future__ import annotations

from mlxformer.attention.functional import attention_weights
from mlxformer.attention.masks import padding
from mlxformer.attention.scores import scaled_dot_scores
from mlxformer.axes import KEYS, SCORES
from mlxformer.backend import mx
from mlxformer.origins import Share
from mlxformer.tracing import tap
from mlxformer.validation import require_floating, require_shape


def additive_padding(valid: mx.array, fill: float, dtype: mx.Dtype | None = None) -> mx.array:
    """``(1 − valid) · fill``, to be given to attention as ``bias``.

    Google's BERT adds −10000 (google-research/bert, modeling.py, attention_layer). It stands for minus infinity only as
    long as ``fill`` outweighs every score; in a row without a real key it cancels out of the softmax; and −1e9 becomes
    minus infinity in float16, whose least number is −65504.

    Args:
        valid: booleans [B, Tk], True at real keys.
        fill: what is added to the scores of the others.
        dtype: of the bias; None means float32.

    Returns:
        [B, 1, 1, Tk].

    Raises:
        ArgumentError: ``valid`` of another kind or rank.

    >>> from mlxformer.backend import mx
    >>> from mlxformer.teaching.padding_recipes import additive_padding
    >>> additive_padding(mx.array([[True, False]]), -10_000.0).tolist()
    [[[[0.0, -10000.0]]]]
    """
    dtype = mx.float32 if dtype is None else dtype
    return mx.where(padding(valid), 0.0, fill).astype(dtype)


def plain_softmax_weights(q: mx.array, k: mx.array, bias: mx.array) -> mx.array:
    """``softmax(q kᵀ / √D + bias)`` by the letter: a row of minus infinities is 0 / 0.

    What attention here computes gives zeros in such a row, as a boolean mask does.

    Args:
        q: queries, floating point [B, H, Tq, D].
        k: keys, floating point [B, H, Tk, D].
        bias: added to the scores, as ``additive_padding`` makes it.

    Returns:
        float32 [B, H, Tq, Tk].

    >>> from mlxformer.backend import mx
    >>> from mlxformer.teaching.padding_recipes import additive_padding, plain_softmax_weights
    >>> x = mx.ones((1, 1, 1, 2))
    >>> plain_softmax_weights(x, x, additive_padding(mx.array([[False]]), float("-inf"))).tolist()
    [[[[nan]]]]
    """
    return mx.softmax(scaled_dot_scores(q, k) + bias.astype(mx.float32), axis=-1)


def padded_queries(valid: mx.array) -> mx.array:
    """The mask laid along the wrong axis: real queries still see every padded key.

    Args:
        valid: booleans [B, Tq], True at real tokens.

    Returns:
        Booleans [B, 1, Tq, 1].

    Raises:
        ArgumentError: ``valid`` of another kind or rank.

    >>> from mlxformer.backend import mx
    >>> from mlxformer.teaching.padding_recipes import padded_queries
    >>> padded_queries(mx.array([[True, False]])).tolist()
    [[[[True], [False]]]]
    """
    return padding(valid).swapaxes(-1, -2)


def renormalized_after_softmax(q: mx.array, k: mx.array, v: mx.array, valid: mx.array) -> mx.array:
    """Softmax over all keys, padding set to 0, and each row divided by what is left.

    The same numbers as masking before the softmax, since ``e^s / Σ_all e^s`` divided by its sum over the real keys is
    ``e^s / Σ_real e^s``. Without the division see ``mistakes.mask_after_softmax``.

    Args:
        q: queries, floating point [B, H, Tq, D].
        k: keys, floating point [B, H, Tk, D].
        v: values, floating point [B, H, Tk, Dv].
        valid: booleans [B, Tk], True at real keys.

    Returns:
        [B, H, Tq, Dv].

    Raises:
        ArgumentError: shapes that do not fit.

    >>> from mlxformer.backend import mx
    >>> from mlxformer.teaching.padding_recipes import renormalized_after_softmax
    >>> x, v = mx.ones((1, 1, 2, 1)), mx.array([[[[3.0], [9.0]]]])
    >>> renormalized_after_softmax(x, x, v, mx.array([[True, False]])).tolist()
    [[[[3.0], [3.0]]]]
    """
    require_floating("v", v)
    require_shape("v", v, KEYS, (*k.shape[:3], None))
    real, full = padding(valid), attention_weights(q, k)
    weights = mx.where(real, full, 0.0)  # [B, H, Tq, Tk]
    weights = tap(
        "renormalized",
        weights / mx.sum(weights, axis=-1, keepdims=True),
        axes=SCORES,
        formula="w · valid / Σ w · valid",
        of=lambda: Share(full, real),
    )
    return weights @ v
