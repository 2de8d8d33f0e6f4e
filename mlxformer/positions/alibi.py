"""Attention with linear biases: no position vectors at all, but a penalty on the scores that grows with distance.

scores_ij = q_i · k_j / √D - m_h |i - j|,  a fixed slope m_h for each head        (ALiBi, Press et al. 2022, §3)
"""

from __future__ import annotations

import numpy as np

from mlxformer.backend import mx
from mlxformer.positions.relative import relative_positions
from mlxformer.validation import require_positive


def alibi_slopes(num_heads: int) -> np.ndarray:
    """The slope of each head: ``2^(-8/H), 2^(-16/H), …, 2^-8`` where H is a power of two (§3).

    Elsewhere, as in the authors' code: the slopes of the next lower power of two, then every other one of the next
    higher. (H = 12: the eight of 8 heads, then the 1st, 3rd, 5th and 7th of 16.)

    Args:
        num_heads: H, a whole number of at least 1.

    Returns:
        float64 [H], a NumPy array.

    Raises:
        ArgumentError: ``num_heads`` below 1.

    Source: Press et al. 2022, "Train Short, Test Long", §3.

    >>> from mlxformer.positions import alibi_slopes
    >>> alibi_slopes(4).tolist()
    [0.25, 0.0625, 0.015625, 0.00390625]
    """
    require_positive(num_heads=num_heads)
    lower = 1 << (num_heads.bit_length() - 1)
    slopes = 2.0 ** (-8.0 / lower * np.arange(1, lower + 1))
    finer = 2.0 ** (-4.0 / lower * np.arange(1, 2 * lower + 1))
    return np.concatenate([slopes, finer[::2][: num_heads - lower]])


def alibi_bias(num_heads: int, query_length: int, key_length: int) -> mx.array:
    """``-m_h |i - j|``, what ALiBi adds to the score of query i and key j in head h.

    The paper has it under a causal mask, where only ``j <= i`` counts; without one it is symmetric. The last query
    stands beside the last key. Each head's matrix is Toeplitz: a constant along every diagonal.

    Args:
        num_heads: H, a whole number of at least 1.
        query_length: Tq, tokens.
        key_length: Tk, tokens; more than Tq where the keys of earlier tokens are cached.

    Returns:
        float32 [1, H, Tq, Tk], to be given to attention as ``bias``.

    Raises:
        ArgumentError: a number below 1.

    Source: Press et al. 2022, "Train Short, Test Long", §3.

    >>> import mlxformer as mf
    >>> mf.alibi_bias(1, 1, 4).tolist()  # one head's slope is 2^-8
    [[[[-0.01171875, -0.0078125, -0.00390625, -0.0]]]]
    """
    distances = np.abs(relative_positions(query_length, key_length))  # [Tq, Tk]
    bias = -alibi_slopes(num_heads)[None, :, None, None] * distances  # [1, H, Tq, Tk]
    return mx.array(bias.astype(np.float32))
