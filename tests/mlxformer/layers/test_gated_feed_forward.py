"""The gated feed-forward: its formula in a float64 loop, torch's own parts, gradients, and its price."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.backend import mx, to_numpy, tree_flatten
from mlxformer.inspection.flops import count_layer_flops
from tests.mlxformer.comparing import assert_bit_equal, assert_close, assert_gradients, is_float32, numbers

C, F = 4, 6
GATES = {
    "silu": lambda x: x / (1 + math.exp(-x)),
    "sigmoid": lambda x: 1 / (1 + math.exp(-x)),
    "relu": lambda x: max(x, 0.0),
    "gelu": lambda x: 0.5 * x * (1 + math.erf(x / math.sqrt(2))),
    "identity": lambda x: x,
}


def filled(**options: Any) -> mf.GatedFeedForward:
    layer = mf.GatedFeedForward(C, F, **options)
    parameters: dict[str, Any] = dict(tree_flatten(layer.parameters()))
    layer.load_weights(
        [
            (path, mx.array(numbers(*p.shape, seed=i, scale=0.8)))
            for i, (path, p) in enumerate(sorted(parameters.items()))
        ]
    )
    layer.eval()
    return layer


def weights_of(layer: mf.GatedFeedForward) -> dict[str, np.ndarray]:
    parameters: dict[str, Any] = dict(tree_flatten(layer.parameters()))
    return {path: to_numpy(value).astype(np.float64) for path, value in parameters.items()}


@pytest.mark.parametrize("activation", GATES)
@pytest.mark.parametrize("bias", [False, True])
def test_it_is_the_formula_number_by_number(activation: str, bias: bool) -> None:
    layer, x = filled(activation=activation, bias=bias), numbers(2, 3, C, seed=9)
    w = weights_of(layer)
    expected = np.zeros((2, 3, C))
    for place in np.ndindex(2, 3):
        hidden = []
        for unit in range(F):
            gate = sum(w["gate_proj.weight"][unit, i] * float(x[(*place, i)]) for i in range(C))
            up = sum(w["up_proj.weight"][unit, i] * float(x[(*place, i)]) for i in range(C))
            if bias:
                gate, up = gate + w["gate_proj.bias"][unit], up + w["up_proj.bias"][unit]
            hidden.append(GATES[activation](gate) * up)
        for out in range(C):
            expected[(*place, out)] = sum(w["down_proj.weight"][out, unit] * hidden[unit] for unit in range(F))
            expected[(*place, out)] += w["down_proj.bias"][out] if bias else 0.0
    y = layer(mx.array(x))
    assert is_float32(y)
    assert_close(y, expected)


def test_torch_puts_it_together_alike() -> None:
    torch = pytest.importorskip("torch")
    layer, x = filled(), numbers(2, 5, C, seed=3)
    w = {path: torch.tensor(value, dtype=torch.float32) for path, value in weights_of(layer).items()}
    given = torch.tensor(x)
    linear, silu = torch.nn.functional.linear, torch.nn.functional.silu
    gated = silu(linear(given, w["gate_proj.weight"])) * linear(given, w["up_proj.weight"])
    assert_close(layer(mx.array(x)), linear(gated, w["down_proj.weight"]))


def test_gradients_are_those_of_finite_differences() -> None:
    layer = filled()
    assert_gradients(lambda x: mx.mean(mx.square(layer(x))), [numbers(1, 2, C, seed=5)])


def test_a_gate_of_zero_shuts_and_a_trace_shows_it() -> None:
    layer, x = filled(activation="relu"), mx.array(numbers(1, 8, C))
    with mf.trace() as steps:
        y = layer(x)
    assert_bit_equal(steps["output"].value, y)
    shut = steps["gate"].value == 0
    assert 0.2 < shut.mean() < 0.8 and (steps["gated"].value[shut] == 0).all()
    assert_bit_equal(steps["gated"].value, steps["gate"].value * steps["hidden"].value)


def test_without_an_activation_it_is_quadratic() -> None:
    layer, x = filled(activation="identity"), numbers(1, 3, C)
    assert_close(layer(mx.array(2 * x)), 4 * to_numpy(layer(mx.array(x))))


def test_dropout_only_in_training() -> None:
    layer, x = filled(dropout=0.5), mx.array(numbers(4, 50, C))
    assert_bit_equal(layer(x), layer(x))
    layer.train()
    assert np.abs(to_numpy(layer(x)) - to_numpy(layer(x))).max() > 0.1


def test_two_thirds_of_the_width_cost_as_much_as_two_matrices() -> None:
    def cost(layer: Any) -> tuple[int, int]:
        parameters: dict[str, Any] = dict(tree_flatten(layer.parameters()))
        with mf.trace() as steps:
            layer(mx.array(numbers(1, 5, 12)))
        return sum(int(p.size) for p in parameters.values()), count_layer_flops(steps)

    assert cost(mf.GatedFeedForward(12, 32)) == cost(mf.FeedForward(12, 48, bias=False)) == (1152, 2 * 5 * 1152)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [({"dims": 0}, "not-positive"), ({"ffn_dims": 2.5}, "not-positive"),
     ({"activation": "swiglu"}, "unknown-activation"), ({"dropout": 1.0}, "not-a-probability")],
)  # fmt: skip
def test_what_cannot_be(arguments: dict[str, Any], code: str) -> None:
    with pytest.raises(mf.ArgumentError) as error:
        mf.GatedFeedForward(**({"dims": C, "ffn_dims": F} | arguments))
    assert error.value.code == code


@pytest.mark.parametrize(
    ("x", "code"),
    [(np.zeros((1, 2, C), np.float32), "not-an-array"), (mx.zeros((1, 2, C + 1)), "wrong-shape"),
     (mx.zeros((2, C)), "wrong-shape"), (mx.zeros((1, 2, C)).astype(mx.int32), "not-floating")],
)  # fmt: skip
def test_inputs_of_another_kind_or_width(x: Any, code: str) -> None:
    with pytest.raises(mf.ArgumentError) as error:
        filled()(x)
    assert error.value.code == code
