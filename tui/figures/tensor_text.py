"""A tensor as lines of text: its one-line summary, and a corner of its numbers."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

from rich.text import Text

from questions.bilingual import Bilingual, Language, say
from tui.figures.data import ColorScale, Heatmap, Label, Stage, Tensor
from tui.figures.heatmap_cells import as_list
from tui.figures.look import Look
from tui.figures.numbers import short
from tui.figures.tensor_stats import shape_of_lists, summary, tensor_stats
from tui.language.tensors import axis_label, axis_word, step_label
from tui.text.layout import fit, wrap

CORNER_ROWS = 6
NUMBER_WIDTH = 10
VALUE = Bilingual("值", "value")
LANGUAGES: tuple[Language, ...] = ("zh", "en")


def tensor_lines(figure: Tensor, language: Language, width: int, look: Look, *, with_corner: bool = True) -> list[Text]:
    """Title with the formula, the summary, and the first rows and columns of the last two axes."""
    title = say(titled(figure), language) + (f"   {figure.formula}" if figure.formula else "")
    stats = tensor_stats(figure.values)
    lines = [Text(line, style=look.title) for line in wrap(title, width)]
    style = look.bad if stats.is_odd else look.label
    lines += [Text(line, style=style) for line in wrap(summary(figure.axes, stats, language), width)]
    numbers = corner(figure.values, width, look) if with_corner else []
    return lines + [Text(line, style=look.dim) for line in numbers]


def titled(figure: Tensor) -> Label:
    """Its title; where that is the name of a step, with the house's word for it."""
    return step_label(figure.title) if isinstance(figure.title, str) else figure.title


def corner(values: Any, width: int, look: Look) -> list[str]:
    """The numbers at the beginning, in columns; the ellipsis says that there are more."""
    matrix, where = _first_matrix(values)
    shape = shape_of(values)
    if not shape or 0 in shape:
        return []
    rows, columns = (shape[-2] if len(shape) > 1 else 1), shape[-1]
    fitting = max((width - 2) // (NUMBER_WIDTH + 1), 1)
    shown_columns, shown_rows = min(columns, fitting), min(rows, CORNER_ROWS)
    more = look.glyphs.ellipsis
    lines = [where] if where else []
    for row in range(shown_rows):
        numbers = [short(value).rjust(NUMBER_WIDTH) for value in as_list(matrix[row])[:shown_columns]]
        lines.append(" ".join(numbers) + (f" {more}" if columns > shown_columns else ""))
    if rows > shown_rows:
        lines.append(more.rjust(NUMBER_WIDTH))
    return [fit(line, width, more) for line in lines]


def shape_of(values: Any) -> tuple[int, ...]:
    return tuple(values.shape) if hasattr(values, "shape") else shape_of_lists(values)


def _first_matrix(values: Any) -> tuple[Any, str]:
    """The first matrix of the last two axes, and where it stands: ``[0, 0]``."""
    shape = shape_of(values)
    if len(shape) < 2:
        return [values], ""
    leading = len(shape) - 2
    if 0 not in shape:
        for _ in range(leading):
            values = values[0]
    return values, f"[{', '.join('0' * leading)}, :, :]" if leading else ""


def as_heatmap(figure: Tensor) -> Heatmap | None:
    """The tensor's numbers as a map that can be walked: its last two axes, a head for each place on the others.

    None for a scalar and for an empty tensor, which have nothing to walk.
    """
    shape = shape_of(figure.values)
    if not shape or 0 in shape:
        return None
    leading, (rows, columns) = shape[:-2], ((1, shape[0]) if len(shape) == 1 else shape[-2:])
    places = list(itertools.product(*map(range, leading)))
    axes = figure.axes if len(figure.axes) == len(shape) else [""] * len(shape)
    least = figure.values.min() if hasattr(figure.values, "min") and all(shape) else -1.0
    scale: ColorScale = "attention" if least >= 0 else "signed"  # weights as everywhere; NaN is not >= 0
    return Heatmap(
        title=figure.formula or figure.title,
        stages=[Stage("value", figure.formula or VALUE, _planes(figure.values, shape, places), scale)],
        rows=[str(index) for index in range(rows)],
        columns=[str(index) for index in range(columns)],
        row_axis=axis_label(axes[-2]) if len(shape) > 1 else "",
        column_axis=axis_label(axes[-1]),
        heads=[place_name(axes, place) for place in places] if leading else ["0"],
        name=figure.name,
    )


def _planes(values: Any, shape: Sequence[int], places: Sequence[Sequence[int]]) -> Any:
    """The values as [place][row][column]."""
    if hasattr(values, "reshape"):
        return values.reshape((len(places), shape[-2] if len(shape) > 1 else 1, shape[-1]))
    if len(shape) == 1:
        return [[values]]
    planes = []
    for place in places:
        plane = values
        for index in place:
            plane = plane[index]
        planes.append(plane)
    return planes


def place_name(axes: Sequence[str], place: Sequence[int]) -> Bilingual:
    """Where a matrix stands on the leading axes: ``batch 0, head 3``."""
    named = list(axes[: len(place)]) + [""] * (len(place) - len(axes))
    said = {
        language: ", ".join(
            f"{axis_word(axis, language)} {index}".strip() for axis, index in zip(named, place, strict=True)
        )
        for language in LANGUAGES
    }
    return Bilingual(**said)
