"""``mx.linalg``"""

from __future__ import annotations

from typing import Any

from .absent import absent
from .broadcasting import Axis, astype, sum
from .dtypes import float16, float32
from .elementwise import abs, sqrt, square
from .operands import operand
from .reductions import max, min

__all__ = ["norm"]


def norm(a: Any, /, ord: float | str | None = None, axis: Axis = None, keepdims: bool = False) -> Any:
    """A vector norm: 2 by default (Frobenius over two axes or ``None``), or 1 or ±inf over one axis."""
    a = operand(a)
    if a.dtype == float16:
        return astype(norm(astype(a, float32), ord, axis, keepdims), float16)
    if ord in (None, "fro") or (ord == 2 and (isinstance(axis, int) or a.ndim == 1)):
        return sqrt(sum(square(a), axis, keepdims))
    if not isinstance(axis, int) and a.ndim != 1:
        raise ValueError(f"linalg.norm: ord={ord!r} is on the NumPy backend's list for one axis only.")
    if ord == 1:
        return sum(abs(a), axis, keepdims)
    if ord == float("inf"):
        return max(abs(a), axis, keepdims)
    if ord == float("-inf"):
        return min(abs(a), axis, keepdims)
    raise ValueError(f"linalg.norm: ord={ord!r} is not on the NumPy backend's list (None, 'fro', 1, 2, inf, -inf).")


def __getattr__(name: str) -> Any:
    raise absent("mx.linalg", name)
