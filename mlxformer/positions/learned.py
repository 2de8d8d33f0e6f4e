"""Learned positions: one trained vector for each of a fixed number of positions.

P ∈ ℝ^(T_max × C), added to the token embeddings    (Vaswani et al. 2017, §3.5 and Table 3 (E); BERT, §3)
"""

from __future__ import annotations

from typing import Any

from mlxformer.backend import mx, nn
from mlxformer.errors import ArgumentError
from mlxformer.positions.sinusoidal import require_offset
from mlxformer.tracing import Module, tap
from mlxformer.validation import require_positive


class LearnedPositions(Module):
    """Called with a length, it gives the vectors of that many positions: [T, C].

    max_length: T_max; position T_max does not exist, so a longer sequence is an ``ArgumentError`` (MLX's table would
    return whatever lies behind it in memory).
    """

    def __init__(self, max_length: int, dims: int) -> None:
        super().__init__()
        require_positive(max_length=max_length, dims=dims)
        self.max_length = max_length
        self.dims = dims
        self.embedding = nn.Embedding(max_length, dims)

    def __call__(self, length: int, offset: int = 0) -> Any:
        """The vectors of ``length`` positions from ``offset`` on: [T, C]."""
        require_positive(length=length)
        require_offset(offset)
        if offset + length > self.max_length:
            raise ArgumentError(
                "too-long",
                f"positions {offset} to {offset + length - 1} were asked for, but only {self.max_length} were learned "
                f"(0 to {self.max_length - 1}). Shorten the sequence, or split it into windows",
                length=offset + length,
                max_length=self.max_length,
            )
        rows = self.embedding(mx.arange(offset, offset + length))  # [T, C]
        return tap("output", rows, axes=("time", "model"), formula="P[pos]")
