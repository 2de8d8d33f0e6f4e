"""A GRU and additive attention, one function each, against the formula; gradients of parts added up in place."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from mlxformer.backend.numpy import core as mx
from mlxformer.backend.numpy.additive import additive_attention
from mlxformer.backend.numpy.gates import gru

B, T, H = 3, 4, 5
SHAPES = ((B, T, 3 * H), (3 * H, H), (3 * H,), (B, H))


def drawn(*shape: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def formula(projected, weight, bias, hidden, *, reverse=False):
    states = {}
    for time in reversed(range(T)) if reverse else range(T):
        x_r, x_z, x_n = mx.split(projected[:, time], 3, axis=-1)
        h_r, h_z, h_n = mx.split(hidden @ weight.T + bias, 3, axis=-1)
        reset, update = mx.sigmoid(x_r + h_r), mx.sigmoid(x_z + h_z)
        hidden = (1.0 - update) * mx.tanh(x_n + reset * h_n) + update * hidden
        states[time] = hidden
    return mx.stack([states[time] for time in range(T)], axis=1)


@pytest.mark.parametrize("reverse", [False, True])
def test_states_and_each_gradient_are_the_formulas(reverse):
    given = [mx.array(drawn(*shape, seed=seed)) for seed, shape in enumerate(SHAPES)]
    wanted = mx.array(drawn(B, T, H, seed=9))
    found = gru(*given, reverse=reverse)
    assert np.asarray(found).dtype == np.float32
    np.testing.assert_allclose(np.asarray(found), np.asarray(formula(*given, reverse=reverse)), atol=1e-6)
    for argument in range(4):
        ours, theirs = (
            mx.grad(lambda *args, fn=fn: mx.sum(fn(*args, reverse=reverse) * wanted), argnums=argument)(*given)
            for fn in (gru, formula)
        )
        assert np.asarray(ours).dtype == np.float32
        np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), atol=2e-6)


def by_formula(asked, projected, v, keys):
    scores = mx.tanh(asked[:, :, None] + projected[:, None]) @ v
    return mx.softmax(scores, axis=-1) @ keys


def test_contexts_of_additive_attention_and_each_gradient_are_the_formulas():
    shapes = ((B, 2, H), (B, T, H), (H,), (B, T, 6))
    given = [mx.array(drawn(*shape, seed=seed)) for seed, shape in enumerate(shapes)]
    wanted = mx.array(drawn(B, 2, 6, seed=9))
    found = additive_attention(*given)
    assert np.asarray(found).dtype == np.float32
    np.testing.assert_allclose(np.asarray(found), np.asarray(by_formula(*given)), atol=1e-6)
    for argument in range(4):
        ours, theirs = (
            mx.grad(lambda *args, fn=fn: mx.sum(fn(*args) * wanted), argnums=argument)(*given)
            for fn in (additive_attention, by_formula)
        )
        assert np.asarray(ours).dtype == np.float32
        np.testing.assert_allclose(np.asarray(ours), np.asarray(theirs), atol=2e-6)


def test_the_gradient_of_a_gradient_is_refused():
    given = [mx.array(drawn(*shape, seed=seed)) for seed, shape in enumerate(SHAPES)]
    first = mx.grad(lambda x: mx.sum(gru(x, *given[1:])))
    with pytest.raises(NotImplementedError, match="gru"):
        mx.grad(lambda x: mx.sum(first(x)))(given[0])


def test_parts_that_overlap_and_wholes_add_up():
    weights = [drawn(2, 3, seed=seed) for seed in range(4)]

    def loss(a):
        parts = (a[:, 0:3], a[:, 1:4], a[:, 0:3], a[:, 3:0:-1])
        total = sum(mx.sum(part * mx.array(weight)) for part, weight in zip(parts, weights, strict=True))
        return total + 2 * mx.sum(a) + mx.sum(a[1, None, 2] * a[0, 0])

    a = drawn(2, 4, seed=7)
    expected = np.full((2, 4), 2.0, np.float64)
    expected[:, 0:3] += weights[0].astype(float) + weights[2]
    expected[:, 1:4] += weights[1].astype(float) + weights[3][:, ::-1]
    expected[1, 2] += a[0, 0]
    expected[0, 0] += a[1, 2]
    np.testing.assert_allclose(np.asarray(mx.grad(loss)(mx.array(a))), expected, rtol=1e-5)


def test_a_leaf_that_is_only_read_in_parts_and_is_read_twice_derived():
    def loss(a):
        return mx.sum(a[0] * a[0] * a[1])

    a = drawn(2, 3, seed=2)
    first = mx.grad(loss)
    second = mx.grad(lambda a: mx.sum(first(a)[1]))
    np.testing.assert_allclose(np.asarray(first(mx.array(a))), np.stack([2 * a[0] * a[1], a[0] ** 2]), rtol=1e-5)
    np.testing.assert_allclose(np.asarray(second(mx.array(a))), np.stack([2 * a[0], 0 * a[0]]), rtol=1e-5)


def _slopes(function: Any, shapes: list[tuple[int, ...]], dtype: Any) -> list[np.ndarray]:
    """The value and the gradients of a sum over it, from the same float16 numbers in ``dtype``."""
    given = [mx.array(drawn(*shape, seed=at).astype(np.float16)).astype(dtype) for at, shape in enumerate(shapes)]
    y = function(*given)
    slopes = mx.grad(lambda *xs: mx.sum(function(*xs)), argnums=tuple(range(len(given))))(*given)
    assert all(found.dtype == dtype for found in (y, *slopes))
    return [np.array(found, np.float64) for found in (y, *slopes)]


@pytest.mark.parametrize(
    ("function", "shapes"),
    [
        (gru, [(2, 600, 12), (12, 4), (12,), (2, 4)]),
        (additive_attention, [(2, 3, 4), (2, 2048, 4), (4,), (2, 2048, 5)]),
        (lambda x: mx.softmax(x, axis=0) * (mx.arange(4096) % 64)[:, None].astype(x.dtype), [(4096, 2)]),
    ],
)
def test_halves_are_computed_in_float32(function: Any, shapes: list[tuple[int, ...]]) -> None:
    """600 steps, 2,048 keys: as exact as float16 holds the result, forward and gradient."""
    for half, single in zip(_slopes(function, shapes, mx.float16), _slopes(function, shapes, mx.float32), strict=True):
        np.testing.assert_allclose(half, single, rtol=4e-3, atol=4e-3 * np.abs(single).max())
