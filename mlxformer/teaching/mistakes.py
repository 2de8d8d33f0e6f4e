"""Wrong recipes, kept to be looked at: each shows one mistake that runs without an error and gives wrong numbers.

Nothing here is for use. Shapes and arguments are those of ``mlxformer.scaled_dot_product_attention``, without groups
(Hkv = H); the taps bear the same names, so that a trace of the mistake lies beside a trace of the right thing.
"""

from __future__ import annotations

from mlxformer.attention import masks
from mlxformer.attention.checks import check_heads, checked_scale
from mlxformer.attention.exactness import in_range, wide
from mlxformer.attention.multi_head import MultiHeadAttention
from mlxformer.axes import HEADS, SCORES
from mlxformer.backend import mx, nn
from mlxformer.origins import Function, Share, Softmax, Where, grouped, mixed, times
from mlxformer.tracing import alias, tap


def softmax_over_queries(
    q: mx.array, k: mx.array, v: mx.array, *, scale: float | None = None, mask: mx.array | str | None = None
) -> mx.array:
    """The softmax along the query axis: columns of the weights add up to 1, rows to anything.

    The right axis is the key's: each query shares out one unit of attention among the keys (Vaswani et al. 2017, Eq.
    1). A column in which nothing may be attended to gives zeros.

    Args:
        q: queries, floating point [B, H, Tq, D].
        k: keys, floating point [B, H, Tk, D].
        v: values, floating point [B, H, Tk, Dv].
        scale: of the scores; None means 1/√D.
        mask: as in ``scaled_dot_product_attention``.

    Returns:
        [B, H, Tq, Dv].

    Raises:
        ArgumentError: shapes or masks that do not fit.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx, nn
    >>> from mlxformer.teaching.mistakes import softmax_over_queries
    >>> x = mx.ones((1, 1, 4, 2))
    >>> with mf.trace() as steps:
    ...     y = softmax_over_queries(x[:, :, :2], x, x)
    >>> steps["weights"].value.sum(-1).tolist()  # of a row, and it should be 1
    [[[2.0, 2.0]]]
    """
    scores, allowed = _masked_scores(q, k, v, scale, mask)
    made = Softmax(scores, allowed, axis=-2)
    weights = mx.softmax(scores, axis=-2)
    if allowed is not None:
        weights = mx.where(allowed, weights, 0.0)
    return _mix(tap("weights", weights, axes=SCORES, formula="softmax over queries (wrong axis)", of=lambda: made), v)


def mask_after_softmax(
    q: mx.array, k: mx.array, v: mx.array, *, scale: float | None = None, mask: mx.array | str | None = None
) -> mx.array:
    """The mask put on the weights instead of the scores, without sharing out anew: rows add up to less than 1.

    What the softmax gave to forbidden keys is thrown away, and how much that is depends on what they say: the future
    leaks through the denominator. The right order is scale, mask, softmax (Vaswani et al. 2017, §3.2.3).

    Args:
        q: queries, floating point [B, H, Tq, D].
        k: keys, floating point [B, H, Tk, D].
        v: values, floating point [B, H, Tk, Dv].
        scale: of the scores; None means 1/√D.
        mask: as in ``scaled_dot_product_attention``.

    Returns:
        [B, H, Tq, Dv].

    Raises:
        ArgumentError: shapes or masks that do not fit.

    >>> from mlxformer.backend import mx, nn
    >>> from mlxformer.teaching.mistakes import mask_after_softmax
    >>> x = mx.ones((1, 1, 2, 1))
    >>> mask_after_softmax(x, x, x, mask="causal").tolist()  # the first should be 1 too
    [[[[0.5], [1.0]]]]
    """
    scores, _ = _masked_scores(q, k, v, scale, None)
    softened = tap(
        "softmax",
        mx.softmax(scores, axis=-1),
        axes=SCORES,
        formula="softmax(Q Kᵀ / √D), nothing masked",
        of=lambda: Softmax(scores),
    )
    allowed = masks.resolve(mask, scores.shape)
    weights = softened if allowed is None else mx.where(allowed, softened, 0.0)
    weights = tap(
        "weights",
        weights,
        axes=SCORES,
        formula="softmax(…), then 0 where not allowed",
        of=lambda: Where(True if allowed is None else allowed, softened, 0.0),
    )
    return _mix(weights, v)


