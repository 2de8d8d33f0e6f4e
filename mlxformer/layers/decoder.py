"""The decoder: self-attention on the past, cross-attention on the encoder's output, and feed-forward.

Each of the three sub-layers stands in a residual connection with layer normalization, after it (post-norm, Vaswani et
al. 2017, §3.1) or before it (pre-norm, Xiong et al. 2020, §3). ``memory`` is the encoder's output [B, Ts, C]; queries
come from the decoder, keys and values from the memory (§3.2.3).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from mlxformer.attention.cache import KVCache
from mlxformer.attention.multi_head import MultiHeadAttention
from mlxformer.backend import nn
from mlxformer.errors import ArgumentError
from mlxformer.layers.encoder import residual
from mlxformer.layers.feed_forward import FeedForward
from mlxformer.layers.normalization import NormType, formula, normalization
from mlxformer.tracing import Module, tap
from mlxformer.validation import require_choice, require_positive, require_sequence

_MODEL = ("batch", "time", "model")


@dataclass
class LayerCache:
    """What one decoder layer keeps between tokens: its own keys and values, and those of the memory."""

    self_attention: KVCache = field(default_factory=KVCache)
    cross_attention: KVCache = field(default_factory=lambda: KVCache(static=True))


class DecoderCache:
    """The keys and values of every decoder layer; ``len(cache)`` is the number of target tokens decoded so far.

    The memory's keys and values are projected once, at the first call, and only read from then on.
    """

    def __init__(self, num_layers: int) -> None:
        require_positive(num_layers=num_layers)
        self.layers = [LayerCache() for _ in range(num_layers)]

    def __len__(self) -> int:
        return len(self.layers[0].self_attention)

    def reorder(self, rows: Any) -> None:
        """Row i continues what row ``rows[i]`` (int32) has decoded.

        Rows move only among the beams of one source: the memory's keys and values, the same for all of them, stay.
        """
        for layer in self.layers:
            layer.self_attention.reorder(rows)


class DecoderLayer(Module):
    """One decoder layer, C wide with H heads and F hidden units. Options as in ``EncoderLayer``.

    ``rope`` turns the queries and keys of self-attention only: a position in the target says nothing about one in the
    source. ``tie`` ties the projections of both attentions.
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
        self.cross_attention = MultiHeadAttention(
            dims, num_heads, num_kv_heads=num_kv_heads, bias=attention_bias, dropout=attention_dropout, tie=tie
        )
        self.cross_attention_norm = normalization(norm_type, dims, eps)
        self.feed_forward = FeedForward(dims, ffn_dims, activation=activation, dropout=activation_dropout)
        self.feed_forward_norm = normalization(norm_type, dims, eps)
        self.residual_dropout = nn.Dropout(dropout)

    def __call__(
        self,
        x: Any,
        memory: Any,
        mask: Any = "causal",
        memory_mask: Any = None,
        *,
        bias: Any = None,
        cache: LayerCache | None = None,
    ) -> Any:
        """x [B, Tt, C], memory [B, Ts, C] -> [B, Tt, C].

        mask and bias are for self-attention, memory_mask for cross-attention. With a cache, x holds the new tokens
        alone, and ``"causal"`` still lets each of them see all that came before.
        """
        require_sequence("x", x, self.dims)
        require_sequence("memory", memory, self.dims)
        own, crossed = (None, None) if cache is None else (cache.self_attention, cache.cross_attention)
        x = tap("input", x, axes=_MODEL)
        x = residual(
            self, "after_self_attention", x, self.self_attention_norm,
            lambda y: self.self_attention(y, y, y, mask, bias=bias, cache=own),
        )  # fmt: skip
        x = residual(
            self, "after_cross_attention", x, self.cross_attention_norm,
            lambda y: self.cross_attention(y, memory, memory, memory_mask, cache=crossed),
        )  # fmt: skip
        return residual(self, "output", x, self.feed_forward_norm, self.feed_forward)


class Decoder(Module):
    """N decoder layers. final_norm: a last layer norm; None means with pre-norm only."""

    def __init__(self, num_layers: int, dims: int, *args: Any, final_norm: bool | None = None, **layer: Any) -> None:
        super().__init__()
        require_positive(num_layers=num_layers)
        self.dims = dims
        self.layers = [DecoderLayer(dims, *args, **layer) for _ in range(num_layers)]
        if final_norm if final_norm is not None else layer.get("norm") == "pre":
            self.final_norm = normalization(layer.get("norm_type", "layer"), dims, layer.get("eps", 1e-5))

    def make_cache(self) -> DecoderCache:
        """An empty cache for decoding one batch token by token."""
        return DecoderCache(len(self.layers))

    def __call__(
        self,
        x: Any,
        memory: Any,
        mask: Any = "causal",
        memory_mask: Any = None,
        *,
        bias: Any = None,
        cache: DecoderCache | None = None,
    ) -> Any:
        """x [B, Tt, C], memory [B, Ts, C] -> [B, Tt, C]; arguments as in ``DecoderLayer``, cache of ``make_cache()``.

        Raises ``ArgumentError`` for a cache of another kind, or of another number of layers.
        """
        if cache is not None and (not isinstance(cache, DecoderCache) or len(cache.layers) != len(self.layers)):
            kind = f"one of {len(cache.layers)} layers" if isinstance(cache, DecoderCache) else type(cache).__name__
            raise ArgumentError(
                "cache-kind",
                f"cache must be a DecoderCache of {len(self.layers)} layers; got {kind}. Make it with "
                f"decoder.make_cache()",
                given=kind,
                layers=len(self.layers),
            )
        for index, layer in enumerate(self.layers):
            x = layer(x, memory, mask, memory_mask, bias=bias, cache=None if cache is None else cache.layers[index])
        if "final_norm" in self:
            x = tap(
                "final_norm_output", self.final_norm(x), axes=_MODEL, formula=f"{formula(self.layers[0].norm_type)}(x)"
            )
        return x
