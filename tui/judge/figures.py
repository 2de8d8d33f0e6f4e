"""A failure drawn: expected, yours and the difference as a heatmap on the reference's axes, at the first wrong cell."""

from __future__ import annotations

import numpy as np

from questions.bilingual import Bilingual
from tui.figures.data import Heatmap, Stage
from tui.judge.verdict import Failure, axis_names
from tui.language.words import table

MOST = 24  # rows and columns that are drawn


def heatmap(failure: Failure) -> Heatmap | None:
    """The plane of the last two axes that holds the first wrong cell; None where no numbers are compared."""
    if failure.cell is None or failure.expected is None:
        return None
    expected, got = np.atleast_2d(failure.expected), np.atleast_2d(failure.got)
    cell = (0,) * (expected.ndim - len(failure.cell)) + failure.cell
    front, (row, column) = cell[:-2], cell[-2:]
    rows = _window(row, expected.shape[-2])
    columns = _window(column, expected.shape[-1])
    names = axis_names(failure.axes, failure.expected.ndim)
    row_name, column_name = ("", *names)[-2:] if failure.axes else ("", "")
    with np.errstate(invalid="ignore", over="ignore"):
        difference = got[front].astype(np.float64) - expected[front].astype(np.float64)
    words = table("code")
    shown = {"expected": expected[front], "yours": got[front], "difference": difference}
    where = " ".join(f"{name} {index}" for name, index in zip(names, front, strict=False)) if failure.axes else ""
    return Heatmap(
        Bilingual(f"{failure.output} {where}".strip(), f"{failure.output} {where}".strip()),
        [Stage(name, words[name], values[rows, columns][None], "signed") for name, values in shown.items()],
        [str(each) for each in range(rows.start, rows.stop)],
        [str(each) for each in range(columns.start, columns.stop)],
        row_name or Bilingual("行", "row"),
        column_name or Bilingual("列", "column"),
    )


def _window(place: int, size: int) -> slice:
    start = max(0, min(place - MOST // 2, size - MOST))
    return slice(start, min(size, start + MOST))
