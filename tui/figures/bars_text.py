"""Bars as lines of text: a label, a bar, the number; below them the axis, perhaps a reference line across all."""

from __future__ import annotations

import math
from itertools import pairwise

from rich.cells import cell_len
from rich.text import Text

from questions.bilingual import Language, say
from tui.figures.axes import Axis, are_whole
from tui.figures.data import Bars, Label
from tui.figures.look import Look
from tui.figures.numbers import short, unit_of
from tui.text.layout import fit, pad, visible, wrap

REFERENCE, PINNED = "|", ":"
TALLEST = 4  # lines of a bar, its gap included


def bars_lines(
    figure: Bars,
    language: Language,
    width: int,
    look: Look,
    *,
    cursor: int = -1,
    pinned: Bars | None = None,
    lit: str = "",
    tall: int = 1,
) -> list[Text]:
    """Every bar in ``tall`` lines. A negative bar goes left of zero; NaN and infinity are named and have no bar.

    ``cursor`` is a bar that is read, ``lit`` a label that is chosen elsewhere; ``pinned`` bars are a sign in each bar.
    """
    lines = [Text(line, style=look.title) for line in wrap(say(figure.title, language), width)]
    label = value_label(figure, language)
    lines += [Text(line, style=look.dim) for line in wrap(label, width)] if label else []
    if not figure.values:
        return [*lines, Text("（空）" if language == "zh" else "(empty)", style=look.dim)]
    labels = [visible(say(label, language)) for label in figure.labels]
    numbers = [short(_rounded(figure, value)) for value in figure.values]
    number_width = min(max(map(len, numbers)), max(width // 3, 1))
    label_width = min(max(map(cell_len, labels)), max((width - number_width) * 2 // 5, 2))
    room = max(width - label_width - number_width - 2, 1)
    scale = _Scale(figure, pinned, room)
    before = values_by_label(pinned)
    for index, (label, value, number) in enumerate(zip(labels, figure.values, numbers, strict=True)):
        strong = index == cursor or label == lit
        style = f"{look.strong} {look.accent}".strip() if strong else look.axis
        bar = _bar(float(value), scale, look, index % 2 == 1 and tall == 1, before.get(bar_key(figure, index)))
        name = _name_lines(label, label_width, max(tall - 1, 1), look)
        line = Text(pad(name[0], label_width, "right") + " ", style=style)
        line.append_text(bar)
        line.append(" " + number.rjust(number_width), look.strong if strong else look.label)
        line.truncate(width)
        lines.append(line)
        for below in name[1:]:
            lines.append(Text(pad(below, label_width, "right") + " ", style=style).append_text(bar))
        lines += [Text()] * (tall > 1)
    lines += _axis_lines(scale, label_width + 1, look)
    if figure.reference is not None:
        lines += [Text(part, style=look.dim) for part in wrap(_meaning(figure.reference, language), width)]
    return lines


def _name_lines(label: str, width: int, count: int, look: Look) -> list[str]:
    """A bar's label on exactly ``count`` lines."""
    lines = wrap(label, width)
    lines = [*lines[: count - 1], fit(" ".join(lines[count - 1 :]), width, look.glyphs.ellipsis)]
    return [*lines, *[""] * (count - len(lines))]


def around_bars(figure: Bars, language: Language, width: int) -> tuple[int, int]:
    """The lines above the bars, and those below."""
    label = value_label(figure, language)
    above = len(wrap(say(figure.title, language), width)) + (len(wrap(label, width)) if label else 0)
    reference = figure.reference
    below = 2 + (0 if reference is None else len(wrap(_meaning(reference, language), width)))
    return above, below if figure.values else 1


def _meaning(reference: tuple[float, Label], language: Language) -> str:
    return f"{REFERENCE} {say(reference[1], language)} = {short(reference[0])}"


def value_label(figure: Bars, language: Language) -> str:
    """What the bars measure, and that their axis is logarithmic where it is."""
    said = say(figure.value_label, language)
    if not figure.log or "log" in said.lower() or "对数" in said:
        return said
    return f"{said}（对数轴）" if language == "zh" else f"{said} (log axis)".strip()


def _measured(label: str, number: str) -> str:
    """A unit stands behind its number."""
    name, unit = unit_of(label)
    return f"{name} {number} {unit}".strip()


def _rounded(figure: Bars, value: float) -> float:
    return value if figure.decimals is None else round(value, figure.decimals)


def bars_reading(figure: Bars, index: int, language: Language, pinned: Bars | None = None) -> str:
    """What a bar says: its value, its rank and share of all, how it stands to the reference and the pinned one."""
    zh = language == "zh"
    value = float(figure.values[index])
    label = say(figure.labels[index], language)
    said = [_measured(say(figure.value_label, language), short(_rounded(figure, value), 7))]
    known = [float(each) for each in figure.values if math.isfinite(each)]
    if math.isfinite(value) and len(set(known)) > 1:  # where all are alike there is no rank
        rank, same = 1 + sum(each > value for each in known), known.count(value)
        shared = "" if same == 1 else f"（{same} 个并列）" if zh else f" ({same} alike)"
        said.append(f"第 {rank} 大，共 {len(known)}{shared}" if zh else f"rank {rank} of {len(known)}{shared}")
        largest = max(known)
        if largest > 0 and value != largest:
            said.append(
                f"是最大的 {short(100 * value / largest, 3)}%"
                if zh
                else f"{short(100 * value / largest, 3)}% of the largest"
            )
    if figure.reference is not None and math.isfinite(value):
        reference, name = float(figure.reference[0]), say(figure.reference[1], language)
        if reference:
            said.append(
                f"{name} {short(reference)} 的 {short(value / reference, 3)} 倍"
                if zh
                else f"{short(value / reference, 3)} times {name} ({short(reference)})"
            )
    before = values_by_label(pinned).get(bar_key(figure, index))
    if before is not None:
        said.append(difference(value, before, language))
    return f"{label}" + ("：" + "，".join(said) if zh else ": " + ", ".join(said))


def difference(value: float, before: float, language: Language) -> str:
    """``value`` against the pinned ``before``, in words."""
    change = value - before
    sign = "+" if change > 0 else ""
    if language == "zh":
        return f"钉住时 {short(before)}，差 {sign}{short(change)}"
    return f"pinned {short(before)}, difference {sign}{short(change)}"


def bar_key(figure: Bars, index: int) -> tuple[str, int]:
    """A bar's label, and which of those with that label it is: another setting's bar is the same by these."""
    label = say(figure.labels[index], "en")
    return label, [say(other, "en") for other in figure.labels[:index]].count(label)


def values_by_label(figure: Bars | None) -> dict[tuple[str, int], float]:
    if figure is None:
        return {}
    return {bar_key(figure, index): float(value) for index, value in enumerate(figure.values)}


class _Scale:
    """From values to cells: linear from zero, or logarithmic from a power of ten below the least positive value."""

    def __init__(self, figure: Bars, pinned: Bars | None, room: int) -> None:
        self.room = room
        self.log = figure.log
        self.reference = None if figure.reference is None else float(figure.reference[0])
        values = [*map(float, figure.values), *([] if self.reference is None else [self.reference])]
        values += [] if pinned is None else map(float, pinned.values)
        known = [value for value in values if math.isfinite(value)]
        self.whole = are_whole(known)
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

    @property
    def axis(self) -> Axis:
        ends = (10**self.low, 10**self.high) if self.log else (self.low, self.high)
        return Axis(*ends, self.log, self.whole)


def _axis_lines(scale: _Scale, indent: int, look: Look) -> list[Text]:
    """The axis below the bars with its ticks, and their numbers."""
    line = [look.glyphs.horizontal] * scale.room
    numbers = [" "] * (indent + scale.room)
    used = -1
    for value, text in scale.axis.ticks(max(scale.room // 10, 2)):
        place = scale.place(value)
        if place is None:
            continue
        column = min(round(place), scale.room - 1)
        start = min(max(column + indent - len(text) // 2, 0), len(numbers) - len(text))
        if start > used:
            line[column] = look.glyphs.tick_down
            numbers[start : start + len(text)] = text
            used = start + len(text)
    return [Text(" " * indent + "".join(line), style=look.axis), Text("".join(numbers).rstrip(), style=look.axis)]


def _bar(value: float, scale: _Scale, look: Look, fainter: bool, before: float | None) -> Text:
    """A bar; where bars touch, every second one is fainter."""
    place = scale.place(value)
    start, stop = (0, 0) if place is None else sorted((round(scale.zero), round(place)))
    if place is not None and start == stop and value != 0:
        stop = min(start + 1, scale.room)  # a small value is not nothing
        start = stop - 1
    bar = Text()
    signs = {}
    for sign, at in ((PINNED, before), (REFERENCE, scale.reference)):
        mark = None if at is None else scale.place(at)
        if mark is not None:
            signs[min(round(mark), scale.room - 1)] = sign
    style = f"{look.series_style(1 if value < 0 else 0)} reverse{' dim' if fainter else ''}"
    edges = sorted({0, start, stop, scale.room, *signs, *(at + 1 for at in signs)})
    for left, right in pairwise(edges):  # a run of equal cells at once: each append costs as much as the next
        inside = start <= left < stop
        blank = " " if look.color or not inside else "#"
        cells = signs.get(left, blank * (right - left))
        bar.append(cells, (style if inside else look.dim) if look.color else None)
    return bar
