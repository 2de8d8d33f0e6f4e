"""The gated feed-forward network: one projection opens and closes the other, number by number.

    FFN_SwiGLU(x) = (SiLU(x W_g) ⊙ x W_u) W_d          (Shazeer 2020, "GLU Variants Improve Transformer", §2)

Other activations of the gate give the paper's other variants: ``sigmoid`` GLU, ``relu`` ReGLU, ``gelu`` GEGLU, and
``identity`` the bilinear one. It is the feed-forward of LLaMA, whose names the projections bear.
"""

from __future__ import annotations

from typing import Any

from mlxformer.backend import nn
from mlxformer.layers import activations
from mlxformer.tracing import FFN, MODEL, Module, tap
from mlxformer.validation import require_positive, require_probability, require_sequence


class GatedFeedForward(Module):
    """C -> F twice, multiplied, -> C; dropout on the product in training.

    dims: C. ffn_dims: F. Three matrices where ``FeedForward`` has two: as many parameters and operations as one of
    width 4C take F = 8C/3 (``ffn_dims=round(8 * dims / 3)``). activation: of the gate; ``silu`` makes it SwiGLU. bias:
    none in the paper.

    Raises ``ArgumentError`` for an unknown activation, and for inputs of another kind, rank or width.
    """

    def __init__(
        self, dims: int, ffn_dims: int, *, activation: str = "silu", dropout: float = 0.0, bias: bool = False
    ) -> None:
        super().__init__()
        require_positive(dims=dims, ffn_dims=ffn_dims)
        require_probability("dropout", dropout)
        self.dims = dims
        self.activation = activation
        self._activate = activations.activation(activation)
        self.gate_proj = nn.Linear(dims, ffn_dims, bias=bias)
        self.up_proj = nn.Linear(dims, ffn_dims, bias=bias)
        self.down_proj = nn.Linear(ffn_dims, dims, bias=bias)
        self.hidden_dropout = nn.Dropout(dropout)

    def __call__(self, x: Any) -> Any:
        """[B, T, C] -> [B, T, C]."""
        require_sequence("x", x, self.dims)
        gate = tap("gate", self._activate(self.gate_proj(x)), axes=FFN, formula=f"{self.activation}(x W_g)")
        hidden = tap("hidden", self.up_proj(x), axes=FFN, formula="x W_u")
        gated = tap("gated", gate * hidden, axes=FFN, formula=f"{self.activation}(x W_g) ⊙ x W_u")
        y = self.down_proj(self.hidden_dropout(gated))  # [B, T, C]
        return tap("output", y, axes=MODEL, formula="(act(x W_g) ⊙ x W_u) W_d")
