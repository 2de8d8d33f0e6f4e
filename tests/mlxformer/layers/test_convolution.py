"""Convolution over time: a float64 loop, torch's own, gradients, and how far a stack sees."""

from __future__ import annotations

import numpy as np
import pytest

from mlxformer import backend
from mlxformer.backend import mx, to_numpy
from mlxformer.errors import ArgumentError
from mlxformer.inspection.influence import influence
from mlxformer.layers.convolution import Convolution, ConvolutionLayer, convolution_stack
from tests.mlxformer.comparing import assert_close, assert_gradients, is_float32, numbers
from tests.mlxformer.observing import filled

B, T, C, OUT = 2, 7, 3, 4


def loop(layer, x):
    weight = to_numpy(layer.proj.weight).astype(np.float64)
    bias = to_numpy(layer.proj.bias).astype(np.float64) if "bias" in layer.proj else 0.0
    k, d = layer.kernel_size, layer.dilation
    middle = k - 1 if layer.causal else (k - 1) // 2
    y = np.zeros((*x.shape[:2], weight.shape[0])) + bias
    for b in range(x.shape[0]):
        for t in range(x.shape[1]):
            for j in range(k):
                at = t + (j - middle) * d
                if 0 <= at < x.shape[1]:
                    y[b, t] += weight[:, j * x.shape[2] : (j + 1) * x.shape[2]] @ x[b, at]
    return y


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("kernel_size, dilation", [(1, 1), (3, 1), (3, 2), (5, 3)])
def test_against_a_float64_loop(causal, kernel_size, dilation):
    layer = filled(Convolution(C, OUT, kernel_size, dilation=dilation, causal=causal))
    x = numbers(B, T, C)
    y = layer(mx.array(x))
    assert is_float32(y)
    assert_close(y, loop(layer, x))


def test_an_even_kernel_looks_back_and_no_bias_is_no_bias():
    layer = filled(Convolution(C, OUT, 2, causal=True, bias=False))
    x = numbers(B, T, C)
    assert_close(layer(mx.array(x)), loop(layer, x))
    assert not to_numpy(layer(mx.zeros((1, 2, C)))).any()


def test_against_torch():
    torch = pytest.importorskip("torch")
    layer, x = filled(Convolution(C, OUT, 3, dilation=2)), numbers(B, T, C)
    theirs = torch.nn.Conv1d(C, OUT, 3, padding="same", dilation=2)
    weight = to_numpy(layer.proj.weight).reshape(OUT, 3, C).transpose(0, 2, 1)
    with torch.no_grad():
        theirs.weight.copy_(torch.tensor(weight.copy()))
        theirs.bias.copy_(torch.tensor(to_numpy(layer.proj.bias)))
        wanted = theirs(torch.tensor(x).transpose(1, 2)).transpose(1, 2).numpy()
    assert_close(layer(mx.array(x)), wanted)


def test_gradients_by_finite_differences():
    layer = filled(ConvolutionLayer(C, 3, dilation=2))
    parameters, wanted = sorted(backend.tree_flatten(layer.parameters())), mx.array(numbers(B, T, C, seed=3))

    def loss(x, *values):
        layer.update(backend.tree_unflatten([(path, v) for (path, _), v in zip(parameters, values, strict=True)]))
        return mx.sum(layer(x) * wanted)

    assert_gradients(loss, [numbers(B, T, C), *(to_numpy(value) for _, value in parameters)])


@pytest.mark.parametrize("growth", [1, 3])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_a_stack_sees_as_far_as_its_receptive_field(depth, growth):
    layers = [filled(layer) for layer in convolution_stack(depth, C, growth=growth)]

    def run(x):
        for layer in layers:
            x = layer(x)
        return x

    length, field = 31, 3**depth if growth == 3 else 2 * depth + 1
    seen = to_numpy(influence(run, mx.array(numbers(1, length, C)))) > 0
    rows = np.arange(length)
    inside = np.abs(rows - length // 2) <= length // 2 - (field - 1) // 2  # nearer to an end some paths leave and end
    wanted = np.abs(rows[:, None] - rows) <= (field - 1) // 2
    np.testing.assert_array_equal(seen[inside], wanted[inside])
    assert inside.any() and not (seen & ~wanted).any()


def test_bad_input_is_named():
    layer = Convolution(C, OUT)
    for call, code in [
        (lambda: Convolution(C, OUT, 4), "kernel-even"),
        (lambda: Convolution(C, OUT, 0), "not-positive"),
        (lambda: Convolution(C, OUT, dilation=0), "not-positive"),
        (lambda: layer(mx.zeros((B, T, OUT))), "wrong-shape"),
        (lambda: layer(mx.zeros((B, 0, C))), "empty-axis"),
        (lambda: layer(np.zeros((B, T, C), np.float32)), "not-an-array"),
        (lambda: convolution_stack(2, C, growth=0), "not-positive"),
    ]:
        with pytest.raises(ArgumentError) as caught:
            call()
        assert caught.value.code == code
