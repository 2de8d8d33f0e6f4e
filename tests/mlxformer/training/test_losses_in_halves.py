"""The losses and means of 16-bit numbers, at the sizes where their sums leave 16 bits: against float64."""

from __future__ import annotations

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.backend import mx, to_numpy
from mlxformer.errors import ArgumentError
from mlxformer.models.bert.pooling import POOLINGS, pool
from mlxformer.teaching.quantization import dequantize, quantize
from mlxformer.training.contrastive import cosine_scores, info_nce
from mlxformer.training.preferences import dpo_loss, group_advantages, grpo_loss

HALVES = ["float16", *(["bfloat16"] if mf.backend.name == "mlx" else [])]


def half(dtype: str, *shape: int, size: float = 1.0) -> mx.array:
    numbers = np.random.default_rng(0).standard_normal(shape).astype(np.float32)
    return mx.array(size * numbers).astype(getattr(mx, dtype))


def log_softmax(x: np.ndarray) -> np.ndarray:
    x = x - x.max(-1, keepdims=True)
    return x - np.log(np.exp(x).sum(-1, keepdims=True))


@pytest.mark.parametrize("dtype", HALVES)
def test_label_smoothing_at_the_vocabulary_of_marian(dtype: str) -> None:
    logits = half(dtype, 1, 3, 58101, size=5.0)
    targets = np.array([[5, 58100, 77]])
    log_p = log_softmax(to_numpy(logits).astype(np.float64))
    right = np.take_along_axis(log_p, targets[..., None], -1)[..., 0]
    wanted = -(0.9 * right + 0.1 * log_p.mean(-1)).mean()
    loss = mf.label_smoothed_cross_entropy(logits, mx.array(targets.astype(np.int32)))
    assert loss.dtype == mx.float32
    np.testing.assert_allclose(float(loss), wanted, rtol=1e-5)


@pytest.mark.parametrize("dtype", HALVES)
def test_masked_language_model_at_8192_tokens(dtype: str) -> None:
    logits = half(dtype, 1, 8192, 20, size=5.0)
    labels = np.random.default_rng(1).integers(0, 20, (1, 8192))
    wanted = -np.take_along_axis(log_softmax(to_numpy(logits).astype(np.float64)), labels[..., None], -1).mean()
    loss = mf.masked_language_model_loss(logits, labels, np.ones((1, 8192), bool))
    assert loss.dtype == mx.float32
    np.testing.assert_allclose(float(loss), wanted, rtol=1e-5)


@pytest.mark.parametrize("how", POOLINGS)
@pytest.mark.parametrize("dtype", HALVES)
def test_pooling_of_8192_tokens(dtype: str, how: str) -> None:
    hidden = mx.full((1, 8192, 2), 8.5).astype(getattr(mx, dtype))
    for mask in (None, mx.array(np.arange(8192)[None] < 8000)):
        pooled = pool(hidden, mask, how)
        assert pooled.dtype == hidden.dtype
        np.testing.assert_array_equal(to_numpy(pooled), 8.5)


@pytest.mark.parametrize("dtype", HALVES)
def test_contrastive_scores_of_long_vectors(dtype: str) -> None:
    """|x|² is 384 · 400 = 153,600, beyond float16."""
    x = half(dtype, 6, 384, size=20.0)
    wide = to_numpy(x).astype(np.float64)
    unit = wide / np.linalg.norm(wide, axis=-1, keepdims=True)
    scores = cosine_scores(x, x, 0.05)
    assert scores.dtype == info_nce(x, x).dtype == mx.float32
    np.testing.assert_allclose(to_numpy(scores), unit @ unit.T / 0.05, atol=1e-4)
    np.testing.assert_allclose(float(info_nce(x, x)), -np.diag(log_softmax(unit @ unit.T / 0.05)).mean(), atol=1e-5)


@pytest.mark.parametrize("dtype", HALVES)
def test_preferences_of_large_rewards_and_long_answers(dtype: str) -> None:
    rewards = half(dtype, 2, 8, size=500.0)
    wide = to_numpy(rewards).astype(np.float64)
    centered = wide - wide.mean(-1, keepdims=True)
    found = group_advantages(rewards)
    np.testing.assert_allclose(to_numpy(found), centered / (wide.std(-1, keepdims=True) + 1e-4), rtol=1e-5)
    new, mask = half(dtype, 2, 4099, size=0.3), mx.ones((2, 4099), dtype=mx.bool_)  # 4,099 tokens are no float16
    z, a = to_numpy(new).astype(np.float64), np.array([1.0, -0.5])
    gain = np.minimum(np.exp(z) * a[:, None], np.exp(z).clip(0.8, 1.2) * a[:, None])
    wanted = -(gain - 0.04 * (np.exp(-z) + z - 1)).mean()
    zeros = mx.zeros((2, 4099)).astype(new.dtype)
    loss = grpo_loss(new, zeros, zeros, mx.array(a.astype(np.float32)).astype(new.dtype), mask)
    assert loss.dtype == mx.float32
    np.testing.assert_allclose(float(loss), wanted, rtol=1e-5)
    pairs = [half(dtype, 3, size=size) for size in (30.0, 20.0, 10.0, 5.0)]
    better, worse, ours, theirs = (to_numpy(each).astype(np.float64) for each in pairs)
    margin = 0.1 * ((better - ours) - (worse - theirs))
    np.testing.assert_allclose(float(dpo_loss(*pairs)), np.log1p(np.exp(-margin)).mean(), rtol=1e-5)


@pytest.mark.parametrize("dtype", HALVES)
def test_load_balancing_at_70000_tokens(dtype: str) -> None:
    probabilities = mx.full((70_000, 4), 0.25).astype(getattr(mx, dtype))
    chosen = mx.array((np.arange(70_000) % 4)[:, None].astype(np.int32))
    assert abs(float(mf.load_balancing_loss(probabilities, chosen)) - 1.0) < 1e-3
    lonely = mx.array(np.zeros((70_000, 1), np.int32))
    sure = mx.array(np.eye(4, dtype=np.float32)[np.zeros(70_000, int)]).astype(getattr(mx, dtype))
    assert abs(float(mf.load_balancing_loss(sure, lonely)) - 4.0) < 1e-3


@pytest.mark.parametrize("dtype", HALVES)
@pytest.mark.parametrize("size", [1e-6, 1e-3, 1.0, 1000.0])
@pytest.mark.parametrize("axis", [None, 0])
def test_quantizing_small_and_large_halves(dtype: str, size: float, axis: int | None) -> None:
    x = half(dtype, 8, 16, size=size)
    found = quantize(x, axis=axis)
    back = dequantize(found)
    assert found.scale.dtype == mx.float32 and back.dtype == x.dtype
    wide = to_numpy(x).astype(np.float64)
    rounding = np.abs(wide) * (2.0**-8 if dtype == "bfloat16" else 2.0**-10) + 6e-8
    half_step = to_numpy(found.scale).astype(np.float64) / 2
    assert (np.abs(to_numpy(back) - wide) <= half_step * 1.001 + rounding).all()
    assert np.abs(to_numpy(found.codes)).max() == 127


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_what_is_not_a_number_is_not_quantized(wrong: float) -> None:
    x = np.ones((3, 4), np.float32)
    x[1, 2] = wrong
    with pytest.raises(ArgumentError, match=r"x\[1, 2\] is -?(nan|inf) \(1 of 12 numbers are not finite\)") as caught:
        quantize(mx.array(x))
    assert caught.value.code == "not-finite" and caught.value.fields["place"] == [1, 2]
