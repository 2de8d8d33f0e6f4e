"""What one key adds to attention's output, and what is left without it: neither is its weight.

    output_i = Σ_j c_ij + b,   c_ij = Σ_h α^h_ij v^h_j W^O_h

‖c_ij‖ is the norm-based measure of Kobayashi et al. 2020, who write α f(x) for c: it is small where either the weight
or the transformed value is. Leaving a key out is something else again, as its weight is shared out among the others:

    α'_ik = α_ik / (1 - α_ij),  k ≠ j
"""

from __future__ import annotations

from mlxformer.attention import masks
from mlxformer.attention.multi_head import MultiHeadAttention
from mlxformer.axes import KV_HEADS, SCORES
from mlxformer.backend import mx
from mlxformer.validation import require_floating, require_shape

_LEAST = 1e-30  # what a row without any weight is divided by


def contributions(layer: MultiHeadAttention, weights: mx.array, values: mx.array) -> mx.array:
    """``c_ij = Σ_h α^h_ij v^h_j W^O_h``: the vector that key j adds to output i; over j they add up to output − bias.

    Args:
        layer: the attention that was traced.
        weights: α, floating point [B, H, Tq, Tk], of a trace of ``layer``.
        values: v, floating point [B, Hkv, Tk, D], of the same trace.

    Returns:
        [B, Tq, Tk, C].

    Raises:
        ArgumentError: shapes that do not fit the layer.

    Source: Kobayashi et al. 2020, "Attention is Not Only a Weight".

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> from mlxformer.inspection.contributions import contributions
    >>> layer = mf.MultiHeadAttention(8, 2)
    >>> contributions(layer, mx.ones((1, 2, 3, 5)) / 5, mx.ones((1, 2, 5, 4))).shape == (1, 3, 5, 8)
    True
    """
    require_floating("weights", weights)
    require_shape("weights", weights, SCORES, (None, layer.num_heads, None, None))
    require_floating("values", values)
    batch, heads, queries, keys = weights.shape
    wanted = (batch, layer.num_kv_heads, keys, layer.head_dim)
    require_shape("values", values, KV_HEADS, wanted)
    values = mx.repeat(values, heads // layer.num_kv_heads, axis=1)  # [B, H, Tk, D]
    moved = mx.expand_dims(weights, -1) * mx.expand_dims(values, 2)  # [B, H, Tq, Tk, D]
    joined = moved.transpose(0, 2, 3, 1, 4).reshape(batch, queries, keys, heads * layer.head_dim)
    return layer.out_proj(joined) - layer.out_proj(mx.zeros_like(joined[:1, :1, :1]))  # without the bias


def left_out(weights: mx.array, mask: mx.array) -> mx.array:
    """``weights`` without the keys at which ``mask`` is False, shared out anew among the others.

        α'_ik = α_ik / Σ_kept α_ij: the softmax over the kept keys, made of the softmax over all

    Args:
        weights: α, floating point [B, H, Tq, Tk].
        mask: True at the keys that stay, as in ``scaled_dot_product_attention``.

    Returns:
        [B, H, Tq, Tk]; zeros in a row where no weight is left to be shared.

    Raises:
        ArgumentError: another rank, or a mask of another kind or shape.

    >>> from mlxformer.backend import mx
    >>> from mlxformer.inspection.contributions import left_out
    >>> left_out(mx.array([[[[0.5, 0.25, 0.25]]]]), mx.array([[False, True, True]])).tolist()
    [[[[0.0, 0.5, 0.5]]]]
    """
    require_floating("weights", weights)
    require_shape("weights", weights, SCORES)
    masks.check(mask, weights.shape)
    kept = mx.where(mask, weights, 0.0)
    return kept / mx.maximum(mx.sum(kept, axis=-1, keepdims=True), _LEAST)
