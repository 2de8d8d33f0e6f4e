"""The keys and values of the tokens seen so far, so that each new token costs one query and not the whole prefix.

Under a causal mask the keys and values of the past never change, hence they are kept; a past query is never asked
again, hence it is not. Memory: 2 · Hkv · D numbers for each token, layer and sequence.
"""

from __future__ import annotations

from typing import Any

from mlxformer.backend import mx
from mlxformer.errors import ArgumentError
from mlxformer.validation import is_whole, require_floating, require_indices, require_shape, shape_text


class KVCache:
    """Keys and values [B, Hkv, T, D] of one attention layer, updated in place; ``len(cache)`` is T.

    static: for cross-attention. The first call stores the projections of the encoder's output, later calls read
    them and append nothing.
    """

    def __init__(self, *, static: bool = False) -> None:
        self.static = static
        self._keys: Any = None
        self._values: Any = None

    def __len__(self) -> int:
        return 0 if self._keys is None else int(self._keys.shape[2])

    @property
    def is_complete(self) -> bool:
        """Whether a static cache holds its keys and values, so that projecting them again would be waste."""
        return self.static and self._keys is not None

    def fetch(self) -> tuple[Any, Any]:
        """What is stored. Raises ``ArgumentError`` while nothing is."""
        if self._keys is None:
            raise ArgumentError("cache-empty", "the cache is empty: run the layer once before reading it")
        return self._keys, self._values

    def update(self, keys: Any, values: Any) -> tuple[Any, Any]:
        """Append ``keys`` and ``values`` [B, Hkv, T, D] in time, and return all that are stored."""
        for name, x in (("keys", keys), ("values", values)):
            require_floating(name, x)
            require_shape(name, x, ("batch", "kv_head", "time", "dim"))
        if keys.shape[:3] != values.shape[:3]:
            raise ArgumentError(
                "cache-mismatch",
                f"keys {shape_text(keys)} and values {shape_text(values)} must be of the same batch, heads and time",
                stored=shape_text(keys),
                given=shape_text(values),
            )
        if self._keys is not None:
            before, after = self._keys, keys
            if before.shape[:2] != after.shape[:2] or before.shape[3] != after.shape[3]:
                raise ArgumentError(
                    "cache-mismatch",
                    f"the cache holds keys {shape_text(before)}, which {shape_text(after)} cannot follow: batch, heads "
                    f"and width must be the same. A cache serves one layer and one batch; make a new one",
                    stored=shape_text(before),
                    given=shape_text(after),
                )
            keys = mx.concatenate([self._keys, keys], axis=2)
            values = mx.concatenate([self._values, values], axis=2)
        self._keys, self._values = keys, values
        return keys, values

    def reorder(self, rows: Any) -> None:
        """Keep the batch rows ``rows`` (int32 [N]), in that order: beams that live on, and their copies.

        Raises ``ArgumentError`` for a row that is not there.
        """
        if self._keys is not None:
            require_indices("rows", rows, self._keys.shape[0], "the cache")
            self._keys = mx.take(self._keys, rows, axis=0)
            self._values = mx.take(self._values, rows, axis=0)

    def truncate(self, length: int) -> None:
        """Forget all but the first ``length`` tokens."""
        if not is_whole(length, 0):
            message = f"length must be a whole number of at least 0; got {length!r}"
            raise ArgumentError("cache-length", message, length=length)
        if self._keys is not None and length < len(self):
            self._keys = self._keys[:, :, :length] if length else None
            self._values = self._values[:, :, :length] if length else None

    def evict(self, first: int, last: int) -> None:
        """Forget the middle: keep the ``first`` tokens and the ``last``, so that memory stays bounded.

        Xiao et al. 2024; before each new token, ``evict(first, window - 1)`` gives what ``masks.streaming`` gives. A
        rotary embedding should then be applied by place in the cache, not in the text; keys stored here are rotated
        already.
        """
        for name, value in (("first", first), ("last", last)):
            if not is_whole(value, 0):
                message = f"{name} must be a whole number of at least 0; got {value!r}"
                raise ArgumentError("cache-length", message, length=value)
        length = len(self)
        if first + last >= length:
            return
        if not first + last:
            self._keys = self._values = None
            return

        def kept(x: Any) -> Any:
            parts = [x[:, :, :first]] * (first > 0) + [x[:, :, length - last :]] * (last > 0)
            return mx.concatenate(parts, axis=2)

        self._keys, self._values = kept(self._keys), kept(self._values)
