"""What attention keeps of the tokens seen so far, so that each new token costs one query and not the whole prefix.

Under a causal mask the keys and values of the past never change, hence they are kept; a past query is never asked
again, hence it is not. Memory: 2 · Hkv · D numbers for each token, layer and sequence, or L for latent attention.
"""

from __future__ import annotations

from mlxformer.backend import is_array, is_evaluable, mx, to_numpy
from mlxformer.errors import ArgumentError
from mlxformer.validation import (
    array_text,
    is_whole,
    require_floating,
    require_indices,
    require_shape,
    shape_text,
)

_AXES = ("batch", "kv_head", "time", "dim")


class KVCache:
    """The keys and values of one attention layer, updated in place; ``len(cache)`` is the number of tokens.

    They are [B, Hkv, T, D] each. What a layer keeps need not be two arrays: ``LatentAttention`` keeps one, its latents
    [B, 1, T, L].

    Args:
        static: for cross-attention, False by default. The first call stores the projections of the encoder's output,
            later calls read them and append nothing.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import is_array, is_evaluable, mx, to_numpy
    >>> layer, cache = mf.MultiHeadAttention(8, 2), mf.KVCache()
    >>> for token in mx.ones((3, 1, 1, 8)):
    ...     y = layer(token, token, token, "causal", cache=cache)
    >>> cache
    KVCache(3 tokens: float32 [1, 2, 3, 4], float32 [1, 2, 3, 4])
    """

    def __init__(self, *, static: bool = False) -> None:
        self.static = static
        self._parts: tuple[mx.array, ...] = ()
        self._source: tuple[mx.array, ...] = ()

    def __len__(self) -> int:
        return int(self._parts[0].shape[2]) if self._parts else 0

    def __repr__(self) -> str:
        held = f"{len(self)} tokens: {', '.join(map(array_text, self._parts))}" if self._parts else "empty"
        return f"KVCache({held}{', static' if self.static else ''})"

    @property
    def is_complete(self) -> bool:
        """Whether a static cache holds its keys and values, so that projecting them again would be waste."""
        return self.static and bool(self._parts)

    def remember(self, *source: mx.array) -> None:
        """What a static cache was filled from, so that another memory of the same shape is not answered with this one.

        Args:
            source: the arrays whose projections it holds.
        """
        self._source = source

    def is_of(self, *source: mx.array) -> bool:
        """Whether a static cache was filled from these arrays, or from arrays of the same numbers.

        Inside ``mx.compile``, where numbers cannot be read, True.

        Args:
            source: the arrays whose projections are wanted.

        Returns:
            False where the numbers differ.
        """
        if len(source) != len(self._source) or all(a is b for a, b in zip(source, self._source, strict=True)):
            return True
        same = [mx.array_equal(a, b) for a, b in zip(source, self._source, strict=True) if a.shape == b.shape]
        return len(same) == len(source) and all(not is_evaluable(one) or bool(to_numpy(one)) for one in same)

    def fetch(self) -> tuple[mx.array, ...]:
        """What is stored, keys and values. Raises ``ArgumentError`` while nothing is."""
        if not self._parts:
            raise ArgumentError("cache-empty", "the cache is empty: run the layer once before reading it")
        return self._parts

    def update(self, *parts: mx.array) -> tuple[mx.array, ...]:
        """Append what belongs to the next tokens.

        Args:
            parts: keys and values, floating point [B, Hkv, T, D], of one batch, number of heads and time.

        Returns:
            All that are stored now, as many arrays as were given.

        Raises:
            ArgumentError: parts that do not fit each other, or cannot follow what is stored.
        """
        if not self._parts:
            self._check_parts(parts)
            self._parts = parts
        else:
            if not self._follow(parts):
                self._check_parts(parts)
                self._check_follows(parts)
            joined = (mx.concatenate([past, new], axis=2) for past, new in zip(self._parts, parts, strict=True))
            self._parts = tuple(joined)
        return self._parts

    def reorder(self, rows: mx.array) -> None:
        """Keep some rows of the batch, in a new order: beams that live on, and their copies.

        Args:
            rows: int32 [N], the rows that stay.

        Raises:
            ArgumentError: a row that is not there.
        """
        if self._parts:
            require_indices("rows", rows, self._parts[0].shape[0], "the cache")
            self._parts = tuple(mx.take(part, rows, axis=0) for part in self._parts)
            self._source = ()  # of these rows it is not known any more

    def truncate(self, length: int) -> None:
        """Forget all but the first ``length`` tokens. Raises ``ArgumentError`` for a negative number.

        Args:
            length: how many tokens stay, from the first.
        """
        self._require_count("length", length)
        if length < len(self):
            self._parts = tuple(part[:, :, :length] for part in self._parts) if length else ()

    def evict(self, first: int, last: int) -> None:
        """Forget the middle: keep the ``first`` tokens and the ``last``, so that memory stays bounded.

        Before each new token, ``evict(first, window - 1)`` gives what ``masks.streaming`` gives. A rotary embedding
        should then be applied by place in the cache, not in the text; keys stored here are rotated already.

        Args:
            first: how many of the text's first tokens stay, at least 0.
            last: how many of the last, at least 0.

        Raises:
            ArgumentError: a negative number.

        Source: Xiao et al. 2024, "Efficient Streaming Language Models with Attention Sinks".
        """
        self._require_count("first", first)
        self._require_count("last", last)
        length = len(self)
        if first + last >= length:
            return
        ends = [slice(0, first)] * (first > 0) + [slice(length - last, length)] * (last > 0)
        if ends:
            self._parts = tuple(mx.concatenate([part[:, :, end] for end in ends], axis=2) for part in self._parts)
        else:
            self._parts = ()

    def _follow(self, parts: tuple[mx.array, ...]) -> bool:
        """Whether ``parts`` fit each other and what is stored: a few comparisons, for it is asked at every token."""
        if len(parts) != len(self._parts) or not all(map(is_array, parts)):
            return False
        batch, heads = self._parts[0].shape[:2]
        time = parts[0].shape[2:3]
        for stored, part in zip(self._parts, parts, strict=True):
            if part.shape != (batch, heads, *time, stored.shape[3]) or part.dtype != stored.dtype:
                return False
        return True

    def _check_parts(self, parts: tuple[mx.array, ...]) -> None:
        """Raise ``ArgumentError`` unless ``parts`` are floating point, [B, Hkv, T, D], and fit each other."""
        for name, part in zip(("keys", "values"), parts, strict=False):
            require_floating(name, part)
            require_shape(name, part, _AXES)
            if part.shape[:3] != parts[0].shape[:3]:
                raise ArgumentError(
                    "cache-mismatch",
                    f"keys {shape_text(parts[0])} and {name} {shape_text(part)} must be of the same batch, heads and "
                    f"time",
                    stored=shape_text(parts[0]),
                    given=shape_text(part),
                )

    def _check_follows(self, parts: tuple[mx.array, ...]) -> None:
        """Raise ``ArgumentError`` unless ``parts``, which fit each other, can follow what is stored."""
        if len(parts) != len(self._parts):
            raise ArgumentError(
                "cache-mismatch",
                f"the cache holds {len(self._parts)} arrays a token, and {len(parts)} cannot follow: a cache serves "
                f"one layer; make a new one",
                stored=str(len(self._parts)),
                given=str(len(parts)),
            )
        for before, after in zip(self._parts, parts, strict=True):
            if before.shape[:2] != after.shape[:2] or before.shape[3] != after.shape[3]:
                raise ArgumentError(
                    "cache-mismatch",
                    f"the cache holds keys {shape_text(before)}, which {shape_text(after)} cannot follow: batch, heads "
                    f"and width must be the same. A cache serves one layer and one batch; make a new one",
                    stored=shape_text(before),
                    given=shape_text(after),
                )

    def _require_count(self, name: str, value: int) -> None:
        if not is_whole(value, 0):
            message = f"{name} must be a whole number of at least 0; got {value!r}"
            raise ArgumentError("cache-length", message, length=value)
