"""A stack of layers that look back only: what a decoder-only model (GPT) has between its embeddings and its head.

Each layer is an encoder layer under a causal mask, with no cross-attention (Radford et al. 2018, §3.1; Liu et al. 2018,
§4.2.3). It can be run over a whole text at once, or token by token with a cache of keys and values.
"""

from __future__ import annotations

from mlxformer.backend import mx
from mlxformer.layers.config import LayerConfig
from mlxformer.layers.decoder_cache import DecoderCache
from mlxformer.layers.encoder import Encoder

PRE_NORM = LayerConfig(norm="pre")


class CausalStack(Encoder):
    """N layers of masked self-attention and feed-forward, pre-norm by default (GPT-2) with a last norm."""

    def __init__(
        self,
        num_layers: int,
        dims: int,
        num_heads: int,
        ffn_dims: int,
        config: LayerConfig = PRE_NORM,
        *,
        final_norm: bool | None = None,
    ) -> None:
        super().__init__(num_layers, dims, num_heads, ffn_dims, config, final_norm=final_norm)

    def __call__(
        self,
        x: mx.array,
        mask: mx.array | str | None = "causal",
        *,
        bias: mx.array | None = None,
        cache: DecoderCache | None = None,
    ) -> mx.array:
        """x [B, T, C] -> [B, T, C]. With a cache, x holds the new tokens alone, and the cache grows by them.

        mask: ``"causal"`` unless given; ``None`` lets tokens see the future, as an encoder does.
        """
        return super().__call__(x, mask, bias=bias, cache=cache)
