"""The influence of an input on an output: against differences, a known Jacobian, and causality."""

from __future__ import annotations

import numpy as np
import pytest

from mlxformer.backend import mx, to_numpy
from mlxformer.errors import ArgumentError
from mlxformer.inspection.influence import influence, influence_by_depth
from mlxformer.layers.config import LayerConfig
from mlxformer.layers.encoder import EncoderLayer
from mlxformer.layers.recurrent import Recurrent, RNNCell
from tests.mlxformer.comparing import assert_close, is_float32, numbers
from tests.mlxformer.observing import filled

T, C = 4, 3


def test_of_a_linear_map_it_is_the_norms_of_its_blocks():
    weights, mixing = numbers(5, C), numbers(T, T, seed=1)
    found = influence(lambda x: mx.matmul(mx.array(mixing), x) @ mx.array(weights).T, mx.array(numbers(1, T, C)))
    assert is_float32(found)
    assert_close(found, np.abs(mixing) * np.linalg.norm(weights))


def test_against_differences():
    layer, x = filled(EncoderLayer(4, 2, 8, LayerConfig(activation="gelu"))), numbers(1, T, 4)
    found, step = to_numpy(influence(layer, mx.array(x))), 1e-2
    for j in range(T):
        columns = []
        for c in range(4):
            moved = [x.copy(), x.copy()]
            moved[0][0, j, c] += step
            moved[1][0, j, c] -= step
            high, low = (to_numpy(layer(mx.array(one)))[0] for one in moved)
            columns.append((high - low) / (2 * step))
        np.testing.assert_allclose(found[:, j], np.linalg.norm(columns, axis=(0, 2)), rtol=2e-2, atol=2e-3)


def test_a_recurrent_layer_depends_on_the_past_alone():
    layer = filled(Recurrent(RNNCell(C, C)))
    found = to_numpy(influence(lambda x: layer(x)[0], mx.array(numbers(1, T, C))))
    np.testing.assert_array_equal(found > 0, np.tri(T, dtype=bool))


def test_by_depth_gives_the_rows_of_the_stacks():
    layers = [filled(EncoderLayer(4, 2, 8)) for _ in range(3)]
    x = mx.array(numbers(1, T, 4))
    rows = to_numpy(influence_by_depth(layers, x, 2))
    for depth in (1, 2, 3):

        def run(y, depth=depth):
            for layer in layers[:depth]:
                y = layer(y)
            return y

        assert_close(rows[depth - 1], to_numpy(influence(run, x))[2])


def test_bad_input_is_named():
    x = mx.array(numbers(1, T, C))
    for call, code in [
        (lambda: influence(lambda x: x, mx.array(numbers(2, T, C))), "wrong-shape"),
        (lambda: influence(lambda x: x[:, 0], x), "wrong-shape"),
        (lambda: influence(lambda x: x, numbers(1, T, C)), "not-an-array"),
        (lambda: influence_by_depth([], x, 0), "influence-position"),
        (lambda: influence_by_depth([lambda x: x], x, T), "influence-position"),
    ]:
        with pytest.raises(ArgumentError) as caught:
            call()
        assert caught.value.code == code
