"""Keys and values in blocks of one pool, as an operating system keeps pages: nothing is reserved in vain.

    token t of a sequence is in block table[t // S], at place t mod S        S tokens a block

A contiguous cache is reserved for the longest text that may come. Blocks are taken as tokens come, so that at most
S − 1 places of a sequence are empty; sequences that begin alike share blocks, and copy one when they first write to it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from mlxformer.attention.cache import KVCache
from mlxformer.backend import mx
from mlxformer.errors import ArgumentError
from mlxformer.validation import require_positive


class PagedSequence:
    """One text's tokens in a pool: its block table and its length; ``BlockPool.sequence`` and ``fork`` make them.

    Args:
        pool: where its blocks are.

    >>> from mlxformer.attention.paged_cache import BlockPool
    >>> BlockPool(4, 2, num_layers=1).sequence()
    PagedSequence(0 tokens, blocks [])
    """

    def __init__(self, pool: BlockPool) -> None:
        self.pool = pool
        self.table: list[int] = []
        self.length = 0

    def __repr__(self) -> str:
        return f"PagedSequence({self.length} tokens, blocks {self.table})"

    def fork(self) -> PagedSequence:
        """Another sequence that goes on from here, of the same blocks until one of the two writes to the last."""
        other = PagedSequence(self.pool)
        other.table, other.length = list(self.table), self.length
        for block in self.table:
            self.pool.holders[block] += 1
        return other

    def free(self) -> None:
        """Give back what no other sequence holds; the sequence is empty then."""
        for block in self.table:
            self.pool.release(block)
        self.table, self.length = [], 0

    def needed(self, length: int) -> int:
        """How many free blocks it takes to have so many tokens, a copy of a shared block among them.

        Args:
            length: how many tokens there would be.
        """
        if length <= self.length:
            return 0
        return -(-length // self.pool.block_size) - len(self.table) + self._writes_to_shared()

    def reserve(self, length: int) -> None:
        """Have blocks of its own for all tokens from the end on, up to ``length``: new ones, a copy of a shared one.

        Args:
            length: how many tokens there will be.

        Raises:
            ArgumentError: where the pool is too full; nothing has changed then.
        """
        self.pool.require_free(self.needed(length))
        if length <= self.length:
            return
        if self._writes_to_shared():
            last = self.length // self.pool.block_size
            self.table[last] = self.pool.copied(self.table[last])
        while len(self.table) * self.pool.block_size < length:
            self.table.append(self.pool.take())
        self.length = length

    def _writes_to_shared(self) -> bool:
        """Whether the next token falls into a block that another sequence has too."""
        last = self.length // self.pool.block_size
        return last < len(self.table) and self.pool.holders[self.table[last]] > 1


class BlockPool:
    """Blocks of S tokens for all layers of a model, handed out one by one.

    A block has a number, the same in every layer; layers keep their keys and values in it apart. An array is written
    block by block, and a whole sequence is gathered before it is attended to, where a kernel would read the blocks in
    place.

    Args:
        num_blocks: how many there are.
        block_size: S, tokens of a block.
        num_layers: N, of the model.

    Raises:
        ArgumentError: for numbers below 1.

    Source: Kwon et al. 2023, "Efficient Memory Management for Large Language Model Serving with PagedAttention", §4.

    >>> import mlxformer as mf
    >>> from mlxformer.attention.paged_cache import BlockPool
    >>> from mlxformer.backend import mx
    >>> stack, pool = mf.CausalStack(2, 8, 2, 16), BlockPool(8, 4, num_layers=2)
    >>> first = pool.sequence()
    >>> y = stack(mx.ones((1, 6, 8)), cache=mf.DecoderCache.paged([first]))
    >>> second = first.fork()
    >>> y = stack(mx.ones((1, 1, 8)), cache=mf.DecoderCache.paged([second]))
    >>> first, second
    (PagedSequence(6 tokens, blocks [0, 1]), PagedSequence(7 tokens, blocks [0, 2]))
    >>> pool
    BlockPool(3 of 8 blocks of 4 in use)
    """

    def __init__(self, num_blocks: int, block_size: int, *, num_layers: int) -> None:
        require_positive(num_blocks=num_blocks, block_size=block_size, num_layers=num_layers)
        self.num_blocks, self.block_size = num_blocks, block_size
        self.holders = [0] * num_blocks  # of each block, how many sequences have it
        self._unused = list(range(num_blocks - 1, -1, -1))
        # Of each layer, the blocks that were written to: keys and values [Hkv, n, D], n tokens so far.
        self.blocks: list[dict[int, tuple[mx.array, ...]]] = [{} for _ in range(num_layers)]

    def __repr__(self) -> str:
        return f"BlockPool({self.in_use} of {self.num_blocks} blocks of {self.block_size} in use)"

    @property
    def num_free(self) -> int:
        """How many blocks nobody holds."""
        return len(self._unused)

    @property
    def in_use(self) -> int:
        """How many blocks some sequence holds."""
        return self.num_blocks - len(self._unused)

    def sequence(self) -> PagedSequence:
        """An empty sequence; it takes blocks when tokens come."""
        return PagedSequence(self)

    def require_free(self, blocks: int) -> None:
        """Raise ``ArgumentError`` unless so many blocks are free.

        Args:
            blocks: how many.
        """
        if blocks > len(self._unused):
            message = (
                f"the pool has {len(self._unused)} of {self.num_blocks} blocks left, and {blocks} are needed: free a "
                f"sequence, or make a larger pool"
            )
            raise ArgumentError("pool-full", message, free=len(self._unused), needed=blocks)

    def take(self) -> int:
        """The number of a free block, which has one holder now."""
        block = self._unused.pop()
        self.holders[block] = 1
        return block

    def copied(self, block: int) -> int:
        """A block of one's own with what another holds, which has a holder less.

        Args:
            block: the other's number.
        """
        own = self.take()
        for layer in self.blocks:
            layer.update({own: layer[block]} if block in layer else {})
        self.release(block)
        return own

    def release(self, block: int) -> None:
        """One holder less; free without any.

        Args:
            block: its number.
        """
        self.holders[block] -= 1
        if not self.holders[block]:
            self._unused.append(block)
            for layer in self.blocks:
                layer.pop(block, None)


class PagedKVCache(KVCache):
    """One layer's keys and values of a batch of sequences, which lie in a pool.

    Rows of different length end together: what stands before a shorter one is zeros, for a mask to hide (a model's
    ``attention_mask``, 0 there).

    Args:
        sequences: one for each row of the batch, of one pool.
        layer: which of the pool's layers.

    Raises:
        ArgumentError: for a batch without rows; when called, where the pool is full or arrays do not fit.

    >>> from mlxformer.attention.paged_cache import BlockPool, PagedKVCache
    >>> from mlxformer.backend import mx
    >>> cache = PagedKVCache([BlockPool(2, 4, num_layers=1).sequence()], 0)
    >>> keys, values = cache.update(mx.ones((1, 2, 3, 5)), mx.ones((1, 2, 3, 5)))
    >>> keys.shape, len(cache)
    ((1, 2, 3, 5), 3)
    """

    def __init__(self, sequences: Sequence[PagedSequence], layer: int) -> None:
        super().__init__()
        require_positive(rows=len(sequences))
        self._sequences, self._layer = list(sequences), layer
        self._lengths = [sequence.length for sequence in sequences]  # which this layer has, for they are asked in turn

    def __len__(self) -> int:
        return max(self._lengths)

    def __repr__(self) -> str:
        return f"PagedKVCache({len(self._sequences)} rows, {len(self)} tokens)"

    def fetch(self) -> tuple[mx.array, ...]:
        """Keys and values [B, Hkv, T, D], gathered from the blocks. Raises ``ArgumentError`` while there are none."""
        if not len(self):
            return super().fetch()
        rows = [self._gathered(row) for row in range(len(self._sequences))]
        return tuple(mx.stack(list(parts)) for parts in zip(*rows, strict=True))

    def update(self, *parts: mx.array) -> tuple[mx.array, ...]:
        """Append what belongs to the next tokens, as many for each row.

        Args:
            parts: keys and values, floating point [B, Hkv, n, D].

        Returns:
            All that are stored now, [B, Hkv, T, D].

        Raises:
            ArgumentError: parts that do not fit, or a pool that is too full.
        """
        self._check_parts(parts)
        if parts[0].shape[0] != len(self._sequences):
            rows = len(self._sequences)
            message = f"this cache is of {rows} sequences, and the keys are of {parts[0].shape[0]}"
            raise ArgumentError("paged-rows", message, rows=rows, given=parts[0].shape[0])
        new = int(parts[0].shape[2])
        grown = [(sequence, length + new) for sequence, length in zip(self._sequences, self._lengths, strict=True)]
        self._sequences[0].pool.require_free(sum(sequence.needed(length) for sequence, length in grown))
        for sequence, length in grown:
            sequence.reserve(length)
        for row in range(len(self._sequences)):
            self._write(row, tuple(part[row] for part in parts))
        self._lengths = [length + new for length in self._lengths]
        return self.fetch()

    def reorder(self, rows: mx.array) -> None:
        """Raises ``ArgumentError``: sequences are forked and freed instead.

        Args:
            rows: as in ``KVCache``.
        """
        raise self._not_here("reorder")

    def truncate(self, length: int) -> None:
        """Raises ``ArgumentError``: sequences are forked and freed instead.

        Args:
            length: as in ``KVCache``.
        """
        raise self._not_here("truncate")

    def evict(self, first: int, last: int) -> None:
        """Raises ``ArgumentError``: sequences are forked and freed instead.

        Args:
            first: as in ``KVCache``.
            last: as in ``KVCache``.
        """
        raise self._not_here("evict")

    def _not_here(self, name: str) -> ArgumentError:
        message = f"a paged cache has no {name}: fork and free its sequences instead"
        return ArgumentError("paged-change", message, name=name)

    def _write(self, row: int, parts: tuple[mx.array, ...]) -> None:
        """Row's new tokens [Hkv, n, D] into its blocks, which are its own."""
        size, blocks, done = self._sequences[row].pool.block_size, self._sequences[row].pool.blocks[self._layer], 0
        while done < parts[0].shape[1]:
            block = self._sequences[row].table[(self._lengths[row] + done) // size]
            used = (self._lengths[row] + done) % size
            fits = min(size - used, parts[0].shape[1] - done)
            pieces = [_tokens(part, done, done + fits) for part in parts]
            if used:
                before = [_tokens(part, 0, used) for part in blocks[block]]
                pieces = [mx.concatenate([old, piece], axis=1) for old, piece in zip(before, pieces, strict=True)]
            blocks.update({block: tuple(pieces)})
            done += fits

    def _gathered(self, row: int) -> list[mx.array]:
        """Its keys and values [Hkv, T, D], zeros before the first where another row is longer."""
        sequence, length, longest = self._sequences[row], self._lengths[row], len(self)
        pool = sequence.pool
        table = sequence.table[: -(-length // pool.block_size)]
        found = []
        for part in zip(*(pool.blocks[self._layer][block] for block in table), strict=True):
            if length < longest:
                heads, _, width = part[0].shape
                part = (mx.zeros((heads, longest - length, width), part[0].dtype), *part)
            whole = mx.concatenate(list(part), axis=1) if len(part) > 1 else part[0]
            found.append(_tokens(whole, 0, longest))
        return found


def _tokens(part: mx.array, first: int, end: int) -> mx.array:
    """Those of [Hkv, n, D] from ``first`` to before ``end``; ``part`` itself where these are all."""
    return part if first == 0 and part.shape[1] <= end else part[:, first:end]


def real_tokens(sequences: Sequence[PagedSequence], new: int) -> np.ndarray:
    """The ``attention_mask`` of the next call: 1 at a row's own tokens, the ``new`` ones of that call among them.

    Args:
        sequences: the rows.
        new: how many tokens each gets.

    Returns:
        int32 [B, T + new], T the length of the longest.

    >>> from mlxformer.attention.paged_cache import BlockPool, real_tokens
    >>> pool = BlockPool(4, 2, num_layers=1)
    >>> long, short = pool.sequence(), pool.sequence()
    >>> long.reserve(2)
    >>> real_tokens([long, short], 1).tolist()
    [[1, 1, 1], [0, 0, 1]]
    """
    lengths = np.array([sequence.length for sequence in sequences])
    return (np.arange(lengths.max() + new) >= lengths.max() - lengths[:, None]).astype(np.int32)
