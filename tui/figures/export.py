"""A figure in a file: SVG as drawn in text, CSV of its numbers."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from numbers import Integral, Number

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from questions.bilingual import Bilingual, Language, say
from tui.figures.colors import MapName
from tui.figures.data import Bars, Curve, Figure, Heatmap, Links, Tensor, Tokens
from tui.figures.heatmap import Picture
from tui.figures.heatmap_text import HeadChoice
from tui.figures.look import Look
from tui.figures.numbers import exact
from tui.figures.tensor_text import as_heatmap
from tui.figures.text import figure_lines
from tui.language.harmless import as_cell
from tui.text.layout import fit

_WEB_FONT = re.compile(r"@font-face \{.*?\}\n?\s*", re.DOTALL)  # Rich's: a file of ours asks nothing of the network
BUTTONS = 20  # cells of a window's top line that a title in its middle leaves to the buttons, on both sides
_TEXT = re.compile(r'(<text [^>]*textLength=)"([\d.]+)"([^>]*>)([^<]*)</text>')


def figure_csv(figure: Figure, *, stage: str | None = None, head: int | None = 0) -> str:
    """The figure's numbers as CSV: of a heatmap one stage and head (``head=None``: the mean), else all there are.

    The numbers have every digit of a float32. A label that a spreadsheet would take for a formula gets a quote mark.
    """
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    for row in _rows(figure, stage, head):
        writer.writerow([as_cell(cell) if isinstance(cell, str) else _written(cell) for cell in row])
    return file.getvalue()


def _rows(figure: Figure, stage: str | None, head: int | None) -> Iterable[Sequence[object]]:
    """The lines of a figure's CSV, the names of its columns first."""
    if isinstance(figure, Tensor):
        made = as_heatmap(figure)
        yield from [["value"], [figure.values]] if made is None else _rows(made, stage, head)
    elif isinstance(figure, Heatmap):
        names = [one.name for one in figure.stages]
        picture = Picture(figure, None if stage is None else names.index(stage), head)
        yield [say(figure.row_axis, "en"), *figure.columns]
        for index, label in enumerate(figure.rows):
            yield [label, *picture.plane().row(index)]
    elif isinstance(figure, Curve):
        yield ["line", say(figure.x_label, "en"), say(figure.y_label, "en")]
        for series in figure.series:
            yield from ([say(series.name, "en"), x, y] for x, y in zip(series.x, series.y, strict=True))
    elif isinstance(figure, Bars):
        yield ["label", say(figure.value_label, "en") or "value"]
        yield from zip((say(label, "en") for label in figure.labels), figure.values, strict=True)
    elif isinstance(figure, Tokens):
        yield ["strip", "place", "token", "value", "mark"]
        for strip in figure.strips:
            for at, token in enumerate(strip.tokens):
                value = "" if strip.values is None else strip.values[at]
                mark = "" if strip.marks is None else strip.marks[at]
                yield [say(strip.label, "en"), at, token, value, mark]
    elif isinstance(figure, Links):
        yield [say(figure.row_axis, "en"), say(figure.column_axis, "en"), "value"]
        for token, values in zip(figure.rows, figure.values, strict=True):
            yield from ([token, column, value] for column, value in zip(figure.columns, values, strict=True))
    else:
        yield [say(column, "en") for column in figure.columns]
        for row in figure.rows:
            yield [say(cell, "en") if isinstance(cell, Bilingual) else "" if cell is None else cell for cell in row]


def _written(value: object) -> str:
    if isinstance(value, Number) and not isinstance(value, Integral):
        return exact(value)
    return str(value)


def figure_svg(
    figure: Figure,
    language: Language,
    *,
    width: int = 100,
    stage: str | None = None,
    head: HeadChoice = "all",
    map_name: MapName = "viridis",
) -> str:
    """The figure as drawn in text, in color on a dark ground, as an SVG document of ``width`` columns."""
    look = replace(Look(), map_name=map_name)
    lines = figure_lines(figure, language, width, look, stage=stage, head=head)
    return _svg(lines, say(figure.title, language), width)


def figures_svg(figures: Sequence[Figure], language: Language, title: str = "", width: int = 100) -> str:
    """Several figures in one SVG document, one under another."""
    lines: list[Text] = []
    for figure in figures:
        lines += [*([Text()] if lines else []), *figure_lines(figure, language, width, Look())]
    return _svg(lines, title or (say(figures[0].title, language) if figures else ""), width)


def _svg(lines: Sequence[Text], title: str, width: int) -> str:
    console = Console(
        width=width, record=True, file=io.StringIO(), force_terminal=True, color_system="truecolor", no_color=False
    )
    for line in lines:
        console.print(line, no_wrap=True, overflow="ignore", crop=False)
    drawn = console.export_svg(title=fit(title, max(width - BUTTONS, 1)))
    return _TEXT.sub(_as_wide_as_cells, _WEB_FONT.sub("", drawn))


def _as_wide_as_cells(text: re.Match[str]) -> str:
    """A text with the length of its cells: Rich counts characters, and a viewer would squeeze Chinese to half."""
    before, length, after, said = text.groups()
    plain = html.unescape(said)
    return f'{before}"{float(length) * cell_len(plain) / len(plain):g}"{after}{said}</text>'
