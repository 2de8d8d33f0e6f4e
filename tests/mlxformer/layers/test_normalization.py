"""Layer norm and RMS norm by their formulas, their gradients, and what a stack makes of the choice."""

from __future__ import annotations

import numpy as np
import pytest

from mlxformer.backend import mx, nn, to_numpy, tree_flatten
from mlxformer.errors import ArgumentError
from mlxformer.layers.causal_stack import CausalStack
from mlxformer.layers.config import LayerConfig
from mlxformer.layers.encoder import Encoder
from mlxformer.layers.normalization import normalization
from mlxformer.tracing import trace
from tests.mlxformer.comparing import assert_close, numbers

C = 6


def filled(norm_type):
    layer = normalization(norm_type, C, 1e-3)
    layer.load_weights(
        [(path, mx.array(numbers(C, seed=index))) for index, (path, _) in enumerate(tree_flatten(layer.parameters()))]
    )
    return layer, {path: to_numpy(value).astype(np.float64) for path, value in tree_flatten(layer.parameters())}


@pytest.mark.parametrize("norm_type", ["layer", "rms"])
def test_formula_row_by_row(norm_type):
    layer, weights = filled(norm_type)
    x = numbers(2, 3, C, seed=7) + np.float32(2)
    wanted = np.zeros(x.shape)
    for place in np.ndindex(2, 3):
        row = x[place].astype(np.float64)
        row = row - row.mean() if norm_type == "layer" else row
        wanted[place] = row / np.sqrt((row**2).mean() + 1e-3) * weights["weight"] + weights.get("bias", 0.0)
    assert_close(layer(mx.array(x)), wanted)


@pytest.mark.parametrize("norm_type", ["layer", "rms"])
def test_gradient_by_finite_differences(norm_type):
    layer, weights = filled(norm_type)
    x, direction, out = (numbers(1, 2, C, seed=seed).astype(np.float64) for seed in (3, 4, 5))

    def value(x):
        row = x - x.mean(-1, keepdims=True) if norm_type == "layer" else x
        normal = row / np.sqrt((row**2).mean(-1, keepdims=True) + 1e-3)
        return float(((normal * weights["weight"] + weights.get("bias", 0.0)) * out).sum())

    wanted = (value(x + 1e-5 * direction) - value(x - 1e-5 * direction)) / 2e-5
    gradient = mx.grad(lambda z: mx.sum(layer(z) * mx.array(out.astype(np.float32))))(mx.array(x.astype(np.float32)))
    assert float((to_numpy(gradient) * direction).sum()) == pytest.approx(wanted, rel=2e-4)


@pytest.mark.parametrize("make", [Encoder, CausalStack])
def test_a_stack_takes_it_everywhere(make):
    stack = make(2, C, 2, 8, LayerConfig(norm="pre", norm_type="rms"))
    norms = [path for path, _ in stack.named_modules() if path.endswith("norm")]
    assert len(norms) == 5
    assert all(isinstance(module, nn.RMSNorm) for path, module in stack.named_modules() if path in norms)
    with trace(stack) as steps:
        stack(mx.array(numbers(1, 3, C)))
    assert steps["final_norm_output"].formula == "RMSNorm(x)"
    assert steps["layers.1.output"].formula == "x + Sublayer(RMSNorm(x))"


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(("batch", C), "unknown-choice"), (("rms", 0), "not-positive"), (("layer", C, 0.0), "not-a-positive-number")],
)
def test_what_cannot_be(arguments, code):
    with pytest.raises(ArgumentError) as error:
        normalization(*arguments)
    assert error.value.code == code
