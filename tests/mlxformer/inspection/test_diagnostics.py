"""Diagnostics against float64 loops that build the Jacobian, and FLOPs against the paper's formula."""

from __future__ import annotations

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.backend import mx
from mlxformer.inspection.diagnostics import (
    count_attention_flops,
    entropy,
    numerical_rank,
    softmax_jacobian_norm,
    softmax_jacobian_spectral_norm,
)
from tests.mlxformer.comparing import numbers


def softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def jacobian(p: np.ndarray) -> np.ndarray:
    n = len(p)
    return np.array([[p[i] * ((i == j) - p[j]) for j in range(n)] for i in range(n)], np.float64)


@pytest.mark.parametrize("sharpness", [0.1, 1.0, 10.0, 100.0])
def test_jacobian_norms_equal_those_of_the_jacobian(sharpness: float) -> None:
    weights = softmax(sharpness * numbers(3, 4, 7)).astype(np.float32)
    frobenius, spectral = softmax_jacobian_norm(weights), softmax_jacobian_spectral_norm(weights)
    assert frobenius.shape == spectral.shape == (3, 4)
    for at in np.ndindex(3, 4):
        matrix = jacobian(weights[at].astype(np.float64))
        assert frobenius[at] == pytest.approx(np.linalg.norm(matrix), abs=2e-8)
        assert spectral[at] == pytest.approx(np.linalg.norm(matrix, 2), abs=1e-12)


def test_the_jacobian_is_the_softmax_s() -> None:
    """By central differences, so that the formula diag(p) − p pᵀ itself is not taken on trust."""
    scores, step = numbers(5).astype(np.float64), 1e-6
    columns = [(softmax(scores + step * e) - softmax(scores - step * e)) / (2 * step) for e in np.eye(5)]
    assert softmax_jacobian_norm(softmax(scores)) == pytest.approx(np.linalg.norm(columns), abs=1e-8)


def test_a_saturated_row_has_norm_zero_and_not_nan() -> None:
    rows = np.array([[1, 0, 0], [1 - 1e-7, 1e-7, 0], [np.float32(0.99999994), 6e-8, 0]])
    norms = softmax_jacobian_norm(rows)
    assert np.isfinite(norms).all() and norms.max() < 1e-6 and norms[0] == 0


def test_the_spectral_norm_is_largest_for_two_equal_weights() -> None:
    assert softmax_jacobian_spectral_norm(np.array([0.5, 0.5, 0.0])) == pytest.approx(0.5)
    rows = softmax(3 * numbers(500, 6))
    assert softmax_jacobian_spectral_norm(rows).max() <= 0.5 + 1e-12


def test_entropy() -> None:
    uniform, sure, half = [0.25] * 4, [0, 1, 0, 0], [0.5, 0.5, 0, 0]
    np.testing.assert_allclose(entropy(np.array([uniform, sure, half])), [np.log(4), 0, np.log(2)])
    np.testing.assert_allclose(entropy(np.array([uniform, sure, half]), normalized=True), [1, 0, 0.5])
    assert entropy(np.array([[1.0]]), normalized=True) == 0
    p = softmax(numbers(9)).astype(np.float64)
    assert entropy(p) == pytest.approx(-sum(x * np.log(x) for x in p))


@pytest.mark.parametrize("rank", [1, 3, 8])
def test_rank_sees_through_float32_rounding(rank: int) -> None:
    matrices = numbers(2, 40, rank) @ numbers(2, rank, 30, seed=1)
    np.testing.assert_array_equal(numerical_rank(matrices), [rank, rank])
    assert numerical_rank(np.zeros((4, 5))) == 0


@pytest.mark.parametrize(("heads", "kv_heads"), [(1, 1), (4, 4), (4, 1)])
def test_flops_are_those_of_the_products_that_ran(heads: int, kv_heads: int) -> None:
    n, d = 7, 16
    layer = mf.MultiHeadAttention(d, heads, num_kv_heads=kv_heads, bias=False)
    x = mx.array(numbers(1, n, d))
    with mf.trace() as steps:
        layer(x, x, x)
    flops = count_attention_flops(steps)
    kv = d * kv_heads // heads
    assert flops == {
        "projections": 2 * n * d * (d + 2 * kv),
        "scores": 2 * n * n * d,
        "mixing": 2 * n * n * d,
        "output": 2 * n * d * d,
    }
    if heads == kv_heads:
        assert sum(flops.values()) == 8 * n * d**2 + 4 * n**2 * d


def test_flops_of_a_layer_inside_a_model() -> None:
    encoder = mf.Encoder(2, 8, 2, 16)
    with mf.trace() as steps:
        encoder(mx.array(numbers(1, 3, 8)))
    assert sum(count_attention_flops(steps, "layers.1.self_attention").values()) == 8 * 3 * 64 + 4 * 9 * 8
