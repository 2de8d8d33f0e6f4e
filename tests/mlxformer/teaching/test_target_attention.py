"""DIN's target attention: by a float64 loop, by what doubling the history does, and by finite differences."""

from __future__ import annotations

import numpy as np
import pytest

from mlxformer import backend
from mlxformer.attention import masks
from mlxformer.backend import mx, to_numpy
from mlxformer.errors import ArgumentError
from mlxformer.teaching.target_attention import TargetAttention
from mlxformer.tracing import trace
from tests.mlxformer.comparing import assert_close, assert_gradients, is_float32, numbers
from tests.mlxformer.observing import filled

B, N, T, C = 2, 3, 5, 4


def layer_and_inputs(pooling="sum"):
    return filled(TargetAttention(C, (6, 3), pooling=pooling)), numbers(B, N, C, seed=1), numbers(B, T, C, seed=2)


def loop(layer, candidates, history, valid=None):
    """Eq. 3, one pair at a time, in float64."""
    weights = np.zeros((B, N, T))
    matrices = [[to_numpy(part).astype(np.float64) for part in (one.weight, one.bias)] for one in layer.unit.layers]
    for b, n, t in np.ndindex(B, N, T):
        e, v = history[b, t].astype(np.float64), candidates[b, n].astype(np.float64)
        x = np.concatenate([e, e * v, v])
        for weight, bias in matrices[:-1]:
            x = 1 / (1 + np.exp(-(weight @ x + bias)))
        weights[b, n, t] = (matrices[-1][0] @ x + matrices[-1][1])[0]
    allowed = np.ones((B, 1, T), bool) if valid is None else valid[:, None]
    if layer.pooling == "softmax":
        powers = np.exp(weights) * allowed
        sums = powers.sum(-1, keepdims=True)
        weights = np.divide(powers, sums, out=np.zeros_like(powers), where=sums > 0)
    weights = weights * allowed
    return weights, np.einsum("bnt,btc->bnc", weights, history)


@pytest.mark.parametrize("pooling", ["sum", "softmax"])
@pytest.mark.parametrize("masked", [False, True])
def test_against_a_float64_loop(pooling, masked):
    layer, candidates, history = layer_and_inputs(pooling)
    valid = np.array([[True, True, False, True, False], [False] * T]) if masked else None
    mask = masks.padding(mx.array(valid)) if masked else None
    with trace() as steps:
        found = layer(mx.array(candidates), mx.array(history), mask)
    weights, users = loop(layer, candidates, history, valid)
    assert is_float32(found)
    assert_close(steps["weights"].value[:, 0], weights)
    assert_close(found, users)
    if masked:
        assert not to_numpy(found)[1].any()  # no behaviors at all


def test_a_doubled_history_doubles_a_sum_and_leaves_a_softmax():
    for pooling, factor in (("sum", 2.0), ("softmax", 1.0)):
        layer, candidates, history = layer_and_inputs(pooling)
        once = to_numpy(layer(mx.array(candidates), mx.array(history)))
        twice = to_numpy(layer(mx.array(candidates), mx.array(np.concatenate([history, history], axis=1))))
        assert_close(twice, factor * once)


def test_each_candidate_is_a_query_of_its_own_and_order_does_not_matter():
    layer, candidates, history = layer_and_inputs()
    together = to_numpy(layer(mx.array(candidates), mx.array(history)))
    for n in range(N):
        alone = layer(mx.array(candidates[:, n : n + 1]), mx.array(history[:, ::-1].copy()))
        assert_close(alone, together[:, n : n + 1])
    assert np.abs(together[:, 0] - together[:, 1]).max() > 0.01


@pytest.mark.parametrize("pooling", ["sum", "softmax"])
def test_gradients_by_finite_differences(pooling):
    layer, candidates, history = layer_and_inputs(pooling)
    wanted = mx.array(numbers(B, N, C, seed=3))
    mask = masks.padding(mx.array(np.array([[True, False, True, True, True], [True] * T])))
    parameters = sorted(backend.tree_flatten(layer.parameters()))

    def loss(candidates, history, *values):
        layer.update(backend.tree_unflatten([(path, v) for (path, _), v in zip(parameters, values, strict=True)]))
        return mx.sum(layer(candidates, history, mask) * wanted)

    assert_gradients(loss, [candidates, history, *(to_numpy(value) for _, value in parameters)])


def test_bad_input_is_named():
    layer, candidates, history = layer_and_inputs()
    candidates, history = mx.array(candidates), mx.array(history)
    for call, code in [
        (lambda: layer(candidates[:, 0], history), "wrong-shape"),
        (lambda: layer(candidates, history[:, :, :3]), "wrong-shape"),
        (lambda: layer(candidates[:1], history), "wrong-shape"),
        (lambda: layer(candidates, history[:, :0]), "empty-axis"),
        (lambda: layer(candidates, history, mx.ones((N, T))), "mask-not-boolean"),
        (lambda: layer(to_numpy(candidates), history), "not-an-array"),
        (lambda: TargetAttention(4, pooling="mean"), "unknown-choice"),
        (lambda: TargetAttention(4, (0,)), "not-positive"),
        (lambda: TargetAttention(4, activation="dice"), "unknown-activation"),
    ]:
        with pytest.raises(ArgumentError) as caught:
            call()
        assert caught.value.code == code
