"""What was returned against what is right: how near is near enough, the first wrong cell, and rows that agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tui.judge.contract import Function, Output
from tui.judge.wire import Array, Foreign

# Relative to the value, and to the largest of its array: sums in another order differ by so much and mistakes by more.
TOLERANCES = {"float32": (1e-4, 5e-5), "float16": (3e-2, 2e-2)}
_SMALLEST_SCALE = 1e-3
_KINDS = {list: "list", tuple: "tuple", dict: "dict", str: "str", int: "int", float: "float", bool: "bool"}


@dataclass(frozen=True)
class Wrong:
    """The first thing that is wrong in what one case returned. ``fields`` are what its words need."""

    kind: str
    output: str = ""
    call: int = 0
    fields: dict[str, Any] = field(default_factory=dict)
    expected: Any = None
    got: Any = None
    axes: tuple[str, ...] = ()
    cell: tuple[int, ...] | None = None


def near(value: Any, right: Any, dtype: str) -> np.ndarray:
    """Which cells of ``value`` are as good as those of ``right``, of one shape. NaN agrees with NaN."""
    relative, absolute = TOLERANCES[dtype]
    a, b = np.asarray(value, np.float64), np.asarray(right, np.float64)
    finite = np.isfinite(b)
    scale = max(float(np.abs(b[finite]).max(initial=0.0)), _SMALLEST_SCALE)
    with np.errstate(invalid="ignore"):
        close = np.abs(a - b) <= relative * np.abs(b) + absolute * scale
    return np.where(finite, close, (a == b) | (np.isnan(a) & np.isnan(b)))


def outputs_of(function: Function, result: Any) -> list[Any] | None:
    """What a call returned, one for each output; None where it is not so many."""
    if len(function.outputs) == 1:
        return [result]
    if isinstance(result, tuple | list) and len(result) == len(function.outputs):
        return list(result)
    return None


def compare(
    function: Function, call: int, result: Any, expected: Sequence[Any], framework: str, dtype: str
) -> Wrong | None:
    """The first thing that is wrong in what a call returned, or None."""
    found = outputs_of(function, result)
    if found is None:
        count = len(result) if isinstance(result, tuple | list) else 1
        kind = "none" if result is None else "count"
        return Wrong(kind, function.name, call, {"wanted": len(expected), "count": count, "got": kind_of(result)})
    for output, value, right in zip(function.outputs, found, expected, strict=True):
        wrong = _compare_one(output, value, right, framework, dtype)
        if wrong is not None:
            name = function.name if len(function.outputs) == 1 else output.name
            return Wrong(wrong.kind, name, call, wrong.fields, wrong.expected, wrong.got, wrong.axes, wrong.cell)
    return None


def _compare_one(output: Output, value: Any, right: Any, framework: str, dtype: str) -> Wrong | None:
    if output.kind == "opaque":
        return None
    if value is None:
        return Wrong("none")
    if output.kind == "data":
        return None if plain(value) == plain(right) else Wrong("data", expected=plain(right), got=plain(value))
    if output.kind == "number" and type(value) in (int, float):
        value = Array(framework, dtype, np.asarray(value, np.float64), scalar=True)
    if not isinstance(value, Array):
        return Wrong("type", fields={"got": kind_of(value), "wanted": framework})
    number_like = output.kind == "number" and value.scalar
    if value.framework != framework and not number_like:
        return Wrong("framework", fields={"got": value.framework, "wanted": framework})
    if value.values.shape != np.shape(right):
        return Wrong("shape", expected=np.asarray(right), got=value.values, axes=output.axes)
    wanted = output.dtype or dtype
    is_wanted = value.values.dtype.kind in "iu" if wanted == "integer" else value.dtype == wanted
    if not is_wanted and not number_like:
        kind = "dtype" if output.dtype is None else "not-whole" if wanted == "integer" else "own-dtype"
        return Wrong(kind, fields={"got": value.dtype, "wanted": wanted})
    good = near(value.values, right, dtype)
    if good.all():
        return None
    cell = tuple(int(place) for place in np.unravel_index(int(np.argmin(good)), good.shape))
    fields = {"wrong": int((~good).sum()), "of": int(good.size)}
    kind = "nan" if not np.isfinite(value.values[cell]) and np.isfinite(np.asarray(right)[cell]) else "values"
    return Wrong(kind, "", 0, fields, np.asarray(right), value.values, output.axes, cell)


def kind_of(value: Any) -> str:
    """What a value is called in Python."""
    if isinstance(value, Array):
        return f"{value.framework} array" if not value.scalar else f"numpy.{value.dtype}"
    if isinstance(value, Foreign):
        return value.kind
    return "None" if value is None else _KINDS.get(type(value), type(value).__name__)


def plain(value: Any) -> Any:
    """Lists and pairs as tuples, whichever they were written as; an array's single number as Python's."""
    if isinstance(value, list | tuple):
        return tuple(plain(each) for each in value)
    if isinstance(value, Array) and value.values.ndim == 0:
        return value.values.item()
    return value


def agreement(function: Function, result: Any, right: Sequence[Any], other: Sequence[Any] | None, dtype: str) -> Any:
    """For each row (along the last axis) of the right outputs: whether ``result`` and ``other`` agree there.

    result: as returned; None where the call failed. other: outputs; None where that failed. Two failures agree.
    """
    found = None if result is None else outputs_of(function, result)
    rows: list[np.ndarray] = []
    for place, output in enumerate(function.outputs):
        if output.kind == "opaque":
            continue
        count = 1 if output.kind == "data" else max(1, int(np.prod(np.shape(right[place])[:-1], dtype=int)))
        if result is None or other is None:
            rows.append(np.full(count, result is None and other is None))
            continue
        mine = found[place] if found is not None else None
        rows.append(_agree(output, mine, other[place], count, dtype))
    return np.concatenate(rows) if rows else np.zeros(0, bool)


def _agree(output: Output, mine: Any, other: Any, count: int, dtype: str) -> np.ndarray:
    if output.kind == "data":
        return np.array([plain(mine) == plain(other)])
    if isinstance(mine, Array):
        mine = mine.values
    if not isinstance(mine, np.ndarray | np.generic | int | float) or isinstance(mine, bool):
        return np.zeros(count, bool)
    if not isinstance(other, np.ndarray | np.generic | int | float) or np.shape(mine) != np.shape(other):
        return np.zeros(count, bool)
    good = near(mine, other, dtype)
    rows = np.asarray(good.reshape(-1, good.shape[-1]).all(-1)) if good.ndim else good.reshape(1)
    return rows if rows.size == count else np.full(count, rows.all())
