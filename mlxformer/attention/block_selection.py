"""Attention to a few blocks of keys, which each query chooses for itself by the blocks' mean keys.

    g_b = q · mean(keys of block b);   the query's own block, and the best of those before it, ``count`` in all

Sparse and learned without parameters of its own: which keys are read follows from q and k, as in MoBA (Lu et al. 2025,
§2.2). NSA (Yuan et al. 2025) and DeepSeek's DSA choose by small networks beside the attention instead. The mask goes to
``scaled_dot_product_attention``; a kernel reads the chosen blocks alone, which a mask does not.
"""

from __future__ import annotations

import math

from mlxformer.attention.checks import check_heads
from mlxformer.attention.exactness import wide
from mlxformer.attention.masks import causal
from mlxformer.backend import mx
from mlxformer.tracing import tap
from mlxformer.validation import require_positive


def select_blocks(q: mx.array, k: mx.array, block_size: int, count: int) -> mx.array:
    """Which keys each query reads, causal and aligned to the lower right corner.

    Args:
        q: queries, floating point [B, H, Tq, D].
        k: keys, floating point [B, H, Tk, D]; the last query stands beside the last key.
        block_size: keys in a block; the last block may be shorter.
        count: how many blocks a query reads, its own among them, at least 1.

    Returns:
        Boolean [B, H, Tq, Tk].

    Raises:
        ArgumentError: shapes that do not fit, and numbers below 1.

    Source: Lu et al. 2025, "MoBA: Mixture of Block Attention for Long-Context LLMs", §2.2.

    >>> from mlxformer.attention.block_selection import select_blocks
    >>> from mlxformer.backend import mx
    >>> k = mx.array([[[[1.0], [1.0], [-1.0], [-1.0], [0.0]]]])
    >>> select_blocks(k[:, :, -1:] + 1.0, k, 2, 2).tolist()  # the last query: its own block, and the first
    [[[[True, True, False, False, True]]]]
    """
    require_positive(block_size=block_size, count=count)
    check_heads(q, k, k)
    queries, keys = q.shape[2], k.shape[2]
    blocks = -(-keys // block_size)
    sizes = [min(block_size, keys - start) for start in range(0, keys, block_size)]
    means = [mx.mean(wide(k)[:, :, b * block_size : b * block_size + size], axis=2) for b, size in enumerate(sizes)]
    gates = wide(q) @ mx.stack(means, axis=-1)  # [B, H, Tq, N]
    gates = tap("gates", gates, axes=("batch", "head", "query", "block"), formula="q · mean of a block's keys")
    own = (mx.arange(keys - queries, keys) // block_size).reshape(-1, 1)  # [Tq, 1]
    number = mx.arange(blocks).reshape(1, -1)
    gates = mx.where(number == own, math.inf, mx.where(number > own, -math.inf, gates))
    ranks = mx.argsort(mx.argsort(-gates, axis=-1), axis=-1)
    chosen = mx.take(ranks < count, mx.arange(keys) // block_size, axis=-1)  # [B, H, Tq, Tk]
    return mx.logical_and(chosen, causal(queries, keys))
