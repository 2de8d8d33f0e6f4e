"""What a stack keeps between tokens while it decodes: a cache for each of its layers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from mlxformer.attention.cache import KVCache
from mlxformer.attention.paged_cache import PagedKVCache, PagedSequence
from mlxformer.backend import mx
from mlxformer.errors import ArgumentError
from mlxformer.validation import require_positive


@dataclass
class LayerCache:
    """What one decoder layer keeps between tokens.

    Args:
        self_attention: its own keys and values; empty by default.
        cross_attention: those of the memory, if it has one; empty and static by default.

    >>> from mlxformer.layers.decoder_cache import LayerCache
    >>> LayerCache()
    LayerCache(self_attention=KVCache(empty), cross_attention=KVCache(empty, static))
    """

    self_attention: KVCache = field(default_factory=KVCache)
    cross_attention: KVCache = field(default_factory=lambda: KVCache(static=True))


class DecoderCache:
    """The keys and values of every layer of a decoder; ``len(cache)`` is the number of tokens decoded so far.

    ``make_cache()`` of a stack makes one. The memory's keys and values are projected once, at the first call, and only
    read from then on; a stack without cross-attention leaves their place empty.

    Args:
        num_layers: how many layers the stack has.

    Raises:
        ArgumentError: for a number below 1.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> decoder = mf.Decoder(2, 8, 2, 16)
    >>> cache = decoder.make_cache()
    >>> y = decoder(mx.ones((1, 3, 8)), mx.ones((1, 5, 8)), cache=cache)
    >>> cache
    DecoderCache(2 layers, 3 tokens)
    """

    def __init__(self, num_layers: int) -> None:
        require_positive(num_layers=num_layers)
        self.layers = [LayerCache() for _ in range(num_layers)]

    @classmethod
    def paged(cls, sequences: Sequence[PagedSequence]) -> DecoderCache:
        """A cache whose rows are sequences of one pool, for the next call or more of them together.

        Rows of different length end together; ``attention_mask=real_tokens(sequences, n)`` hides what stands before.

        Args:
            sequences: one for each row; they grow as the cache does.

        Returns:
            A cache of as many layers as the pool has.

        Raises:
            ArgumentError: for none.
        """
        require_positive(rows=len(sequences))
        cache = cls(len(sequences[0].pool.blocks))
        cache.layers = [LayerCache(PagedKVCache(sequences, layer)) for layer in range(len(cache.layers))]
        return cache

    def __len__(self) -> int:
        return len(self.layers[0].self_attention)

    def __repr__(self) -> str:
        return f"DecoderCache({len(self.layers)} layers, {len(self)} tokens)"

    def reorder(self, rows: mx.array) -> None:
        """Row i continues what row ``rows[i]`` has decoded.

        Args:
            rows: int32 [N]. Rows move only among the beams of one source: the memory's keys and values, the same for
                all of them, stay.
        """
        for layer in self.layers:
            layer.self_attention.reorder(rows)


def layer_caches(cache: DecoderCache | None, num_layers: int) -> list[LayerCache] | list[None]:
    """The cache of each layer, or None for each where there is no cache.

    Args:
        cache: what a user gave.
        num_layers: N.

    Raises ``ArgumentError`` for a cache of another kind, or of another number of layers.

    >>> from mlxformer.layers.decoder_cache import layer_caches
    >>> layer_caches(None, 2)
    [None, None]
    """
    if cache is None:
        return [None] * num_layers
    if not isinstance(cache, DecoderCache) or len(cache.layers) != num_layers:
        kind = f"one of {len(cache.layers)} layers" if isinstance(cache, DecoderCache) else type(cache).__name__
        raise ArgumentError(
            "cache-kind",
            f"cache must be a DecoderCache of {num_layers} layers; got {kind}. Make it with make_cache()",
            given=kind,
            layers=num_layers,
        )
    return cache.layers
