"""A softmax with one more term: a key without a value; and attention, its cache and its mask with it."""

from __future__ import annotations

import numpy as np
import pytest

import mlxformer as mf
from mlxformer import backend
from mlxformer.attention.softmax_one import softmax_one
from mlxformer.backend import mx, to_numpy
from tests.mlxformer.comparing import assert_close, assert_gradients, numbers

SINKS = np.array([0.0, 1.5, -2.0], np.float32)


def by_hand(x: np.ndarray, extra: float) -> np.ndarray:
    powers = np.exp(x.astype(np.float64))
    return powers / (np.exp(extra) + powers.sum(-1, keepdims=True))


@pytest.mark.parametrize("extra", [0.0, -3.0, 4.0])
def test_against_the_formula(extra: float) -> None:
    x = numbers(3, 4, 5, scale=2)
    assert_close(softmax_one(mx.array(x), extra), by_hand(x, extra))
    last = softmax_one(mx.array(x.transpose(2, 0, 1).copy()), extra, axis=0)
    assert_close(last, by_hand(x, extra).transpose(2, 0, 1))
    assert softmax_one(mx.array(x), extra).dtype == mx.float32


def test_extremes_do_not_overflow() -> None:
    x = mx.array(np.array([[1e4, 0.0], [-1e4, -1e4], [np.finfo(np.float32).min] * 2], np.float32))
    assert_close(softmax_one(x), np.array([[1.0, 0.0], [0.0, 0.0], [0.0, 0.0]], np.float32))


def test_a_softmax_ignores_a_shift_and_this_does_not() -> None:
    x = numbers(4, 6)
    total = np.exp(x.astype(np.float64)).sum(-1)
    for shift in (-5.0, 0.0, 3.0):
        moved = mx.array(x + np.float32(shift))
        sums = to_numpy(softmax_one(moved)).sum(-1)
        np.testing.assert_allclose(sums, total * np.exp(shift) / (1 + total * np.exp(shift)), rtol=1e-5)
        assert_close(mx.softmax(moved, axis=-1), mx.softmax(mx.array(x), axis=-1))


def test_gradients() -> None:
    slope = mx.array(numbers(3, 5, seed=9))
    assert_gradients(lambda x, c: mx.sum(softmax_one(x, c) * slope), [numbers(3, 5), numbers(3, 1, seed=1)])


@pytest.mark.parametrize("mask", [None, "causal"])
def test_attention_is_a_softmax_with_a_key_more(mask: str | None) -> None:
    """The key more: its score is the sink, its value zero."""
    q, k, v = (numbers(2, 3, 5, 4, seed=seed) for seed in range(3))
    scores = q.astype(np.float64) @ k.swapaxes(-1, -2) / 2
    if mask:
        scores = np.where(np.tril(np.ones((5, 5), bool)), scores, -np.inf)
    scores = np.concatenate([scores, np.broadcast_to(SINKS.reshape(1, 3, 1, 1), (2, 3, 5, 1))], axis=-1)
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    weights = powers / powers.sum(-1, keepdims=True)
    wanted = weights @ np.concatenate([v, np.zeros((2, 3, 1, 4))], axis=2)
    arrays, sinks = [mx.array(x) for x in (q, k, v)], mx.array(SINKS)
    assert_close(mf.scaled_dot_product_attention(*arrays, mask=mask, sinks=sinks), wanted)
    assert_close(mf.attention_weights(*arrays[:2], mask=mask, sinks=sinks), weights[..., :-1])
    if backend.name == "mlx":
        assert_close(mx.fast.scaled_dot_product_attention(*arrays, scale=0.5, mask=mask, sinks=sinks), wanted)


def test_grouped_heads_have_a_sink_each() -> None:
    q, k, v = (
        mx.array(numbers(1, 4, 5, 4)),
        mx.array(numbers(1, 2, 5, 4, seed=1)),
        mx.array(numbers(1, 2, 5, 4, seed=2)),
    )
    sinks = mx.array(numbers(4, seed=3))
    whole = mf.scaled_dot_product_attention(q, mx.repeat(k, 2, axis=1), mx.repeat(v, 2, axis=1), sinks=sinks)
    assert_close(mf.scaled_dot_product_attention(q, k, v, sinks=sinks), whole)


