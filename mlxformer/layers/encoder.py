"""The encoder: self-attention and feed-forward, each with a residual connection and layer normalization.

post-norm:  x = LayerNorm(x + Sublayer(x))                          (Vaswani et al. 2017, §3.1; BERT)
pre-norm:   x = x + Sublayer(LayerNorm(x))                          (Xiong et al. 2020, §3)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from mlxformer.attention.multi_head import MultiHeadAttention
from mlxformer.backend import nn
from mlxformer.layers.feed_forward import FeedForward
from mlxformer.layers.normalization import NormType, formula, normalization
from mlxformer.tracing import Module, tap
from mlxformer.validation import require_choice, require_positive, require_sequence

_MODEL = ("batch", "time", "model")


class EncoderLayer(Module):
    """One encoder layer, C wide with H heads and F hidden units.

    num_kv_heads, attention_bias (``bias``), rope and tie: as in ``MultiHeadAttention``.
    norm: ``"post"`` or ``"pre"``. norm_type: ``"layer"`` or ``"rms"`` (``mlxformer.layers.normalization``). dropout: on
    each sub-layer's output before it is added (§5.4). attention_dropout: on the attention weights. activation_dropout:
    on the feed-forward's hidden layer. eps: of the norms.
    """

    def __init__(
        self,
        dims: int,
        num_heads: int,
        ffn_dims: int,
        *,
        num_kv_heads: int | None = None,
        norm: Literal["post", "pre"] = "post",
        activation: str = "relu",
        dropout: float = 0.0,
        attention_dropout: float = 0.0,
        activation_dropout: float = 0.0,
        attention_bias: bool = True,
        eps: float = 1e-5,
        rope: Callable[..., Any] | None = None,
        tie: Literal["kv", "qk", "qkv"] | None = None,
        norm_type: NormType = "layer",
    ) -> None:
        super().__init__()
        require_choice("norm", norm, ("post", "pre"))
        self.dims = dims
        self.norm = norm
        self.norm_type = norm_type
        self.self_attention = MultiHeadAttention(
            dims,
            num_heads,
            num_kv_heads=num_kv_heads,
            bias=attention_bias,
            dropout=attention_dropout,
            rope=rope,
            tie=tie,
        )
        self.self_attention_norm = normalization(norm_type, dims, eps)
        self.feed_forward = FeedForward(dims, ffn_dims, activation=activation, dropout=activation_dropout)
        self.feed_forward_norm = normalization(norm_type, dims, eps)
        self.residual_dropout = nn.Dropout(dropout)

    def __call__(self, x: Any, mask: Any = None, *, bias: Any = None) -> Any:
        """[B, T, C] -> [B, T, C]; mask and bias as in ``MultiHeadAttention``."""
        require_sequence("x", x, self.dims)
        x = tap("input", x, axes=_MODEL)
        x = residual(
            self, "after_self_attention", x, self.self_attention_norm,
            lambda y: self.self_attention(y, y, y, mask, bias=bias),
        )  # fmt: skip
        return residual(self, "output", x, self.feed_forward_norm, self.feed_forward)


def residual(layer: Any, name: str, x: Any, norm: Callable[[Any], Any], sublayer: Callable[[Any], Any]) -> Any:
    """``x`` with ``sublayer`` around it, normalized after or before as ``layer.norm`` says; tapped as ``name``."""
    called = formula(layer.norm_type)
    if layer.norm == "post":
        y = norm(x + layer.residual_dropout(sublayer(x)))
        return tap(name, y, axes=_MODEL, formula=f"{called}(x + Sublayer(x))")
    y = x + layer.residual_dropout(sublayer(norm(x)))
    return tap(name, y, axes=_MODEL, formula=f"x + Sublayer({called}(x))")


class Encoder(Module):
    """N encoder layers. final_norm: a last layer norm, which pre-norm needs and post-norm has no use for."""

    def __init__(self, num_layers: int, dims: int, *args: Any, final_norm: bool | None = None, **layer: Any) -> None:
        super().__init__()
        require_positive(num_layers=num_layers)
        self.dims = dims
        self.layers = [EncoderLayer(dims, *args, **layer) for _ in range(num_layers)]
        if final_norm if final_norm is not None else layer.get("norm") == "pre":
            self.final_norm = normalization(layer.get("norm_type", "layer"), dims, layer.get("eps", 1e-5))

    def __call__(self, x: Any, mask: Any = None, *, bias: Any = None) -> Any:
        """[B, T, C] -> [B, T, C]."""
        for layer in self.layers:
            x = layer(x, mask, bias=bias)
        if "final_norm" in self:
            x = tap(
                "final_norm_output", self.final_norm(x), axes=_MODEL, formula=f"{formula(self.layers[0].norm_type)}(x)"
            )
        return x
