"""The encoder: self-attention and feed-forward, each with a residual connection and layer normalization.

post-norm:  x = LayerNorm(x + Sublayer(x))                          (Vaswani et al. 2017, §3.1; BERT)
pre-norm:   x = x + Sublayer(LayerNorm(x))                          (Xiong et al. 2020, §3)
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from mlxformer.attention.cache import KVCache
from mlxformer.axes import MODEL
from mlxformer.backend import mx
from mlxformer.layers.config import LayerConfig
from mlxformer.layers.decoder_cache import DecoderCache, LayerCache
from mlxformer.layers.stack import Layer, Stack
from mlxformer.origins import Same
from mlxformer.tracing import tap
from mlxformer.validation import require_positive, require_sequence

PLAIN = LayerConfig()


class EncoderLayer(Layer):
    """One layer of self-attention and feed-forward.

    Under a causal mask, with a cache, it is the layer of a decoder-only model (GPT).

    Args:
        dims: C, the width of the model.
        num_heads: H, a divisor of C.
        ffn_dims: F, the width of the feed-forward network.
        config: its choices; the paper's post-norm by default.

    Raises:
        ArgumentError: for sizes that cannot be; when called, for inputs, masks and caches that do not fit.

    Source: Vaswani et al. 2017, §3.1.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> layer = mf.EncoderLayer(32, 4, 64, mf.LayerConfig(norm="pre"))
    >>> layer(mx.ones((2, 5, 32)), "causal").shape
    (2, 5, 32)
    """

    def __init__(self, dims: int, num_heads: int, ffn_dims: int, config: LayerConfig = PLAIN) -> None:
        super().__init__(dims, config)
        self.self_attention = config.self_attention(dims, num_heads)
        self.self_attention_norm: Callable[[mx.array], mx.array] = config.normalization(dims)
        self.feed_forward = config.feed_forward(dims, ffn_dims)
        self.feed_forward_norm = config.normalization(dims)

    def __call__(
        self,
        x: mx.array,
        mask: mx.array | str | None = None,
        *,
        bias: mx.array | None = None,
        cache: KVCache | None = None,
    ) -> mx.array:
        """The layer's output.

        Args:
            x: floating point [B, T, C].
            mask: which token each may attend to, as in ``MultiHeadAttention``; None means all.
            bias: of the scores, as in ``MultiHeadAttention``.
            cache: the keys and values of earlier calls, to which this call's are appended; x is then the new tokens
                alone, and the mask ``"causal"``.

        Returns:
            [B, T, C].
        """
        require_sequence("x", x, self.dims)
        x = tap("input", x, axes=MODEL, of=partial(Same, x))
        attended = self._attend(self.before(x, self.self_attention_norm), mask, bias, cache)
        x = self.after("after_self_attention", x, attended, self.self_attention_norm)
        fed = self._feed(self.before(x, self.feed_forward_norm))
        return self.after("output", x, fed, self.feed_forward_norm)


class Encoder(Stack):
    """N layers of self-attention and feed-forward.

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
    >>> encoder = mf.Encoder(2, 32, 4, 64)
    >>> encoder(mx.ones((2, 5, 32))).shape
    (2, 5, 32)
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
        super().__init__([EncoderLayer(dims, num_heads, ffn_dims, config) for _ in range(num_layers)], final_norm)

    def __call__(
        self,
        x: mx.array,
        mask: mx.array | str | None = None,
        *,
        bias: mx.array | None = None,
        cache: DecoderCache | None = None,
    ) -> mx.array:
        """The last layer's output, after the final norm if there is one.

        Args:
            x: floating point [B, T, C].
            mask: as in ``EncoderLayer``.
            bias: as in ``EncoderLayer``, the same in every layer.
            cache: of ``make_cache()``; x is then the new tokens alone, and the mask ``"causal"``.

        Returns:
            [B, T, C].
        """

        def call(layer: EncoderLayer, kept: LayerCache | None, x: mx.array, bias: mx.array | None) -> mx.array:
            return layer(x, mask, bias=bias, cache=None if kept is None else kept.self_attention)

        return self.with_final_norm(self.through(call, cache, x, bias))
