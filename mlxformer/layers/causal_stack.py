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
    """N layers of self-attention on the past and feed-forward.

    Args:
        num_layers: N.
        dims: C, the width of the model.
        num_heads: H, a divisor of C.
        ffn_dims: F, the width of the feed-forward network.
        config: the choices of each layer; pre-norm, as in GPT-2, by default.
        final_norm: whether there is a norm after the last layer; None means with pre-norm only.

    Raises:
        ArgumentError: for sizes that cannot be; when called, for inputs, masks and caches that do not fit.

    Source: Radford et al. 2018, §3.1.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> stack, x = mf.CausalStack(2, 32, 4, 64), mx.ones((1, 5, 32))
    >>> cache = stack.make_cache()
    >>> for token in range(5):
    ...     y = stack(x[:, token : token + 1], cache=cache)
    >>> bool(mx.all(mx.abs(y - stack(x)[:, 4:]) < 1e-5))
    True
    """

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
        """The last layer's output, after the final norm if there is one.

        Args:
            x: floating point [B, T, C].
            mask: ``"causal"`` unless given; ``None`` lets tokens see the future, as an encoder does.
            bias: as in ``EncoderLayer``.
            cache: of ``make_cache()``; x is then the new tokens alone, and the cache grows by them.

        Returns:
            [B, T, C].
        """
        return super().__call__(x, mask, bias=bias, cache=cache)
