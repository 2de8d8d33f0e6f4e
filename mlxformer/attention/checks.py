"""What is checked of queries, keys, values, biases and sinks before any attention is computed from them.

Masks are checked in ``masks``, the tokens that a layer projects in ``validation.require_sequence``.
"""

from __future__ import annotations

from mlxformer.attention import masks
from mlxformer.axes import HEADS_IN_TIME, KV_HEADS
from mlxformer.backend import mx
from mlxformer.errors import ArgumentError
from mlxformer.validation import is_finite_number, require_array, require_floating, require_shape, shape_text

ScoresShape = tuple[int, int, int, int]


def check_heads(q: mx.array, k: mx.array, v: mx.array | None = None, *, grouped: bool = False) -> ScoresShape:
    """The shape of the scores, [B, H, Tq, Tk], once q [B, H, Tq, D], k [B, Hkv, Tk, D] and v [B, Hkv, Tk, Dv] fit.

    Args:
        q: queries, floating point.
        k: keys, floating point, of the same batch and width.
        v: values, floating point, one for each key; None where none are needed.
        grouped: whether a key/value head may serve several query heads, Hkv a divisor of H; else Hkv = H.

    Raises:
        ArgumentError: for other ranks, sizes and kinds, and for empty axes.

    >>> from mlxformer.attention.checks import check_heads
    >>> from mlxformer.backend import mx
    >>> check_heads(mx.zeros((2, 4, 3, 8)), mx.zeros((2, 1, 5, 8)), grouped=True)
    (2, 4, 3, 5)
    """
    require_floating("q", q)
    require_shape("q", q, HEADS_IN_TIME)
    batch, heads, query_length, width = q.shape
    require_floating("k", k)
    require_shape("k", k, KV_HEADS, (batch, None if grouped else heads, None, width))
    kv_heads, key_length = k.shape[1], k.shape[2]
    if v is not None:
        require_floating("v", v)
        require_shape("v", v, ("batch", "kv_head", "key", "value_dim"), (batch, kv_heads, key_length, None))
    if heads % kv_heads:
        raise ArgumentError(
            "heads-not-grouped",
            f"the {heads} heads of q {shape_text(q)} must be a multiple of the {kv_heads} of k {shape_text(k)}",
            heads=heads,
            kv_heads=kv_heads,
        )
    return batch, heads, query_length, key_length


def check_steps(q: mx.array, k: mx.array, v: mx.array) -> None:
    """``check_heads`` for a recurrence, each of whose steps reads a query with a key: Tq = Tk.

    Args:
        q: queries, floating point [B, H, T, D].
        k: keys, floating point [B, H, T, D].
        v: values, floating point [B, H, T, Dv].

    Raises:
        ArgumentError: as ``check_heads``, and where queries and keys are not equally many.

    >>> import mlxformer as mf
    >>> from mlxformer.attention.checks import check_steps
    >>> try:
    ...     check_steps(mx.zeros((1, 1, 2, 4)), mx.zeros((1, 1, 3, 4)), mx.zeros((1, 1, 3, 4)))
    ... except mf.ArgumentError as error:
    ...     print(error)
    a recurrent step reads a query with each key: q [1, 1, 2, 4] and k [1, 1, 3, 4] must be alike
    """
    check_heads(q, k, v)
    if q.shape[2] != k.shape[2]:
        raise ArgumentError(
            "linear-lengths",
            f"a recurrent step reads a query with each key: q {shape_text(q)} and k {shape_text(k)} must be alike",
            given=shape_text(q),
            wanted=shape_text(k),
        )


def check_bias(bias: mx.array, scores_shape: ScoresShape) -> None:
    """Raise ``ArgumentError`` unless ``bias`` is floating point and broadcasts to the scores [B, H, Tq, Tk].

    Args:
        bias: what is to be added to the scores.
        scores_shape: (B, H, Tq, Tk).

    >>> import mlxformer as mf
    >>> from mlxformer.attention.checks import check_bias
    >>> try:
    ...     check_bias(mx.zeros((2, 3)), (1, 8, 2, 4))
    ... except mf.ArgumentError as error:
    ...     print(error)
    bias [2, 3] does not broadcast to the scores [B, H, Tq, Tk] = [1, 8, 2, 4].
    """
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


def check_sinks(sinks: mx.array, heads: int) -> None:
    """Raise ``ArgumentError`` unless ``sinks`` is floating point, [H].

    Args:
        sinks: a score of each head.
        heads: H.

    >>> import mlxformer as mf
    >>> from mlxformer.attention.checks import check_sinks
    >>> try:
    ...     check_sinks(mx.zeros((4,)), heads=8)
    ... except mf.ArgumentError as error:
    ...     print(error)
    sinks must have shape [head=8]; got [4]
    """
    require_floating("sinks", sinks)
    require_shape("sinks", sinks, ("head",), (heads,))


def checked_scale(scale: float | None, width: int) -> float:
    """``scale`` as a float, 1/√D where it is None. Raises ``ArgumentError`` for what is not a finite number.

    Args:
        scale: what scores are multiplied by, or None.
        width: D.

    >>> from mlxformer.attention.checks import checked_scale
    >>> checked_scale(None, 64), checked_scale(1, 64)
    (0.125, 1.0)
    """
    if scale is None:
        return float(width) ** -0.5
    if not is_finite_number(scale):
        raise ArgumentError(
            "scale-not-finite",
            f"scale must be a finite number, or None for 1/√D; got {scale!r}. One that is learned multiplies q",
            given=scale,
        )
    return float(scale)
