"""Linear attention: one function in two forms, against a float64 loop, by causality and by finite differences."""

from __future__ import annotations

import numpy as np
import pytest

from mlxformer.attention import masks
from mlxformer.attention.linear import LinearAttentionState, feature_map, linear_attention
from mlxformer.backend import mx, to_numpy
from mlxformer.errors import ArgumentError
from mlxformer.tracing import trace
from tests.mlxformer.comparing import assert_close, assert_gradients, booleans, is_float32, numbers

B, H, T, D, DV = 2, 3, 6, 4, 5


def inputs():
    return numbers(B, H, T, D, seed=1), numbers(B, H, T, D, seed=2), numbers(B, H, T, DV, seed=3)


def loop(q, k, v, allowed, decay=1.0):
    """Pair by pair, in float64."""
    phi_q, phi_k = (np.where(x > 0, x + 1.0, np.exp(x)) for x in (q.astype(np.float64), k.astype(np.float64)))
    allowed, output = np.broadcast_to(allowed, (B, H, T, T)), np.zeros((B, H, T, DV))
    for b, h, i in np.ndindex(B, H, T):
        weights = [allowed[b, h, i, j] * (phi_q[b, h, i] @ phi_k[b, h, j]) * decay ** max(i - j, 0) for j in range(T)]
        if sum(weights) > 0:
            output[b, h, i] = sum(w * v[b, h, j] for j, w in enumerate(weights)) / sum(weights)
    return output


def test_the_feature_map_by_hand():
    assert_close(feature_map(mx.array([-1.0, 0.0, 2.0])), np.array([np.exp(-1), 1.0, 3.0]))


@pytest.mark.parametrize("decay", [1.0, 0.8])
def test_both_causal_forms_against_a_float64_loop(decay):
    q, k, v = inputs()
    expected = loop(q, k, v, np.tri(T, dtype=bool), decay)
    parallel = linear_attention(mx.array(q), mx.array(k), mx.array(v), mask="causal", decay=decay)
    state = LinearAttentionState(decay=decay)
    recurrent = [state.update(*(mx.array(x[:, :, t : t + 1]) for x in (q, k, v))) for t in range(T)]
    assert is_float32(parallel, *recurrent, state.summary)
    assert_close(parallel, expected)
    assert_close(mx.concatenate(recurrent, axis=2), expected)
    assert_close(LinearAttentionState(decay=decay).update(*map(mx.array, (q, k, v))), expected)
    assert state.size == B * H * D * (DV + 1)


@pytest.mark.parametrize("kind", ["none", "all", "window", "blind"])
def test_masks(kind):
    q, k, v = inputs()
    allowed = {
        "none": np.ones((T, T), bool),
        "all": np.ones((T, T), bool),
        "window": to_numpy(masks.sliding_window(T, T, 2, 1)),
        "blind": booleans(B, 1, T, T) & (np.arange(T) != 1)[:, None],
    }[kind]
    found = linear_attention(mx.array(q), mx.array(k), mx.array(v), mask=None if kind == "none" else mx.array(allowed))
    assert_close(found, loop(q, k, v, allowed))
    if kind == "blind":
        assert not to_numpy(found)[:, :, 1].any()


def test_without_a_mask_no_map_is_made():
    q, k, v = map(mx.array, inputs())
    with trace() as steps:
        linear_attention(q, k, v)
    assert not any(step.value.shape == (B, H, T, T) for step in steps)


def test_the_state_is_of_one_size_and_the_past_does_not_see_the_future():
    q, k, v = inputs()
    state, sizes = LinearAttentionState(), []
    for _ in range(3):
        state.update(mx.array(q), mx.array(k), mx.array(v))
        sizes.append(state.size)
    assert len(set(sizes)) == 1
    before = to_numpy(linear_attention(mx.array(q), mx.array(k), mx.array(v), mask="causal"))
    k[:, :, 4:], v[:, :, 4:] = 7.0, -7.0
    after = to_numpy(linear_attention(mx.array(q), mx.array(k), mx.array(v), mask="causal"))
    np.testing.assert_array_equal(before[:, :, :4], after[:, :, :4])
    assert np.abs(before[:, :, 4:] - after[:, :, 4:]).max() > 0.1


def test_features_below_the_least_float_give_zeros_and_no_nan():
    q, k, v = (np.full((1, 1, 3, 2), value, np.float32) for value in (-200.0, -200.0, 1.0))
    for output in (
        linear_attention(mx.array(q), mx.array(k), mx.array(v), mask="causal"),
        LinearAttentionState().update(mx.array(q), mx.array(k), mx.array(v)),
    ):
        assert not to_numpy(output).any()


@pytest.mark.parametrize("form", ["none", "causal", "decay", "recurrent"])
def test_gradients_by_finite_differences(form):
    q, k, v = inputs()
    wanted = mx.array(numbers(B, H, T, DV, seed=4))

    def loss(q, k, v):
        if form == "recurrent":
            return mx.sum(LinearAttentionState().update(q, k, v) * wanted)
        mask = None if form == "none" else "causal"
        return mx.sum(linear_attention(q, k, v, mask=mask, decay=0.7 if form == "decay" else 1.0) * wanted)

    assert_gradients(loss, [q, k, v])


def test_bad_input_is_named():
    q, k, v = map(mx.array, inputs())
    state = LinearAttentionState()
    state.update(q, k, v)
    for call, code in [
        (lambda: linear_attention(q[0], k, v), "wrong-shape"),
        (lambda: linear_attention(q, k[:, :2], v), "wrong-shape"),
        (lambda: linear_attention(q, k, v[:, :, :3]), "wrong-shape"),
        (lambda: linear_attention(q, k, v, mask="future"), "mask-unknown"),
        (lambda: linear_attention(q, k, v, mask="causal", decay=0), "decay-out-of-range"),
        (lambda: linear_attention(q, k, v, mask="causal", decay=1.5), "decay-out-of-range"),
        (lambda: linear_attention(q, k, v, decay=0.5), "decay-not-causal"),
        (lambda: LinearAttentionState().update(q[:, :, :2], k, v), "linear-lengths"),
        (lambda: state.update(q[:1], k[:1], v[:1]), "linear-state"),
    ]:
        with pytest.raises(ArgumentError) as caught:
            call()
        assert caught.value.code == code
