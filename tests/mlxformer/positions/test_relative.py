"""What is added to the scores for distance: ALiBi, T5's buckets, Shaw's keys."""

from __future__ import annotations

import numpy as np
import pytest

from mlxformer.attention.cache import KVCache
from mlxformer.attention.functional import scaled_dot_product_attention
from mlxformer.attention.multi_head import MultiHeadAttention
from mlxformer.backend import mx, to_numpy
from mlxformer.errors import ArgumentError
from mlxformer.positions import (
    RelativeKeys,
    T5RelativeBias,
    alibi_bias,
    alibi_slopes,
    relative_positions,
    t5_buckets,
)
from mlxformer.tracing import trace
from tests.mlxformer.comparing import assert_bit_equal, assert_close, assert_gradients, numbers


def test_the_last_query_stands_beside_the_last_key():
    np.testing.assert_array_equal(relative_positions(2, 4), [[-2, -1, 0, 1], [-3, -2, -1, 0]])


# ALiBi


def test_slopes_of_a_power_of_two_are_the_papers():
    np.testing.assert_array_equal(alibi_slopes(8), [2.0**-n for n in range(1, 9)])
    np.testing.assert_allclose(alibi_slopes(16), [2.0 ** (-n / 2) for n in range(1, 17)], rtol=1e-15)
    np.testing.assert_array_equal(alibi_slopes(1), [2.0**-8])


@pytest.mark.parametrize("heads", [1, 2, 3, 6, 7, 8, 12, 40])
def test_slopes_agree_with_bloom_and_mlx(heads):
    mlx_nn = pytest.importorskip("mlx.nn", reason="MLX is not installed")
    np.testing.assert_allclose(alibi_slopes(heads), np.array(mlx_nn.ALiBi.create_alibi_slope(heads)).ravel(), rtol=1e-6)
    torch = pytest.importorskip("torch", reason="compares with transformers' BLOOM")
    bloom = pytest.importorskip("transformers.models.bloom.modeling_bloom", reason="compares with transformers")
    theirs = bloom.build_alibi_tensor(torch.ones(1, 5), heads, torch.float32).numpy()  # [H, 1, 5]: m_h · j
    np.testing.assert_allclose(alibi_slopes(heads), theirs[:, 0, 1], rtol=1e-6)


def test_the_bias_is_minus_slope_times_distance_and_toeplitz():
    bias = to_numpy(alibi_bias(3, 4, 6))
    assert bias.dtype == np.float32 and bias.shape == (1, 3, 4, 6)
    slopes = alibi_slopes(3)
    for head in range(3):
        for row in range(4):
            for column in range(6):
                assert bias[0, head, row, column] == np.float32(-slopes[head] * abs(row + 2 - column))
        for diagonal in range(-3, 6):
            assert len(set(np.diagonal(bias[0, head], diagonal))) == 1


def test_one_query_with_a_cache_gets_the_last_row():
    assert_bit_equal(alibi_bias(4, 1, 9), to_numpy(alibi_bias(4, 9, 9))[:, :, -1:])


# T5


@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize(("buckets", "far"), [(32, 128), (32, 20), (8, 16), (64, 1000)])
def test_buckets_are_those_of_t5_in_transformers(bidirectional, buckets, far):
    torch = pytest.importorskip("torch", reason="compares with transformers' T5")
    t5 = pytest.importorskip("transformers.models.t5.modeling_t5", reason="compares with transformers")
    relative = np.arange(-3000, 3001, dtype=np.int32)
    theirs = t5.T5Attention._relative_position_bucket(torch.tensor(relative), bidirectional, buckets, far)
    ours = t5_buckets(relative, num_buckets=buckets, max_distance=far, bidirectional=bidirectional)
    assert ours.dtype == np.int32
    np.testing.assert_array_equal(ours, theirs.numpy())


def test_near_distances_have_a_bucket_each_and_far_ones_share():
    np.testing.assert_array_equal(t5_buckets(np.array([0, -1, -7, 1, 7])), [0, 1, 7, 17, 23])
    np.testing.assert_array_equal(t5_buckets(np.array([-128, -129, -9999])), [15, 15, 15])
    np.testing.assert_array_equal(t5_buckets(np.array([3, 0, -15]), bidirectional=False), [0, 0, 15])


@pytest.mark.parametrize("decoder", [True, False])
def test_bias_is_that_of_t5_in_transformers(decoder):
    torch = pytest.importorskip("torch", reason="compares with transformers' T5")
    t5 = pytest.importorskip("transformers.models.t5.modeling_t5", reason="compares with transformers")
    from transformers import T5Config

    config = T5Config(d_model=16, num_heads=4, d_kv=4, is_decoder=decoder)
    theirs = t5.T5Attention(config, has_relative_attention_bias=True, layer_idx=0)
    with torch.no_grad():
        theirs.relative_attention_bias.weight.copy_(torch.tensor(numbers(32, 4)))
        wanted = theirs.compute_bias(40, 40)
    ours = T5RelativeBias(4, bidirectional=not decoder)
    ours.load_weights([("embedding.weight", mx.array(numbers(32, 4)))])
    assert_close(ours(40, 40), wanted, tolerance=0)
    assert_bit_equal(ours(1, 40), to_numpy(ours(40, 40))[:, :, -1:])


