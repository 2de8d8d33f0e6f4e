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
from mlxformer.axes import MODEL, VOCAB
from mlxformer.backend import mx, nn
from mlxformer.origins import Same, Total, projection
from mlxformer.positions.learned import LearnedPositions
from mlxformer.tracing import Module, tap
from mlxformer.validation import require_ids, require_positive, require_sequence


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


class AttentionOnlyLM(Module):
    """The least decoder: ``logits = W^U (E[ids] + P + what the heads of each layer add)``, and no norm anywhere.

    So the logits are a sum of what each head writes, and a path from a token to a logit is a product of matrices
    (Elhage et al. 2021).

    Args:
        vocab_size: V.
        max_positions: the longest text.
        num_layers: N.
        dims: C, the width of the model.
        num_heads: H of each layer, a divisor of C.

    Raises:
        ArgumentError: as ``AttentionOnly`` and ``LearnedPositions`` do.

    Source: Elhage et al. 2021, "A Mathematical Framework for Transformer Circuits".

    >>> from mlxformer.backend import mx
    >>> from mlxformer.teaching.attention_only import AttentionOnlyLM
    >>> AttentionOnlyLM(20, 16, num_layers=2, dims=8, num_heads=2)(mx.array([[1, 2, 3]])).shape == (1, 3, 20)
    True
    """

    def __init__(self, vocab_size: int, max_positions: int, num_layers: int, dims: int, num_heads: int) -> None:
        super().__init__()
        require_positive(vocab_size=vocab_size)
        self.vocab_size = vocab_size
        self.token_embedding = nn.Embedding(vocab_size, dims)
        self.positions = LearnedPositions(max_positions, dims)
        self.stack = AttentionOnly(num_layers, dims, num_heads)
        self.output_proj = nn.Linear(dims, vocab_size, bias=False)

    def _extra_repr(self) -> str:
        return f"vocab_size={self.vocab_size}"

    def __call__(self, input_ids: mx.array) -> mx.array:
        """Logits of the token after each token; each sees itself and what came before.

        Args:
            input_ids: integers [B, T], 0 to V − 1.

        Returns:
            [B, T, V].

        Raises:
            ArgumentError: ids out of range, or more of them than positions.
        """
        require_ids("input_ids", input_ids, self.vocab_size, "the vocabulary")
        x = self.stack(self.token_embedding(input_ids) + self.positions(input_ids.shape[1]), "causal")
        logits = self.output_proj(x)
        return tap("logits", logits, axes=VOCAB, formula="x W^U", of=lambda: projection(x, self.output_proj, "W^U"))
