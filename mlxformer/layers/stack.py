"""What the encoder's and the decoder's layers share, one by one and as a stack."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mlxformer.attention.cache import KVCache
from mlxformer.attention.multi_head import MultiHeadAttention
from mlxformer.axes import MODEL
from mlxformer.backend import mx, nn
from mlxformer.layers.config import LayerConfig
from mlxformer.layers.decoder_cache import DecoderCache, layer_caches
from mlxformer.layers.feed_forward import FeedForward
from mlxformer.layers.gated_feed_forward import GatedFeedForward
from mlxformer.layers.normalization import formula
from mlxformer.origins import Total, normalized
from mlxformer.tracing import Module, aside, tap
from mlxformer.training.recomputation import recomputed
from mlxformer.validation import require_kind, require_positive

Norm = Callable[[mx.array], mx.array]


class Layer(Module):
    """What every layer has: its width, its ``config``, self-attention and a feed-forward network, and their sums.

    A subclass makes the sub-layers and their norms, in the order in which a repr and a checkpoint have them.

    Args:
        dims: C.
        config: its choices.

    Raises:
        ArgumentError: for a config of another kind.

    >>> import mlxformer as mf
    >>> from mlxformer.layers.stack import Layer
    >>> layer = mf.EncoderLayer(8, 2, 16, mf.LayerConfig(norm="pre"))
    >>> isinstance(layer, Layer), layer.dims, layer.config.norm
    (True, 8, 'pre')
    """

    self_attention: MultiHeadAttention
    feed_forward: FeedForward | GatedFeedForward

    def __init__(self, dims: int, config: LayerConfig) -> None:
        super().__init__()
        require_kind("config", config, LayerConfig)
        self.dims = dims
        self.config = config
        self.residual_dropout = nn.Dropout(config.dropout)

    def _extra_repr(self) -> str:
        changed = repr(self.config).removeprefix("LayerConfig(").removesuffix(")")
        return f"dims={self.dims}{changed and ', '}{changed}"

    def _attend(
        self, x: mx.array, mask: mx.array | str | None, bias: mx.array | None, cache: KVCache | None
    ) -> mx.array:
        """Self-attention as a sub-layer, with its dropout."""
        return self.residual_dropout(self.self_attention(x, x, x, mask, bias=bias, cache=cache))

    def _feed(self, x: mx.array) -> mx.array:
        """The feed-forward network as a sub-layer, with its dropout."""
        return self.residual_dropout(self.feed_forward(x))

    def before(self, x: mx.array, norm: Norm) -> mx.array:
        """What a sub-layer reads: Norm(x) with pre-norm, x itself with post-norm.

        Args:
            x: [B, T, C].
            norm: of this sub-layer.
        """
        if self.config.norm == "post":
            return x
        kind = formula(self.config.norm_type)
        return aside(f"{kind}(x)", norm(x), axes=MODEL, formula=f"{kind}(x)", of=lambda: normalized(x, norm))

    def after(self, name: str, x: mx.array, added: mx.array, norm: Norm) -> mx.array:
        """The residual sum: x + added with pre-norm, Norm(x + added) with post-norm, tapped as ``name``.

        Args:
            name: of the sum in a trace.
            x: what came to the sub-layer, [B, T, C].
            added: what the sub-layer made of ``before(x, norm)``, [B, T, C].
            norm: of this sub-layer.
        """
        kind = formula(self.config.norm_type)
        if self.config.norm == "post":
            return tap(
                name,
                norm(x + added),
                axes=MODEL,
                formula=f"{kind}(x + Sublayer(x))",
                of=lambda: normalized(Total((x, added)), norm),
            )
        return tap(name, x + added, axes=MODEL, formula=f"x + Sublayer({kind}(x))", of=lambda: Total((x, added)))


class Stack(Module):
    """Layers that are called one after another, and a norm after the last where it is asked for.

    Pre-norm needs it, for the sum that runs through all layers is never normalized; post-norm has no use for it.

    Args:
        layers: of one width and one config.
        final_norm: whether there is a norm after the last layer; None means with pre-norm only.

    >>> import mlxformer as mf
    >>> from mlxformer.layers.stack import Stack
    >>> stack = mf.Encoder(3, 8, 2, 16, mf.LayerConfig(norm="pre"))
    >>> isinstance(stack, Stack), len(stack.layers), "final_norm" in stack
    (True, 3, True)
    """

    def __init__(self, layers: Sequence[Layer], final_norm: bool | None) -> None:
        super().__init__()
        self.layers = list(layers)
        self.dims = layers[0].dims
        self.recompute_every: int | None = None
        config = layers[0].config
        if final_norm if final_norm is not None else config.norm == "pre":
            self.final_norm = config.normalization(self.dims)

    def _extra_repr(self) -> str:
        return f"num_layers={len(self.layers)}, dims={self.dims}"

    def make_cache(self) -> DecoderCache:
        """An empty cache for reading one batch token by token, which only a causal mask allows."""
        return DecoderCache(len(self.layers))

    def recompute(self, every: int | None = 1, *, scores: bool = False) -> None:
        """Keep less for the gradient from now on, and make the rest again in the backward pass.

        Args:
            every: k, keep the inputs of every k-th layer and nothing between; None keeps all. One more forward pass. A
                call with a cache, which would grow twice, keeps all.
            scores: make again only what lies between q, k, v and the heads in each attention, which is quadratic in
                the length and little work ("selective", Korthikanti et al. 2022, §4.2).

        Raises:
            ArgumentError: for a number below 1.

        Source: Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost".

        >>> import mlxformer as mf
        >>> stack = mf.CausalStack(4, 8, 2, 16)
        >>> stack.recompute(2)
        >>> stack.recompute_every
        2
        """
        if every is not None:
            require_positive(every=every)
        self.recompute_every = every
        for module in self.modules():
            if isinstance(module, MultiHeadAttention):
                module.recompute_scores = scores

    def through(
        self, call: Callable[..., mx.array], cache: DecoderCache | None, x: mx.array, *others: object
    ) -> mx.array:
        """x after all layers, ``x = call(layer, its cache, x, *others)`` for each.

        Args:
            call: runs a layer.
            cache: of ``make_cache()``, or None.
            x: [B, T, C].
            others: what ``call`` takes besides; whatever is to get a gradient must be here and not within ``call``.
        """
        layers = list(zip(self.layers, layer_caches(cache, len(self.layers)), strict=True))
        every = self.recompute_every if cache is None else None
        if every is None:
            for layer, kept in layers:
                x = call(layer, kept, x, *others)
            return x
        for start in range(0, len(layers), every):
            segment = self.layers[start : start + every]

            def run(x: mx.array, *others: object, segment: Sequence[Layer] = segment) -> mx.array:
                for layer in segment:
                    x = call(layer, None, x, *others)
                return x

            x = recomputed(run, segment)(x, *others)
        return x

    def with_final_norm(self, x: mx.array) -> mx.array:
        """The last layer's output [B, T, C], after the final norm if there is one.

        Args:
            x: the last layer's output [B, T, C].
        """
        if "final_norm" not in self:
            return x
        norm = formula(self.layers[0].config.norm_type)
        return tap(
            "final_norm_output",
            self.final_norm(x),
            axes=MODEL,
            formula=f"{norm}(x)",
            of=lambda: normalized(x, self.final_norm),
        )
