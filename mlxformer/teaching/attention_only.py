"""A stack of self-attention and nothing else: no feed-forward, no norm, and the residual sum only if asked for.

X ← MultiHead(X)          or, with residual connections, X ← X + MultiHead(X)

The "self-attention network" of Dong et al. 2021. Without the sum every layer makes tokens more alike; with
X = 1 mᵀ + R, m the mean token, what is left of the differences after one layer is of third order in R:

    scores of row i = a + b_j + c_i + δq_i · δk_j        a and c_i are the same for all keys: the softmax drops them
    weights         = (a row common to all) + O(R²)      outputs = (a token common to all) + O(R³)
"""

from __future__ import annotations

from functools import partial

from mlxformer.attention.multi_head import MultiHeadAttention
from mlxformer.axes import MODEL
from mlxformer.backend import mx
from mlxformer.origins import Same, Total
from mlxformer.tracing import Module, tap
from mlxformer.validation import require_positive, require_sequence


class AttentionOnly(Module):
    """N layers of multi-head self-attention and nothing else: ``X ← X + MultiHead(X)``, or ``X ← MultiHead(X)``.

    In a trace, ``layers.<i>.weights`` and the like, and ``input`` and ``output`` once for each layer.

    Args:
        num_layers: N.
        dims: C, the width of the model.
        num_heads: H, a divisor of C.
        residual: whether the input of each layer is added to what it gives.
        bias: whether the projections have biases.

    Raises:
        ArgumentError: as ``MultiHeadAttention`` does; when called, an input of another kind, rank or width.

    Source: Dong et al. 2021, "Attention is Not All You Need".

    >>> from mlxformer.backend import mx
    >>> from mlxformer.teaching.attention_only import AttentionOnly
    >>> AttentionOnly(num_layers=2, dims=8, num_heads=2)(mx.ones((1, 3, 8))).shape == (1, 3, 8)
    True
    """

    def __init__(
        self, num_layers: int, dims: int, num_heads: int, *, residual: bool = True, bias: bool = False
    ) -> None:
        super().__init__()
        require_positive(num_layers=num_layers)
        self.dims = dims
        self.residual = residual
        self.layers = [MultiHeadAttention(dims, num_heads, bias=bias) for _ in range(num_layers)]

    def _extra_repr(self) -> str:
        first = self.layers[0]
        return f"num_layers={len(self.layers)}, dims={self.dims}, num_heads={first.num_heads}, residual={self.residual}"

    def __call__(self, x: mx.array, mask: mx.array | str | None = None) -> mx.array:
        """All layers, one after another.

        Args:
            x: floating point [B, T, C].
            mask: which key each query may attend to, as in ``MultiHeadAttention``; None means all.

        Returns:
            [B, T, C].

        Raises:
            ArgumentError: an input of another kind, rank or width, or a mask that does not fit.
        """
        require_sequence("x", x, self.dims)
        x = tap("input", x, axes=MODEL, of=partial(Same, x))
        for layer in self.layers:
            y = layer(x, x, x, mask)
            parts = (x, y) if self.residual else (y,)
            formula = "X + MultiHead(X)" if self.residual else "MultiHead(X)"
            x = tap("output", x + y if self.residual else y, axes=MODEL, formula=formula, of=partial(Total, parts))
        return x
