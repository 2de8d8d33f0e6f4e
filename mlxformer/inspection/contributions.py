"""What one key adds to attention's output, and what is left without it: neither is its weight.

    output_i = Σ_j c_ij + b,   c_ij = Σ_h α^h_ij v^h_j W^O_h

‖c_ij‖ is the norm-based measure of Kobayashi et al. 2020, who write α f(x) for c: it is small where either the weight
or the transformed value is. Leaving a key out is something else again, as its weight is shared out among the others:

    α'_ik = α_ik / (1 - α_ij),  k ≠ j
"""

from __future__ import annotations

from typing import Any

from mlxformer.attention import masks
from mlxformer.attention.multi_head import MultiHeadAttention
from mlxformer.backend import mx
from mlxformer.validation import require_floating, require_shape

_LEAST = 1e-30  # what a row without any weight is divided by


def contributions(layer: MultiHeadAttention, weights: Any, values: Any) -> Any:
    """c: the vector that each key adds to each output, [B, Tq, Tk, C]; over the keys they add up to output - bias.

    weights [B, H, Tq, Tk] and values [B, Hkv, Tk, D] are those of a trace of ``layer``.

    Raises ``ArgumentError`` for shapes that do not fit the layer.
    """
    require_floating("weights", weights)
    require_shape("weights", weights, ("batch", "head", "query", "key"), (None, layer.num_heads, None, None))
    require_floating("values", values)
    batch, heads, queries, keys = weights.shape
    wanted = (batch, layer.num_kv_heads, keys, layer.head_dim)
    require_shape("values", values, ("batch", "kv_head", "key", "dim"), wanted)
    values = mx.repeat(values, heads // layer.num_kv_heads, axis=1)  # [B, H, Tk, D]
    moved = mx.expand_dims(weights, -1) * mx.expand_dims(values, 2)  # [B, H, Tq, Tk, D]
    joined = moved.transpose(0, 2, 3, 1, 4).reshape(batch, queries, keys, heads * layer.head_dim)
    return layer.out_proj(joined) - layer.out_proj(mx.zeros_like(joined[:1, :1, :1]))  # without the bias


def left_out(weights: Any, keep: Any) -> Any:
    """``weights`` [B, H, Tq, Tk] without the keys at which ``keep`` is False, shared out anew among the others.

    The softmax over the kept keys, made of the softmax over all. keep: a mask as in ``scaled_dot_product_attention``.
    Zeros where no weight is left to be shared.

    Raises ``ArgumentError`` for another rank, and masks of another kind or shape.
    """
    require_floating("weights", weights)
    require_shape("weights", weights, ("batch", "head", "query", "key"))
    masks.check(keep, weights.shape)
    kept = mx.where(keep, weights, 0.0)
    return kept / mx.maximum(mx.sum(kept, axis=-1, keepdims=True), _LEAST)
