"""Learned positions: one trained vector for each of a fixed number of positions.

P ∈ ℝ^(T_max × C), added to the token embeddings    (Vaswani et al. 2017, §3.5 and Table 3 (E); BERT, §3)
"""

from __future__ import annotations

from mlxformer.axes import POSITIONS
from mlxformer.backend import mx, nn
from mlxformer.errors import ArgumentError
from mlxformer.origins import rows
from mlxformer.positions.sinusoidal import require_offset
from mlxformer.tracing import Module, tap
from mlxformer.validation import require_positive


class LearnedPositions(Module):
    """P ∈ ℝ^(T_max × C): one trained vector for each of a fixed number of positions, to be added to the embeddings.

    Called with a length, it gives the vectors of that many positions.

    Args:
        max_length: T_max, tokens. Position T_max does not exist: a longer sequence is an error (MLX's table would
            return whatever lies behind it in memory).
        dims: C, the width of a vector.

    Raises:
        ArgumentError: a size below 1; when called, a position that was not learned.

    Source: Vaswani et al. 2017, §3.5 and Table 3 (E); Devlin et al. 2019, §3.

    >>> import mlxformer as mf
    >>> positions = mf.LearnedPositions(max_length=512, dims=64)
    >>> positions(10).shape == (10, 64)
    True
    """

    def __init__(self, max_length: int, dims: int) -> None:
        super().__init__()
        require_positive(max_length=max_length, dims=dims)
        self.max_length = max_length
        self.dims = dims
        self.embedding = nn.Embedding(max_length, dims)

    def _extra_repr(self) -> str:
        return f"max_length={self.max_length}, dims={self.dims}"

    def __call__(self, length: int, offset: int = 0) -> mx.array:
        """The rows of P from ``offset`` on.

        Args:
            length: T, how many positions.
            offset: the first of them; above 0 where earlier tokens are cached.

        Returns:
            float32 [T, C].

        Raises:
            ArgumentError: a length below 1, a negative offset, or ``offset + length`` beyond ``max_length``.
        """
        require_positive(length=length)
        require_offset(offset)
        self.require_reach(offset + length, offset)
        places = mx.arange(offset, offset + length)
        vectors = self.embedding(places)  # [T, C]
        return tap("output", vectors, axes=POSITIONS, formula="P[pos]", of=lambda: rows(self.embedding, places))

    def require_reach(self, end: int, first: int = 0) -> None:
        """Raise ``ArgumentError`` unless the positions ``first`` to ``end - 1`` were learned.

        Args:
            end: the position after the last, at most ``max_length``.
            first: the first position; only the error's message names it.
        """
        if end > self.max_length:
            raise ArgumentError(
                "too-long",
                f"positions {first} to {end - 1} were asked for, but only {self.max_length} were learned "
                f"(0 to {self.max_length - 1}). Shorten the sequence, or split it into windows",
                length=end,
                max_length=self.max_length,
            )
