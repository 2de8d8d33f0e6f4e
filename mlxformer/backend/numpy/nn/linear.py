"""Linear maps and the layers that only pass on."""

from __future__ import annotations

import math
from typing import Any

from .. import random
from ..products import linear
from .module import Module


class Linear(Module):
    """y = x Wᵀ + b, with W [output_dims, input_dims]; both drawn from U(−k, k), k = 1/√input_dims."""

    def __init__(self, input_dims: int, output_dims: int, bias: bool = True) -> None:
        super().__init__()
        k = math.sqrt(1.0 / input_dims)
        self.weight = random.uniform(-k, k, (output_dims, input_dims))
        if bias:
            self.bias = random.uniform(-k, k, (output_dims,))

    def _extra_repr(self) -> str:
        output_dims, input_dims = self.weight.shape
        return f"input_dims={input_dims}, output_dims={output_dims}, bias={'bias' in self}"

    def __call__(self, x: Any) -> Any:
        return linear(x, self["weight"], self.get("bias"))


class Identity(Module):
    """Gives back what it is given; any arguments of its constructor are ignored."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__()

    def __call__(self, x: Any) -> Any:
        return x


class Sequential(Module):
    """Calls its modules or functions one after another."""

    def __init__(self, *modules: Any) -> None:
        super().__init__()
        self.layers = list(modules)

    def __call__(self, x: Any) -> Any:
        for layer in self.layers:
            x = layer(x)
        return x
