"""A stack of self-attention and nothing else: no feed-forward, no norm, and the residual sum only if asked for.

X ← MultiHead(X)          or, with residual connections, X ← X + MultiHead(X)

The "self-attention network" of Dong et al. 2021. Without the sum every layer makes tokens more alike; with
X = 1 mᵀ + R, m the mean token, what is left of the differences after one layer is of third order in R:

    scores of row i = a + b_j + c_i + δq_i · δk_j        a and c_i are the same for all keys: the softmax drops them
    weights         = (a row common to all) + O(R²)      outputs = (a token common to all) + O(R³)
"""

from __future__ import annotations

from typing import Any

from mlxformer.attention.multi_head import MultiHeadAttention
from mlxformer.tracing import Module, tap
from mlxformer.validation import require_positive, require_sequence


class AttentionOnly(Module):
    """N layers of multi-head self-attention, C wide with H heads. residual: whether the input of each is added.

    In a trace, ``layers.<i>.weights`` and the like, and ``input`` and ``output`` once for each layer.
    Raises ``ArgumentError`` as ``MultiHeadAttention`` does, and for inputs of another kind, rank or width.
    """

    def __init__(
        self, num_layers: int, dims: int, num_heads: int, *, residual: bool = True, bias: bool = False
    ) -> None:
        super().__init__()
        require_positive(num_layers=num_layers)
        self.dims = dims
        self.residual = residual
        self.layers = [MultiHeadAttention(dims, num_heads, bias=bias) for _ in range(num_layers)]

    def __call__(self, x: Any, mask: Any = None) -> Any:
        """[B, T, C] -> [B, T, C]; mask as in ``MultiHeadAttention``."""
        require_sequence("x", x, self.dims)
        axes = ("batch", "time", "model")
        x = tap("input", x, axes=axes)
        for layer in self.layers:
            y = layer(x, x, x, mask)
            x = x + y if self.residual else y
            x = tap("output", x, axes=axes, formula="X + MultiHead(X)" if self.residual else "MultiHead(X)")
        return x
