"""The gated feed-forward network: one projection opens and closes the other, number by number.

    FFN_SwiGLU(x) = (SiLU(x W_g) ⊙ x W_u) W_d          (Shazeer 2020, "GLU Variants Improve Transformer", §2)

Other activations of the gate give the paper's other variants: ``sigmoid`` GLU, ``relu`` ReGLU, ``gelu`` GEGLU, and
``identity`` the bilinear one. It is the feed-forward of LLaMA, whose names the projections bear.
"""

from __future__ import annotations

from mlxformer.axes import FFN, MODEL
from mlxformer.backend import mx, nn
from mlxformer.layers import activations
from mlxformer.origins import Product, applied, projection
from mlxformer.tracing import Module, tap
from mlxformer.validation import require_positive, require_probability, require_sequence


class GatedFeedForward(Module):
    """``(act(x W_g) ⊙ x W_u) W_d``: C -> F twice, multiplied, -> C at each position.

    Args:
        dims: C.
        ffn_dims: F. There are three matrices where ``FeedForward`` has two: F = 8C/3 costs as much as 4C there.
        activation: a name known to ``mlxformer.layers.activations``, of the gate; ``silu``, SwiGLU, by default.
        dropout: on the hidden layer, in training; 0 by default.
        bias: whether the projections have one; False, as in the paper, by default.

    Raises:
        ArgumentError: for an unknown activation and sizes below 1; when called, for inputs of another kind, rank or
            width.

    Source: Shazeer 2020, "GLU Variants Improve Transformer", §2.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> mf.GatedFeedForward(12, round(8 * 12 / 3))(mx.ones((1, 3, 12))).shape
    (1, 3, 12)
    """

    def __init__(
        self, dims: int, ffn_dims: int, *, activation: str = "silu", dropout: float = 0.0, bias: bool = False
    ) -> None:
        super().__init__()
        require_positive(dims=dims, ffn_dims=ffn_dims)
        require_probability("dropout", dropout)
        self.dims = dims
        self.ffn_dims = ffn_dims
        self.activation = activation
        self._activate = activations.activation(activation)
        self.gate_proj = nn.Linear(dims, ffn_dims, bias=bias)
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
        gate = tap(
            "gate",
            self._activate(self.gate_proj(x)),
            axes=FFN,
            formula=f"{self.activation}(x W_g)",
            of=lambda: applied(self.activation, projection(x, self.gate_proj, "W_g")),
        )
        hidden = tap(
            "hidden", self.up_proj(x), axes=FFN, formula="x W_u", of=lambda: projection(x, self.up_proj, "W_u")
        )
        gated = tap(
            "gated",
            gate * hidden,
            axes=FFN,
            formula=f"{self.activation}(x W_g) ⊙ x W_u",
            of=lambda: Product("btf,btf->btf", (gate, hidden)),
        )
        dropped = self.hidden_dropout(gated)
        return tap(
            "output",
            self.down_proj(dropped),  # [B, T, C]
            axes=MODEL,
            formula="(act(x W_g) ⊙ x W_u) W_d",
            of=lambda: projection(dropped, self.down_proj, "W_d"),
        )
