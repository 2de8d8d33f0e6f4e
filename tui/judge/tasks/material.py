"""What the tasks are made of: drawn arrays, mlxformer's functions on NumPy arrays, mistakes in one line."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from questions.bilingual import Bilingual
from tui.judge.contract import Call, Case, Mistake

F32, F16 = np.float32, np.float16


def drawn(seed: int, *shape: int, scale: float = 1.0, dtype: Any = F32) -> np.ndarray:
    """Standard normal numbers times ``scale``."""
    return (np.random.default_rng(seed).standard_normal(shape) * scale).astype(dtype)


def coarse(x: np.ndarray, steps: int) -> np.ndarray:
    """``x`` in steps of 1/``steps``: products and sums of few of them are exact in float32, in whatever order."""
    return (np.round(x * steps) / steps).astype(x.dtype)


def unit(seed: int, *shape: int) -> np.ndarray:
    """float16 numbers from -1 to 1."""
    return np.random.default_rng(seed).uniform(-1, 1, shape).astype(F16)


def lifted(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function of mlxformer's arrays as one of NumPy's."""

    def on_numpy(*arguments: Any, **options: Any) -> Any:
        from mlxformer.backend import mx, to_numpy

        def up(value: Any) -> Any:
            return mx.array(value) if isinstance(value, np.ndarray) else value

        def down(value: Any) -> Any:
            return tuple(map(down, value)) if isinstance(value, tuple) else to_numpy(value)

        return down(function(*map(up, arguments), **{name: up(value) for name, value in options.items()}))

    return on_numpy


def case(name: str, zh: str, en: str, *calls: Call, dtype: Literal["float32", "float16"] = "float32") -> Case:
    return Case(name, Bilingual(zh, en), calls, dtype)


def mistake(
    name: str,
    zh: str,
    en: str,
    question: str | None = None,
    experiment: str | None = None,
    **functions: Callable[..., Any],
) -> Mistake:
    """The Chinese and English words come after “your numbers are those of”."""
    return Mistake(name, Bilingual(zh, en), functions, question, experiment)
