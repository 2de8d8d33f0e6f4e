"""The delta rule against a float64 loop, in chunks, in pieces, and as what it is for: replacing what a key stores."""

from __future__ import annotations

import numpy as np
import pytest

from mlxformer.attention.delta_rule import chunked, delta_rule
from mlxformer.backend import mx, to_numpy
from mlxformer.errors import ArgumentError
from tests.mlxformer.comparing import assert_close, assert_gradients, is_float32, numbers

B, H, T, D, V = 2, 2, 7, 4, 3


def drawn(seed: int = 0) -> tuple[np.ndarray, ...]:
    q, k = numbers(B, H, T, D, seed=seed), numbers(B, H, T, D, seed=seed + 1)
    k = k / np.linalg.norm(k, axis=-1, keepdims=True)
    beta, alpha = (1 / (1 + np.exp(-numbers(B, H, T, seed=seed + n))) for n in (3, 4))
    return tuple(x.astype(np.float32) for x in (q, k, numbers(B, H, T, V, seed=seed + 2), beta, alpha))


def by_hand(q, k, v, beta, alpha) -> tuple[np.ndarray, np.ndarray]:
    q, k, v, beta, alpha = (x.astype(np.float64) for x in (q, k, v, beta, alpha))
    y, last = np.zeros((B, H, T, V)), np.zeros((B, H, D, V))
    for b, h in np.ndindex(B, H):
        state = np.zeros((D, V))
        for t in range(T):
            key = k[b, h, t]
            state = alpha[b, h, t] * (np.eye(D) - beta[b, h, t] * np.outer(key, key)) @ state
            state = state + beta[b, h, t] * np.outer(key, v[b, h, t])
            y[b, h, t] = state.T @ q[b, h, t]
        last[b, h] = state
    return y, last


@pytest.mark.parametrize("gated", [False, True])
def test_against_a_loop(gated):
    q, k, v, beta, alpha = drawn()
    given = [mx.array(x) for x in (q, k, v, beta)] + ([mx.array(alpha)] if gated else [])
    y, state = delta_rule(*given)
    wanted = by_hand(q, k, v, beta, alpha if gated else np.ones_like(alpha))
    assert is_float32(y, state)
    assert_close(y, wanted[0])
    assert_close(state, wanted[1])


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 64])
def test_chunks_compute_the_same(chunk):
    q, k, v, beta, _ = (mx.array(x) for x in drawn(5))
    y, state = delta_rule(q, k, v, beta)
    ours, last = chunked(q, k, v, beta, chunk=chunk)
    assert_close(ours, to_numpy(y))
    assert_close(last, to_numpy(state))


def test_in_pieces_it_goes_on_from_its_state():
    q, k, v, beta, alpha = (mx.array(x) for x in drawn(6))
    whole, _ = delta_rule(q, k, v, beta, alpha)
    first, state = delta_rule(*(x[:, :, :3] for x in (q, k, v, beta, alpha)))
    second, _ = delta_rule(*(x[:, :, 3:] for x in (q, k, v, beta, alpha)), state=state)
    assert_close(mx.concatenate([first, second], axis=2), to_numpy(whole))


def test_a_key_written_again_holds_the_new_value_and_others_theirs():
    k = mx.array(np.eye(D, dtype=np.float32)[[0, 1, 2, 1]][None, None])
    v = mx.array(numbers(1, 1, 4, V))
    _, state = delta_rule(k, k, v, mx.ones((1, 1, 4)))
    assert_close(state[0, 0], np.concatenate([to_numpy(v)[0, 0, [0, 3, 2]], np.zeros((1, V))]).astype(np.float32))


def test_gradients_by_finite_differences():
    q, k, v, beta, alpha = (x[:1, :1, :4] for x in drawn(7))

    def loss(*given):
        return mx.sum(mx.square(delta_rule(*given)[0]))

    assert_gradients(loss, [q, k, v, beta, alpha])
    assert_gradients(lambda *given: mx.sum(mx.square(chunked(*given, chunk=3)[0])), [q, k, v, beta])


def test_bad_input_is_refused():
    q, k, v, beta, alpha = (mx.array(x) for x in drawn())
    for call in (
        lambda: delta_rule(q[:, :, :3], k, v, beta),
        lambda: delta_rule(q, k, v, beta[:, :1]),
        lambda: delta_rule(q, k, v, beta, alpha[0]),
        lambda: delta_rule(q, k, v, beta, state=mx.zeros((B, H, D, V + 1))),
        lambda: chunked(q, k, v, beta, chunk=0),
    ):
        with pytest.raises(ArgumentError):
            call()
