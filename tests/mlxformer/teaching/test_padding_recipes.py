"""Each recipe gives what its docstring says, against a float64 softmax over the real keys alone."""

from __future__ import annotations

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.backend import mx, to_numpy
from mlxformer.teaching.padding_recipes import additive_padding, padded_queries, renormalized_after_softmax
from tests.mlxformer.comparing import numbers

VALID = np.array([[True] * 6, [True] * 4 + [False] * 2])


def qkv() -> list[np.ndarray]:
    return [numbers(2, 3, 6, 4, seed=seed) for seed in range(3)]


def wanted(q: np.ndarray, k: np.ndarray, v: np.ndarray) -> np.ndarray:
    found = np.zeros(v.shape)
    for row in range(2):
        real = VALID[row]
        scores = q[row].astype(np.float64) @ k[row][:, real].astype(np.float64).swapaxes(-1, -2) / 2
        powers = np.exp(scores - scores.max(-1, keepdims=True))
        found[row] = powers / powers.sum(-1, keepdims=True) @ v[row][:, real]
    return found


def test_additive_and_renormalized_equal_a_softmax_over_real_keys() -> None:
    arrays = [mx.array(x) for x in qkv()]
    valid = mx.array(VALID)
    for found in (
        mf.scaled_dot_product_attention(*arrays, bias=additive_padding(valid, -10_000.0)),
        renormalized_after_softmax(*arrays, valid),
        mf.scaled_dot_product_attention(*arrays, mask=mf.masks.padding(valid)),
    ):
        np.testing.assert_allclose(to_numpy(found), wanted(*qkv()), atol=2e-6)


def test_renormalized_has_the_right_gradient() -> None:
    q, k, v = (mx.array(x) for x in qkv())
    valid = mx.array(VALID)
    slope = mx.array(numbers(2, 3, 6, 4, seed=9))
    right, ours = (
        to_numpy(mx.grad(lambda q, f=f: mx.sum(f(q) * slope))(q))
        for f in (
            lambda q: mf.scaled_dot_product_attention(q, k, v, mask=mf.masks.padding(valid)),
            lambda q: renormalized_after_softmax(q, k, v, valid),
        )
    )
    np.testing.assert_allclose(ours, right, atol=2e-6)


def test_queries_masked_leave_real_rows_as_without_mask() -> None:
    arrays = [mx.array(x) for x in qkv()]
    found = to_numpy(mf.scaled_dot_product_attention(*arrays, mask=padded_queries(mx.array(VALID))))
    bare = to_numpy(mf.scaled_dot_product_attention(*arrays))
    np.testing.assert_allclose(found[1, :, :4], bare[1, :, :4], atol=1e-6)
    assert (found[1, :, 4:] == 0).all()


@pytest.mark.parametrize(("fill", "infinite"), [(-1e4, False), (-65504.0, False), (-1e9, True)])
def test_half_precision(fill: float, infinite: bool) -> None:
    bias = additive_padding(mx.array(VALID), fill, mx.float16)
    assert bias.dtype == mx.float16 and tuple(bias.shape) == (2, 1, 1, 6)
    assert np.isinf(to_numpy(bias)).any() == infinite