def softmax_without_max(
    q: mx.array, k: mx.array, v: mx.array, *, scale: float | None = None, mask: mx.array | str | None = None
) -> mx.array:
    """``exp(s) / Σ exp(s)`` in float16 without subtracting the row's maximum: NaN once a score passes ln 65504 ≈ 11.09.

    exp(11) is 59,874 and exp(12) is infinite in float16, and inf / inf is NaN. Subtracting the maximum changes nothing
    else, since softmax(s) = softmax(s − c).

    Args:
        q: queries, floating point [B, H, Tq, D].
        k: keys, floating point [B, H, Tk, D].
        v: values, floating point [B, H, Tk, Dv].
        scale: of the scores; None means 1/√D.
        mask: as in ``scaled_dot_product_attention``.

    Returns:
        float16 [B, H, Tq, Dv].

    Raises:
        ArgumentError: shapes or masks that do not fit.

    >>> from mlxformer.backend import mx, nn
    >>> from mlxformer.teaching.mistakes import softmax_without_max
    >>> x = mx.ones((1, 1, 1, 1))
    >>> softmax_without_max(12.0 * x, x, x).tolist()
    [[[[nan]]]]
    """
    scores, allowed = _masked_scores(q, k, v, scale, mask)
    powers = exponentials_in_float16(scores)
    if allowed is not None:
        powers = mx.where(allowed, powers, mx.zeros_like(powers))
    weights = tap(
        "weights",
        powers / mx.sum(powers, axis=-1, keepdims=True),
        axes=SCORES,
        formula="exp(s) / Σ exp(s) in float16, no maximum subtracted",
        of=lambda: Share(powers),
    )
    return _mix(weights, v.astype(mx.float16))


def exponentials_in_float16(scores: mx.array) -> mx.array:
    """``exp(scores)`` in float16 as it comes: infinite from 12 on.

    Args:
        scores: floating point, any shape of at most four axes.

    Returns:
        float16, of the same shape.

    >>> from mlxformer.backend import mx, nn
    >>> from mlxformer.teaching.mistakes import exponentials_in_float16
    >>> exponentials_in_float16(mx.array([0.0, 12.0])).tolist()
    [1.0, inf]
    """
    return tap(
        "exponentials",
        mx.exp(scores.astype(mx.float16)),
        axes=SCORES[-scores.ndim :] if scores.ndim else (),
        formula="exp(s) in float16",
        of=lambda: Function("exp", scores.astype(mx.float16)),
    )


class MultiHeadAttentionWithoutTranspose(MultiHeadAttention):
    """``[B, T, H·D]`` reshaped straight to ``[B, H, T, D]``: each "head" gets every feature of some of the tokens.

    The right split is ``reshape(B, T, H, D)`` and then a transposition of T and H. All shapes fit, so nothing
    complains; only with one head, or one token, is it the same. Arguments, errors and call are those of
    ``MultiHeadAttention``.

    >>> from mlxformer.backend import mx, nn
    >>> from mlxformer.teaching.mistakes import MultiHeadAttentionWithoutTranspose
    >>> layer, x = MultiHeadAttentionWithoutTranspose(8, 2), mx.ones((1, 3, 8))
    >>> layer(x, x, x).shape == (1, 3, 8)
    True
    """

    def _heads(self, x: mx.array, heads: int) -> mx.array:
        return x.reshape(x.shape[0], heads, x.shape[1], self.head_dim)

    def _split(self, x: mx.array, layer: nn.Module, name: str, heads: int, offset: int | None = None) -> None:
        """No cell of such a "head" is a sum over one token's features."""


def _masked_scores(
    q: mx.array, k: mx.array, v: mx.array, scale: float | None, mask: mx.array | str | None
) -> tuple[mx.array, mx.array | None]:
    """The scaled scores [B, H, Tq, Tk], the least float where not allowed, and the mask as an array or None."""
    scores_shape = check_heads(q, k, v)
    scale = checked_scale(scale, q.shape[-1])
    q, k = alias(wide(q), q), alias(wide(k), k)
    q = alias(in_range(q, k, scale), q)
    products = tap("scores", q @ k.swapaxes(-1, -2), axes=SCORES, formula="Q Kᵀ", of=lambda: grouped(q, k))
    scores = tap("scaled", products * scale, axes=SCORES, formula="Q Kᵀ / √D", of=lambda: times(products, scale))
    allowed = masks.resolve(mask, scores_shape)
    if allowed is None:
        return scores, None
    least = mx.finfo(scores.dtype).min
    masked = tap(
        "masked",
        mx.where(allowed, scores, least),
        axes=SCORES,
        formula="Q Kᵀ / √D where allowed, else the least float",
        of=lambda: Where(allowed, scores, float(least)),
    )
    return masked, allowed


def _mix(weights: mx.array, v: mx.array) -> mx.array:
    """weights V, with sums in float32 as in the right attention: each recipe here makes its own mistake alone."""
    heads = (wide(weights) @ wide(v)).astype(v.dtype)
    return tap("heads", heads, axes=HEADS, formula="weights V", of=lambda: mixed(weights, v))
