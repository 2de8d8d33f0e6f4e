"""What a batch being decoded keeps, whichever stack decodes it: the cache, or nothing."""

from __future__ import annotations

import numpy as np

from mlxformer.backend import mx
from mlxformer.layers.decoder_cache import DecoderCache


class CachedDecoding:
    """The part of ``generation.rules.NextLogits`` that is about the cache; a subclass adds the model's pass.

    Args:
        cache: of the decoder; None where all of each sequence is read anew at every token.

    >>> from mlxformer.models.cached_decoding import CachedDecoding
    >>> CachedDecoding(None).past
    0
    """

    def __init__(self, cache: DecoderCache | None) -> None:
        self.cache = cache

    @property
    def past(self) -> int:
        """How many tokens of each sequence are in the cache."""
        return 0 if self.cache is None else len(self.cache)

    def reorder(self, rows: np.ndarray) -> None:
        """From the next call on, row i continues what was row ``rows[i]``.

        Args:
            rows: integers [N].
        """
        if self.cache is not None and (rows != np.arange(len(rows))).any():
            self.cache.reorder(mx.array(rows.astype(np.int32)))
