"""The score functions: each pair in float64, their bounds, temperature, and one recipe behind all of them."""

from __future__ import annotations

import numpy as np
import pytest

from mlxformer import backend
from mlxformer.attention.functional import scaled_dot_product_attention
from mlxformer.attention.scores import (
    KINDS,
    ScoredAttention,
    additive_scores,
    attend_with_scores,
    cosine_scores,
    dot_scores,
    scaled_dot_scores,
)
from mlxformer.backend import mx, to_numpy
from mlxformer.errors import ArgumentError
from mlxformer.tracing import trace
from tests.mlxformer.comparing import assert_bit_equal, assert_close, assert_gradients, booleans, is_float32, numbers
from tests.mlxformer.observing import filled

B, TQ, TK, CQ, CK, A, DV = 2, 3, 5, 4, 6, 7, 2


def pair_score(kind, q, k, v):
    if kind == "additive":
        return float(v @ np.tanh(q + k))
    scale = {"dot": 1.0, "scaled-dot": np.sqrt(A), "cosine": np.linalg.norm(q) * np.linalg.norm(k)}[kind]
    return float(q @ k) / scale


def loop(layer, queries, keys, temperature, mask):
    """One pair at a time, in float64."""
    w, u, p = (to_numpy(m.weight).astype(np.float64) for m in (layer.query_proj, layer.key_proj, layer.value_proj))
    v = to_numpy(layer.score_proj.weight)[0].astype(np.float64) if layer.score == "additive" else None
    out, scores = np.zeros((B, TQ, DV)), np.zeros((B, 1, TQ, TK))
    for b in range(B):
        for i in range(TQ):
            for j in range(TK):
                scores[b, 0, i, j] = pair_score(layer.score, w @ queries[b, i], u @ keys[b, j], v)
            seen = [j for j in range(TK) if mask is None or mask[i, j]]
            powers = np.exp([scores[b, 0, i, j] / temperature for j in seen])
            for j, power in zip(seen, powers, strict=True):
                out[b, i] += power / powers.sum() * (p @ keys[b, j])
    return out, scores


def layer_and_inputs(score):
    return filled(ScoredAttention(CQ, CK, A, DV, score=score)), numbers(B, TQ, CQ, seed=1), numbers(B, TK, CK, seed=2)


@pytest.mark.parametrize("score", KINDS)
@pytest.mark.parametrize("temperature", [1.0, 0.3])
@pytest.mark.parametrize("masked", [False, True])
def test_against_a_float64_loop(score, temperature, masked):
    layer, queries, keys = layer_and_inputs(score)
    mask = booleans(TQ, TK) if masked else None
    if mask is not None:
        mask[1] = False
    out, scores = loop(layer, queries, keys, temperature, mask)
    given = None if mask is None else mx.array(mask)
    with trace() as steps:
        traced = layer(mx.array(queries), mx.array(keys), given, temperature=temperature)
    assert is_float32(traced)
    plain = layer(mx.array(queries), mx.array(keys), given, temperature=temperature)
    if backend.name == "numpy" and score == "additive" and temperature == 1.0 and not masked:
        assert_close(plain, to_numpy(traced))  # untraced it is one fused function there
    else:
        assert_bit_equal(plain, to_numpy(traced))
    assert_close(traced, out)
    assert_close(steps["scores"].value, scores)


@pytest.mark.parametrize("score", KINDS)
def test_gradients_by_finite_differences(score):
    layer, queries, keys = layer_and_inputs(score)
    wanted, parameters = mx.array(numbers(B, TQ, DV, seed=3)), sorted(backend.tree_flatten(layer.parameters()))

    def loss(queries, keys, *values):
        layer.update(backend.tree_unflatten([(path, v) for (path, _), v in zip(parameters, values, strict=True)]))
        return mx.sum(layer(queries, keys, temperature=0.7) * wanted)

    assert_gradients(loss, [queries, keys, *(to_numpy(value) for _, value in parameters)])


