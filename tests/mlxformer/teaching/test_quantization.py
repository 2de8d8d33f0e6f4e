"""Absmax quantization against loops in float64 and torch, its bounds, and the products with outlying features."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.backend import mx, to_numpy, tree_flatten
from mlxformer.teaching.quantization import dequantize, largest_code, quantize, quantize_weights
from mlxformer.teaching.quantized_products import (
    decomposed_linear,
    quantized_linear,
    smoothed_linear,
    smoothing_factors,
)
from tests.mlxformer.comparing import assert_close, numbers


def loop(x: np.ndarray, bits: int, axis: int | None) -> tuple[np.ndarray, np.ndarray]:
    """Codes and the scale of each number, one number at a time."""
    limit = 2 ** (bits - 1) - 1
    codes, scales = np.zeros(x.shape), np.zeros(x.shape)
    for place in np.ndindex(*x.shape):
        group = x if axis is None else np.take(x, place[axis], axis)
        peak = max(abs(float(value)) for value in group.reshape(-1))
        scales[place] = peak / limit if peak else 1.0
        codes[place] = round(float(x[place]) / scales[place])
    return codes, scales


@pytest.mark.parametrize("bits", [2, 3, 4, 8])
@pytest.mark.parametrize("axis", [None, 0, 1, -1])
def test_it_is_the_loop(bits: int, axis: int | None) -> None:
    x = numbers(5, 7, seed=bits, scale=3)
    found = quantize(mx.array(x), bits, axis=axis)
    assert found.codes.dtype == mx.int8 and found.scale.dtype == mx.float32
    assert tuple(found.scale.shape) == tuple(
        1 if axis is None or i != axis % 2 else size for i, size in enumerate((5, 7))
    )
    codes, scales = loop(x, bits, axis)
    np.testing.assert_array_equal(to_numpy(found.codes), codes)
    assert_close(dequantize(found), codes * scales)


def test_torch_rounds_alike() -> None:
    torch = pytest.importorskip("torch")
    x = numbers(6, 9, seed=1)
    found = quantize(mx.array(x), axis=0)
    scale = torch.tensor(to_numpy(found.scale)[:, 0])
    zeros = torch.zeros(6, dtype=torch.int32)
    assert_close(dequantize(found), torch.fake_quantize_per_channel_affine(torch.tensor(x), scale, zeros, 0, -127, 127))


@pytest.mark.parametrize("bits", [3, 4, 8])
def test_nothing_errs_by_more_than_half_a_step_and_the_ends_are_used(bits: int) -> None:
    x = mx.array(numbers(8, 200, seed=2, scale=5))
    found = quantize(x, bits, axis=0)
    errors = np.abs(to_numpy(dequantize(found)) - to_numpy(x))
    assert (errors <= to_numpy(found.scale) * 0.5 * (1 + 1e-5)).all()
    assert (np.abs(to_numpy(found.codes)).max(1) == largest_code(bits)).all()


def test_zeros_stay_zero_and_what_is_exact_stays_exact() -> None:
    x = np.array([[0, 0, 0], [0, -127, 64], [2, 4, -254]], np.float32)
    np.testing.assert_array_equal(to_numpy(dequantize(quantize(mx.array(x), axis=0))), x)


def test_halves_go_to_the_even_code_on_both_backends() -> None:
    x = mx.array(np.array([127.0, 0.5, 1.5, 2.5, -0.5, -1.5], np.float32))
    np.testing.assert_array_equal(to_numpy(quantize(x).codes), [127, 0, 2, 2, 0, -2])


def test_one_row_far_out_makes_the_others_coarse_only_where_they_share_its_scale() -> None:
    x = numbers(64, 128)
    x[7] *= 30
    others = np.arange(64) != 7

    def error(axis: int | None) -> float:
        rounded = to_numpy(dequantize(quantize(mx.array(x), axis=axis)))
        return float(np.linalg.norm((rounded - x)[others]) / np.linalg.norm(x[others]))

    assert error(None) == pytest.approx(0.20, abs=0.02)
    assert error(0) == pytest.approx(0.0063, abs=5e-4)


def test_float16_stays_float16() -> None:
    found = quantize(mx.array(numbers(4, 4)).astype(mx.float16), axis=0)
    assert dequantize(found).dtype == mx.float16


@pytest.mark.parametrize("per_channel", [False, True])
def test_a_models_matrices_are_rounded_and_its_bytes_counted(per_channel: bool) -> None:
    model = mf.FeedForward(6, 10)
    before: dict[str, Any] = {path: to_numpy(p) for path, p in tree_flatten(model.parameters())}
    taken = quantize_weights(model, 4, per_channel=per_channel)
    after: dict[str, Any] = {path: to_numpy(p) for path, p in tree_flatten(model.parameters())}
    for path, value in before.items():
        if value.ndim == 1:
            np.testing.assert_array_equal(after[path], value)
            continue
        codes, scales = loop(value, 4, 0 if per_channel else None)
        assert_close(after[path], codes * scales)
        assert np.abs(after[path] - value).max() > 0
    scales = 16 if per_channel else 2
    assert taken == {"float32": 4 * 136, "quantized": 60 + 4 * 16 + 4 * scales}


def with_outlier(size: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """x with one feature about ``size`` in every token, the same without it, and weights."""
    x, weight = numbers(32, 64, seed=3), numbers(16, 64, seed=4)
    clean = x.copy()
    clean[:, 5] = 0
    x[:, 5] = size + 0.1 * size * x[:, 5]
    return x, clean, weight


def error(found: Any, x: np.ndarray, weight: np.ndarray) -> float:
    return float(np.linalg.norm(to_numpy(found) - x.astype(np.float64) @ weight.T))


def test_the_product_of_codes_is_that_of_integers() -> None:
    x, _, weight = with_outlier(1)
    (left, left_scales), (right, right_scales) = loop(x, 8, 0), loop(weight, 8, 0)
    products = left.astype(np.int64) @ right.astype(np.int64).T
    assert_close(quantized_linear(mx.array(x), mx.array(weight)), products * left_scales[:, :1] * right_scales[:, 0])


def test_an_outlying_feature_is_taken_out_or_moved_into_the_weights() -> None:
    x, clean, weight = with_outlier(40)
    given, w = mx.array(x), mx.array(weight)
    plain = error(quantized_linear(mx.array(clean), w), clean, weight)
    naive = error(quantized_linear(given, w), x, weight)
    assert naive > 5 * plain
    assert error(decomposed_linear(given, w), x, weight) < 1.2 * plain
    assert plain < error(smoothed_linear(given, w), x, weight) < 0.6 * naive
    assert error(decomposed_linear(given, w, threshold=1e6), x, weight) == pytest.approx(naive)


def test_smoothing_factors_are_the_formula_and_change_no_product() -> None:
    x, _, weight = with_outlier(40)
    x[:, 9] = 0
    weight[:, 11] = 0
    for alpha in (0.0, 0.3, 1.0):
        factors = to_numpy(smoothing_factors(mx.array(x), mx.array(weight), alpha)).astype(np.float64)
        for feature in range(64):
            peak, size = float(np.abs(x[:, feature]).max()), float(np.abs(weight[:, feature]).max())
            wanted = peak**alpha / size ** (1 - alpha) if peak and size else 1.0
            assert factors[feature] == pytest.approx(wanted, rel=1e-5)
        assert_close((x / factors) @ (weight * factors).T, x @ weight.T)


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda x: quantize(x, 1), "quantisation-bits"),
        (lambda x: quantize(x, 9), "quantisation-bits"),
        (lambda x: quantize(x, True), "quantisation-bits"),
        (lambda x: quantize(x, 4.5), "quantisation-bits"),
        (lambda x: quantize(x, axis=2), "quantisation-axis"),
        (lambda x: quantize(x.astype(mx.int32)), "not-floating"),
        (lambda x: quantize(np.zeros((2, 2), np.float32)), "not-an-array"),
        (lambda x: quantized_linear(x, mx.zeros((4, 3))), "wrong-shape"),
        (lambda x: quantized_linear(x[0], x), "wrong-shape"),
        (lambda x: decomposed_linear(x, x, threshold=0.0), "not-a-positive-number"),
        (lambda x: quantize_weights(mf.FeedForward(2, 4), 12), "quantisation-bits"),
    ],
)
def test_what_cannot_be(call: Any, code: str) -> None:
    with pytest.raises(mf.ArgumentError) as caught:
        call(mx.array(numbers(2, 2)))
    assert caught.value.code == code
