"""Reading the cells of a heatmap: row by row, over heads, against another map, in blocks; the ends of their range.

Cells are [head][row][column], nested lists or an array. An array is asked for its own ``min``, ``max`` and
``tolist``, so that nothing here imports its library.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

from tui.figures.data import Stage

# Attention fills what may not be attended to with -inf or with float32's minimum; a value below this is such a fill.
FILL = -1e37


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


def reader(stage: Stage, head: int | None) -> Callable[[int], list[float]]:
    cells = stage.values
    if head is not None:
        return lambda row: [float(value) for value in as_list(cells[head][row])]
    heads = len(cells)

    def mean(row: int) -> list[float]:
        rows = [as_list(cells[index][row]) for index in range(heads)]
        return [sum(column) / heads for column in zip(*rows, strict=True)]

    return mean


def difference(
    after: Callable[[int], list[float]], before: Callable[[int], list[float]]
) -> Callable[[int], list[float]]:
    def read(row: int) -> list[float]:
        pairs = zip(after(row), before(row), strict=True)
        return [0.0 if now == then else now - then for now, then in pairs]  # equal infinities do not differ

    return read


def _largest(block: Sequence[float], signed: bool) -> float:
    return max(block, key=abs) if signed else max(block)


def allowed_values(values: list[float], masked: list[bool] | None) -> list[float]:
    return values if masked is None else [value for value, out in zip(values, masked, strict=True) if not out]


def span_of_cells(cells: Any, mask: Any = None) -> tuple[float, float] | None:
    """The least and the greatest of the finite values that are not masked (``mask``: True = may attend).

    An array is asked as a whole, without importing its library.
    """
    if hasattr(cells, "dtype") and (mask is None or hasattr(mask, "dtype")):
        numbers = cells.astype("float64") if cells.dtype.itemsize == 2 else cells
        keep = abs(numbers) < -FILL  # NaN compares false
        kept = numbers[keep if mask is None else keep & (mask != 0)]
        return (float(kept.min()), float(kept.max())) if kept.size else None
    masks = [[[None] * len(row) for row in plane] for plane in cells] if mask is None else mask
    return span_of_rows(
        [value for value, allowed in zip(as_list(row), as_list(kept), strict=True) if allowed or mask is None]
        for plane, allowing in zip(cells, masks, strict=True)
        for row, kept in zip(plane, allowing, strict=True)
    )


def span_of_rows(rows: Any) -> tuple[float, float] | None:
    low, high = math.inf, -math.inf
    for row in rows:
        finite = [value for value in row if FILL < value < -FILL]
        if finite:
            low, high = min(low, *finite), max(high, *finite)
    return (float(low), float(high)) if low <= high else None
