"""The cache of keys and values: the same outputs as without it, token by token, and nothing mixed up."""

from __future__ import annotations

import numpy as np
import pytest

from mlxformer.attention import masks
from mlxformer.attention.cache import KVCache
from mlxformer.attention.multi_head import MultiHeadAttention
from mlxformer.backend import mx, to_numpy
from mlxformer.errors import ArgumentError
from tests.mlxformer.comparing import assert_bit_equal, assert_close, numbers


def layer(**options) -> MultiHeadAttention:
    mx.random.seed(0)
    return MultiHeadAttention(16, 4, **options)


@pytest.mark.parametrize("options", [{}, {"num_kv_heads": 2}, {"num_kv_heads": 1}, {"tie": "kv"}, {"head_dim": 64}])
@pytest.mark.parametrize("chunks", [[1] * 7, [7], [3, 1, 1, 2], [1, 6]])
def test_causal_attention_in_chunks_is_the_whole(options, chunks):
    attention, x = layer(**options), mx.array(numbers(2, 7, 16))
    whole = attention(x, x, x, "causal")
    cache, parts, start = KVCache(), [], 0
    for size in chunks:
        part = x[:, start : start + size]
        parts.append(to_numpy(attention(part, part, part, "causal", cache=cache)))
        start += size
        assert len(cache) == start
    assert_close(np.concatenate(parts, axis=1), whole)


def test_a_padding_mask_covers_the_past_too():
    attention, x = layer(), mx.array(numbers(2, 5, 16))
    valid = mx.array(np.array([[False, True, True, True, True], [True] * 5]))
    whole = attention(x, x, x, masks.combine(masks.padding(valid), masks.causal(5, 5)))
    cache = KVCache()
    first = x[:, :3]
    attention(first, first, first, masks.combine(masks.padding(valid[:, :3]), masks.causal(3, 3)), cache=cache)
    last = x[:, 3:]
    mask = masks.combine(masks.padding(valid), masks.causal(2, 5))
    assert_close(attention(last, last, last, mask, cache=cache), to_numpy(whole)[:, 3:])


def test_a_static_cache_projects_once_and_appends_nothing():
    attention, memory, x = layer(), mx.array(numbers(2, 6, 16, seed=1)), mx.array(numbers(2, 3, 16, seed=2))
    wanted = to_numpy(attention(x, memory, memory))
    cache = KVCache(static=True)
    assert not cache.is_complete
    for token in range(3):
        query = x[:, token : token + 1]
        assert_close(attention(query, memory, memory, cache=cache), wanted[:, token : token + 1])
        assert len(cache) == 6 and cache.is_complete
    with pytest.raises(ArgumentError, match="made of another sequence") as caught:
        attention(x, memory[:, :4], memory[:, :4], cache=cache)
    assert caught.value.code == "cache-mismatch"
    with pytest.raises(ArgumentError, match="holds the keys of another sequence") as caught:  # of the same shape
        attention(x, memory + 1, memory + 1, cache=cache)
    assert caught.value.code == "cache-of-another"
    equal = mx.array(to_numpy(memory))  # another array of the same numbers
    assert_close(attention(x, equal, equal, cache=cache), wanted)


def test_reordered_beams_continue_from_their_own_past():
    attention, x = layer(), mx.array(numbers(3, 4, 16))
    cache = KVCache()
    past = x[:, :3]
    attention(past, past, past, "causal", cache=cache)
    order = [2, 2, 0]
    cache.reorder(mx.array(order))
    rows = mx.array(to_numpy(x)[order])
    last = rows[:, 3:]
    assert_close(
        attention(last, last, last, "causal", cache=cache), to_numpy(attention(rows, rows, rows, "causal"))[:, 3:]
    )


def test_truncating_forgets_the_end():
    attention, x = layer(), mx.array(numbers(1, 5, 16))
    cache = KVCache()
    attention(x, x, x, "causal", cache=cache)
    before = [to_numpy(part) for part in cache.fetch()]
    cache.truncate(9)
    assert len(cache) == 5
    cache.truncate(2)
    assert len(cache) == 2
    for kept, whole in zip(cache.fetch(), before, strict=True):
        assert_bit_equal(kept, whole[:, :, :2])
    cache.truncate(0)
    assert len(cache) == 0
    assert_close(attention(x, x, x, "causal", cache=cache), attention(x, x, x, "causal"))


def test_what_is_stored_is_two_numbers_per_kv_head_dim_and_token():
    for kv_heads in (4, 2, 1):
        cache, x = KVCache(), mx.array(numbers(1, 5, 16))
        layer(num_kv_heads=kv_heads)(x, x, x, "causal", cache=cache)
        assert sum(part.size for part in cache.fetch()) == 2 * kv_heads * 4 * 5


def test_bad_input_is_named():
    cache = KVCache()
    with pytest.raises(ArgumentError, match="run the layer once") as caught:
        cache.fetch()
    assert caught.value.code == "cache-empty"
    cache.reorder(mx.array([0]))  # nothing to reorder yet
    cache.update(mx.zeros((1, 2, 3, 4)), mx.zeros((1, 2, 3, 5)))  # values may be of another width
    for keys in [(2, 2, 1, 4), (1, 1, 1, 4), (1, 2, 1, 5)]:
        with pytest.raises(ArgumentError, match="one layer and one batch") as caught:
            cache.update(mx.zeros(keys), mx.zeros((*keys[:3], 5)))
        assert caught.value.code == "cache-mismatch"
    with pytest.raises(ArgumentError, match="same batch, heads and time"):
        cache.update(mx.zeros((1, 2, 1, 4)), mx.zeros((1, 2, 2, 5)))
    with pytest.raises(ArgumentError, match="at least 0"):
        cache.truncate(-1)
    assert len(cache) == 3


def test_a_repr_is_one_line_without_values():
    cache = KVCache(static=True)
    assert repr(cache) == "KVCache(empty, static)"
    cache.update(mx.zeros((1, 2, 3, 4)), mx.zeros((1, 2, 3, 5)))
    assert repr(cache) == "KVCache(3 tokens: float32 [1, 2, 3, 4], float32 [1, 2, 3, 5], static)"
