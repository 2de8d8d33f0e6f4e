"""Blocks hold what a contiguous cache holds, to the last bit, and are copied only where they must be."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.attention.paged_cache import BlockPool, PagedKVCache, real_tokens
from mlxformer.backend import mx, to_numpy


def _gpt() -> Any:
    config = mf.GPTConfig(13, dims=8, num_heads=4, num_kv_heads=2, num_layers=2, max_positions=20)
    return mf.GPT(config)


def _ids(*ids: int) -> Any:
    return mx.array(np.array([ids], np.int32))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 16])
def test_logits_are_those_of_a_contiguous_cache(size: int) -> None:
    gpt, pool = _gpt(), BlockPool(20, size, num_layers=2)
    whole, sequence = gpt.make_cache(), pool.sequence()
    for piece in ((1, 2, 3, 4), (5,), (6, 7), (8,)):
        expected = to_numpy(gpt(_ids(*piece), cache=whole))
        assert (to_numpy(gpt(_ids(*piece), cache=mf.DecoderCache.paged([sequence]))) == expected).all()
    assert sequence.length == len(whole) == 8
    assert pool.in_use == len(sequence.table) == -(-8 // size)
    for layer, kept in enumerate(whole.layers):
        gathered = PagedKVCache([sequence], layer).fetch()
        assert all(
            (to_numpy(a) == to_numpy(b)).all() for a, b in zip(gathered, kept.self_attention.fetch(), strict=True)
        )


def test_rows_of_different_length_are_what_each_is_alone() -> None:
    gpt, pool = _gpt(), BlockPool(20, 3, num_layers=2)
    prompts, rows = [(1, 2, 3, 4, 5, 6, 7), (8, 9), (10, 11, 12, 1)], []
    for prompt in prompts:
        rows.append(pool.sequence())
        gpt(_ids(*prompt), cache=mf.DecoderCache.paged([rows[-1]]))
    new = mx.array(np.array([[1], [2], [3]], np.int32))
    found = to_numpy(gpt(new, mx.array(real_tokens(rows, 1)), mf.DecoderCache.paged(rows)))
    for row, prompt in enumerate(prompts):
        alone = to_numpy(gpt(_ids(*prompt, row + 1)))[0, -1]
        np.testing.assert_allclose(found[row, 0], alone, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("length", [4, 5, 6])
def test_a_fork_shares_all_blocks_but_the_one_that_is_written_to(length: int) -> None:
    """With p tokens, K rows and one more token each: ⌊p/S⌋ shared blocks and one of each row's own."""
    gpt, pool, prompt = _gpt(), BlockPool(20, 4, num_layers=2), tuple(range(1, length + 1))
    first = pool.sequence()
    gpt(_ids(*prompt), cache=mf.DecoderCache.paged([first]))
    rows = [first, first.fork(), first.fork()]
    assert pool.in_use == -(-length // 4)
    for row, token in zip(rows, (1, 2, 3), strict=True):
        gpt(_ids(token), cache=mf.DecoderCache.paged([row]))
    assert pool.in_use == length // 4 + 3
    for row, token in zip(rows, (1, 2, 3), strict=True):
        then = to_numpy(gpt(_ids(7), cache=mf.DecoderCache.paged([row])))[0, -1]
        np.testing.assert_allclose(then, to_numpy(gpt(_ids(*prompt, token, 7)))[0, -1], rtol=1e-5, atol=1e-5)
    for row in rows:
        row.free()
    assert pool.in_use == 0 and pool.num_free == 20 and set(pool.holders) == {0}


def test_a_pool_that_is_full_says_so_and_nothing_has_changed() -> None:
    gpt, pool = _gpt(), BlockPool(3, 2, num_layers=2)
    rows = [pool.sequence(), pool.sequence()]
    with pytest.raises(mf.ArgumentError, match="3 of 3 blocks left, and 4 are needed"):
        gpt(mx.ones((2, 3), dtype=mx.int32), cache=mf.DecoderCache.paged(rows))
    assert pool.in_use == 0 and [row.length for row in rows] == [0, 0]
    gpt(mx.ones((2, 2), dtype=mx.int32), cache=mf.DecoderCache.paged(rows))
    other = rows[0].fork()
    with pytest.raises(mf.ArgumentError, match="pool"):
        other.reserve(5)
    assert other.table == rows[0].table and other.length == 2


def test_what_does_not_fit_is_refused() -> None:
    pool = BlockPool(4, 2, num_layers=1)
    cache = PagedKVCache([pool.sequence()], 0)
    with pytest.raises(mf.ArgumentError, match="empty"):
        cache.fetch()
    with pytest.raises(mf.ArgumentError, match="1 sequences, and the keys are of 2"):
        cache.update(mx.ones((2, 1, 1, 4)), mx.ones((2, 1, 1, 4)))
    for change in (lambda: cache.reorder(mx.array([0])), lambda: cache.truncate(1), lambda: cache.evict(0, 1)):
        with pytest.raises(mf.ArgumentError, match="fork and free"):
            change()
    for made in (lambda: BlockPool(0, 2, num_layers=1), lambda: PagedKVCache([], 0), lambda: mf.DecoderCache.paged([])):
        with pytest.raises(mf.ArgumentError):
            made()