def test_gradients_of_the_sinks() -> None:
    q, k, v = (mx.array(numbers(2, 3, 5, 4, seed=seed)) for seed in range(3))
    slope = mx.array(numbers(2, 3, 5, 4, seed=9))

    def loss(sinks):
        return mx.sum(mf.scaled_dot_product_attention(q, k, v, mask="causal", sinks=sinks) * slope)

    assert_gradients(loss, [SINKS])


@pytest.mark.parametrize("sinks", ["one", "learned"])
def test_the_layer(sinks) -> None:
    mx.random.seed(0)
    layer, x = mf.MultiHeadAttention(8, 2, sinks=sinks), mx.array(numbers(1, 5, 8))
    with mf.trace() as steps:
        layer(x, x, x, "causal")
    sums = steps["weights"].value.sum(-1)
    assert (sums < 1).all() and (sums > 0).all()
    plain = mf.MultiHeadAttention(8, 2)
    learned = {name for name in layer.parameters() if name == "sinks"}
    assert learned == ({"sinks"} if sinks == "learned" else set()) and "sinks" not in plain.parameters()
    if sinks == "learned":
        layer.sinks = mx.full((2,), -50.0)  # exp(-50): a plain softmax
        with mf.trace() as steps:
            layer(x, x, x, "causal")
        np.testing.assert_allclose(steps["weights"].value.sum(-1), 1, atol=1e-6)


@pytest.mark.parametrize(
    ("queries", "keys", "window", "first"), [(6, 6, 2, 1), (6, 6, 3, 0), (2, 6, 1, 2), (5, 5, 9, 9)]
)
def test_every_cell_of_the_streaming_mask(queries: int, keys: int, window: int, first: int) -> None:
    found = to_numpy(mf.masks.streaming(queries, keys, window, first))
    for row in range(queries):
        place = row + keys - queries
        for key in range(keys):
            assert found[row, key] == (key <= place and (key < first or key > place - window))


@pytest.mark.parametrize(("window", "first"), [(3, 0), (3, 1), (1, 2), (20, 0)])
def test_evicting_is_the_streaming_mask(window: int, first: int) -> None:
    """Two layers: what an evicted token gave to later ones before it went is kept in both."""
    mx.random.seed(0)
    stack, x = mf.CausalStack(2, 8, 2, 16), mx.array(numbers(2, 12, 8))
    whole = stack(x, mf.masks.streaming(12, 12, window, first))
    cache, parts = stack.make_cache(), []
    for token in range(12):
        for layer in cache.layers:
            layer.self_attention.evict(first, window - 1)
        parts.append(to_numpy(stack(x[:, token : token + 1], None, cache=cache)))
        assert len(cache) == min(token + 1, first + window)
    assert_close(np.concatenate(parts, axis=1), whole)


def test_evicting_everything_and_nothing() -> None:
    cache = mf.KVCache()
    cache.evict(0, 0)
    k = mx.array(numbers(1, 1, 5, 2))
    cache.update(k, k)
    cache.evict(3, 2)
    assert len(cache) == 5
    cache.evict(1, 1)
    assert_close(cache.fetch()[0], to_numpy(k)[:, :, [0, 4]])
    cache.evict(0, 0)
    assert len(cache) == 0


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda: softmax_one(np.zeros(3)), "not-an-array"),
        (lambda: softmax_one(mx.zeros((2, 3)), mx.zeros((2, 3))), "softmax-extra"),
        (lambda: mf.MultiHeadAttention(8, 2, sinks=True), "unknown-choice"),
        (lambda: mf.masks.streaming(4, 4, 0, 1), "not-positive"),
        (lambda: mf.masks.streaming(4, 4, 1, -1), "window-negative"),
        (lambda: mf.KVCache().evict(-1, 2), "cache-length"),
        (lambda: mf.attention_weights(*[mx.zeros((1, 2, 3, 4))] * 2, sinks=mx.zeros((3,))), "wrong-shape"),
        (lambda: mf.attention_weights(*[mx.zeros((1, 2, 3, 4))] * 2, sinks=[0.0, 0.0]), "not-an-array"),
    ],
)
def test_bad_input_is_refused(call, code: str) -> None:
    with pytest.raises(mf.ArgumentError) as caught:
        call()
    assert caught.value.code == code
