"""Heads: a wide vector of each token is split into them, and what they found is joined again."""

from __future__ import annotations

from mlxformer.axes import ATTENDED
from mlxformer.backend import mx, nn
from mlxformer.origins import Product, projection
from mlxformer.tracing import tap


def split_heads(x: mx.array, num_heads: int) -> mx.array:
    """[B, T, H·D] -> [B, H, T, D]. Reshaping alone, without the transposition, would mix tokens into heads.

    Args:
        x: what a projection gave, [B, T, H·D].
        num_heads: H.

    Returns:
        [B, H, T, D].

    >>> from mlxformer.attention.heads import split_heads
    >>> split_heads(mx.array([[[1, 2, 3, 4], [5, 6, 7, 8]]]), 2).tolist()  # two tokens, two heads of width 2
    [[[[1, 2], [5, 6]], [[3, 4], [7, 8]]]]
    """
    return x.reshape(x.shape[0], x.shape[1], num_heads, -1).swapaxes(1, 2)


def joined_heads(heads: mx.array, out_proj: nn.Module) -> mx.array:
    """``Concat(head_1, …, head_H) W^O``, tapped as ``concatenated`` and ``output``.

    Args:
        heads: what each head found, [B, H, Tq, D].
        out_proj: W^O, from H·D to C.

    Returns:
        [B, Tq, C].

    Source: Vaswani et al. 2017, §3.2.2.

    >>> from mlxformer.attention.heads import joined_heads
    >>> joined_heads(mx.ones((1, 2, 5, 4)), nn.Linear(8, 3)).shape
    (1, 5, 3)
    """
    joined = heads.swapaxes(1, 2).reshape(heads.shape[0], heads.shape[2], -1)  # [B, Tq, H·D]
    joined = tap(
        "concatenated",
        joined,
        axes=ATTENDED,
        formula="Concat(head_1, …, head_H)",
        of=lambda: Product("bhtd->bt(hd)", (heads,)),
    )
    return tap(
        "output",
        out_proj(joined),
        axes=ATTENDED,
        formula="Concat(…) W^O",
        of=lambda: projection(joined, out_proj, "W^O"),
    )
