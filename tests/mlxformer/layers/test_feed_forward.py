"""The feed-forward network: its formula in float64, every activation, and that positions do not mix."""

from __future__ import annotations

import math

import numpy as np
import pytest

from mlxformer.backend import mx, to_numpy, tree_flatten
from mlxformer.errors import ArgumentError
from mlxformer.layers.activations import ACTIVATIONS
from mlxformer.layers.feed_forward import FeedForward
from mlxformer.tracing import trace
from tests.mlxformer.comparing import assert_bit_equal, assert_close, numbers

C, F = 6, 10
FORMULAS = {
    "relu": lambda x: max(x, 0.0),
    "gelu": lambda x: x * 0.5 * (1 + math.erf(x / math.sqrt(2))),
    "gelu_new": lambda x: 0.5 * x * (1 + math.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    "silu": lambda x: x / (1 + math.exp(-x)),
    "tanh": math.tanh,
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "identity": lambda x: x,
}
SYNONYMS = {"gelu_pytorch_tanh": "gelu_new", "swish": "silu", "linear": "identity"}


def filled(**options):
    layer = FeedForward(C, F, **options)
    layer.load_weights(
        [
            (path, mx.array(numbers(*value.shape, seed=index, scale=0.8)))
            for index, (path, value) in enumerate(sorted(tree_flatten(layer.parameters())))
        ]
    )
    layer.eval()
    return layer


@pytest.mark.parametrize("activation", sorted(ACTIVATIONS))
@pytest.mark.parametrize("bias", [True, False])
def test_formula(activation, bias):
    layer, x = filled(activation=activation, bias=bias), numbers(2, 3, C, seed=9, scale=2)
    act = np.vectorize(FORMULAS[SYNONYMS.get(activation, activation)])
    weights = {path: to_numpy(value).astype(np.float64) for path, value in tree_flatten(layer.parameters())}
    hidden = x @ weights["up_proj.weight"].T + weights.get("up_proj.bias", 0.0)
    assert_close(layer(mx.array(x)), act(hidden) @ weights["down_proj.weight"].T + weights.get("down_proj.bias", 0.0))


def test_each_position_goes_its_own_way():
    layer, x = filled(), numbers(2, 4, C)
    whole = to_numpy(layer(mx.array(x)))
    changed = x.copy()
    changed[0, 2] += 1
    difference = np.abs(to_numpy(layer(mx.array(changed))) - whole).max(axis=-1)
    assert difference[0, 2] > 0.1 and np.delete(difference.reshape(-1), 2).max() == 0


def test_trace_and_dropout_on_the_hidden_layer():
    layer, x = filled(dropout=0.5), mx.array(numbers(4, 50, C))
    with trace() as steps:
        y = layer(x)
    assert_bit_equal(steps["output"].value, y)
    assert_bit_equal(steps["activated"].value, np.maximum(steps["hidden"].value, 0))
    layer.train()
    assert np.abs(to_numpy(layer(x)) - to_numpy(layer(x))).max() > 0.1


@pytest.mark.parametrize(
    ("arguments", "code"),
    [((0, F), "not-positive"), ((C, 2.0), "not-positive"), ((C, F, "rleu"), "unknown-activation"),
     ((C, F, "relu", 1.5), "not-a-probability")],
)  # fmt: skip
def test_what_cannot_be(arguments, code):
    names = ("dims", "ffn_dims", "activation", "dropout")
    with pytest.raises(ArgumentError) as error:
        FeedForward(**dict(zip(names, arguments, strict=False)))
    assert error.value.code == code
