"""Scaled dot-product attention: the formula, written once explicitly and once fused.

    Attention(Q, K, V) = softmax(Q Kᵀ / √D) V                          (Vaswani et al. 2017, §3.2.1, Eq. 1)

Shapes throughout: q [B, H, Tq, D], k and v [B, Hkv, Tk, D]. H is a multiple of Hkv; each key/value head serves
H / Hkv query heads (grouped-query attention, Ainslie et al. 2023; Hkv = 1 is Shazeer's multi-query, 2019). The width
of v may differ from D. A query that may attend to nothing gives zeros, and zero gradients.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from numbers import Real
from typing import Any

from mlxformer.attention import masks
from mlxformer.attention.softmax_one import softmax_one
from mlxformer.backend import mx
from mlxformer.errors import ArgumentError
from mlxformer.tracing import is_tracing, tap
from mlxformer.validation import require_array, require_floating, require_shape, shape_text


def scaled_dot_product_attention(
    q: Any, k: Any, v: Any, *, scale: float | None = None, mask: Any = None, bias: Any = None, sinks: Any = None
) -> Any:
    """``softmax(scale · q kᵀ + bias, masked) v``: [B, H, Tq, D].

    scale: 1/√D unless given. mask: None, ``"causal"``, or boolean (True = may attend) of shape [Tq, Tk] or
    broadcastable to [B, H, Tq, Tk]. bias: an additive term of the scaled scores (ALiBi, T5), shaped likewise. sinks:
    [H], for each head the score of one more key without a value (``softmax_one``; zeros are softmax-plus-one).

    Raises ``ArgumentError`` for shapes that do not fit, masks that are not boolean or of rank 1 or 3, empty axes, and
    arrays of another library. Source: Vaswani et al. 2017, §3.2.1 and §3.2.3.
    """
    return attend(q, k, v, scale=scale, mask=mask, bias=bias, sinks=sinks)


def attention_weights(
    q: Any, k: Any, *, scale: float | None = None, mask: Any = None, bias: Any = None, sinks: Any = None
) -> Any:
    """``softmax(scale · q kᵀ + bias, masked)``: [B, H, Tq, Tk]. A row sums to 1, or to 0 where it may see nothing.
    With ``sinks`` it sums to less than 1.

    Arguments and errors as in ``scaled_dot_product_attention``.
    """
    scores_shape = _check(q, k, None, bias, sinks)
    return _weights(q, k, _scale(scale, q), masks.resolve(mask, scores_shape), bias, sinks)


def attend(
    q: Any,
    k: Any,
    v: Any,
    *,
    scale: float | None = None,
    mask: Any = None,
    bias: Any = None,
    sinks: Any = None,
    dropout: Callable[[Any], Any] | None = None,
) -> Any:
    """``scaled_dot_product_attention`` with dropout on the weights; the one place that picks the implementation.

    The explicit one runs wherever the weights themselves are needed: inside a trace, and under dropout. A bias also
    takes it, because fused kernels differ in whether they give a bias its gradient, and so do sinks. Else the fused
    one runs.
    """
    scores_shape = _check(q, k, v, bias, sinks)
    if dropout is not None or bias is not None or sinks is not None or is_tracing():
        return _explicit(q, k, v, _scale(scale, q), masks.resolve(mask, scores_shape), bias, sinks, dropout)
    return _fused(q, k, v, _scale(scale, q), mask, scores_shape)


def _explicit(
    q: Any, k: Any, v: Any, scale: float, mask: Any, bias: Any, sinks: Any, dropout: Callable[[Any], Any] | None
) -> Any:
    weights = _weights(q, k, scale, mask, bias, sinks)  # [B, H, Tq, Tk]
    if dropout is not None:
        weights = tap("dropped_weights", dropout(weights), axes=_SCORES, formula="dropout(weights)")
    heads = _per_kv_head(weights, v.shape[1]) @ v  # [B, Hkv, G·Tq, Dv]
    heads = heads.reshape(*weights.shape[:3], v.shape[-1])  # [B, H, Tq, Dv]
    return tap("heads", heads, axes=("batch", "head", "query", "dim"), formula="weights V")


def _weights(q: Any, k: Any, scale: float, mask: Any, bias: Any, sinks: Any) -> Any:
    batch, heads, query_length, _ = q.shape
    kv_heads, key_length = k.shape[1], k.shape[2]
    scores = _per_kv_head(q, kv_heads) @ k.swapaxes(-1, -2)  # [B, Hkv, G·Tq, Tk]
    scores = scores.reshape(batch, heads, query_length, key_length)  # [B, H, Tq, Tk]
    scores = tap("scores", scores, axes=_SCORES, formula="Q Kᵀ")
    scores = tap("scaled", scores * scale, axes=_SCORES, formula="Q Kᵀ / √D")
    if bias is not None:
        scores = tap("biased", scores + bias, axes=_SCORES, formula="Q Kᵀ / √D + bias")
    return masked_softmax(scores, mask, "Q Kᵀ / √D" if bias is None else "Q Kᵀ / √D + bias", sinks)


def masked_softmax(scores: Any, mask: Any, formula: str = "scores", sinks: Any = None) -> Any:
    """The softmax of each row of ``scores`` [B, H, Tq, Tk] over the keys that the boolean ``mask`` allows, else zeros.

    The mask was checked before (``masks.resolve``); None allows all. formula: what the scores are, for the trace.
    """
    name = "softmax" if sinks is None else "softmax_one"
    if mask is None:
        return tap("weights", _softmax(scores, sinks), axes=_SCORES, formula=f"{name}({formula})")
    # The finite minimum and not -inf: a row of -inf alone would be NaN, and so would its gradient even if the NaN
    # were replaced afterwards. Such a row becomes uniform here, and zero by the second `where`.
    scores = mx.where(mask, scores, mx.finfo(scores.dtype).min)
    scores = tap("masked", scores, axes=_SCORES, formula=f"{formula} where allowed, else the least float")
    weights = mx.where(mask, _softmax(scores, sinks), 0.0)
    return tap("weights", weights, axes=_SCORES, formula=f"{name}(masked), 0 where not allowed")


def _softmax(scores: Any, sinks: Any) -> Any:
    if sinks is None:
        return mx.softmax(scores, axis=-1)
    return softmax_one(scores, sinks.astype(scores.dtype).reshape(1, -1, 1, 1))


def _fused(q: Any, k: Any, v: Any, scale: float, mask: Any, scores_shape: tuple[int, ...]) -> Any:
    query_length, key_length = scores_shape[-2:]
    if mask is None or (isinstance(mask, str) and mask == "causal" and query_length <= key_length):
        return mx.fast.scaled_dot_product_attention(q, k, v, scale=scale, mask=mask)
    mask = masks.resolve(mask, scores_shape)
    heads = mx.fast.scaled_dot_product_attention(q, k, v, scale=scale, mask=mask)
    # MLX gives such a row the mean of V, zeros or NaN by device and shape; ours is zeros everywhere.
    return mx.where(mx.any(mask, axis=-1, keepdims=True), heads, 0.0)


_SCORES = ("batch", "head", "query", "key")


def _per_kv_head(x: Any, kv_heads: int) -> Any:
    """[B, H, T, D] -> [B, Hkv, (H / Hkv)·T, D]: the query heads that share a key/value head, stacked in time."""
    batch, heads, length, width = x.shape
    return x.reshape(batch, kv_heads, heads // kv_heads * length, width)


def _scale(scale: float | None, q: Any) -> float:
    if scale is None:
        return float(q.shape[-1]) ** -0.5
    if isinstance(scale, bool) or not isinstance(scale, Real) or not math.isfinite(scale):
        raise ArgumentError(
            "scale-not-finite",
            f"scale must be a finite number, or None for 1/√D; got {scale!r}. One that is learned multiplies q",
            given=scale,
        )
    return float(scale)


def _check(q: Any, k: Any, v: Any, bias: Any, sinks: Any) -> tuple[int, int, int, int]:
    """The shape of the scores, [B, H, Tq, Tk], once everything fits."""
    for name, x in (("q", q), ("k", k), ("v", v)):
        if name != "v" or x is not None:
            require_floating(name, x)
            require_shape(name, x, ("batch", "head" if name == "q" else "kv_head", "time", "dim"))
    batch, heads, query_length, width = q.shape
    require_shape("k", k, ("batch", "kv_head", "key", "dim"), (batch, None, None, width))
    if v is not None:
        require_shape("v", v, ("batch", "kv_head", "key", "value_dim"), (batch, k.shape[1], k.shape[2], None))
    if heads % k.shape[1]:
        raise ArgumentError(
            "heads-not-grouped",
            f"the {heads} heads of q {shape_text(q)} must be a multiple of the {k.shape[1]} of k {shape_text(k)}",
            heads=heads,
            kv_heads=k.shape[1],
        )
    scores_shape = (batch, heads, query_length, k.shape[2])
    if bias is not None:
        check_bias(bias, scores_shape)
    if sinks is not None:
        require_floating("sinks", sinks)
        require_shape("sinks", sinks, ("head",), (heads,))
    return scores_shape


def check_bias(bias: Any, scores_shape: tuple[int, ...]) -> None:
    """Raise ``ArgumentError`` unless ``bias`` is floating point and broadcasts to the scores [B, H, Tq, Tk]."""
    require_array("bias", bias)
    if bias.dtype == mx.bool_:
        raise ArgumentError(
            "bias-boolean", "bias is added to the scores; a boolean array is a mask: give it as `mask`", given="bool"
        )
    require_floating("bias", bias)
    if bias.ndim not in (2, 4):
        raise ArgumentError(
            "bias-rank",
            f"bias must have shape [Tq, Tk] or [B, H, Tq, Tk]; got {shape_text(bias)}",
            given=shape_text(bias),
        )
    masks.require_broadcast("bias", bias, scores_shape)
