"""Curves as lines of text: title, what is up and what is across, the plot with each line's name beside it, a legend.

Where the names have no room beside the plot each line ends in its letter, so that it can be followed without color.
"""

from __future__ import annotations

import bisect
import math
from collections.abc import Sequence

from rich.cells import cell_len
from rich.text import Text

from questions.bilingual import Language, say
from tui.figures.caption import BETWEEN, before_number
from tui.figures.curve_plot import MARK, CurvePlot, letter, missing, named, plot_height
from tui.figures.data import NAN, Curve
from tui.figures.look import Look
from tui.figures.numbers import short
from tui.text.layout import fit, wrap, wrap_styled


def curve_lines(
    figure: Curve,
    language: Language,
    width: int,
    look: Look,
    *,
    height: int | None = None,
    cursor: float | None = None,
    pinned: Curve | None = None,
    compact: bool = False,
) -> list[Text]:
    """Title, y label with the marks, plot of ``height`` rows, x axis and label, legend where names have no room there.

    ``cursor`` is an x that is pointed at; ``pinned`` a curve that is drawn faintly below; ``compact`` gives the title
    and the y label a line each.
    """
    lines = _title(figure, language, width, look, compact)
    plot = CurvePlot(figure, language, width, look, height or plot_height(width), pinned)
    if not plot.has_points:
        return [*lines, Text("（没有可画的点）" if language == "zh" else "(no point to draw)", style=look.dim)]
    lines += _above(figure, language, width, look, compact)
    lines += plot.rows(cursor)
    across = axis_label(figure, "x", language)
    if not plot.label_beside(lines[-1], across):
        lines += [Text(line, style=look.dim) for line in wrap(across, width)]
    return lines if plot.names_width else lines + legend_lines(figure, language, width, look)


def _title(figure: Curve, language: Language, width: int, look: Look, compact: bool) -> list[Text]:
    title = say(figure.title, language)
    lines = [fit(title, width, look.glyphs.ellipsis)] if compact else wrap(title, width)
    return [Text(line, style=look.title) for line in lines]


def axis_label(figure: Curve, which: str, language: Language) -> str:
    """What an axis shows, and that it is logarithmic where it is."""
    label, log = (figure.x_label, figure.log_x) if which == "x" else (figure.y_label, figure.log_y)
    said = say(label, language)
    lower = said.lower()
    if not log or "log" in lower or "对数" in said:
        return said
    return f"{said}（对数轴）" if language == "zh" else f"{said} (log axis)".strip()


def _above(figure: Curve, language: Language, width: int, look: Look, compact: bool) -> list[Text]:
    """The y label, and on the same line, where there is room, what the marks mean."""
    label = Text(axis_label(figure, "y", language), style=look.dim)
    entries = [
        Text.assemble((MARK, look.accent), (f" {say(meaning, language)} {short(value)}", look.dim))
        for value, meaning in figure.marks
    ]
    lines = flowed([label, *entries] if label.plain else entries, width) or [Text()]
    return lines[:1] if compact else lines


def plot_top(figure: Curve, language: Language, width: int, look: Look, compact: bool) -> int:
    """The line on which the plot begins: below the title and the y label."""
    title, above = (part(figure, language, width, look, compact) for part in (_title, _above))
    return len(title) + len(above)


def legend_lines(figure: Curve, language: Language, width: int, look: Look) -> list[Text]:
    """A letter, a name and, where there are any, how many values could not be drawn."""
    entries: list[Text] = []
    for index, series in enumerate(figure.series):
        if named(figure, series, language):
            style = f"{look.series_style(index)} bold".strip()
            name = say(series.name, language)
            entries.append(Text.assemble((letter(index), style), f" {name}", missing(figure, series, language)))
    return flowed(entries, width)


def flowed(entries: Sequence[Text], width: int) -> list[Text]:
    """``entries`` beside one another, three cells apart, on as many lines as they take."""
    lines: list[Text] = []
    for entry in entries:
        if lines and cell_len(lines[-1].plain) + 3 + cell_len(entry.plain) <= width:
            lines[-1] = Text.assemble(lines[-1], "   ", entry)
        else:
            lines += wrap_styled(entry, width)
    return lines


def curve_reading(
    figure: Curve, x: float, language: Language, pinned: Curve | None = None, *, letters: bool = False
) -> str:
    """What every line (by its letter alone, if need be) says at ``x``, and how far that is from the pinned one's."""
    said = [f"{say(figure.x_label, language)} {short(x)}"]
    for index, series in enumerate(figure.series):
        value = value_at(series.x, series.y, x)
        if value is not None:
            name = say(series.name, language) or say(figure.y_label, language)
            before = name if len(figure.series) == 1 else letter(index) if letters else f"{letter(index)} {name}"
            if math.isnan(value) and figure.hole != NAN:
                said.append(f"{before}{'：' if language == 'zh' else ': '}{say(figure.hole, language)}")
                continue
            said.append(
                f"{before_number(before, language)}{short(value)}{_against(pinned, index, name, x, value, language)}"
            )
    return BETWEEN.join(said)


def value_at(xs: Sequence[float], ys: Sequence[float], x: float) -> float | None:
    return next((float(y) for at, y in zip(xs, ys, strict=True) if at == x), None)


def _against(pinned: Curve | None, index: int, name: str, x: float, value: float, language: Language) -> str:
    """How far ``value`` is from that of the pinned line of the same name."""
    if pinned is None or index >= len(pinned.series):
        return ""
    same = next((line for line in pinned.series if say(line.name, language) == name), pinned.series[index])
    before = value_at(same.x, same.y, x)
    if before is None:
        return ""
    change = value - before
    sign = "+" if change > 0 else ""
    return (
        f"（钉住 {short(before)}，差 {sign}{short(change)}）"
        if language == "zh"
        else (f" (pinned {short(before)}, difference {sign}{short(change)})")
    )


def resting_x(figure: Curve) -> float | None:
    """The x that is read before anybody asks: where the first mark stands, else the last one that has a value."""
    known = positions(figure)
    if not known:
        return None
    marks = [float(value) for value, _ in figure.marks]
    return nearest(known, marks[0]) if marks else known[-1]


def positions(figure: Curve) -> list[float]:
    """Every x at which some line has a value, in order."""
    return sorted({float(x) for series in figure.series for x in series.x if math.isfinite(x)})


def nearest(values: Sequence[float], wanted: float) -> float:
    """The one of the sorted ``values`` that is nearest to ``wanted``."""
    place = bisect.bisect_left(values, wanted)
    return min(values[max(place - 1, 0) : place + 1], key=lambda value: abs(value - wanted))
