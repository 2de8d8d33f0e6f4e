"""Random embeddings and weights that are the same numbers on every backend and machine."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from mlxformer.backend import mx, nn, tree_flatten


def embed(tokens: Sequence[str], width: int, seed: int) -> np.ndarray:
    """[T, C] standard normal float32. A token's vector depends on the token, ``seed`` and C alone.

    So a token has one vector wherever it stands; nothing else about it means anything, as nothing was trained.
    """
    rows = {token: _vector(token, width, seed) for token in dict.fromkeys(tokens)}
    return np.stack([rows[token] for token in tokens])


def _vector(token: str, width: int, seed: int) -> np.ndarray:
    # Half of a surrogate pair can be pasted into a terminal; it is a token like any other.
    digest = hashlib.blake2b(token.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    generator = np.random.default_rng([seed, *np.frombuffer(digest, dtype="<u4").tolist()])
    return generator.standard_normal(width).astype(np.float32)


def draw(generator: np.random.Generator, module: nn.Module) -> dict[str, np.ndarray]:
    """A value for each parameter of ``module``, by path: matrices N(0, 1/width in), biases 0, other vectors 1.

    Inputs of unit variance then give queries, keys and values of unit variance (Glorot & Bengio 2010, §4.2.1, for a
    square matrix).
    """
    values: dict[str, np.ndarray] = {}
    parameters: dict[str, Any] = dict(tree_flatten(module.parameters()))
    for path, parameter in sorted(parameters.items()):
        shape = tuple(parameter.shape)
        if path.endswith("bias"):
            values[path] = np.zeros(shape, np.float32)
        elif len(shape) == 1:
            values[path] = np.ones(shape, np.float32)
        else:
            values[path] = (generator.standard_normal(shape) / np.sqrt(shape[-1])).astype(np.float32)
    return values


def load(module: Any, values: dict[str, np.ndarray]) -> Any:
    """``module`` with every parameter set from ``values``, in evaluation mode."""
    module.load_weights([(path, mx.array(value)) for path, value in values.items()])
    module.eval()
    return module
