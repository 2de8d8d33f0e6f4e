"""Reading the cells of a heatmap: row by row, over heads, against another map, in blocks; the ends of their range.

Cells are [head][row][column], nested lists or an array. An array is asked for its own ``min``, ``max`` and
``tolist``, so that nothing here imports its library.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

# Attention fills what may not be attended to with -inf or with float32's minimum; a value up to this is such a fill.
# A power of two, so that it is the same number in float32.
FILL = -(2.0**123)


class Plane:
    """One head of one stage: ``row(i)`` is a list of floats, computed once."""

    def __init__(self, rows: int, columns: int, read: Callable[[int], list[float]]) -> None:
        self.rows, self.columns = rows, columns
        self._read = read
        self._kept: dict[int, list[float]] = {}
        self._pooled: dict[tuple[int, int, bool], list[list[float]]] = {}

    def row(self, index: int) -> list[float]:
        kept = self._kept.get(index)
        if kept is None:
            kept = self._kept[index] = self._read(index)
        return kept

    def pooled(self, block_rows: int, block_columns: int, signed: bool) -> list[list[float]]:
        """The plane in blocks, each by its largest value (largest magnitude where signed); NaN where one is in it."""
        key = (block_rows, block_columns, signed)
        if key not in self._pooled:
            self._pooled[key] = [
                self._pooled_row(range(top, min(top + block_rows, self.rows)), block_columns, signed)
                for top in range(0, self.rows, block_rows)
            ]
        return self._pooled[key]

    def _pooled_row(self, rows: range, width: int, signed: bool) -> list[float]:
        lines = [self.row(index) for index in rows]
        lefts = range(0, self.columns, width)
        if any(math.isnan(sum(line)) for line in lines):  # rare: NaN, or both infinities
            blocks = [[value for line in lines for value in line[left : left + width]] for left in lefts]
            return [math.nan if any(map(math.isnan, block)) else _largest(block, signed) for block in blocks]
        highest = list(map(max, *lines)) if len(lines) > 1 else lines[0]
        tops = [max(highest[left : left + width]) for left in lefts]
        if not signed:
            return tops
        lowest = list(map(min, *lines)) if len(lines) > 1 else lines[0]
        return [max(top, min(lowest[left : left + width]), key=abs) for top, left in zip(tops, lefts, strict=True)]


def as_list(cells: Any) -> list[Any]:
    """A NumPy array or a sequence as a list."""
    return cells.tolist() if hasattr(cells, "tolist") else list(cells)


def shape_of(cells: Any) -> tuple[int, ...]:
    shape = getattr(cells, "shape", None)
    if shape is not None:
        return tuple(shape)
    heads = len(cells)
    rows = len(cells[0]) if heads else 0
    columns = len(cells[0][0]) if rows else 0
    even = all(len(plane) == rows and all(len(row) == columns for row in plane) for plane in cells)
    return (heads, rows, columns) if even else (heads, rows, -1)


def head_cells(cells: Any, head: int | None) -> Any:
    """The rows of one head, or of the mean over all heads where None."""
    if head is not None:
        return cells[head]
    if hasattr(cells, "dtype"):
        return cells.mean(axis=0, dtype="float64")
    return [
        [sum(column) / len(cells) for column in zip(*rows, strict=True)]
        for rows in zip(*(map(as_list, plane) for plane in cells), strict=True)
    ]


def row_reader(rows: Any) -> Callable[[int], list[float]]:
    """Reads one row of ``rows`` as floats."""

    def read(row: int) -> list[float]:
        values = as_list(rows[row])
        return values if set(map(type, values)) == {float} else [float(value) for value in values]

    return read


def change_reader(
    after: Callable[[int], list[float]], before: Callable[[int], list[float]]
) -> Callable[[int], list[float]]:
    """Reads one row of what has changed; equal infinities have not."""

    def read(row: int) -> list[float]:
        pairs = zip(after(row), before(row), strict=True)
        return [0.0 if now == then else now - then for now, then in pairs]

    return read


def span_of_cells(cells: Any, mask: Any = None) -> tuple[float, float] | None:
    """The least and the greatest of the values that are finite, no fill and not masked (``mask``: True = may attend).

    An array is asked as a whole, without importing its library.
    """
    if hasattr(cells, "dtype") and (mask is None or hasattr(mask, "dtype")):
        numbers = _wide(cells)
        keep = abs(numbers) < -FILL  # NaN compares false
        return _ends_of_array(numbers[keep if mask is None else keep & (mask != 0)])
    return _ends(value for value, kept in zip(_flat(cells), _flags(mask), strict=False) if kept)


def span_of_change(after: Any, before: Any, mask: Any = None) -> tuple[float, float] | None:
    """The same of ``after - before``, where both are finite."""
    if all(hasattr(cells, "dtype") for cells in (after, before)) and (mask is None or hasattr(mask, "dtype")):
        now, then = _wide(after), _wide(before)
        keep = (abs(now) < -FILL) & (abs(then) < -FILL)
        keep = keep if mask is None else keep & (mask != 0)
        return _ends_of_array(now[keep] - then[keep])
    pairs = zip(_flat(after), _flat(before), _flags(mask), strict=False)
    return _ends(now - then for now, then, kept in pairs if kept and abs(now) < -FILL and abs(then) < -FILL)


def _wide(cells: Any) -> Any:
    """Half precision and truth values have neither the range for the fill nor a subtraction."""
    return cells.astype("float64") if cells.dtype.itemsize <= 2 else cells


def _ends_of_array(kept: Any) -> tuple[float, float] | None:
    return (float(kept.min()), float(kept.max())) if kept.size else None


def _ends(values: Iterable[float]) -> tuple[float, float] | None:
    finite = [value for value in values if FILL < value < -FILL]
    return (min(finite), max(finite)) if finite else None


def _flags(mask: Any) -> Iterator[bool]:
    return itertools.repeat(True) if mask is None else (value != 0 for value in _flat(mask))


def _flat(cells: Any) -> Iterator[float]:
    for value in as_list(cells):
        if hasattr(value, "__len__"):
            yield from _flat(value)
        else:
            yield float(value)


def _largest(block: Sequence[float], signed: bool) -> float:
    return max(block, key=abs) if signed else max(block)
