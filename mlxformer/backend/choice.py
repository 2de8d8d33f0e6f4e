"""Which backend runs: chosen once, at the first import, by ``MLXFORMER_BACKEND=auto|mlx|numpy``.

``auto``, the default, is MLX where it has a GPU (Metal or CUDA) and NumPy elsewhere: on two x86 cores MLX's CPU build
multiplies matrices at 8 GFLOP/s and NumPy at 230.
"""

from __future__ import annotations

import importlib
import os
import platform
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from mlxformer.errors import BackendError

VARIABLE = "MLXFORMER_BACKEND"
CHOICES = ("auto", "mlx", "numpy")
Device = Literal["metal", "cuda", "cpu"]
Reason = Literal["asked", "gpu", "no-gpu", "no-mlx"]


@dataclass(frozen=True)
class Description:
    """What runs, and why. ``str()`` says it in English; the fields are there to say it in another language.

    ``reason``: ``asked`` (by the variable), ``gpu`` (MLX has one), ``no-gpu`` (MLX is there, but no GPU works) or
    ``no-mlx`` (MLX cannot be imported); ``detail`` is the error behind the last two, or empty.

    Args:
        name: of the backend.
        device: what computes.
        device_name: as people call it.
        reason: why this one, as above.
        detail: the error behind the reason, or empty.
        numpy_version: of NumPy.
        mlx_version: of MLX; None where it cannot be imported.

    >>> from mlxformer.backend.choice import Description
    >>> print(Description("numpy", "cpu", "the CPU", "no-mlx", "", "2.4.6", None))
    NumPy 2.4.6 on the CPU (MLX cannot be imported)
    """

    name: Literal["mlx", "numpy"]
    device: Device
    device_name: str
    reason: Reason
    detail: str
    numpy_version: str
    mlx_version: str | None

    def __str__(self) -> str:
        version = f"MLX {self.mlx_version}" if self.name == "mlx" else f"NumPy {self.numpy_version}"
        reasons = {
            "asked": f"{VARIABLE}={self.name}",
            "gpu": "MLX has a GPU here",
            "no-gpu": "MLX has no usable GPU here",
            "no-mlx": "MLX cannot be imported",
        }
        return f"{version} on {self.device_name} ({reasons[self.reason]})"


def _wanted() -> str:
    value = os.environ.get(VARIABLE, "auto").strip().lower() or "auto"
    if value not in CHOICES:
        raise BackendError(
            "backend-unknown",
            f"{VARIABLE}={value!r} is not a backend. Set it to one of {', '.join(CHOICES)}, or unset it for auto.",
            value=value,
            choices=CHOICES,
        )
    return value


def _import_mlx() -> Any:
    """MLX's core, or the ImportError why not. Without its extra, Linux's mlx is there but misses libmlx.so."""
    return importlib.import_module("mlx.core")


def _usable_gpu(core: Any) -> tuple[Device, str] | None:
    """The kind and name of MLX's GPU, if a computation on it gives the right number."""
    kind: Device
    if core.metal.is_available():
        kind = "metal"
    elif getattr(core, "cuda", None) is not None and core.cuda.is_available():
        kind = "cuda"
    else:
        return None
    total = core.sum(core.ones((8, 8), dtype=core.float32), stream=core.gpu)
    if total.item() != 64.0:
        raise RuntimeError(f"the sum of 64 ones on it was {total.item()}")
    return kind, _device_name(core, core.gpu)


def _device_name(core: Any, device: Any) -> str:
    try:
        return str(core.device_info(device).get("device_name") or "GPU")
    except (AttributeError, TypeError):  # an MLX that has no such function yet, or one without an argument
        return "GPU"


def _processor() -> str:
    return f"{platform.machine()} CPU"


def _choose() -> Description:
    """The backend to use; where it is MLX, MLX can be imported."""
    wanted = _wanted()
    if wanted == "numpy":
        return Description("numpy", "cpu", _processor(), "asked", "", np.__version__, None)
    try:
        core = _import_mlx()
    except ImportError as error:
        if wanted == "mlx":
            raise BackendError(
                "backend-mlx-missing",
                f"{VARIABLE}=mlx, but MLX cannot be imported: {error}. "
                'Install it with `pip install mlx` (Mac with Apple silicon) or `pip install "mlx[cpu]"` (Linux), '
                f"or unset {VARIABLE} to use NumPy.",
                detail=str(error),
            ) from error
        return Description("numpy", "cpu", _processor(), "no-mlx", str(error), np.__version__, None)
    detail, gpu = "", None
    try:
        gpu = _usable_gpu(core)
    except Exception as error:  # a driver that fails does so with any exception; the reason is kept and shown
        detail = f"{type(error).__name__}: {error}"
    if gpu is not None:
        reason: Reason = "asked" if wanted == "mlx" else "gpu"
        return Description("mlx", gpu[0], gpu[1], reason, "", np.__version__, core.__version__)
    if wanted == "mlx":
        if detail:
            core.set_default_device(core.cpu)
        return Description("mlx", "cpu", _processor(), "asked", detail, np.__version__, core.__version__)
    return Description("numpy", "cpu", _processor(), "no-gpu", detail, np.__version__, core.__version__)


_description = _choose()
name: Literal["mlx", "numpy"] = _description.name


def describe() -> Description:
    """What was chosen, and why: ``str()`` of it is a line for people, its fields are for programs.

    >>> import mlxformer as mf
    >>> mf.backend.describe().name in ("mlx", "numpy")
    True
    """
    return _description
