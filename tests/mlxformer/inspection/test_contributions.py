"""What a key adds and what is left without it: loops in float64, the sum rule, and masking instead."""

from __future__ import annotations

import numpy as np
import pytest

from mlxformer.attention.multi_head import MultiHeadAttention
from mlxformer.backend import mx, to_numpy
from mlxformer.errors import ArgumentError
from mlxformer.inspection.contributions import contributions, left_out
from mlxformer.tracing import trace
from tests.mlxformer.comparing import assert_close, assert_gradients, is_float32, numbers
from tests.mlxformer.observing import filled

B, TQ, TK, C, H, D = 2, 3, 5, 8, 4, 2


def traced(kv_heads=H, bias=True, keep=None):
    layer = filled(MultiHeadAttention(C, H, num_kv_heads=kv_heads, bias=bias))
    queries, keys = mx.array(numbers(B, TQ, C)), mx.array(numbers(B, TK, C, seed=1))
    with trace() as steps:
        layer(queries, keys, keys, keep)
    return layer, steps


@pytest.mark.parametrize("kv_heads", [H, 2, 1])
@pytest.mark.parametrize("bias", [True, False])
def test_against_a_float64_loop_and_they_add_up(kv_heads, bias):
    layer, steps = traced(kv_heads, bias)
    weights, values = steps["weights"].value, steps["values"].value
    found = contributions(layer, mx.array(weights), mx.array(values))
    matrix = to_numpy(layer.out_proj.weight).astype(np.float64)
    expected = np.zeros((B, TQ, TK, C))
    for b, i, j in np.ndindex(B, TQ, TK):
        for h in range(H):
            value = values[b, h * kv_heads // H, j].astype(np.float64)
            expected[b, i, j] += matrix[:, h * D : (h + 1) * D] @ (weights[b, h, i, j] * value)
    assert is_float32(found)
    assert_close(found, expected)
    offset = to_numpy(layer.out_proj.bias) if bias else 0.0
    assert_close(to_numpy(found).sum(2) + offset, steps["output"].value)


def test_a_value_of_zeros_adds_nothing_whatever_its_weight():
    layer, steps = traced()
    values = steps["values"].value.copy()
    values[:, :, 2] = 0
    found = to_numpy(contributions(layer, mx.array(steps["weights"].value), mx.array(values)))
    assert not found[:, :, 2].any() and steps["weights"].value[..., 2].min() > 0 and found[:, :, 1].any()


def test_left_out_is_what_masking_gives():
    keep = np.ones((B, 1, 1, TK), bool)
    keep[0, ..., 1] = keep[1, ..., 4] = False
    masked, plain = (traced(keep=mask)[1]["weights"].value for mask in (mx.array(keep), None))
    assert_close(left_out(mx.array(plain), mx.array(keep)), masked)
    nothing = left_out(mx.array(plain), mx.array(np.zeros((TQ, TK), bool)))
    assert not to_numpy(nothing).any()


def test_gradients_by_finite_differences():
    layer, steps = traced()
    keep, wanted = mx.array(np.eye(TQ, TK) == 0), mx.array(numbers(B, TQ, TK, C, seed=3))

    def loss(weights, values):
        return mx.sum(contributions(layer, left_out(weights, keep), values) * wanted)

    assert_gradients(loss, [steps["weights"].value, steps["values"].value])


def test_bad_input_is_named():
    layer, steps = traced()
    weights, values = mx.array(steps["weights"].value), mx.array(steps["values"].value)
    for call, code in [
        (lambda: contributions(layer, weights[:, :2], values), "wrong-shape"),
        (lambda: contributions(layer, weights, values[:, :, 1:]), "wrong-shape"),
        (lambda: contributions(layer, steps["weights"].value, values), "not-an-array"),
        (lambda: left_out(weights, mx.ones((TQ, TK))), "mask-not-boolean"),
        (lambda: left_out(weights, mx.ones((B, TQ, TK), dtype=mx.bool_)), "mask-rank"),
        (lambda: left_out(weights[0], mx.ones((TQ, TK), dtype=mx.bool_)), "wrong-shape"),
    ]:
        with pytest.raises(ArgumentError) as caught:
            call()
        assert caught.value.code == code
