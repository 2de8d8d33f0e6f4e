"""Additive attention: by hand, against a float64 loop, and the rules every attention here keeps."""

from __future__ import annotations

import numpy as np
import pytest

from mlxformer import backend
from mlxformer.attention import masks
from mlxformer.attention.scores import ScoredAttention
from mlxformer.backend import mx, to_numpy
from mlxformer.errors import ArgumentError
from mlxformer.tracing import trace
from tests.mlxformer.comparing import assert_bit_equal, assert_close, assert_gradients, booleans, is_float32, numbers
from tests.mlxformer.observing import filled

B, TQ, TK, CQ, CK, A = 2, 3, 5, 4, 6, 7


def loop(layer, queries, keys, mask=None):
    """Eq. of §3.1, one pair at a time, in float64."""
    w, u, v = (to_numpy(p.weight).astype(np.float64) for p in (layer.query_proj, layer.key_proj, layer.score_proj))
    contexts, weights = np.zeros((B, TQ, CK)), np.zeros((B, 1, TQ, TK))
    allowed = np.broadcast_to(True if mask is None else mask, (B, 1, TQ, TK))
    for b in range(B):
        for i in range(TQ):
            seen = [j for j in range(TK) if allowed[b, 0, i, j]]
            scores = np.array([v[0] @ np.tanh(w @ queries[b, i] + u @ keys[b, j]) for j in seen])
            exponentials = np.exp(scores)
            for j, exponential in zip(seen, exponentials, strict=True):
                weights[b, 0, i, j] = exponential / exponentials.sum()
                contexts[b, i] += weights[b, 0, i, j] * keys[b, j]
    return contexts, weights


def layer_and_inputs():
    return filled(ScoredAttention(CQ, CK, A, score="additive")), numbers(B, TQ, CQ, seed=1), numbers(B, TK, CK, seed=2)


def test_by_hand_with_matrices_of_one():
    layer = ScoredAttention(1, 1, 1, score="additive")
    for projection in (layer.query_proj, layer.key_proj, layer.score_proj):
        projection.weight = mx.array([[1.0]])
    with trace() as steps:
        layer(mx.array([[[0.0]]]), mx.array([[[0.0], [1.0]]]))
    ratio = np.exp(np.tanh(1.0))
    assert_close(steps["scores"].value, np.tanh([[[[0.0, 1.0]]]]))
    assert_close(steps["weights"].value, np.array([[[[1.0, ratio]]]]) / (1 + ratio))
    assert_close(steps["heads"].value, np.array([[[[ratio / (1 + ratio)]]]]))


@pytest.mark.parametrize("kind", ["none", "padding", "4d", "2d", "causal"])
def test_against_a_float64_loop(kind):
    layer, queries, keys = layer_and_inputs()
    valid = np.array([[True] * TK, [False] * TK])
    mask = {
        "none": None, "padding": valid[:, None, None], "4d": booleans(B, 1, TQ, TK), "2d": booleans(TQ, TK),
        "causal": to_numpy(masks.causal(TQ, TK)),
    }[kind]  # fmt: skip
    contexts, weights = loop(layer, queries, keys, mask)
    given = "causal" if kind == "causal" else None if mask is None else mx.array(mask)
    with trace() as steps:
        traced = layer(mx.array(queries), mx.array(keys), given)
    plain = layer(mx.array(queries), mx.array(keys), given)
    assert is_float32(plain)
    if backend.name == "numpy" and mask is None:
        assert_close(plain, to_numpy(traced))  # untraced it is one fused function there
    else:
        assert_bit_equal(plain, to_numpy(traced))
    assert_close(plain, contexts)
    assert_close(steps["weights"].value, weights)
    np.testing.assert_allclose(steps["weights"].value.sum(-1), weights.sum(-1), atol=1e-6)  # 1, or 0 where blind


def test_keys_projected_beforehand_give_the_same():
    layer, queries, keys = layer_and_inputs()
    queries, keys = mx.array(queries), mx.array(keys)
    projected = layer.key_proj(keys)
    assert_bit_equal(layer(queries, keys, projected_keys=projected), to_numpy(layer(queries, keys)))


def test_gradients_by_finite_differences_also_through_a_blind_row():
    layer, queries, keys = layer_and_inputs()
    mask = booleans(B, 1, TQ, TK)
    mask[0, :, 1] = False
    wanted, parameters = mx.array(numbers(B, TQ, CK, seed=3)), sorted(backend.tree_flatten(layer.parameters()))

    def loss(queries, keys, *values):
        layer.update(backend.tree_unflatten([(path, v) for (path, _), v in zip(parameters, values, strict=True)]))
        return mx.sum(layer(queries, keys, mx.array(mask)) * wanted)

    assert_gradients(loss, [queries, keys, *(to_numpy(value) for _, value in parameters)])
    slopes = to_numpy(mx.grad(loss)(mx.array(queries), mx.array(keys), *(value for _, value in parameters)))
    assert np.isfinite(slopes).all() and not slopes[0, 1].any() and slopes[0, 0].any()


def test_bad_input_is_named():
    layer, queries, keys = layer_and_inputs()
    queries, keys = mx.array(queries), mx.array(keys)
    for call, code in [
        (lambda: layer(queries[:, 0], keys), "wrong-shape"),
        (lambda: layer(queries, queries), "wrong-shape"),
        (lambda: layer(queries[:1], keys), "wrong-shape"),
        (lambda: layer(queries, keys[:, :0]), "empty-axis"),
        (lambda: layer(queries, keys, mx.ones((TQ, TK))), "mask-not-boolean"),
        (lambda: layer(queries, keys, mx.ones((B, TQ, TK), dtype=mx.bool_)), "mask-rank"),
        (lambda: layer(queries, keys, mx.ones((B, 2, TQ, TK), dtype=mx.bool_)), "mask-broadcast"),
        (lambda: layer(queries, keys, projected_keys=keys), "wrong-shape"),
        (lambda: layer(queries, to_numpy(keys)), "not-an-array"),
        (lambda: ScoredAttention(4, 4, 0, score="additive"), "not-positive"),
    ]:
        with pytest.raises(ArgumentError) as caught:
            call()
        assert caught.value.code == code
