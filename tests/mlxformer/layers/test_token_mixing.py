"""A linear layer over positions, against a loop in float64 and finite differences."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.backend import mx, to_numpy, tree_flatten
from mlxformer.layers.token_mixing import TokenMixing

DRAWS = np.random.default_rng(0)


def layer(length: int, bias: bool) -> TokenMixing:
    mixing = TokenMixing(length, bias=bias)
    parameters: dict[str, Any] = dict(tree_flatten(mixing.parameters()))
    drawn = {path: DRAWS.standard_normal(p.shape).astype(np.float32) for path, p in parameters.items()}
    mixing.load_weights([(path, mx.array(value)) for path, value in drawn.items()])
    return mixing


@pytest.mark.parametrize("bias", [False, True])
def test_it_is_a_loop_over_positions(bias: bool) -> None:
    mixing, x = layer(4, bias), DRAWS.standard_normal((2, 4, 3)).astype(np.float32)
    weight = to_numpy(mixing.proj.weight).astype(np.float64)
    offset = to_numpy(mixing.proj.bias) if bias else np.zeros(4)
    expected = np.zeros(x.shape)
    for sentence in range(2):
        for out in range(4):
            expected[sentence, out] = offset[out] + sum(weight[out, into] * x[sentence, into] for into in range(4))
    with mf.trace() as steps:
        found = mixing(mx.array(x))
    np.testing.assert_allclose(to_numpy(found), expected, atol=1e-5)
    np.testing.assert_array_equal(steps["weights"].value, to_numpy(mixing.proj.weight))


def test_the_gradient_is_that_of_finite_differences() -> None:
    mixing, x = layer(3, False), DRAWS.standard_normal((1, 3, 2)).astype(np.float32)
    gradient = to_numpy(mx.grad(lambda x: mx.sum(mx.square(mixing(x))))(mx.array(x)))
    weight = to_numpy(mixing.proj.weight).astype(np.float64)

    def loss(x: np.ndarray) -> float:
        return float(np.square(weight @ x).sum())

    for place in np.ndindex(*x.shape):
        step = np.zeros(x.shape)
        step[place] = 1e-4
        assert gradient[place] == pytest.approx((loss(x + step) - loss(x - step)) / 2e-4, rel=1e-3, abs=1e-3)


def test_another_length_is_refused_by_name() -> None:
    with pytest.raises(mf.ArgumentError, match="x"):
        layer(4, False)(mx.array(np.zeros((1, 5, 3), np.float32)))
