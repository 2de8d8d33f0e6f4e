"""The position-wise feed-forward network: the same two linear maps at every position.

FFN(x) = act(x W_1 + b_1) W_2 + b_2                                 (Vaswani et al. 2017, §3.3, Eq. 2)
"""

from __future__ import annotations

from mlxformer.axes import FFN, MODEL
from mlxformer.backend import mx, nn
from mlxformer.layers import activations
from mlxformer.origins import Function, projection
from mlxformer.tracing import Module, tap
from mlxformer.validation import require_positive, require_probability, require_sequence


class FeedForward(Module):
    """``act(x W_1 + b_1) W_2 + b_2``: C -> F -> C at each position.

    Args:
        dims: C.
        ffn_dims: F, 4C in the paper.
        activation: a name known to ``mlxformer.layers.activations``; ``relu``, the paper's, by default.
        dropout: on the hidden layer, in training; 0 by default.
        bias: whether the projections have one; True, as in the paper, by default.

    Raises:
        ArgumentError: for an unknown activation and sizes below 1; when called, for inputs of another kind, rank or
            width.

    Source: Vaswani et al. 2017, §3.3.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> mf.FeedForward(8, 32, activation="gelu")(mx.ones((1, 3, 8))).shape
    (1, 3, 8)
    """

    def __init__(
        self, dims: int, ffn_dims: int, *, activation: str = "relu", dropout: float = 0.0, bias: bool = True
    ) -> None:
        super().__init__()
        require_positive(dims=dims, ffn_dims=ffn_dims)
        require_probability("dropout", dropout)
        self.dims = dims
        self.ffn_dims = ffn_dims
        self.activation = activation
        self._activate = activations.activation(activation)
        self.up_proj = nn.Linear(dims, ffn_dims, bias=bias)
        self.down_proj = nn.Linear(ffn_dims, dims, bias=bias)
        self.hidden_dropout = nn.Dropout(dropout)

    def _extra_repr(self) -> str:
        return f"dims={self.dims}, ffn_dims={self.ffn_dims}, activation={self.activation!r}"

    def __call__(self, x: mx.array) -> mx.array:
        """The output at each position.

        Args:
            x: floating point [B, T, C].

        Returns:
            [B, T, C].
        """
        require_sequence("x", x, self.dims)
        hidden = tap(
            "hidden", self.up_proj(x), axes=FFN, formula="x W_1 + b_1", of=lambda: projection(x, self.up_proj, "W_1")
        )
        activated = tap(
            "activated",
            self._activate(hidden),  # [B, T, F]
            axes=FFN,
            formula=f"{self.activation}(x W_1 + b_1)",
            of=lambda: Function(self.activation, hidden),
        )
        dropped = self.hidden_dropout(activated)
        return tap(
            "output",
            self.down_proj(dropped),  # [B, T, C]
            axes=MODEL,
            formula="act(x W_1 + b_1) W_2 + b_2",
            of=lambda: projection(dropped, self.down_proj, "W_2"),
        )
