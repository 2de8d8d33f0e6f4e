"""A figure in a file: SVG as drawn in text, CSV of its numbers."""

from __future__ import annotations

import csv
import io
import re
from dataclasses import replace

from rich.console import Console

from questions.bilingual import Language, say
from tui.figures.colors import MapName
from tui.figures.data import Figure, Heatmap
from tui.figures.heatmap import Picture
from tui.figures.heatmap_text import HeadChoice
from tui.figures.look import Look
from tui.figures.numbers import exact
from tui.figures.text import figure_lines

_WEB_FONT = re.compile(r"@font-face \{.*?\}\n?\s*", re.DOTALL)  # Rich's: a file of ours asks nothing of the network


def figure_csv(figure: Heatmap, *, stage: str | None = None, head: int | None = 0) -> str:
    """One stage and head as CSV: a row of column labels, then a labeled row each; ``head=None`` is the mean.

    The numbers have every digit of a float32. A label that a spreadsheet would take for a formula gets a quote mark.
    """
    names = [one.name for one in figure.stages]
    picture = Picture(figure, None if stage is None else names.index(stage), head)
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([_inert(label) for label in (say(figure.row_axis, "en"), *figure.columns)])
    for index, label in enumerate(figure.rows):
        writer.writerow([_inert(label), *(exact(value) for value in picture.plane().row(index))])
    return file.getvalue()


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
    console = Console(
        width=width, record=True, file=io.StringIO(), force_terminal=True, color_system="truecolor", no_color=False
    )
    look = replace(Look(), map_name=map_name)
    for line in figure_lines(figure, language, width, look, stage=stage, head=head):
        console.print(line, no_wrap=True, overflow="ignore", crop=False)
    return _WEB_FONT.sub("", console.export_svg(title=say(figure.title, language)))


def _inert(label: str) -> str:
    return "'" + label if label[:1] in ("=", "+", "-", "@") and len(label) > 1 else label
