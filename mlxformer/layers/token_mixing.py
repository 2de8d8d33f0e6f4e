"""A fully connected layer over positions: tokens mixed by fixed weights, which belong to their places.

    Y = W X + b,  W [T, T], the same for every feature      (the token mixing of Tolstikhin et al. 2021, §2, linear)

Beside attention, whose mixing matrix softmax(Q Kᵀ / √D) is computed from the input, this one is a parameter.
"""

from __future__ import annotations

from mlxformer.axes import MODEL
from mlxformer.backend import mx
from mlxformer.origins import Named, Product
from mlxformer.projections import OddLinear
from mlxformer.tracing import Module, tap
from mlxformer.validation import require_floating, require_positive, require_shape


class TokenMixing(Module):
    """A linear layer along the time axis: ``W X + b``.

    Args:
        length: T, the only number of tokens that it takes; W has T² parameters.
        bias: whether there is one number a position; False by default.

    Raises:
        ArgumentError: for a length below 1; when called, for an input of another length or rank.

    Source: Tolstikhin et al. 2021, "MLP-Mixer", §2.

    >>> from mlxformer.backend import mx
    >>> from mlxformer.layers.token_mixing import TokenMixing
    >>> TokenMixing(5)(mx.ones((2, 5, 8))).shape
    (2, 5, 8)
    """

    def __init__(self, length: int, *, bias: bool = False) -> None:
        super().__init__()
        require_positive(length=length)
        self.length = length
        self.proj = OddLinear(length, length, bias=bias)

    def _extra_repr(self) -> str:
        return f"length={self.length}"

    def __call__(self, x: mx.array) -> mx.array:
        """The mixed tokens.

        Args:
            x: floating point [B, T, C].

        Returns:
            [B, T, C].
        """
        require_floating("x", x)
        require_shape("x", x, MODEL, (None, self.length, None))
        if type(self.proj) is not OddLinear:  # quantized or adapted: it has no W of its own, and is called
            mixed = self.proj(x.swapaxes(1, 2)).swapaxes(1, 2)
            return tap("output", mixed, axes=MODEL, formula="W X + b")
        weights = tap("weights", self.proj.weight, axes=("query", "key"), formula="W")
        mixed = mx.matmul(weights, x)  # [B, T, C]
        operands = [weights, Named("X", x)]
        if "bias" in self.proj:
            mixed = mixed + self.proj.bias.reshape(self.length, 1)
            operands.append(Named("b", self.proj.bias))
        spec = "qk,bkc+q->bqc" if len(operands) > 2 else "qk,bkc->bqc"
        return tap("output", mixed, axes=MODEL, formula="W X + b", of=lambda: Product(spec, tuple(operands)))
