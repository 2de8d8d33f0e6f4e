"""What keeps attention's numbers right where its inputs are 16 bits wide, very large, or not numbers at all.

products and sums    in float32, whatever the inputs are; heads and outputs go back to the inputs' dtype
scores               brought back, row by row, to what float32 holds: such a row's softmax is one-hot anyway
keys and values      that no query may see are 0: a weight of 0 times NaN is NaN
"""

from __future__ import annotations

import math

from mlxformer.backend import is_eager, mx, numpy_view

# The bound of a row's scores is computed of operands 2^-70 times their size, so that it never leaves float32 itself.
_SMALLER = 2.0**-70
_LIMIT = 2.0**126 * _SMALLER**2
_SIXTEEN_BITS = 65504.0


def wide(x: mx.array) -> mx.array:
    """``x`` in float32: itself where it is so already.

    Args:
        x: floating point, of any shape.

    Returns:
        float32, of its shape.

    >>> from mlxformer.attention.exactness import wide
    >>> from mlxformer.backend import mx
    >>> wide(mx.ones((2,), dtype=mx.float16)).dtype == mx.float32
    True
    """
    return x if x.dtype == mx.float32 else x.astype(mx.float32)


def joint_dtype(*arrays: mx.array) -> mx.Dtype:
    """The dtype of what is made of all of these: theirs if it is one, else float32.

    Args:
        arrays: floating point.

    Returns:
        A dtype.

    >>> from mlxformer.attention.exactness import joint_dtype
    >>> from mlxformer.backend import mx
    >>> half, whole = mx.ones((2,), dtype=mx.float16), mx.ones((2,))
    >>> joint_dtype(half, half) == mx.float16, joint_dtype(half, whole) == mx.float32
    (True, True)
    """
    dtype = arrays[0].dtype
    return dtype if all(x.dtype == dtype for x in arrays) else mx.float32


def in_range(q: mx.array, k: mx.array, scale: float) -> mx.array:
    """The queries, made smaller in those rows whose scores float32 could not hold, and else as they are.

    A row's scores are at most Σ_d |q_d| max_j |k_jd|. Where that is beyond float32, the row is divided by as much: its
    largest score stays the largest, far above the others.

    Args:
        q: queries, float32 [B, H, Tq, D].
        k: keys, float32 [B, Hkv, Tk, D].
        scale: of the scores.

    Returns:
        Queries [B, H, Tq, D].

    >>> from mlxformer.attention.exactness import in_range
    >>> from mlxformer.backend import mx
    >>> q = mx.array([[[[1e30, 0.0], [2.0, 3.0]]]])
    >>> small = in_range(q, q, 1.0)
    >>> small[0, 0, 1].tolist(), bool(mx.all(mx.isfinite(small @ q.swapaxes(-1, -2))))
    ([2.0, 3.0], True)
    """
    if is_eager() and _largest(q) * _largest(k) * int(q.shape[-1]) * max(1.0, abs(scale)) < 2.0**126:
        return q
    kv_heads = k.shape[1]
    q_size, k_size = (mx.abs(mx.stop_gradient(x)) * _SMALLER for x in (q, k))
    largest = mx.max(k_size, axis=2, keepdims=True)  # [B, Hkv, 1, D]
    batch, heads, length, width = q.shape
    grouped = q_size.reshape(batch, kv_heads, heads // kv_heads * length, width)
    bound = (grouped @ largest.swapaxes(-1, -2)).reshape(batch, heads, length, 1)
    limit = max(_LIMIT / max(1.0, abs(scale)), 1e-37)
    return q * mx.where(bound > limit, limit / mx.maximum(bound, limit), 1.0)


def _largest(x: mx.array) -> float:
    """max |x|; NaN where x has one."""
    values = numpy_view(x)
    return max(float(values.max()), -float(values.min())) if values.size else 0.0


def fits_float32(q: mx.array, k: mx.array, scale: float) -> bool:
    """Whether the dtype alone says that no score can leave float32: float16 ends at 65504.

    Args:
        q: queries.
        k: keys.
        scale: of the scores.

    Returns:
        True where ``in_range`` would change nothing.

    >>> from mlxformer.attention.exactness import fits_float32
    >>> from mlxformer.backend import mx
    >>> half = mx.ones((1, 1, 2, 4), dtype=mx.float16)
    >>> fits_float32(half, half, 0.5), fits_float32(half, half.astype(mx.float32), 0.5)
    (True, False)
    """
    if q.dtype != mx.float16 or k.dtype != mx.float16:
        return False
    return _SIXTEEN_BITS**2 * int(q.shape[-1]) * max(1.0, abs(scale)) < 2.0**126


def only_seen(
    k: mx.array, v: mx.array, mask: mx.array | None, bias: mx.array | None = None
) -> tuple[mx.array, mx.array]:
    """Keys and values, 0 where no query may see them, so that what is not a number there changes nothing.

    Args:
        k: keys, floating point [B, Hkv, Tk, D].
        v: values, floating point [B, Hkv, Tk, Dv].
        mask: boolean, checked before, rank 2 or 4; None allows all.
        bias: checked before; what is −inf in it is not seen either.

    Returns:
        Keys and values of the same shapes; their gradients are 0 there.

    >>> from mlxformer.attention.exactness import only_seen
    >>> from mlxformer.backend import mx
    >>> v = mx.array([[[[1.0], [float("nan")]]]])
    >>> only_seen(v, v, mx.array([[True, False]]))[1].tolist()
    [[[[1.0], [0.0]]]]
    """
    allowed = mask
    if bias is not None:
        finite = bias != -math.inf
        allowed = finite if mask is None else mx.logical_and(mask, finite)
    if allowed is None:
        return k, v
    seen = mx.any(allowed, axis=-2)  # [Tk] or [B, H, Tk]
    if is_eager() and bool(numpy_view(seen).all()):
        return k, v
    if seen.ndim == 3 and seen.shape[1] > 1:
        kv_heads = k.shape[1]
        seen = mx.any(seen.reshape(seen.shape[0], kv_heads, -1, seen.shape[2]), axis=2)  # [B, Hkv, Tk]
    seen = mx.expand_dims(seen, -1)
    return mx.where(seen, k, 0.0), mx.where(seen, v, 0.0)
