"""Rotary positions: RoFormer's rotation, pair by pair, in both layouts; distance alone decides a score."""

from __future__ import annotations

import numpy as np
import pytest

from mlxformer.attention.cache import KVCache
from mlxformer.attention.multi_head import MultiHeadAttention
from mlxformer.backend import mx, to_numpy
from mlxformer.errors import ArgumentError
from mlxformer.positions import RotaryEmbedding
from tests.mlxformer.comparing import assert_bit_equal, assert_close, assert_gradients, numbers
from tests.mlxformer.references import attention_loop


def by_hand(x: np.ndarray, offset: int, layout: str, dims: int, base: float = 10_000.0) -> np.ndarray:
    """Every pair of every token turned by its own 2 x 2 matrix, in float64."""
    y = x.astype(np.float64)
    for position in range(x.shape[2]):
        for pair in range(dims // 2):
            first, second = (2 * pair, 2 * pair + 1) if layout == "interleaved" else (pair, pair + dims // 2)
            angle = (position + offset) * base ** (-2 * pair / dims)
            turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
            y[:, :, position, [first, second]] = y[:, :, position, [first, second]] @ turn.T
    return y


@pytest.mark.parametrize("layout", ["interleaved", "halves"])
@pytest.mark.parametrize(("offset", "rotary_dims"), [(0, 8), (3, 8), (1000, 8), (2, 4)])
def test_each_pair_is_turned_by_its_angle(layout, offset, rotary_dims):
    x = numbers(2, 3, 5, 8)
    rope = RotaryEmbedding(8, layout=layout, rotary_dims=rotary_dims)
    ours = rope(mx.array(x), offset=offset)
    assert ours.dtype == mx.float32
    assert_close(ours, by_hand(x, offset, layout, rotary_dims), tolerance=1e-6)


def test_llama_in_transformers_has_the_halves():
    torch = pytest.importorskip("torch", reason="compares with transformers' Llama")
    llama = pytest.importorskip("transformers.models.llama.modeling_llama", reason="compares with transformers")
    q, k = numbers(2, 4, 9, 64, seed=1), numbers(2, 4, 9, 64, seed=2)
    angles = torch.arange(9)[:, None] * 500_000.0 ** (-torch.arange(0, 64, 2) / 64)
    angles = torch.cat([angles, angles], dim=-1)[None]
    theirs = llama.apply_rotary_pos_emb(torch.tensor(q), torch.tensor(k), angles.cos(), angles.sin())
    rope = RotaryEmbedding(64, layout="halves", base=500_000.0)
    for ours, wanted in zip((rope(mx.array(q)), rope(mx.array(k))), theirs, strict=True):
        assert_close(ours, wanted)


@pytest.mark.parametrize(("layout", "traditional"), [("interleaved", True), ("halves", False)])
def test_mlx_rope_has_the_same_layouts(layout, traditional):
    mlx = pytest.importorskip("mlx.core", reason="MLX is not installed")
    x = numbers(1, 2, 6, 16)
    theirs = mlx.fast.rope(mlx.array(x), 12, traditional=traditional, base=10_000.0, scale=0.5, offset=7)
    ours = RotaryEmbedding(16, layout=layout, rotary_dims=12, scale=0.5)(mx.array(x), offset=7)
    assert_close(ours, np.array(theirs))


def test_far_positions_are_exact_where_float32_angles_are_not():
    mlx = pytest.importorskip("mlx.core", reason="MLX is not installed")
    x = numbers(1, 1, 1, 64)
    exact = by_hand(x, 100_000, "interleaved", 64)
    assert_close(RotaryEmbedding(64)(mx.array(x), offset=100_000), exact, tolerance=1e-6)
    theirs = np.array(mlx.fast.rope(mlx.array(x), 64, traditional=True, base=10_000.0, scale=1.0, offset=100_000))
    assert 1e-3 < np.abs(theirs - exact).max() < 2e-2  # what the docstring says of mx.fast.rope


@pytest.mark.parametrize("layout", ["interleaved", "halves"])
def test_scores_depend_on_the_distance_alone(layout):
    rope = RotaryEmbedding(64, layout=layout)
    q, k = mx.array(numbers(1, 1, 1, 64, seed=3)), mx.array(numbers(1, 1, 1, 64, seed=4))
    scores = [float(to_numpy(mx.sum(rope(q, offset=start + 5) * rope(k, offset=start)))) for start in (0, 1, 77, 5000)]
    np.testing.assert_allclose(scores, scores[0], atol=1e-5 * max(1, abs(scores[0])))


def test_lengths_are_kept_and_position_zero_is_untouched():
    x = numbers(2, 2, 7, 32)
    y = to_numpy(RotaryEmbedding(32)(mx.array(x)))
    np.testing.assert_allclose(np.linalg.norm(y, axis=-1), np.linalg.norm(x, axis=-1), rtol=1e-6)
    assert_bit_equal(y[:, :, 0], x[:, :, 0])


def test_half_precision_is_turned_in_single():
    x = numbers(1, 2, 4, 8).astype(np.float16)
    y = RotaryEmbedding(8)(mx.array(x), offset=2000)
    assert y.dtype == mx.float16
    assert_close(y, by_hand(x, 2000, "interleaved", 8), tolerance=2e-3)


def test_gradients_through_the_rotation():
    rope = RotaryEmbedding(6, layout="interleaved", rotary_dims=4)
    wanted = mx.array(numbers(1, 2, 3, 6, seed=9))
    assert_gradients(lambda x: mx.sum(rope(x, offset=2) * wanted), [numbers(1, 2, 3, 6)])


@pytest.mark.parametrize("options", [{}, {"tie": "kv"}, {"tie": "qkv"}, {"num_kv_heads": 1}])
def test_attention_turns_queries_and_keys_and_leaves_values(options):
    mx.random.seed(0)
    layer = MultiHeadAttention(16, 2, rope=RotaryEmbedding(8), **options)
    x = numbers(2, 5, 16)

    def split(projection, heads):
        y = x.astype(np.float64) @ to_numpy(projection.weight).T + to_numpy(projection.bias)
        return np.stack([y[:, :, 8 * h : 8 * h + 8] for h in range(heads)], axis=1)

    key_proj = layer.query_proj if options.get("tie") == "qkv" else layer.key_proj
    value_proj = key_proj if "tie" in options else layer.value_proj
    q = by_hand(split(layer.query_proj, 2), 0, "interleaved", 8)
    k = by_hand(split(key_proj, layer.num_kv_heads), 0, "interleaved", 8)
    heads, _ = attention_loop(q, k, split(value_proj, layer.num_kv_heads))
    joined = np.concatenate([heads[:, 0], heads[:, 1]], axis=-1)
    wanted = joined @ to_numpy(layer.out_proj.weight).T + to_numpy(layer.out_proj.bias)
    assert_close(layer(*[mx.array(x)] * 3), wanted)


def test_attention_with_rope_is_the_same_with_a_cache():
    mx.random.seed(0)
    layer = MultiHeadAttention(16, 2, rope=RotaryEmbedding(8, layout="halves"))
    x = mx.array(numbers(2, 6, 16))
    whole = to_numpy(layer(x, x, x, "causal"))
    cache = KVCache()
    parts = []
    for start, stop in [(0, 3), (3, 4), (4, 6)]:
        part = x[:, start:stop]
        parts.append(to_numpy(layer(part, part, part, "causal", cache=cache)))
    assert_close(np.concatenate(parts, axis=1), whole)


def test_bad_input_is_named():
    for make, code in [
        (lambda: RotaryEmbedding(7), "rotary-dims"),
        (lambda: RotaryEmbedding(8, rotary_dims=3), "rotary-dims"),
        (lambda: RotaryEmbedding(8, rotary_dims=10), "rotary-dims"),
        (lambda: RotaryEmbedding(8, layout="neox"), "unknown-choice"),
        (lambda: RotaryEmbedding(8)(mx.zeros((1, 2, 3, 6))), "wrong-shape"),
        (lambda: RotaryEmbedding(8)(mx.zeros((2, 3, 8))), "wrong-shape"),
        (lambda: RotaryEmbedding(8)(np.zeros((1, 2, 3, 8), np.float32)), "not-an-array"),
        (lambda: RotaryEmbedding(8)(mx.zeros((1, 2, 3, 8)), offset=-1), "offset-negative"),
    ]:
        with pytest.raises(ArgumentError) as caught:
            make()
        assert caught.value.code == code
