"""What the layers of a stack have in common, said once: ``LayerConfig``, and the parts that it stands for."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Literal

from mlxformer.attention.multi_head import MultiHeadAttention
from mlxformer.backend import mx, nn
from mlxformer.layers.activations import activation
from mlxformer.layers.feed_forward import FeedForward
from mlxformer.layers.gated_feed_forward import GatedFeedForward
from mlxformer.layers.normalization import NormType, normalization
from mlxformer.validation import require_choice, require_positive_number, require_probability


@dataclass(frozen=True, kw_only=True, repr=False)
class LayerConfig:
    """The choices of a layer, whatever its sizes; the defaults are those of Vaswani et al. 2017, but for the biases
    of attention, which the paper has not, and the dropout, which it sets to 0.1.

    Args:
        norm: ``"post"``, ``Norm(x + Sublayer(x))`` (§3.1), or ``"pre"``, ``x + Sublayer(Norm(x))`` (Xiong et al. 2020).
        norm_type: ``"layer"`` or ``"rms"`` (Zhang & Sennrich 2019).
        norm_eps: ε, added to the variance (or to the mean square) by the norms.
        norm_bias: whether layer norms have a bias; ModernBERT's have none.
        activation: of the feed-forward network, a name known to ``mlxformer.layers.activations``.
        gated: whether the feed-forward network is a ``GatedFeedForward`` (with ``activation="silu"`` SwiGLU).
        ffn_bias: whether the projections of the feed-forward network have a bias.
        attention_bias: whether the projections of the attentions have one; the paper's W are bare matrices (§3.2.2).
        num_kv_heads: Hkv, how many heads of keys and values the H query heads share (grouped-query attention); None
            is H.
        head_dim: D, the width of a head; None is C / H.
        attention_scale: of the scores; None is 1/√D, and T5's is 1.
        attention_tie: which projections are one matrix, as ``tie`` of ``MultiHeadAttention``.
        rope: turns queries and keys of self-attention, as ``RotaryEmbedding(dims // num_heads)`` does; None is nothing.
        dropout: on each sub-layer's output before it is added (§5.4), a probability below 1; in training only.
        attention_dropout: on the attention weights.
        activation_dropout: on the feed-forward network's hidden layer.

    Raises:
        ArgumentError: for a choice that there is not, a probability outside [0, 1) and an ε not above 0.

    >>> import mlxformer as mf
    >>> gpt2 = mf.LayerConfig(norm="pre", activation="gelu_new")
    >>> llama = mf.LayerConfig(norm="pre", norm_type="rms", activation="silu", gated=True, ffn_bias=False,
    ...                        attention_bias=False, num_kv_heads=2, rope=mf.RotaryEmbedding(8))
    >>> gpt2
    LayerConfig(norm='pre', activation='gelu_new')
    >>> mf.CausalStack(2, 32, 4, 64, llama).layers[0].feed_forward.gate_proj
    Linear(input_dims=32, output_dims=64, bias=False)
    """

    norm: Literal["post", "pre"] = "post"
    norm_type: NormType = "layer"
    norm_eps: float = 1e-5
    norm_bias: bool = True
    activation: str = "relu"
    gated: bool = False
    ffn_bias: bool = True
    attention_bias: bool = True
    num_kv_heads: int | None = None
    head_dim: int | None = None
    attention_scale: float | None = None
    attention_tie: Literal["kv", "qk", "qkv"] | None = None
    rope: Callable[..., mx.array] | None = None
    dropout: float = 0.0
    attention_dropout: float = 0.0
    activation_dropout: float = 0.0

    def __post_init__(self) -> None:
        require_choice("norm", self.norm, ("post", "pre"))
        require_choice("norm_type", self.norm_type, ("layer", "rms"))
        require_positive_number("norm_eps", self.norm_eps)
        activation(self.activation)
        for name in ("dropout", "attention_dropout", "activation_dropout"):
            require_probability(name, getattr(self, name))

    def __repr__(self) -> str:
        changed = [(field.name, getattr(self, field.name)) for field in fields(self)]
        changed = [(name, value) for name, value in changed if value != getattr(LayerConfig, name)]
        return f"LayerConfig({', '.join(f'{name}={value!r}' for name, value in changed)})"

    def self_attention(self, dims: int, num_heads: int) -> MultiHeadAttention:
        """The attention of C-wide tokens to each other, with H heads.

        Args:
            dims: C.
            num_heads: H.
        """
        return self._attention(dims, num_heads, self.rope)

    def cross_attention(self, dims: int, num_heads: int) -> MultiHeadAttention:
        """That to the encoder's output, not turned by ``rope``: places in target and source are not comparable.

        Args:
            dims: C.
            num_heads: H.
        """
        return self._attention(dims, num_heads, None)

    def feed_forward(self, dims: int, ffn_dims: int) -> FeedForward | GatedFeedForward:
        """The feed-forward network C -> F -> C.

        Args:
            dims: C.
            ffn_dims: F.
        """
        kind = GatedFeedForward if self.gated else FeedForward
        return kind(dims, ffn_dims, activation=self.activation, dropout=self.activation_dropout, bias=self.ffn_bias)

    def normalization(self, dims: int) -> nn.LayerNorm | nn.RMSNorm:
        """The norm of C features.

        Args:
            dims: C.
        """
        return normalization(self.norm_type, dims, self.norm_eps, self.norm_bias)

    def _attention(self, dims: int, num_heads: int, rope: Callable[..., mx.array] | None) -> MultiHeadAttention:
        return MultiHeadAttention(
            dims,
            num_heads,
            num_kv_heads=self.num_kv_heads,
            head_dim=self.head_dim,
            scale=self.attention_scale,
            bias=self.attention_bias,
            dropout=self.attention_dropout,
            rope=rope,
            tie=self.attention_tie,
        )
