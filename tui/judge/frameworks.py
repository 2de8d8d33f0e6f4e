"""NumPy arrays to those of a framework and back, the dtype and the bits kept."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from tui.judge.wire import Array


class Bridge:
    """One framework, imported. ``give`` makes its arrays of NumPy's, ``take`` reads arrays of any framework."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.module: Any = importlib.import_module("mlx.core" if name == "mlx" else name)
        if name == "mlx":
            self.module.set_default_device(self.module.cpu)
        if name == "torch":
            self.module.set_num_threads(1)

    def give(self, value: np.ndarray) -> Any:
        if self.name == "torch":
            return self.module.from_numpy(value.copy())
        if self.name == "mlx":
            return self.module.array(value.astype(np.int32) if value.dtype == np.int64 else value)
        return value.copy()

    def take(self, value: Any) -> Array | None:
        """An array of NumPy, torch or MLX, or a NumPy scalar; None for anything else."""
        if isinstance(value, np.ndarray | np.generic):
            scalar = isinstance(value, np.generic)
            return Array("numpy", str(value.dtype), np.array(value, copy=True), scalar)
        name = type(value).__module__.partition(".")[0]
        if name == "torch" and hasattr(value, "detach"):
            return _of_torch(value)
        if name == "mlx" and hasattr(value, "dtype"):
            return _of_mlx(value)
        return None


def _of_torch(value: Any) -> Array:
    dtype = str(value.dtype).removeprefix("torch.")
    plain = value.detach().cpu()
    if dtype == "bfloat16":
        plain = plain.float()
    return Array("torch", dtype, plain.contiguous().numpy().copy())


def _of_mlx(value: Any) -> Array:
    core = importlib.import_module("mlx.core")
    dtype = str(value.dtype).removeprefix("mlx.core.")
    plain = value.astype(core.float32) if dtype == "bfloat16" else value
    return Array("mlx", dtype, np.array(plain))
