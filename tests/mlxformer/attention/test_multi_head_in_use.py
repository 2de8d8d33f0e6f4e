"""Multi-head attention as users use a layer: trained, saved, nested, compiled, quantized, and on long texts."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from mlxformer import backend
from mlxformer.attention.multi_head import MultiHeadAttention
from mlxformer.backend import mx, nn, optimizers, to_numpy, tree_flatten
from mlxformer.tracing import Module
from tests.mlxformer.comparing import assert_bit_equal, assert_close, booleans, is_float32, numbers
from tests.mlxformer.observing import filled

B, T, C, H = 2, 6, 16, 4
ON_MLX = pytest.mark.skipif(backend.name != "mlx", reason="a feature of MLX alone")


class Small(Module):
    def __init__(self) -> None:
        super().__init__()
        self.attention = MultiHeadAttention(8, 2)
        self.head = nn.Linear(8, 1)

    def __call__(self, x):
        return self.head(self.attention(x, x, x, "causal"))


def test_training_with_an_optimizer_lowers_the_loss():
    mx.random.seed(0)
    model, x = Small(), mx.array(numbers(4, 5, 8))
    target = mx.array(np.cumsum(numbers(4, 5, 8), axis=1)[..., :1])

    def loss(model, x, target):
        return mx.mean((model(x) - target) ** 2)

    step, optimizer = nn.value_and_grad(model, loss), optimizers.Adam(learning_rate=1e-2)
    losses = []
    for _ in range(40):
        value, gradients = step(model, x, target)
        optimizer.update(model, gradients)
        mx.eval(model.parameters(), optimizer.state)
        losses.append(float(to_numpy(value)))
    assert losses[-1] < 0.5 * losses[0]
    assert is_float32(*(value for _, value in tree_flatten(model.parameters())))


@pytest.mark.parametrize("kind", ["npz", "safetensors"])
def test_weights_are_saved_and_loaded(tmp_path, kind):
    mx.random.seed(0)
    model, other, x = Small(), Small(), mx.array(numbers(1, 3, 8))
    model.save_weights(str(tmp_path / f"weights.{kind}"))
    other.load_weights(str(tmp_path / f"weights.{kind}"))
    for (_, loaded), (_, saved) in zip(tree_flatten(other.parameters()), tree_flatten(model.parameters()), strict=True):
        assert_bit_equal(loaded, saved)
    assert_close(other(x), model(x))  # not bit-equal: how MLX sums depends on where a loaded array lies in memory


def test_inside_a_users_own_module():
    class Own(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.parts = [MultiHeadAttention(8, 2), nn.Linear(8, 8)]

        def __call__(self, x):
            return self.parts[1](self.parts[0](x, x, x))

    model, x = Own(), mx.array(numbers(1, 3, 8))
    names = {path for path, _ in tree_flatten(model.parameters())}
    assert {"parts.0.query_proj.weight", "parts.0.out_proj.bias", "parts.1.weight"} <= names
    model.freeze()
    model.parts[0].unfreeze()
    _, gradients = nn.value_and_grad(model, lambda model: mx.sum(model(x)))(model)
    assert {path for path, _ in tree_flatten(gradients)} == {name for name in names if name.startswith("parts.0.")}


@ON_MLX
def test_compiled_is_the_same():
    mx.random.seed(0)
    layer, x = filled(MultiHeadAttention(C, H)), mx.array(numbers(B, T, C))
    assert_close(mx.compile(lambda x: layer(x, x, x, "causal"))(x), layer(x, x, x, "causal"))
    mask = mx.array(booleans(T, T))
    assert_close(mx.compile(lambda x, m: layer(x, x, x, m))(x, mask), layer(x, x, x, mask))


@ON_MLX
def test_a_compiled_training_step_is_the_same():
    def run(compiled: bool) -> list[float]:
        mx.random.seed(0)
        model, x = Small(), mx.array(numbers(4, 5, 8))
        optimizer = optimizers.SGD(learning_rate=0.1)
        step = nn.value_and_grad(model, lambda model, x: mx.mean(model(x) ** 2))

        def update(x):
            value, gradients = step(model, x)
            optimizer.update(model, gradients)
            return value

        if compiled:
            state = [model.state, optimizer.state]
            update = mx.compile(update, inputs=state, outputs=state)
        return [update(x).item() for _ in range(3)]

    assert run(True) == pytest.approx(run(False), rel=1e-5)


@ON_MLX
@pytest.mark.parametrize("bits", [4, 8])
def test_quantized_projections_are_called(bits):
    layer, x = filled(MultiHeadAttention(128, 4)), mx.array(numbers(1, 5, 128))
    rounded = filled(MultiHeadAttention(128, 4))
    for name in ("query_proj", "key_proj", "value_proj", "out_proj"):
        weight = layer[name].weight
        rounded[name].weight = mx.dequantize(*mx.quantize(weight, 64, bits), 64, bits)
        assert mx.abs(rounded[name].weight - weight).max().item() > 0
    nn.quantize(layer, group_size=64, bits=bits)
    assert all(isinstance(layer[name], nn.QuantizedLinear) for name in ("query_proj", "key_proj", "out_proj"))
    assert_close(layer(x, x, x, "causal"), rounded(x, x, x, "causal"))


@pytest.mark.skipif(backend.name != "numpy", reason="measures NumPy's allocations")
@pytest.mark.parametrize("mask", [None, "causal"])
def test_without_a_trace_memory_grows_with_the_length_and_not_its_square(mask):
    layer = filled(MultiHeadAttention(16, 1))

    def peak(length: int) -> int:
        x = mx.array(numbers(1, length, 16))
        tracemalloc.start()
        layer(x, x, x, mask)
        used = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return used

    peak(256)  # what is made once
    short, long = peak(2048), peak(4096)
    assert long <= 2.2 * short, f"{short} bytes for 2,048 tokens, {long} for 4,096"
    assert short < 2048 * 2048 * 4  # less than one matrix of scores
