"""The NumPy backend beside MLX itself, in one process: the same function on both, values and dtypes compared.

A case is a function of a namespace, ``lambda mx: mx.exp(mx.array(...))``, filed under the name it is about. Its
namespace records which names it really uses, so a case cannot claim a name that it never calls.
"""

from __future__ import annotations

from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from mlxformer.backend.numpy import core, nn, optimizers

REASON = "the NumPy backend is compared with MLX: pip install 'mlx[cpu]'"
mlx = pytest.importorskip("mlx.core", reason=REASON)
mlx_nn = pytest.importorskip("mlx.nn", reason=REASON)
mlx_optimizers = pytest.importorskip("mlx.optimizers", reason=REASON)

# float32 carries 24 bits, float16 11; MLX's CPU kernels are a few units in the last place off here and there.
TOLERANCE = {"float32": 2e-6, "float16": 2e-3}

MLX_SIDE = {"mx": mlx, "nn": mlx_nn, "optimizers": mlx_optimizers}
OUR_SIDE = {"mx": core, "nn": nn, "optimizers": optimizers}


class Recording:
    """A namespace that notes each name taken from it, as ``softmax`` or ``fast.layer_norm``."""

    def __init__(self, namespace: Any, prefix: str = "") -> None:
        self._namespace, self._prefix = namespace, prefix
        self._used: set[str] = set()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._namespace, name)
        if isinstance(found, ModuleType):
            inner = Recording(found, f"{self._prefix}{name}.")
            inner._used = self._used
            self._used.add(f"{self._prefix}{name}")
            return inner
        self._used.add(f"{self._prefix}{name}")
        return found

    @property
    def used(self) -> set[str]:
        return self._used


def dtype_name(x: Any) -> str:
    return str(x.dtype).rpartition(".")[2]


def is_array(x: Any) -> bool:
    return isinstance(x, (mlx.array, core.array))


def values(x: Any) -> np.ndarray:
    if isinstance(x, mlx.array):
        mlx.eval(x)
    return np.array(x)


def assert_same(ours: Any, theirs: Any, tolerance: float | None = None, where: str = "result") -> None:
    """Equal in form, Python type, dtype, shape, and, to rounding, in value. NaN equals NaN."""
    if is_array(theirs):
        assert is_array(ours), f"{where}: {type(ours).__name__}, but an array in MLX"
        assert dtype_name(ours) == dtype_name(theirs), f"{where}: {dtype_name(ours)}, but {dtype_name(theirs)} in MLX"
        assert ours.shape == theirs.shape, f"{where}: {ours.shape}, but {theirs.shape} in MLX"
        bound = TOLERANCE.get(dtype_name(theirs), 0) if tolerance is None else tolerance
        np.testing.assert_allclose(values(ours), values(theirs), rtol=bound, atol=bound, err_msg=where)
    elif isinstance(theirs, dict):
        assert list(ours) == list(theirs), f"{where}: keys {list(ours)}, but {list(theirs)} in MLX"
        for key in theirs:
            assert_same(ours[key], theirs[key], tolerance, f"{where}[{key!r}]")
    elif isinstance(theirs, (list, tuple)):
        assert type(ours) is type(theirs) and len(ours) == len(theirs), f"{where}: {ours}, but {theirs} in MLX"
        for at, (mine, other) in enumerate(zip(ours, theirs, strict=True)):
            assert_same(mine, other, tolerance, f"{where}[{at}]")
    elif isinstance(theirs, float):
        assert isinstance(ours, float)
        np.testing.assert_allclose(ours, theirs, rtol=1e-6, err_msg=where)
    else:
        assert type(ours) is type(theirs) and ours == theirs, f"{where}: {ours!r}, but {theirs!r} in MLX"


class Cases:
    """Cases by the name they are about."""

    def __init__(self, side: str) -> None:
        self.side = side
        self.all: list[tuple[str, Callable[..., Any], float | None]] = []

    def add(self, name: str, *functions: Callable[..., Any], tolerance: float | None = None) -> None:
        self.all.extend((name, function, tolerance) for function in functions)

    @property
    def names(self) -> set[str]:
        return {name for name, _, _ in self.all}

    def parameters(self) -> list[Any]:
        seen: dict[str, int] = {}
        parameters = []
        for name, function, tolerance in self.all:
            seen[name] = seen.get(name, 0) + 1
            parameters.append(pytest.param(name, function, tolerance, id=f"{name}-{seen[name]}"))
        return parameters

    def check(self, name: str, function: Callable[..., Any], tolerance: float | None) -> None:
        ours = Recording(OUR_SIDE[self.side])
        mine, theirs = function(ours), function(Recording(MLX_SIDE[self.side]))
        assert name in ours.used, f"the case for {name} never uses it, only {sorted(ours.used)}"
        assert_same(mine, theirs, tolerance)
