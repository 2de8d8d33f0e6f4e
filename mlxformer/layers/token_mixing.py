"""A fully connected layer over positions: tokens mixed by fixed weights, which belong to their places.

    Y = W X + b,  W [T, T], the same for every feature      (the token mixing of Tolstikhin et al. 2021, §2, linear)

Beside attention, whose mixing matrix softmax(Q Kᵀ / √D) is computed from the input, this one is a parameter.
"""

from __future__ import annotations

from typing import Any

from mlxformer.backend import mx, nn
from mlxformer.tracing import MODEL, Module, tap
from mlxformer.validation import require_floating, require_positive, require_shape


class TokenMixing(Module):
    """A linear layer along the time axis. length: T, the only number of tokens that it takes; T² parameters.

    bias: one number a position. Raises ``ArgumentError`` for an input of another length or rank.
    """

    def __init__(self, length: int, *, bias: bool = False) -> None:
        super().__init__()
        require_positive(length=length)
        self.length = length
        self.proj = nn.Linear(length, length, bias=bias)

    def __call__(self, x: Any) -> Any:
        """[B, T, C] -> [B, T, C]."""
        require_floating("x", x)
        require_shape("x", x, ("batch", "time", "model"), (None, self.length, None))
        weights = tap("weights", self.proj.weight, axes=("query", "key"), formula="W")
        mixed = mx.matmul(weights, x)  # [B, T, C]
        if "bias" in self.proj:
            mixed = mixed + self.proj.bias.reshape(self.length, 1)
        return tap("output", mixed, axes=MODEL, formula="W X + b")
