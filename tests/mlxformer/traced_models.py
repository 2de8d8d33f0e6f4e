"""Small things to trace."""

from __future__ import annotations

from typing import Any

from mlxformer.backend import mx
from mlxformer.layers.encoder import Encoder
from mlxformer.tracing import Module, in_trace, tap
from tests.mlxformer.comparing import numbers


class Doubling(Module):
    """The smallest module with a tap."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = mx.array([2.0])

    def __call__(self, x):
        return tap("output", x * self.weight, axes=("time",), formula="2x")

    @in_trace
    def halve(self, x):
        return tap("halved", x / self.weight, axes=("time",))


def encoder(layers: int = 2) -> Encoder:
    mx.random.seed(0)
    model = Encoder(layers, 8, 2, 16)
    model.eval()
    return model


def sequence() -> Any:
    return mx.array(numbers(2, 5, 8))
