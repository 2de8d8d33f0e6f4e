"""The decoder: self-attention on the past, cross-attention on the encoder's output, and feed-forward.

Each of the three sub-layers stands in a residual connection with layer normalization, after it (post-norm, Vaswani et
al. 2017, §3.1) or before it (pre-norm, Xiong et al. 2020, §3). ``memory`` is the encoder's output [B, Ts, C]; queries
come from the decoder, keys and values from the memory (§3.2.3).
"""

from __future__ import annotations

from functools import partial

from mlxformer.attention.cache import KVCache
from mlxformer.axes import MODEL
from mlxformer.backend import mx
from mlxformer.layers.config import LayerConfig
from mlxformer.layers.decoder_cache import DecoderCache, LayerCache
from mlxformer.layers.encoder import PLAIN
from mlxformer.layers.stack import Layer, Stack
from mlxformer.origins import Same
from mlxformer.tracing import tap
from mlxformer.validation import require_positive, require_sequence


class DecoderLayer(Layer):
    """One layer of self-attention on the past, cross-attention on a memory, and feed-forward.

    Args:
        dims: C, the width of the model.
        num_heads: H, a divisor of C.
        ffn_dims: F, the width of the feed-forward network.
        config: its choices; the paper's post-norm by default.

    Raises:
        ArgumentError: for sizes that cannot be; when called, for inputs, masks and caches that do not fit.

    Source: Vaswani et al. 2017, §3.1 and §3.2.3.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> layer = mf.DecoderLayer(32, 4, 64)
    >>> layer(mx.ones((2, 3, 32)), mx.ones((2, 5, 32))).shape
    (2, 3, 32)
    """

    def __init__(self, dims: int, num_heads: int, ffn_dims: int, config: LayerConfig = PLAIN) -> None:
        super().__init__(dims, config)
        self.self_attention = config.self_attention(dims, num_heads)
        self.self_attention_norm = config.normalization(dims)
        self.cross_attention = config.cross_attention(dims, num_heads)
        self.cross_attention_norm = config.normalization(dims)
        self.feed_forward = config.feed_forward(dims, ffn_dims)
        self.feed_forward_norm = config.normalization(dims)

    def __call__(
        self,
        x: mx.array,
        memory: mx.array,
        mask: mx.array | str | None = "causal",
        memory_mask: mx.array | None = None,
        *,
        bias: mx.array | None = None,
        cache: LayerCache | None = None,
    ) -> mx.array:
        """The layer's output.

        Args:
            x: the target, floating point [B, Tt, C].
            memory: the encoder's output, floating point [B, Ts, C].
            mask: of self-attention; ``"causal"`` unless given.
            memory_mask: of cross-attention, ``masks.padding(valid)`` where sources are padded; None means that all is
                real.
            bias: of the scores of self-attention.
            cache: of this layer; x is then the new tokens alone, and ``"causal"`` still lets each of them see all that
                came before.

        Returns:
            [B, Tt, C].
        """
        require_sequence("x", x, self.dims)
        require_sequence("memory", memory, self.dims)
        own, kept = (None, None) if cache is None else (cache.self_attention, cache.cross_attention)
        x = tap("input", x, axes=MODEL, of=partial(Same, x))
        attended = self._attend(self.before(x, self.self_attention_norm), mask, bias, own)
        x = self.after("after_self_attention", x, attended, self.self_attention_norm)
        crossed = self._cross(self.before(x, self.cross_attention_norm), memory, memory_mask, kept)
        x = self.after("after_cross_attention", x, crossed, self.cross_attention_norm)
        fed = self._feed(self.before(x, self.feed_forward_norm))
        return self.after("output", x, fed, self.feed_forward_norm)

    def _cross(self, x: mx.array, memory: mx.array, mask: mx.array | None, cache: KVCache | None) -> mx.array:
        return self.residual_dropout(self.cross_attention(x, memory, memory, mask, cache=cache))


class Decoder(Stack):
    """N decoder layers.

    Args:
        num_layers: N.
        dims: C, the width of the model.
        num_heads: H, a divisor of C.
        ffn_dims: F, the width of the feed-forward network.
        config: the choices of each layer; the paper's post-norm by default.
        final_norm: whether there is a norm after the last layer; None means with pre-norm only.

    Raises:
        ArgumentError: for sizes that cannot be; when called, for inputs, masks and caches that do not fit.

    Source: Vaswani et al. 2017, §3.1.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> decoder = mf.Decoder(2, 32, 4, 64)
    >>> decoder(mx.ones((2, 3, 32)), mx.ones((2, 5, 32))).shape
    (2, 3, 32)
    """

    def __init__(
        self,
        num_layers: int,
        dims: int,
        num_heads: int,
        ffn_dims: int,
        config: LayerConfig = PLAIN,
        *,
        final_norm: bool | None = None,
    ) -> None:
        require_positive(num_layers=num_layers)
        super().__init__([DecoderLayer(dims, num_heads, ffn_dims, config) for _ in range(num_layers)], final_norm)

    def __call__(
        self,
        x: mx.array,
        memory: mx.array,
        mask: mx.array | str | None = "causal",
        memory_mask: mx.array | None = None,
        *,
        bias: mx.array | None = None,
        cache: DecoderCache | None = None,
    ) -> mx.array:
        """The last layer's output, after the final norm if there is one.

        Args:
            x: the target, floating point [B, Tt, C].
            memory: the encoder's output, floating point [B, Ts, C].
            mask: as in ``DecoderLayer``.
            memory_mask: as in ``DecoderLayer``.
            bias: as in ``DecoderLayer``, the same in every layer.
            cache: of ``make_cache()``; x is then the new tokens alone.

        Returns:
            [B, Tt, C].

        Raises:
            ArgumentError: also for a cache of another kind, or of another number of layers.
        """

        def call(
            layer: DecoderLayer, kept: LayerCache | None, x: mx.array, memory: mx.array, bias: mx.array | None
        ) -> mx.array:
            return layer(x, memory, mask, memory_mask, bias=bias, cache=kept)

        return self.with_final_norm(self.through(call, cache, x, memory, bias))
