"""Scaled dot-product attention: the formula, written once explicitly and once fused.

    Attention(Q, K, V) = softmax(Q Kᵀ / √D) V                          (Vaswani et al. 2017, §3.2.1, Eq. 1)

Shapes throughout: q [B, H, Tq, D], k and v [B, Hkv, Tk, D]. H is a multiple of Hkv; each key/value head serves
H / Hkv query heads (grouped-query attention, Ainslie et al. 2023; Hkv = 1 is Shazeer's multi-query, 2019). The width
of v may differ from D. A query that may attend to nothing gives zeros, and zero gradients.

Scores, softmax and sums are float32, whatever the inputs are, and so are the traced scores and weights; the heads come
back in the inputs' dtype. A key that no query may see changes nothing, whatever it and its value hold.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from mlxformer.attention import masks
from mlxformer.attention.checks import check_bias, check_heads, check_sinks, checked_scale
from mlxformer.attention.exactness import fits_float32, in_range, joint_dtype, only_seen, wide
from mlxformer.attention.softmax_one import softmax_one
from mlxformer.axes import HEADS, SCORES
from mlxformer.backend import fused_attention_accumulates, fused_attention_is_exact, is_eager, mx, numpy_view
from mlxformer.origins import Named, Product, Softmax, Total, Where, grouped, mixed, times
from mlxformer.tracing import alias, is_tracing, tap


def scaled_dot_product_attention(
    q: mx.array,
    k: mx.array,
    v: mx.array,
    *,
    scale: float | None = None,
    mask: mx.array | str | None = None,
    bias: mx.array | None = None,
    sinks: mx.array | None = None,
) -> mx.array:
    """``softmax(scale · q kᵀ + bias, masked) v``.

    Args:
        q: queries, floating point [B, H, Tq, D].
        k: keys, floating point [B, Hkv, Tk, D]; H is a multiple of Hkv.
        v: values, floating point [B, Hkv, Tk, Dv].
        scale: of the scores; None means 1/√D.
        mask: None (all may be attended to), ``"causal"``, or boolean, True = may attend, [Tq, Tk] or broadcastable to
            [B, H, Tq, Tk] (``mf.masks``).
        bias: an additive term of the scaled scores (ALiBi, T5), floating point, shaped as a mask is; None is nothing.
        sinks: [H], for each head the score of one more key without a value (``softmax_one``; zeros are
            softmax-plus-one); None is the plain softmax.

    Returns:
        [B, H, Tq, Dv]; zeros for a query that may attend to nothing.

    Raises:
        ArgumentError: shapes that do not fit, masks that are not boolean or of rank 1 or 3, empty axes, arrays of
            another library.

    Source: Vaswani et al. 2017, §3.2.1 and §3.2.3.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> q = mx.array([[[[0.0], [0.0]]]])  # two queries that find all keys alike
    >>> v = mx.array([[[[1.0], [3.0]]]])
    >>> mf.scaled_dot_product_attention(q, q, v, mask="causal").tolist()
    [[[[1.0], [2.0]]]]
    """
    scores_shape = _check_all(q, k, v, bias, sinks)
    return attend(
        q, k, v, scale=checked_scale(scale, q.shape[-1]), mask=masks.checked(mask, scores_shape), bias=bias, sinks=sinks
    )


def attention_weights(
    q: mx.array,
    k: mx.array,
    *,
    scale: float | None = None,
    mask: mx.array | str | None = None,
    bias: mx.array | None = None,
    sinks: mx.array | None = None,
) -> mx.array:
    """``softmax(scale · q kᵀ + bias, masked)``: what ``scaled_dot_product_attention`` multiplies the values by.

    Args:
        q: queries, floating point [B, H, Tq, D].
        k: keys, floating point [B, Hkv, Tk, D].
        scale: of the scores; None means 1/√D.
        mask: as in ``scaled_dot_product_attention``.
        bias: as in ``scaled_dot_product_attention``.
        sinks: as in ``scaled_dot_product_attention``; with it rows sum to less than 1.

    Returns:
        [B, H, Tq, Tk] in the dtype of q and k; a row sums to 1, or to 0 where nothing may be attended to.

    Raises:
        ArgumentError: as in ``scaled_dot_product_attention``.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> q = mx.zeros((1, 1, 2, 4))
    >>> mf.attention_weights(q, q, mask="causal").tolist()
    [[[[1.0, 0.0], [0.5, 0.5]]]]
    """
    scores_shape = _check_all(q, k, None, bias, sinks)
    mask = masks.resolve(mask, scores_shape)
    k = alias(only_seen(k, k, mask, bias)[0], k)
    weights = _weights(q, k, checked_scale(scale, q.shape[-1]), mask, bias, sinks)
    return weights.astype(joint_dtype(q, k))


def attend(
    q: mx.array,
    k: mx.array,
    v: mx.array,
    *,
    scale: float | None = None,
    mask: mx.array | str | None = None,
    bias: mx.array | None = None,
    sinks: mx.array | None = None,
    dropout: Callable[[mx.array], mx.array] | None = None,
    softcap: float | None = None,
) -> mx.array:
    """``scaled_dot_product_attention`` of what was checked before, with dropout on the weights.

    The one place that picks the implementation. The explicit one runs wherever the weights themselves are needed:
    inside a trace, and under dropout. A bias also takes it, because fused kernels differ in whether they give a bias
    its gradient, and so do sinks and a ``softcap`` c, ``c tanh(scaled / c)``. Else the fused one runs.

    Args:
        q: [B, H, Tq, D].
        k: [B, Hkv, Tk, D].
        v: [B, Hkv, Tk, D].
        scale: of the scores; None is 1/√D.
        mask: None, ``"causal"`` or boolean, as ``masks.checked`` gives it.
        bias: added to the scores; None adds nothing.
        sinks: [H], a score of each head that takes weight and gives nothing; None is none.
        dropout: applied to the weights; None drops nothing.
        softcap: c; None caps nothing.

    >>> from mlxformer.attention.functional import attend
    >>> q, k, v = mx.ones((1, 8, 5, 16)), mx.ones((1, 2, 5, 16)), mx.ones((1, 2, 5, 16))
    >>> attend(q, k, v, mask="causal").shape
    (1, 8, 5, 16)
    """
    if scale is None:
        scale = float(q.shape[-1]) ** -0.5
    if dropout is not None or bias is not None or sinks is not None or softcap is not None or is_tracing():
        allowed = masks.as_array(mask, q.shape[2], k.shape[2])
        return _explicit(q, k, v, scale, allowed, bias, sinks, dropout, softcap)
    return _fused(q, k, v, scale, mask)


def _check_all(
    q: mx.array, k: mx.array, v: mx.array | None, bias: mx.array | None, sinks: mx.array | None
) -> tuple[int, int, int, int]:
    scores_shape = check_heads(q, k, v, grouped=True)
    if bias is not None:
        check_bias(bias, scores_shape)
    if sinks is not None:
        check_sinks(sinks, q.shape[1])
    return scores_shape


def _explicit(
    q: mx.array,
    k: mx.array,
    v: mx.array,
    scale: float,
    mask: mx.array | None,
    bias: mx.array | None,
    sinks: mx.array | None,
    dropout: Callable[[mx.array], mx.array] | None,
    softcap: float | None,
) -> mx.array:
    dtype = joint_dtype(q, k, v)
    given = k, v
    k, v = map(alias, only_seen(k, v, mask, bias), given)
    weights = _weights(q, k, scale, mask, bias, sinks, softcap)  # float32 [B, H, Tq, Tk]
    if dropout is not None:
        whole, weights = weights, dropout(weights)
        weights = tap(
            "dropped_weights",
            weights,
            axes=SCORES,
            formula="dropout(weights)",
            of=lambda: _dropped(whole, weights),
        )
    heads = _per_kv_head(weights, v.shape[1]) @ wide(v)  # [B, Hkv, G·Tq, Dv]
    heads = heads.reshape(*weights.shape[:3], v.shape[-1]).astype(dtype)  # [B, H, Tq, Dv]
    return tap("heads", heads, axes=HEADS, formula="weights V", of=lambda: mixed(weights, v))


def _dropped(weights: mx.array, dropped: mx.array) -> Where:
    factor = mx.max(dropped / mx.where(weights > 0, weights, 1.0))
    return Where(dropped != 0, Product("bhqk,->bhqk", (weights, factor)), 0.0)


def _weights(
    q: mx.array,
    k: mx.array,
    scale: float,
    mask: mx.array | None,
    bias: mx.array | None,
    sinks: mx.array | None,
    softcap: float | None = None,
) -> mx.array:
    batch, heads, query_length, _ = q.shape
    kv_heads, key_length = k.shape[1], k.shape[2]
    fits = fits_float32(q, k, scale)
    q, k = alias(wide(q), q), alias(wide(k), k)
    if not fits:
        q = alias(in_range(q, k, scale), q)
    products = _per_kv_head(q, kv_heads) @ k.swapaxes(-1, -2)  # float32 [B, Hkv, G·Tq, Tk]
    products = products.reshape(batch, heads, query_length, key_length)  # [B, H, Tq, Tk]
    products = tap("scores", products, axes=SCORES, formula="Q Kᵀ", of=lambda: grouped(q, k))
    scaled = tap("scaled", products * scale, axes=SCORES, formula="Q Kᵀ / √D", of=lambda: times(products, scale))
    scores = scaled
    if softcap is not None:
        capped = softcap * mx.tanh(scaled / softcap)
        scores = tap("capped", capped, axes=SCORES, formula="c tanh(Q Kᵀ / (c √D))")
    if bias is not None:
        before = scores
        scores = tap(
            "biased",
            before + wide(bias),
            axes=SCORES,
            formula="Q Kᵀ / √D + bias",
            of=lambda: Total((before, Named("bias", bias))),
        )
    return masked_softmax(scores, mask, "Q Kᵀ / √D" if bias is None else "Q Kᵀ / √D + bias", sinks)


def masked_softmax(
    scores: mx.array, mask: mx.array | None, formula: str = "scores", sinks: mx.array | None = None
) -> mx.array:
    """The softmax of each row of scores over the keys that the mask allows.

    Args:
        scores: floating point [B, H, Tq, Tk].
        mask: boolean, checked before (``masks.resolve``); None allows all.
        formula: what the scores are, for the trace.
        sinks: as in ``scaled_dot_product_attention``.

    Returns:
        float32 [B, H, Tq, Tk], zeros in a row of which nothing is allowed, or that is −inf alone.

    >>> from mlxformer.attention.functional import masked_softmax
    >>> from mlxformer.backend import mx
    >>> scores = mx.zeros((1, 1, 2, 2))
    >>> masked_softmax(scores, mx.array([[True, True], [False, False]])).tolist()
    [[[[0.5, 0.5], [0.0, 0.0]]]]
    """
    name = "softmax" if sinks is None else "softmax_one"
    scores = alias(wide(scores), scores)
    if mask is None:
        return tap(
            "weights",
            _softmax(scores, sinks),
            axes=SCORES,
            formula=f"{name}({formula})",
            of=lambda: Softmax(scores, sinks=sinks),
        )
    # The finite minimum and not -inf: a row of -inf alone would be NaN, and so would its gradient even if the NaN
    # were replaced afterwards. Such a row becomes uniform here, and zero by the second `where`.
    least = mx.finfo(scores.dtype).min
    masked = tap(
        "masked",
        mx.where(mask, scores, least),
        axes=SCORES,
        formula=f"{formula} where allowed, else the least float",
        of=lambda: Where(mask, scores, float(least)),
    )
    return tap(
        "weights",
        mx.where(mask, _softmax(masked, sinks), 0.0),
        axes=SCORES,
        formula=f"{name}(masked), 0 where not allowed",
        of=lambda: Softmax(masked, mask, sinks=sinks),
    )


def _softmax(scores: mx.array, sinks: mx.array | None) -> mx.array:
    """Of float32 scores; a row of −inf, which a bias can make, gives zeros and zero gradients."""
    if sinks is not None:
        return softmax_one(scores, wide(sinks).reshape(1, -1, 1, 1))
    blind = mx.max(mx.stop_gradient(scores), axis=-1, keepdims=True) == -math.inf
    if is_eager() and not bool(numpy_view(blind).any()):
        return mx.softmax(scores, axis=-1)
    return mx.where(blind, 0.0, mx.softmax(mx.where(blind, 0.0, scores), axis=-1))


def _fused(q: mx.array, k: mx.array, v: mx.array, scale: float, mask: mx.array | str | None) -> mx.array:
    if fused_attention_is_exact():
        return _fused_of_exact(q, k, v, scale, mask)
    dtype = joint_dtype(q, k, v)
    fits = fits_float32(q, k, scale)
    if not isinstance(mask, str):  # the last query of a causal mask sees every key
        k, v = only_seen(k, v, mask)
    if not fused_attention_accumulates(q.shape[-1], v.shape[-1]):
        q, k, v = wide(q), wide(k), wide(v)
    if not fits:
        q = in_range(wide(q), wide(k), scale).astype(q.dtype)
    return _fused_of_exact(q, k, v, scale, mask).astype(dtype)


def _fused_of_exact(q: mx.array, k: mx.array, v: mx.array, scale: float, mask: mx.array | str | None) -> mx.array:
    query_length, key_length = q.shape[2], k.shape[2]
    if mask is None or (isinstance(mask, str) and query_length <= key_length):
        return mx.fast.scaled_dot_product_attention(q, k, v, scale=scale, mask=mask)
    allowed = masks.causal(query_length, key_length) if isinstance(mask, str) else mask
    heads = mx.fast.scaled_dot_product_attention(q, k, v, scale=scale, mask=allowed)
    # MLX gives such a row the mean of V, zeros or NaN by device and shape; ours is zeros everywhere.
    return mx.where(mx.any(allowed, axis=-1, keepdims=True), heads, 0.0)


def _per_kv_head(x: mx.array, kv_heads: int) -> mx.array:
    """[B, H, T, D] -> [B, Hkv, (H / Hkv)·T, D]: the query heads that share a key/value head, stacked in time."""
    batch, heads, length, width = x.shape
    return x.reshape(batch, kv_heads, heads // kv_heads * length, width)
