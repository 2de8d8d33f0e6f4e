"""What is checked where arrays enter: kind, rank, width and range, each with an error that says the cure."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

from mlxformer import backend
from mlxformer.backend import is_array, is_evaluable, mx, to_numpy
from mlxformer.errors import ArgumentError


def shape_text(x: Any) -> str:
    """``[2, 5, 64]``: how shapes are written in errors and docstrings."""
    return "[" + ", ".join(str(int(size)) for size in x.shape) + "]"


def require_array(name: str, x: Any) -> None:
    """``x`` is an array of the running backend; anything else would be mixed silently into float64."""
    if not is_array(x):
        kind = f"{type(x).__module__}.{type(x).__qualname__}"
        raise ArgumentError(
            "not-an-array",
            f"{name} must be an array of the {backend.name} backend; got {kind}. "
            f"Make it one with `from mlxformer.backend import mx; mx.array(...)`",
            name=name,
            given=kind,
            backend=backend.name,
        )


def require_floating(name: str, x: Any) -> None:
    """``x`` holds floating-point numbers."""
    require_array(name, x)
    if not mx.issubdtype(x.dtype, mx.floating):
        raise ArgumentError(
            "not-floating",
            f"{name} must be floating point; got {x.dtype}. Convert it with {name}.astype(mx.float32)",
            name=name,
            given=str(x.dtype),
        )


def require_shape(name: str, x: Any, axes: Sequence[str], sizes: Sequence[int | None] = ()) -> None:
    """``x`` has one axis for each of ``axes``, none empty, and the sizes that are not None."""
    wanted = list(sizes) or [None] * len(axes)
    text = "[" + ", ".join(a if s is None else f"{a}={s}" for a, s in zip(axes, wanted, strict=True)) + "]"
    if x.ndim != len(axes) or any(s is not None and s != got for s, got in zip(wanted, x.shape, strict=False)):
        raise ArgumentError(
            "wrong-shape",
            f"{name} must have shape {text}; got {shape_text(x)}",
            name=name,
            wanted=text,
            given=shape_text(x),
        )
    for axis, size in zip(axes, x.shape, strict=True):
        if size == 0:
            raise ArgumentError(
                "empty-axis",
                f"{name} is empty: axis {axis} of {shape_text(x)} has length 0. Give at least one",
                name=name,
                axis=axis,
                given=shape_text(x),
            )


def require_ids(name: str, ids: Any, size: int, what: str) -> None:
    """Integer ids [B, T] with 0 <= id < ``size``. MLX reads garbage past the end of a table without a word.

    Inside ``mx.compile`` and ``vmap`` nothing can be evaluated: there the range is not checked.
    """
    require_array(name, ids)
    if not mx.issubdtype(ids.dtype, mx.integer):
        raise ArgumentError(
            "ids-not-integers",
            f"{name} must be integers (int32); got {ids.dtype}. Convert with {name}.astype(mx.int32)",
            name=name,
            given=str(ids.dtype),
        )
    require_shape(name, ids, ("batch", "time"))
    if not is_evaluable(ids):
        return
    low, high = int(to_numpy(mx.min(ids))), int(to_numpy(mx.max(ids)))
    if low < 0 or high >= size:
        wrong = low if low < 0 else high
        raise ArgumentError(
            "id-out-of-range",
            f"{name} holds {wrong}, but {what} has ids 0 to {size - 1}. Was it made by another tokenizer?",
            name=name,
            given=wrong,
            size=size,
            what=what,
        )


def require_positive(**values: Any) -> None:
    """Each value is a whole number of at least 1."""
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
            raise ArgumentError(
                "not-positive", f"{name} must be a whole number of at least 1; got {value!r}", name=name, given=value
            )


def require_probability(name: str, value: float) -> None:
    """``0 <= value < 1``: a probability of dropping."""
    if not isinstance(value, Real) or not 0 <= value < 1:
        raise ArgumentError(
            "not-a-probability", f"{name} must be at least 0 and below 1; got {value!r}", name=name, given=value
        )


def require_choice(name: str, value: object, choices: Sequence[object]) -> None:
    """``value`` is one of ``choices``."""
    if value not in choices:
        listed = ", ".join(map(repr, choices))
        raise ArgumentError(
            "unknown-choice",
            f"{name} must be one of {listed}; got {value!r}",
            name=name,
            given=value,
            choices=list(choices),
        )
