"""Nothing is on the closed list that was not compared with MLX, and nothing with MLX's name is missing from MLX."""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest

from tests.mlxformer.backend.numpy import (
    test_attention,
    test_elementwise,
    test_layers,
    test_products,
    test_random,
    test_reductions,
    test_shapes,
)
from tests.mlxformer.backend.numpy.closed_list import closed_list
from tests.mlxformer.backend.numpy.comparing import Cases, core, mlx, mlx_nn, mlx_optimizers, nn, optimizers
from tests.mlxformer.backend.numpy.inputs import array, normal

cases = Cases("mx")
cases.add("eval", lambda mx: mx.eval(mx.ones((2,)), {"a": [mx.ones((1,))]}))
cases.add("compile", lambda mx: mx.compile(lambda x: mx.exp(x) * 2)(array(mx, normal(3))))
cases.add("compile", lambda mx: mx.compile(lambda x: x + 1, shapeless=True)(mx.array([1, 2])))
cases.add("checkpoint", lambda mx: mx.checkpoint(lambda x: mx.exp(x) * 2)(array(mx, normal(3))))
cases.add("grad", lambda mx: mx.grad(lambda x: mx.sum(x * x))(array(mx, normal(3))))
cases.add("value_and_grad", lambda mx: mx.value_and_grad(lambda x: mx.sum(x * x))(array(mx, normal(3))))


@pytest.mark.parametrize(("name", "function", "tolerance"), cases.parameters())
def test_is_mlx(name: str, function: Callable[..., Any], tolerance: float | None) -> None:
    cases.check(name, function, tolerance)


def test_every_name_of_mx_was_compared() -> None:
    files = (test_attention, test_elementwise, test_products, test_random, test_reductions, test_shapes)
    compared = cases.names.union(*(file.cases.names for file in files))
    assert closed_list(core) == compared


def test_every_name_of_nn_was_compared() -> None:
    assert closed_list(nn) == test_layers.cases.names


@pytest.mark.parametrize(
    ("ours", "theirs"), [(core, mlx), (nn, mlx_nn), (optimizers, mlx_optimizers)], ids=["mx", "nn", "optimizers"]
)
def test_mlx_has_every_name(ours: ModuleType, theirs: ModuleType) -> None:
    for name in closed_list(ours):
        found: Any = theirs
        for part in name.split("."):
            found = getattr(found, part)


def test_no_name_is_spelled_twice_and_all_are_there() -> None:
    for namespace in (core, nn, optimizers, core.fast, core.random, core.linalg, nn.losses, nn.init):
        assert len(set(namespace.__all__)) == len(namespace.__all__)
        assert all(hasattr(namespace, name) for name in namespace.__all__)
