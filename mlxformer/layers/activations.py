"""Activation functions by the names that configurations use."""

from __future__ import annotations

import difflib
from collections.abc import Callable

from mlxformer.attention.exactness import wide
from mlxformer.backend import mx, nn
from mlxformer.errors import ArgumentError


def gelu_tanh(x: mx.array) -> mx.array:
    """``½x(1 + tanh(√(2/π)(x + 0.044715x³)))``, the approximation of Hendrycks & Gimpel 2016, §2 (GPT-2, T5).

    Args:
        x: floating point, of any shape.

    Returns:
        The shape of x.

    Written out, because MLX's ``gelu_approx`` has meant different approximations in different versions. It is computed
    in float32, and beyond ±10 the tanh is ±1 in it: x³ stays out of infinity, and its gradient out of ``0 · inf``.

    >>> from mlxformer.layers.activations import gelu_tanh
    >>> from mlxformer.backend import mx
    >>> round(float(gelu_tanh(mx.array(1.0))), 4)
    0.8412
    """
    z = wide(x)
    near = mx.clip(z, -10.0, 10.0)
    return (0.5 * z * (1.0 + mx.tanh(0.7978845608028654 * (near + 0.044715 * near * near * near)))).astype(x.dtype)


def identity(x: mx.array) -> mx.array:
    """``x``: the layer without its non-linearity.

    Args:
        x: of any shape.

    >>> identity(3)
    3
    """
    return x


ACTIVATIONS: dict[str, Callable[[mx.array], mx.array]] = {
    "relu": nn.relu,
    "gelu": nn.gelu,  # x Φ(x), exact, by erf
    "gelu_new": gelu_tanh,
    "gelu_pytorch_tanh": gelu_tanh,
    "silu": nn.silu,
    "swish": nn.silu,
    "tanh": mx.tanh,
    "sigmoid": mx.sigmoid,
    "identity": identity,
    "linear": identity,
}


class Activation:
    """A function of ``ACTIVATIONS`` by its name, so that a layer that holds it can be copied and pickled.

    Args:
        name: one of ``ACTIVATIONS``.

    >>> from mlxformer.layers.activations import Activation
    >>> Activation("relu")
    Activation('relu')
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def __call__(self, x: mx.array) -> mx.array:
        """act(x), of the shape of x.

        Args:
            x: floating point, of any shape.
        """
        return ACTIVATIONS[self.name](x)

    def __repr__(self) -> str:
        return f"Activation({self.name!r})"


def activation(name: str) -> Activation:
    """The function called ``name``.

    Args:
        name: as configurations write it; ``ACTIVATIONS`` has all.

    Returns:
        What is called with an array of any shape.

    Raises:
        ArgumentError: with the nearest name, where there is none of that name.

    >>> from mlxformer.backend import mx
    >>> from mlxformer.layers.activations import activation
    >>> activation("relu")(mx.array([-1.0, 2.0])).tolist()
    [0.0, 2.0]
    """
    if not isinstance(name, str):
        raise ArgumentError("unknown-activation", f"an activation is given by its name; got {name!r}", given=name)
    if name not in ACTIVATIONS:
        near = difflib.get_close_matches(name, ACTIVATIONS, 1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        known = ", ".join(ACTIVATIONS)
        raise ArgumentError(
            "unknown-activation", f"unknown activation {name!r}.{hint} Known: {known}", given=name, known=known
        )
    return Activation(name)
