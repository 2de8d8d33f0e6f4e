"""A figure as plain data for strict JSON: ``kind``, ``title`` and the rest of its fields.

JSON has no NaN and no infinity: they become null, and ``nonfinite`` names each by its path, as
``{"stages[2].values[0][0][1]": "-inf"}``. A label in two languages is ``{"zh": ..., "en": ...}``.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from numbers import Integral, Real
from typing import Any

from questions.bilingual import Bilingual
from tui.figures.data import FIGURE_KINDS, Figure, Tensor
from tui.figures.tensor_stats import tensor_stats

FLOAT32_MAX = 3.4028234663852886e38
Plain = None | bool | int | float | str | list[Any] | dict[str, Any]


def figure_to_plain(figure: Figure) -> dict[str, Any]:
    """The figure as a dict that ``json.dumps(..., allow_nan=False)`` takes; a tensor has its statistics too."""
    if not isinstance(figure, FIGURE_KINDS):
        raise TypeError(f"a {type(figure).__name__} is no figure")
    plain, nonfinite = strict(figure)
    assert isinstance(plain, dict)
    found: dict[str, Any] = {"kind": figure.kind, **plain}
    if isinstance(figure, Tensor):
        stats, _ = strict(tensor_stats(figure.values))
        found["stats"] = stats
    return {**found, "nonfinite": nonfinite}


def strict(value: object) -> tuple[Plain, dict[str, str]]:
    """Anything made of dataclasses, mappings, sequences, arrays and scalars as plain data, and what was not finite."""
    nonfinite: dict[str, str] = {}
    return _plain(value, "", nonfinite), nonfinite


def _plain(value: object, path: str, nonfinite: dict[str, str]) -> Plain:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return _number(float(value), path, nonfinite)
    if isinstance(value, Bilingual):
        return {"zh": value.zh, "en": value.en}
    if is_dataclass(value) and not isinstance(value, type):
        joined = {field.name: getattr(value, field.name) for field in fields(value)}
        return _plain(joined, path, nonfinite)
    if isinstance(value, Mapping):
        before = f"{path}." if path else ""
        return {str(key): _plain(inner, f"{before}{key}", nonfinite) for key, inner in value.items()}
    if hasattr(value, "tolist"):
        return _listed(_shortest(value), path, nonfinite)
    if isinstance(value, Sequence):
        return [_plain(inner, f"{path}[{index}]", nonfinite) for index, inner in enumerate(value)]
    raise TypeError(f"{path or 'value'} is a {type(value).__name__}, which has no plain form")


def _listed(value: Any, path: str, nonfinite: dict[str, str]) -> Plain:
    """Nested lists of numbers: a list without NaN or infinity is taken as it is."""
    if not isinstance(value, list):
        return _plain(value, path, nonfinite)
    if not value or isinstance(value[0], list):
        return [_listed(inner, f"{path}[{index}]", nonfinite) for index, inner in enumerate(value)]
    if all(map(math.isfinite, value)):
        return value
    return [_plain(inner, f"{path}[{index}]", nonfinite) for index, inner in enumerate(value)]


def _shortest(array: Any) -> Any:
    """An array as lists; a float32 in the fewest digits that give it back, not in those of its double."""
    listed = array.tolist()
    return _rounded(listed) if str(getattr(array, "dtype", "")) in ("float32", "float16") else listed


def _rounded(value: Any) -> Any:
    if not isinstance(value, list):
        return _rounded([value])[0]
    if value and isinstance(value[0], list):
        return [_rounded(inner) for inner in value]
    for digits in (7, 8):
        shorter = [float(f"{number:.{digits}g}") for number in value]
        value = [
            short if abs(short) <= FLOAT32_MAX and _as_float32(short) == _as_float32(number) else number
            for number, short in zip(value, shorter, strict=True)
        ]
    return [float(f"{number:.9g}") for number in value]


def _as_float32(value: float) -> bytes:
    return struct.pack("f", value)


def _number(value: float, path: str, nonfinite: dict[str, str]) -> float | None:
    if math.isfinite(value):
        return value
    nonfinite[path] = "nan" if math.isnan(value) else "inf" if value > 0 else "-inf"
    return None