def test_t5_bias_learns_through_attention():
    bias = T5RelativeBias(2, num_buckets=8, max_distance=16)
    q, k, v = (mx.array(numbers(1, 2, 5, 4, seed=seed)) for seed in range(3))
    table = to_numpy(bias.embedding.weight)

    def loss(weight):
        bias.update({"embedding": {"weight": weight}})
        return mx.sum(scaled_dot_product_attention(q, k, v, bias=bias(5, 5)) ** 2)

    assert_gradients(loss, [table])


# Shaw


def shaw_by_hand(layer: MultiHeadAttention, x: np.ndarray, distances: np.ndarray, reach: int) -> np.ndarray:
    """Eq. 4 with a vector a_ij made for every pair, in float64 loops."""

    def project(linear, rows):
        return rows @ to_numpy(linear.weight).astype(np.float64).T + to_numpy(linear.bias)

    batch, length, dims = x.shape
    heads, width = layer.num_heads, layer.head_dim
    q, k, v = (project(p, x.astype(np.float64)) for p in (layer.query_proj, layer.key_proj, layer.value_proj))
    joined = np.zeros((batch, length, dims))
    for b in range(batch):
        for h in range(heads):
            part = slice(h * width, (h + 1) * width)
            for i in range(length):
                a = [distances[np.clip(j - i, -reach, reach) + reach] for j in range(length)]
                scores = np.array([q[b, i, part] @ (k[b, j, part] + a[j]) for j in range(length)]) / np.sqrt(width)
                weights = np.exp(scores - scores.max())
                joined[b, i, part] = (weights / weights.sum()) @ v[b, :, part]
    return project(layer.out_proj, joined)


def shaw_layer(reach: int = 2) -> MultiHeadAttention:
    mx.random.seed(0)
    layer = MultiHeadAttention(12, 3, relative_keys=RelativeKeys(4, reach))
    layer.relative_keys.load_weights([("distances.weight", mx.array(numbers(2 * reach + 1, 4, seed=8)))])
    return layer


def test_attention_with_relative_keys_is_equation_4():
    layer, x = shaw_layer(), numbers(2, 6, 12)
    y = layer(mx.array(x), mx.array(x), mx.array(x))
    assert y.dtype == mx.float32
    assert_close(y, shaw_by_hand(layer, x, numbers(5, 4, seed=8), 2))


def test_relative_keys_tell_order_where_plain_attention_cannot():
    plain, shaw = MultiHeadAttention(12, 3), shaw_layer()
    x = mx.array(np.repeat(numbers(1, 1, 12), 5, axis=1))  # one token, five times
    y = mx.array(numbers(1, 5, 12))
    for layer, tells in ((plain, False), (shaw, True)):
        rows = to_numpy(layer(x, x, y))
        assert bool(np.ptp(rows, axis=1).max() > 1e-3) is tells


def test_relative_keys_with_a_cache_and_under_a_trace():
    layer, x = shaw_layer(), mx.array(numbers(2, 6, 12))
    whole = to_numpy(layer(x, x, x, "causal"))
    cache, parts = KVCache(), []
    for token in range(6):
        part = x[:, token : token + 1]
        parts.append(to_numpy(layer(part, part, part, "causal", cache=cache)))
    assert_close(np.concatenate(parts, axis=1), whole)
    with trace() as steps:
        traced = layer(x, x, x, "causal")
    assert_bit_equal(traced, whole)
    assert "relative_keys.output" in steps and steps["biased"].value.shape == (2, 3, 6, 6)


def test_relative_keys_add_to_another_bias():
    layer, x = shaw_layer(), mx.array(numbers(1, 4, 12))
    with trace() as alone:
        layer(x, x, x)
    with trace() as both:
        layer(x, x, x, bias=alibi_bias(3, 4, 4))
    difference = both["biased"].value - alone["biased"].value
    assert_close(difference, np.broadcast_to(to_numpy(alibi_bias(3, 4, 4)), difference.shape))


def test_gradients_through_relative_keys():
    module = RelativeKeys(4, 2)
    wanted = mx.array(numbers(1, 2, 5, 5, seed=5))

    def loss(weight, q):
        module.update({"distances": {"weight": weight}})
        return mx.sum(module(q, 5) * wanted)

    assert_gradients(loss, [numbers(5, 4, seed=1), numbers(1, 2, 5, 4, seed=2)])


def test_bad_input_is_named():
    for make, code in [
        (lambda: alibi_bias(0, 2, 2), "not-positive"),
        (lambda: alibi_bias(2, 0, 2), "not-positive"),
        (lambda: T5RelativeBias(2, num_buckets=30), "buckets-not-divisible"),
        (lambda: T5RelativeBias(2, num_buckets=3, bidirectional=False), "buckets-not-divisible"),
        (lambda: T5RelativeBias(2, num_buckets=32, max_distance=8), "max-distance"),
        (lambda: RelativeKeys(4, 0), "not-positive"),
        (lambda: RelativeKeys(4, 2)(mx.zeros((1, 2, 3, 5)), 3), "wrong-shape"),
    ]:
        with pytest.raises(ArgumentError) as caught:
            make()
        assert caught.value.code == code
