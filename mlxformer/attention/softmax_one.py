"""A softmax that may say "nothing": one more term in the denominator, which stands for no key.

    softmax_one(x)_i = exp(x_i) / (exp(c) + Σ_j exp(x_j)),   c = 0: the "+ 1"

It is the softmax over the scores and one more, c, whose share is thrown away: a key with the score c and the value 0.
A row then sums to S / (exp(c) + S) < 1, S = Σ exp(x_j), and to almost 0 where all scores are far below c; a softmax
gives a sum of 1 whatever the scores, since only their differences matter to it.

Source: E. Miller 2023, "Attention Is Off By One" (c = 0); gpt-oss and ``mx.fast.scaled_dot_product_attention`` learn a
c for each head, called ``sinks``.
"""

from __future__ import annotations

from mlxformer.attention.exactness import wide
from mlxformer.backend import is_array, mx
from mlxformer.errors import ArgumentError
from mlxformer.validation import require_floating


def softmax_one(x: mx.array, extra: mx.array | float = 0.0, axis: int = -1) -> mx.array:
    """``exp(x) / (exp(extra) + Σ exp(x))`` along ``axis``.

    The largest of all scores and c is subtracted first, so that nothing overflows; sums are float32.

    Args:
        x: scores, floating point, of any shape.
        extra: c, a number or an array that broadcasts to x with a length of 1 along ``axis``; 0 by default.
        axis: that of the keys; the last by default.

    Returns:
        The shape of x, sums below 1; a row of the least float alone gives zeros.

    Raises:
        ArgumentError: for what is not floating point, and where ``extra`` is longer than 1 along ``axis``.

    Source: E. Miller 2023, "Attention Is Off By One".

    >>> from mlxformer.attention.softmax_one import softmax_one
    >>> from mlxformer.backend import mx
    >>> softmax_one(mx.array([0.0, 0.0, 0.0])).tolist()
    [0.25, 0.25, 0.25]
    """
    require_floating("x", x)
    if is_array(extra):
        require_floating("extra", extra)
        if extra.ndim and (extra.ndim != x.ndim or extra.shape[axis] != 1):
            message = (
                f"extra must be a number, or of the rank of x with length 1 along axis {axis}; got "
                f"{list(extra.shape)} for {list(x.shape)}"
            )
            raise ArgumentError("softmax-extra", message, given=str(list(extra.shape)), wanted=str(list(x.shape)))
        extra = wide(extra)
    scores = wide(x)
    top = mx.maximum(mx.max(scores, axis=axis, keepdims=True), extra)
    top = mx.stop_gradient(top)  # the result does not depend on it
    powers = mx.exp(scores - top)
    return (powers / (mx.sum(powers, axis=axis, keepdims=True) + mx.exp(extra - top))).astype(x.dtype)
