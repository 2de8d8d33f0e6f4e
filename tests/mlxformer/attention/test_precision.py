"""Attention in 16 bits, at 8,192 keys, at ±1,000 and ±1e30, and beside what is not a number: against float64."""

from __future__ import annotations

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.attention.functional import attend
from mlxformer.attention.linear import LinearAttentionState
from mlxformer.attention.scores import attend_with_scores, cosine_scores, scaled_dot_scores, weights_from_scores
from mlxformer.attention.softmax_one import softmax_one
from mlxformer.backend import mx, nn, to_numpy
from mlxformer.teaching.online_softmax import blockwise_attention

HALVES = ["float16", *(["bfloat16"] if mf.backend.name == "mlx" else [])]
DTYPES = [*HALVES, "float32"]
UNIT = {"float16": 2.0**-11, "bfloat16": 2.0**-8, "float32": 2.0**-24}
LENGTHS = (1, 7, 512, 8192)


def arrays(dtype: str, *shapes: tuple[int, ...], size: float = 1.0, seed: int = 0) -> list[mx.array]:
    generator = np.random.default_rng(seed)
    return [
        mx.array((size * generator.standard_normal(s)).astype(np.float32)).astype(getattr(mx, dtype)) for s in shapes
    ]


def exactly(x: mx.array) -> np.ndarray:
    return to_numpy(x).astype(np.float64)


