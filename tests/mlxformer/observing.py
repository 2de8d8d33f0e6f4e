"""All that a module computes: outputs, traced steps and gradients, from parameters that are the same everywhere."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np

from mlxformer.backend import is_array, mx, tree_flatten, tree_unflatten
from mlxformer.tracing import trace
from tests.mlxformer.comparing import numbers

SEEN: set[type] = set()  # the classes of all modules that were observed


def filled(module: Any) -> Any:
    """``module`` in evaluation mode, each parameter numbers seeded by its path, scaled as a layer of its width."""
    weights = []
    for path, value in tree_flatten(module.parameters()):
        shape = value.shape
        noise = numbers(*shape, seed=zlib.crc32(path.encode()), scale=shape[-1] ** -0.5 if len(shape) > 1 else 0.1)
        is_gain = len(shape) == 1 and path.endswith("weight")  # of a norm: around one
        weights.append((path, mx.array(noise + np.float32(is_gain))))
    module.load_weights(weights)
    module.eval()
    return module


def observed(module: Any, *inputs: Any, gradients: bool = True, **options: Any) -> dict[str, Any]:
    """Outputs, traced steps, and the gradient of every parameter of ``module`` on ``inputs``.

    The module is filled, run once plainly, and once under a trace and a gradient.
    """
    filled(module)
    SEEN.update(type(part) for _, part in module.named_modules())
    found = {f"output.{path}": value for path, value in _arrays(module(*inputs, **options))}
    parameters = dict(tree_flatten(module.trainable_parameters()))

    def loss(values: dict[str, Any]) -> Any:
        module.update(tree_unflatten(list(values.items())))
        floats = [y for _, y in _arrays(module(*inputs, **options)) if y.dtype == mx.float32]
        # An uneven sum: a symmetric one would hide gradients that cancel.
        return sum(mx.sum(y * mx.array(numbers(*y.shape, seed=3))) for y in floats)

    with trace(module) as steps:
        if gradients and parameters:
            found |= {f"gradient.{path}": slope for path, slope in mx.grad(loss)(parameters).items()}
            module.update(tree_unflatten(list(parameters.items())))  # what was differentiated is no array afterwards
        else:
            module(*inputs, **options)
    return found | {f"step.{step.path}.{step.call}": step.value for step in steps}


def _arrays(tree: Any) -> list[tuple[str, Any]]:
    """The arrays of an output: one array, or a tuple with some of its fields None."""
    return [(path, value) for path, value in tree_flatten([tree]) if is_array(value)]


def batch(*shape: int, seed: int = 0) -> Any:
    return mx.array(numbers(*shape, seed=seed))


def token_ids(*shape: int, size: int, low: int = 3, seed: int = 0) -> Any:
    return mx.array(np.random.default_rng(seed).integers(low, size, shape).astype(np.int32))
