"""Attention in one pass over blocks of keys, with a running maximum: the recurrence inside FlashAttention.

For each block of scores s with its values v, starting from m = −∞, l = 0, o = 0:

    m' = max(m, max s);   l' = e^(m − m') l + Σ e^(s − m');   o' = e^(m − m') o + e^(s − m') v

and o / l at the end is exactly softmax(s) v over all keys (Milakov & Gimelshein 2018, Algorithm 3; Dao et al. 2022,
§3.1). It is written to be read and traced, block by block; the fast one is behind ``scaled_dot_product_attention``.
"""

from __future__ import annotations

from functools import partial

from mlxformer.attention import masks
from mlxformer.attention.checks import check_heads, checked_scale
from mlxformer.attention.exactness import in_range, joint_dtype, only_seen, wide
from mlxformer.axes import HEADS, SCORES
from mlxformer.backend import mx
from mlxformer.origins import Named, Origin, Product, Total, Where
from mlxformer.tracing import tap
from mlxformer.validation import require_positive

_ROW = ("batch", "head", "query", "one")


def _it(made: Origin) -> Origin:
    return made


def blockwise_attention(
    q: mx.array,
    k: mx.array,
    v: mx.array,
    *,
    scale: float | None = None,
    mask: mx.array | str | None = None,
    block_size: int = 64,
) -> mx.array:
    """``softmax(scale · q kᵀ, masked) v`` without ever holding a whole row of scores.

    Beside the output it holds m and l [B, H, Tq, 1] and one block of scores [B, H, Tq, ``block_size``], so its memory
    grows with T and not with T². A trace shows ``block_scores``, ``running_max``, ``running_sum`` and ``accumulated``
    once for each block.

    Args:
        q: queries, floating point [B, H, Tq, D].
        k: keys, floating point [B, H, Tk, D] (Hkv = H).
        v: values, floating point [B, H, Tk, Dv].
        scale: of the scores; None means 1/√D.
        mask: as in ``scaled_dot_product_attention``.
        block_size: keys in a block, at least 1.

    Returns:
        [B, H, Tq, Dv] in the inputs' dtype; zeros for a query that may attend to nothing.

    Raises:
        ArgumentError: shapes, masks or a block size that cannot be.

    Source: Milakov & Gimelshein 2018, Algorithm 3; Dao et al. 2022, "FlashAttention", §3.1.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> from mlxformer.teaching.online_softmax import blockwise_attention
    >>> x = mx.random.normal((1, 2, 10, 4))
    >>> whole = mf.scaled_dot_product_attention(x, x, x, mask="causal")
    >>> bool(mx.allclose(blockwise_attention(x, x, x, mask="causal", block_size=3), whole, atol=1e-5))
    True
    """
    scores_shape = check_heads(q, k, v)
    require_positive(block_size=block_size)
    scale = checked_scale(scale, q.shape[-1])
    allowed = masks.resolve(mask, scores_shape)
    dtype = joint_dtype(q, k, v)
    k, v = only_seen(k, v, allowed)
    q, k, v = wide(q), wide(k), wide(v)  # all sums are float32
    q = in_range(q, k, scale)
    least = mx.finfo(mx.float32).min  # for minus infinity, whose differences with itself are NaN

    highest = mx.full((*q.shape[:3], 1), least)  # m [B, H, Tq, 1]
    total = mx.zeros((*q.shape[:3], 1))  # l [B, H, Tq, 1]
    output = mx.zeros((*q.shape[:3], v.shape[-1]))  # o [B, H, Tq, D]
    for start in range(0, k.shape[2], block_size):
        block = slice(start, start + block_size)
        keys = k[:, :, block]
        scores = q @ keys.swapaxes(-1, -2) * scale  # [B, H, Tq, block]
        columns = None if allowed is None else _columns(allowed, block)
        if columns is not None:
            scores = mx.where(columns, scores, least)
        products = Product("bhqd,bhkd,->bhqk", (Named("Q", q), Named("K_block", keys), Named("scale", scale)))
        made = products if columns is None else Where(columns, products, float(least))
        scores = tap("block_scores", scores, axes=SCORES, formula="Q K_blockᵀ / √D", of=partial(_it, made))
        before = highest
        highest = mx.maximum(before, mx.max(scores, axis=-1, keepdims=True))
        highest = tap("running_max", highest, axes=_ROW, formula="m' = max(m, max s)")
        powers = mx.exp(scores - highest)
        shrink = mx.exp(before - highest)
        kept, new = Named("e^(m − m')", shrink), Named("e^(s − m')", powers)
        sums = Total((Product("bhqo,bhqo->bhqo", (kept, total)), Product("bhqk,o->bhqo", (new, mx.ones((1,))))))
        total = shrink * total + mx.sum(powers, axis=-1, keepdims=True)
        total = tap("running_sum", total, axes=_ROW, formula="l' = e^(m − m') l + Σ e^(s − m')", of=partial(_it, sums))
        found = Product("bhqk,bhkd->bhqd", (new, Named("V_block", v[:, :, block])))
        outputs = Total((Product("bhqo,bhqd->bhqd", (kept, output)), found))
        output = shrink * output + powers @ v[:, :, block]
        output = tap(
            "accumulated", output, axes=HEADS, formula="o' = e^(m − m') o + e^(s − m') V", of=partial(_it, outputs)
        )
    output = output / total
    if allowed is not None:  # a query that may attend to nothing gives zeros
        output = mx.where(mx.any(allowed, axis=-1, keepdims=True), output, 0.0)
    return output.astype(dtype)


def _columns(allowed: mx.array, block: slice) -> mx.array:
    """The columns ``block`` of a mask of rank 2 or 4, which may have only one to be broadcast."""
    return allowed if allowed.shape[-1] == 1 else allowed[..., block]
