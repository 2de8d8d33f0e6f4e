"""Bars as lines of text: a label, a bar of eighths of a cell, the number; perhaps a reference line across all."""

from __future__ import annotations

import math

from rich.cells import cell_len
from rich.text import Text

from questions.bilingual import Language, say
from tui.figures.data import Bars
from tui.figures.look import Look
from tui.figures.numbers import short
from tui.text.layout import pad, visible, wrap

REFERENCE = "|"


def bars_lines(figure: Bars, language: Language, width: int, look: Look, *, cursor: int = -1) -> list[Text]:
    """Every bar in a line. A negative bar goes left of zero; NaN and infinity are named and have no bar."""
    lines = [Text(line, style=look.title) for line in wrap(say(figure.title, language), width)]
    if figure.value_label:
        lines += [Text(line, style=look.dim) for line in wrap(say(figure.value_label, language), width)]
    if not figure.values:
        return [*lines, Text("（空）" if language == "zh" else "(empty)", style=look.dim)]
    labels = [visible(say(label, language)) for label in figure.labels]
    numbers = [short(value) for value in figure.values]
    number_width = min(max(map(len, numbers)), max(width // 3, 1))
    label_width = min(max(map(cell_len, labels)), max((width - number_width) // 3, 2))
    room = max(width - label_width - number_width - 2, 1)
    scale = _Scale(figure, room)
    for index, (label, value, number) in enumerate(zip(labels, figure.values, numbers, strict=True)):
        style = look.strong if index == cursor else look.axis
        line = Text(pad(label, label_width, "right", look.glyphs.ellipsis) + " ", style=style)
        line.append_text(_bar(value, scale, look, index % 2 == 1))
        line.append(" " + number.rjust(number_width), look.strong if index == cursor else look.label)
        line.truncate(width)
        lines.append(line)
    if figure.reference is not None:
        value, name = figure.reference
        meaning = f"{REFERENCE} {say(name, language)} = {short(value)}"
        lines += [Text(part, style=look.dim) for part in wrap(meaning, width)]
    return lines


class _Scale:
    """From values to cells: linear from zero, or logarithmic from a power of ten below the least positive value."""

    def __init__(self, figure: Bars, room: int) -> None:
        self.room = room
        self.log = figure.log
        self.reference = None if figure.reference is None else float(figure.reference[0])
        values = [*map(float, figure.values), *([] if self.reference is None else [self.reference])]
        known = [value for value in values if math.isfinite(value)]
        self.low: float
        if self.log:
            known = [math.log10(value) for value in known if value > 0]
            low, high = min(known, default=0.0), max(known, default=1.0)
            self.low, self.high = math.floor(low) - (math.floor(low) == low), high
        else:
            self.low, self.high = min([0.0, *known]), max([0.0, *known])
        if self.high <= self.low:
            self.high = self.low + 1.0

    def place(self, value: float) -> float | None:
        """Where ``value`` stands, in cells from the left; None where it has no place."""
        if not math.isfinite(value) or (self.log and value <= 0):
            return None
        number = math.log10(value) if self.log else value
        return (number - self.low) / (self.high - self.low) * self.room

    @property
    def zero(self) -> float:
        return 0.0 if self.log else (0.0 - self.low) / (self.high - self.low) * self.room


def _bar(value: float, scale: _Scale, look: Look, fainter: bool) -> Text:
    """A bar; every second one is fainter, since they touch."""
    place = scale.place(float(value))
    start, stop = (0, 0) if place is None else sorted((round(scale.zero), round(place)))
    if place is not None and start == stop and value != 0:
        stop = min(start + 1, scale.room)  # a small value is not nothing
        start = stop - 1
    bar = Text()
    mark = None if scale.reference is None else scale.place(scale.reference)
    tick = None if mark is None else min(round(mark), scale.room - 1)
    style = f"{look.series_style(1 if value < 0 else 0)} reverse{' dim' if fainter else ''}"
    for cell in range(scale.room):
        inside = start <= cell < stop
        if look.color:
            bar.append(REFERENCE if cell == tick else " ", style if inside else look.dim)
        else:
            bar.append(REFERENCE if cell == tick else "#" if inside else " ")
    return bar