def test_a_vector_of_zeros_has_cosine_and_gradient_zero():
    q, k = mx.zeros((1, 1, 1, A)), mx.array(numbers(1, 1, TK, A))
    assert not to_numpy(cosine_scores(q, k)).any()
    slopes = to_numpy(mx.grad(lambda k: mx.sum(cosine_scores(q, k)))(k))
    assert np.isfinite(slopes).all() and not slopes.any()


def test_bounds_and_what_the_length_of_a_query_does():
    q, k, v = mx.array(30 * numbers(1, 1, 40, A)), mx.array(30 * numbers(1, 1, 50, A, seed=1)), numbers(1, A, seed=2)
    combine = filled(ScoredAttention(A, A, A, A, score="additive")).score_proj
    combine.weight = mx.array(v)
    assert np.abs(to_numpy(cosine_scores(q, k))).max() <= 1 + 1e-6
    assert np.abs(to_numpy(additive_scores(q, k, combine))).max() <= np.abs(v).sum() + 1e-5
    assert np.abs(to_numpy(scaled_dot_scores(q, k))).max() > 100
    assert_close(cosine_scores(q * 3.0, k), cosine_scores(q, k))
    assert_close(dot_scores(q * 3.0, k), 3 * to_numpy(dot_scores(q, k)))


def test_the_scaled_dot_product_is_that_of_attention():
    q, k, v = mx.array(numbers(B, 2, TQ, A)), mx.array(numbers(B, 2, TK, A, seed=1)), mx.array(numbers(B, 2, TK, DV))
    assert_close(attend_with_scores(scaled_dot_scores(q, k), v), scaled_dot_product_attention(q, k, v))


def test_the_additive_scores_are_those_of_its_attention():
    layer = filled(ScoredAttention(CQ, CK, A, score="additive"))
    queries, keys = numbers(B, TQ, CQ), numbers(B, TK, CK, seed=1)
    with trace() as steps:
        layer(mx.array(queries), mx.array(keys))
    assert steps["features"].value.shape == (B, 1, TQ, TK, A)
    q, k = (mx.expand_dims(p(mx.array(x)), 1) for p, x in ((layer.query_proj, queries), (layer.key_proj, keys)))
    assert_bit_equal(additive_scores(q, k, layer.score_proj), steps["scores"].value)


def test_temperature_at_its_ends():
    scores, v = mx.array([[[[1.0, 3.0, 3.0, 2.0]]]]), mx.array(np.eye(4, dtype=np.float32)[None, None])
    assert_close(attend_with_scores(scores, v, temperature=1e-4), np.array([[[[0, 0.5, 0.5, 0]]]]))
    assert_close(attend_with_scores(scores, v, temperature=1e7), np.full((1, 1, 1, 4), 0.25))


def test_bad_input_is_named():
    layer, queries, keys = layer_and_inputs("dot")
    queries, keys = mx.array(queries), mx.array(keys)
    q, v = mx.array(numbers(1, 1, TQ, A)), mx.array(numbers(1, 1, TK, DV))
    scores = mx.array(numbers(1, 1, TQ, TK))
    for call, code in [
        (lambda: layer(queries[:, 0], keys), "wrong-shape"),
        (lambda: layer(queries, queries), "wrong-shape"),
        (lambda: layer(queries, keys[:1]), "wrong-shape"),
        (lambda: layer(queries, keys, temperature=0.0), "not-a-positive-number"),
        (lambda: layer(queries, keys, mx.ones((TQ, TK))), "mask-not-boolean"),
        (lambda: dot_scores(q, q[..., :3]), "wrong-shape"),
        (lambda: cosine_scores(q, to_numpy(q)), "not-an-array"),
        (lambda: attend_with_scores(scores, v[:, :, 1:]), "wrong-shape"),
        (lambda: attend_with_scores(scores[0], v), "wrong-shape"),
        (lambda: ScoredAttention(CQ, CK, A, DV, score="max"), "unknown-choice"),
        (lambda: ScoredAttention(CQ, CK, 0, DV), "not-positive"),
    ]:
        with pytest.raises(ArgumentError) as caught:
            call()
        assert caught.value.code == code