def reference(q, k, v, *, scale=None, bias=0.0, sinks=None, mask=None) -> np.ndarray:
    """In float64; an exponent beyond it is one-hot all the same."""
    q, k, v = map(exactly, (q, k, v))
    k, v = (np.repeat(x, q.shape[1] // x.shape[1], axis=1) for x in (k, v))
    scores = q @ k.swapaxes(-1, -2) * (q.shape[-1] ** -0.5 if scale is None else scale) + bias
    if mask is not None:
        scores = np.where(mask, scores, -np.inf)
    extra = (
        np.full((*scores.shape[:-1], 1), -np.inf)
        if sinks is None
        else np.broadcast_to(sinks.reshape(1, -1, 1, 1), (*scores.shape[:-1], 1))
    )
    top = np.maximum(scores.max(-1, keepdims=True), extra)
    powers = np.exp(scores - top)
    return powers / (powers.sum(-1, keepdims=True) + np.exp(extra - top)) @ v


PATHS = ["fused", "traced", "biased", "sinks", "blockwise"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("length", LENGTHS)
@pytest.mark.parametrize("dtype", DTYPES)
def test_heads_are_those_of_float64(dtype: str, length: int, path: str) -> None:
    kv_heads = 2 if path == "blockwise" else 1
    for size in (1.0, 40.0, 1000.0):
        q, k, v = arrays(
            dtype, (1, 2, 3, 8), (1, kv_heads, length, 8), (1, kv_heads, length, 8), size=size, seed=length
        )
        bias = mx.array(np.linspace(-3, 3, length, dtype=np.float32)[None]).astype(q.dtype)
        sinks = mx.array(np.float32([0.5, 2.0])).astype(q.dtype)
        more = {}
        if path == "biased":
            more, wanted = {"bias": bias}, reference(q, k, v, bias=exactly(bias))
        elif path == "sinks":
            more, wanted = {"sinks": sinks}, reference(q, k, v, sinks=exactly(sinks))
        else:
            wanted = reference(q, k, v)
        if path == "traced":
            with mf.trace() as steps:
                got = mf.scaled_dot_product_attention(q, k, v)
            for name in ("scores", "scaled", "weights"):
                assert steps[name].value.dtype == np.float32
            np.testing.assert_allclose(steps["weights"].value.astype(np.float64).sum(-1), 1.0, atol=1e-5)
        elif path == "blockwise":
            got = blockwise_attention(q, k, v)
        else:
            got = mf.scaled_dot_product_attention(q, k, v, **more)
        assert got.dtype == q.dtype
        error = np.abs(exactly(got) - wanted).max() / np.abs(exactly(v)).max()
        # What is left is rounding of the output, and float32's of scores as large as size².
        allowed = 2 * UNIT[dtype] + 2e-7 * (1 + size**2 * 2)
        print(f"{dtype:9} {path:9} {length:5} keys, ±{size:<6g} error {error:.2e} of {allowed:.1e}")
        assert error <= min(allowed, 0.5)


@pytest.mark.parametrize("dtype", DTYPES)
def test_weights_of_zeros_are_shared_evenly(dtype: str) -> None:
    q, k = (mx.zeros((1, 1, 1, 8), dtype=getattr(mx, dtype)), mx.zeros((1, 1, 8192, 8), dtype=getattr(mx, dtype)))
    for weights in (
        mf.attention_weights(q, k),
        weights_from_scores(mx.zeros((1, 1, 1, 8192), dtype=q.dtype)),
        mf.attention_weights(q, k, bias=mx.zeros((1, 8192), dtype=q.dtype)),
    ):
        assert weights.dtype == q.dtype
        np.testing.assert_allclose(exactly(weights).sum(), 1.0, atol=1e-6)
    np.testing.assert_allclose(exactly(softmax_one(mx.zeros((8191,), dtype=q.dtype))).sum(), 8191 / 8192, atol=1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
def test_dropout_keeps_the_mean(dtype: str) -> None:
    """In training nothing is 1.14 times too large: ones come out as their expectation."""
    q, k = arrays(dtype, (1, 1, 16, 8), (1, 1, 4096, 8))
    v = mx.ones((1, 1, 4096, 8), dtype=k.dtype)
    heads = attend(q, k, v, dropout=nn.Dropout(0.1))
    assert heads.dtype == q.dtype
    assert abs(exactly(heads).mean() - 1.0) < 0.02


def test_float16_at_one_thousand_is_no_nan() -> None:
    q, k, v = arrays("float16", (1, 2, 4, 64), (1, 2, 9, 64), (1, 2, 9, 64), size=1000.0)
    with mf.trace() as steps:
        traced = mf.scaled_dot_product_attention(q, k, v)
    assert np.abs(steps["scores"].value).max() > 65504 and np.isfinite(steps["scores"].value).all()
    for got in (traced, mf.scaled_dot_product_attention(q, k, v)):
        np.testing.assert_allclose(exactly(got), reference(q, k, v), rtol=2e-3)


@pytest.mark.parametrize("path", ["fused", "traced", "biased", "masked", "sinks", "blockwise", "causal"])
def test_scores_beyond_float32_are_one_hot(path: str) -> None:
    for size in (1e15, 1e19, 1e25, 1e30):
        q, k, v = arrays("float32", (2, 2, 5, 8), (2, 2, 6, 8), (2, 2, 6, 8), size=size)
        allowed = np.tril(np.ones((5, 6), bool), 1) if path == "causal" else np.array([[1, 1, 1, 0, 1, 1]], bool)
        more = {}
        if path == "causal":
            more = {"mask": "causal"}
        elif path in ("masked", "blockwise"):
            more = {"mask": mx.array(allowed)}
        else:
            allowed = np.ones((1, 6), bool)
        if path == "biased":
            more = {"bias": mx.ones((1, 6))}
        if path == "sinks":
            more = {"sinks": mx.zeros((2,))}
        wanted = reference(q, k, v, mask=allowed, sinks=np.zeros(2) if path == "sinks" else None)

        def heads(q, k, v, more=more):
            if path == "traced":
                with mf.trace():
                    return mf.scaled_dot_product_attention(q, k, v)
            if path == "blockwise":
                return blockwise_attention(q, k, v, block_size=2, **more)
            return mf.scaled_dot_product_attention(q, k, v, **more)

        got = exactly(heads(q, k, v))
        np.testing.assert_allclose(got / size, wanted / size, rtol=1e-5)
        grads = mx.grad(lambda *x: mx.sum(heads(*x)), argnums=(0, 1, 2))(q, k, v) if path != "traced" else ()
        assert all(np.isfinite(to_numpy(g)).all() for g in grads)


def test_values_and_scores_to_1e30() -> None:
    scores = mx.array(np.float32([[[[1e30, -1e30, 0.0, 9e29]]]]))
    np.testing.assert_array_equal(to_numpy(weights_from_scores(scores)), [[[[1, 0, 0, 0]]]])
    np.testing.assert_array_equal(to_numpy(softmax_one(scores)), [[[[1, 0, 0, 0]]]])
    q, k, v = arrays("float32", (1, 1, 3, 8), (1, 1, 5, 8), (1, 1, 5, 8))
    huge = v * 1e30
    for got in (
        mf.scaled_dot_product_attention(q, k, huge),
        mf.scaled_dot_product_attention(q, k, huge, bias=mx.zeros((3, 5))),
    ):
        np.testing.assert_allclose(exactly(got) / 1e30, reference(q, k, v), atol=1e-6)


@pytest.mark.parametrize("temperature", [1e-300, 1e-40, 1e-3, 1.0, 1e3, 1e40, 1e300])
def test_temperatures(temperature: float) -> None:
    scores = np.float32([[[[0.5, 3.0, 2.5, -7.0], [-1e30, 5.0, 1e30, 0.0]]]])
    mask = np.array([[True, True, True, True], [True, True, False, True]])
    shifted = np.where(mask, scores.astype(np.float64), -np.inf)
    with np.errstate(over="ignore"):
        powers = np.exp((shifted - shifted.max(-1, keepdims=True)) / temperature)
    wanted = powers / powers.sum(-1, keepdims=True)
    got = weights_from_scores(mx.array(scores), temperature=temperature, mask=mx.array(mask))
    np.testing.assert_allclose(to_numpy(got), wanted, atol=1e-6)


def test_a_bias_of_minus_infinity_is_a_mask() -> None:
    """Over a whole row it gives zeros and zero gradients, as the boolean mask does (torch too)."""
    q, k, v = arrays("float32", (1, 2, 3, 4), (1, 2, 5, 4), (1, 2, 5, 4))
    allowed = np.array([[1, 1, 0, 1, 0], [0, 0, 0, 0, 0], [1, 1, 1, 1, 1]], bool)
    bias = mx.array(np.where(allowed, 0.0, -np.inf).astype(np.float32))

    def total(bias_or_mask):
        return lambda q, k, v: mx.sum(mx.square(mf.scaled_dot_product_attention(q, k, v, **bias_or_mask)))

    def run(bias_or_mask):
        grads = mx.grad(total(bias_or_mask), argnums=(0, 1, 2))(q, k, v)
        return [to_numpy(x) for x in (mf.scaled_dot_product_attention(q, k, v, **bias_or_mask), *grads)]

    for ours, masked in zip(run({"bias": bias}), run({"mask": mx.array(allowed)}), strict=True):
        np.testing.assert_allclose(ours, masked, atol=1e-6)
    by_bias = mx.grad(lambda b: mx.sum(mx.square(mf.scaled_dot_product_attention(q, k, v, bias=b))))(bias)
    assert np.isfinite(to_numpy(by_bias)).all() and not to_numpy(by_bias)[1].any()
    assert not to_numpy(mf.attention_weights(q, k, bias=bias))[0, :, 1].any()
    sunk = mf.scaled_dot_product_attention(q, k, v, bias=bias, sinks=mx.zeros((2,)))
    assert not to_numpy(sunk)[0, :, 1].any()


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("kind", ["padding", "by-head", "rows", "bias"])
@pytest.mark.parametrize("path", ["fused", "traced", "sinks", "blockwise"])
def test_what_nobody_sees_changes_nothing(path: str, kind: str, wrong: float) -> None:
    """Neither forward nor in a gradient, whatever a key and its value hold."""
    if kind == "bias" and path in ("fused", "blockwise"):
        pytest.skip("a bias always takes the explicit path")
    kv_heads = 4 if path == "blockwise" else 2
    q, k, v = arrays("float32", (2, 4, 3, 4), (2, kv_heads, 5, 4), (2, kv_heads, 5, 4))
    allowed = np.ones((2, 1, 1, 5), bool)
    allowed[0, ..., 3:] = False
    allowed[1, ..., :2] = False
    if kind == "by-head":
        allowed = np.repeat(allowed, 4, axis=1)
    if kind == "rows":
        allowed = np.repeat(allowed, 3, axis=2)
        allowed[0, 0, 1] = False
    more = (
        {"bias": mx.array(np.where(allowed, 0, -np.inf).astype(np.float32))}
        if kind == "bias"
        else {"mask": mx.array(allowed)}
    )
    if path == "sinks":
        more["sinks"] = mx.zeros((4,))
    unseen = ~allowed.any(axis=(1, 2))[:, None, :, None]
    dirty = [mx.array(np.where(unseen, wrong, to_numpy(x)).astype(np.float32)) for x in (k, v)]

    def heads(q, k, v):
        if path == "traced":
            with mf.trace():
                return mf.scaled_dot_product_attention(q, k, v, **more)
        if path == "blockwise":
            return blockwise_attention(q, k, v, block_size=2, **more)
        return mf.scaled_dot_product_attention(q, k, v, **more)

    np.testing.assert_array_equal(to_numpy(heads(q, *dirty)), to_numpy(heads(q, k, v)))
    for argnum in (0, 1, 2):
        gradient = mx.grad(lambda *x: mx.sum(mx.square(heads(*x))), argnums=argnum) if path != "traced" else None
        if gradient is not None:
            np.testing.assert_allclose(to_numpy(gradient(q, *dirty)), to_numpy(gradient(q, k, v)), atol=1e-6)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("length", [1, 512, 8192])
def test_linear_attention(dtype: str, length: int) -> None:
    q, k = arrays(dtype, (1, 1, 2, 4), (1, 1, length, 4))
    v = arrays(dtype, (1, 1, length, 4), size=100.0)[0]
    features = [np.where(x > 0, x + 1, np.exp(np.minimum(x, 0))) for x in map(exactly, (q, k))]
    weights = features[0] @ features[1].swapaxes(-1, -2)
    wanted = weights / weights.sum(-1, keepdims=True) @ exactly(v)
    got = mf.linear_attention(q, k, v)
    assert got.dtype == q.dtype
    np.testing.assert_allclose(exactly(got), wanted, atol=100 * (UNIT[dtype] * 2 + 1e-5))
    masked = mf.linear_attention(q, k, v, mask=mx.ones((2, length)) > 0)
    np.testing.assert_allclose(exactly(masked), wanted, atol=100 * (UNIT[dtype] * 2 + 1e-5))


@pytest.mark.parametrize("dtype", HALVES)
def test_the_state_of_linear_attention_counts_on(dtype: str) -> None:
    """In float16 a sum of ones stops at 2,048: the mean of ones then was 0.5."""
    ones = mx.ones((1, 1, 600, 2), dtype=getattr(mx, dtype))
    state = LinearAttentionState()
    for _ in range(5):
        y = state.update(ones, ones, ones)
    assert y.dtype == ones.dtype and state.total is not None
    np.testing.assert_array_equal(exactly(y), 1.0)
    np.testing.assert_array_equal(exactly(state.total), 2.0 * 3000)


@pytest.mark.parametrize("dtype", DTYPES)
def test_scores_of_other_kinds(dtype: str) -> None:
    q, k = arrays(dtype, (1, 1, 3, 64), (1, 1, 5, 64), size=1000.0)
    wide_q, wide_k = exactly(q), exactly(k)
    products = wide_q @ wide_k.swapaxes(-1, -2)
    np.testing.assert_allclose(exactly(scaled_dot_scores(q, k)), products / 8, rtol=1e-4, atol=20)
    lengths = np.linalg.norm(wide_q, axis=-1)[..., None] * np.linalg.norm(wide_k, axis=-1)[..., None, :]
    np.testing.assert_allclose(exactly(cosine_scores(q, k)), products / lengths, atol=1e-5)
    if dtype == "float32":
        for size in (1e-30, 1e30):
            np.testing.assert_allclose(exactly(cosine_scores(q * size, k)), products / lengths, atol=1e-5)
    v = arrays(dtype, (1, 1, 5, 4))[0]
    assert attend_with_scores(scaled_dot_scores(q, k), v).dtype == v.dtype
