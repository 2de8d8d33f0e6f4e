"""The cells of a heatmap as runs of styled text, and where its labels stand. Shared by the text and the widget.

A cell is colored blanks, with a number in it where it is wide enough. What color alone would say has a sign too:
``x`` masked, ``?`` NaN, ``^`` plus and ``v`` minus infinity, and ``-`` in a negative cell of a signed map. Without
color, and in 16 colors, a cell is a shade made of ASCII. All signs are ASCII, since others are two cells wide in some
terminals.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from rich.cells import cell_len
from rich.color import Color
from rich.segment import Segment
from rich.style import Style

from questions.bilingual import Bilingual, Language, say
from tui.figures.colors import LEVELS, RGB, ColorMap, ink_on, level_of
from tui.figures.data import Label
from tui.figures.heatmap_cells import FILL
from tui.figures.look import Look
from tui.figures.numbers import short, tight
from tui.text.layout import fit, graphemes, pad, visible

MASKED, NAN, PLUS_INFINITY, MINUS_INFINITY, NEGATIVE = "x", "?", "^", "v", "-"
SHADES = " .:=+*#%@"  # no "-", which says that a value is negative
NUMBER_WIDTH = 5  # the narrowest cell that holds a number and a space
WIDEST_CELL = 12
TALLEST_HEADER = 6
SIGNS = {
    MASKED: Bilingual("掩码", "masked"),
    PLUS_INFINITY: Bilingual("+inf", "+inf"),
    MINUS_INFINITY: Bilingual("-inf", "-inf"),
}
Run = tuple[str, Style]


class Painter:
    """Paints the values of one scale: ``row(values, masked)`` gives segments, each cell ``cell_width`` wide."""

    def __init__(self, scale: str, span: tuple[float, float], look: Look, cell_width: int) -> None:
        self.look = look
        self.scale = scale
        self.signed = scale == "signed"
        self.cell_width = cell_width
        self.low, self.high = span
        self._factor = 1.0 / (self.high - self.low) if self.high > self.low else 0.0
        self._styles, self._faint = _level_styles(look.map_for(scale)) if look.color else _NO_STYLES
        self.hole_style = _hole_style(look.dark) if look.color else Style()
        self._blank = " " * cell_width
        self._decimals = _decimals(span, cell_width - 1)
        self.seen: set[str] = set()  # the signs met so far, for the legend

    def level(self, value: float) -> int:
        return level_of((value - self.low) * self._factor)

    def row(self, values: Sequence[float], masked: Sequence[bool] | None = None, cursor: int = -1) -> list[Segment]:
        """A row of cells; the one at ``cursor`` stands in brackets."""
        segments: list[Segment] = []
        run, run_style = "", self.hole_style
        for index, value in enumerate(values):
            text, style = self.cell(value, masked is not None and masked[index])
            if index == cursor:
                text, style = self._bracketed(text, value), style + _CURSOR
            if style is run_style:
                run += text
                continue
            if run:
                segments.append(Segment(run, run_style))
            run, run_style = text, style
        if run:
            segments.append(Segment(run, run_style))
        return segments

    def cell(self, value: float, masked: bool = False) -> Run:
        """One cell, ``cell_width`` wide."""
        sign = MASKED if masked else _sign(value)
        if sign:
            self.seen.add(sign)
            return self._centered(sign), self.hole_style
        level = self.level(value)
        width = self.cell_width
        if width >= NUMBER_WIDTH:
            number, middle = self._number(value), width > NUMBER_WIDTH + 4
            text = number.rjust((width + len(number)) // 2 if middle else width - 1)
            return text.ljust(width), self._styles[level]
        if self.look.few or not self.look.color:
            return self._shade(value, level), self._styles[level]
        if self.signed and abs(level - LEVELS // 2) >= 6 and value < 0:
            return self._centered(NEGATIVE), self._faint[level]
        return self._blank, self._styles[level]

    def _number(self, value: float) -> str:
        """The number with as many decimals as all cells of the map have room for."""
        if self._decimals is None:
            return tight(value, self.cell_width - 1)
        text = f"{value:.{self._decimals}f}"
        if text.startswith("-") and not text.strip("-0."):
            text = text[1:]
        return text if len(text) < self.cell_width else tight(value, self.cell_width - 1)

    def _centered(self, sign: str) -> str:
        return sign if self.cell_width == 1 else sign.center(self.cell_width)

    def _shade(self, value: float, level: int) -> str:
        if self.signed:
            size = abs(level - (LEVELS - 1) / 2) * 2 / (LEVELS - 1)
            shade = SHADES[min(int(size * len(SHADES)), len(SHADES) - 1)]
            negative = value < 0 and shade != " "
            if self.cell_width == 1:
                return NEGATIVE if negative else shade
            return (NEGATIVE if negative else shade) + shade * (self.cell_width - 1)
        return SHADES[min(level * len(SHADES) // LEVELS, len(SHADES) - 1)] * self.cell_width

    def _bracketed(self, text: str, value: float) -> str:
        width = self.cell_width
        if width == 1:
            return text if text.strip() else "+"
        if width == 2:
            return "[]"
        if width < NUMBER_WIDTH or not text.strip()[-1:].isdigit():
            return "[" + text[1:-1] + "]"
        inner = text.strip() if len(text.strip()) <= width - 2 else tight(value, width - 2)
        return "[" + (inner.center(width - 2) if width > NUMBER_WIDTH + 4 else inner.rjust(width - 2)) + "]"


_CURSOR = Style(bold=True, reverse=True)
_NO_STYLES = ([Style()] * LEVELS, [Style()] * LEVELS)


@lru_cache(maxsize=8)
def _level_styles(colors: ColorMap) -> tuple[list[Style], list[Style]]:
    """For each level, the style of a number on it and that of a sign that should not shout."""
    strong = [_style(ink_on(color), color) for color in colors.levels]
    return strong, [_style(_between(ink_on(color), color), color) for color in colors.levels]


@lru_cache(maxsize=2)
def _hole_style(dark: bool) -> Style:
    """Of a cell that has no value: gray, which no color map but the gray one has."""
    return _style((190, 190, 190), (70, 70, 70)) if dark else _style((70, 70, 70), (205, 205, 205))


def _decimals(span: tuple[float, float], width: int) -> int | None:
    """The decimals, at most 3, at which both ends of the scale fit in ``width``; None where that says too little."""
    reach = max(abs(span[0]), abs(span[1]))
    whole = len(str(int(reach))) + (span[0] < 0)
    if reach < 0.01 or whole > width:
        return None
    return max(min(width - whole - 1, 3), 0)


def _sign(value: float) -> str:
    if FILL < value < math.inf:
        return ""
    if value != value:
        return NAN
    return PLUS_INFINITY if value > 0 else MINUS_INFINITY if value == -math.inf else MASKED


def signs_in(values: Sequence[float], masked: Sequence[bool] | None) -> set[str]:
    """The signs that a row of cells has, found without painting it."""
    signs = {MASKED} if masked is not None and any(masked) else set()
    if not -math.inf < sum(values) < math.inf or min(values) <= FILL:
        signs |= {_sign(value) for value in values} - {""}
    return signs


def _style(ink: RGB, paper: RGB) -> Style:
    return Style(color=Color.from_rgb(*ink), bgcolor=Color.from_rgb(*paper))


def _between(ink: RGB, paper: RGB) -> RGB:
    red, green, blue = ((a + b) // 2 for a, b in zip(ink, paper, strict=True))
    return red, green, blue


@dataclass(frozen=True)
class Frame:
    """Where the parts of a map stand: the width of a cell and of the row labels, and the lines of column labels."""

    cell_width: int
    label_width: int
    header: tuple[tuple[str, ...], ...]  # lines, each with one text a column

    @property
    def header_height(self) -> int:
        return len(self.header)

    def width(self, columns: int) -> int:
        return self.label_width + columns * self.cell_width


def row_label_width(labels: Sequence[str], available: int) -> int:
    """The cells for the row labels with the space after them: the widest of them, at most a third of the room."""
    widest = max((cell_len(visible(label)) for label in labels), default=0)
    return min(widest, 16, max(available // 3, 2)) + 1


def fitting_cell_width(columns: Sequence[str], available: int) -> int:
    """The widest useful cell at which all columns fit: for the labels, for numbers, else 2 (square), at least 2."""
    if not columns:
        return 2
    room = available // len(columns)
    longest = max(cell_len(visible(label)) for label in columns)
    wanted = min(max(longest + 1, NUMBER_WIDTH + 1), WIDEST_CELL)
    if room >= wanted:
        return wanted
    return max(min(room, 4 if room < NUMBER_WIDTH else room), 2)


def frame_for(rows: Sequence[str], columns: Sequence[str], available: int, cell_width: int | None, look: Look) -> Frame:
    """The frame in ``available`` cells of width; ``cell_width=None`` adapts."""
    labels = row_label_width(rows, available)
    room = available - labels
    width = fitting_cell_width(columns, room) if cell_width is None else cell_width
    if cell_width is None and 2 * len(rows) <= len(columns) <= room < width * len(columns):
        width = 1  # few long rows, as of a schedule: seen from end to end
    return Frame(width, labels, column_header(columns, width, look))


def column_header(columns: Sequence[str], cell_width: int, look: Look) -> tuple[tuple[str, ...], ...]:
    """The column labels as lines: side by side where they fit, else downwards; a ruler where a cell has width 1."""
    ellipsis = look.glyphs.ellipsis
    if cell_width == 1:
        return (_ruler(len(columns)),)
    labels = list(map(visible, columns))
    if any(cell_len(label) >= cell_width for label in labels):
        labels = _shortened(labels, cell_width)
    pieces = [_pieces(label, cell_width) for label in labels]
    height = min(max(map(len, pieces), default=1), TALLEST_HEADER)
    pieces = [stack if len(stack) <= height else [*stack[: height - 1], ellipsis] for stack in pieces]
    return tuple(tuple(_standing(stack, line - height, cell_width) for stack in pieces) for line in range(height))


def _shortened(labels: Sequence[str], cell_width: int) -> list[str]:
    """Labels that would stand on end, without what tells nothing: brackets, and a letter that all numbers share."""
    bare = [
        label[1:-1] if cell_len(label) >= cell_width and len(label) > 2 and label[0] + label[-1] == "[]" else label
        for label in labels
    ]
    first = {label[:1] for label in bare}
    if len(first) == 1 and first.pop().isalpha() and all(label[1:].isdigit() for label in bare):
        return [label[1:] for label in bare]
    return bare


def _pieces(label: str, cell_width: int) -> list[str]:
    """The label cut to stand over its column: with a blank beside it, or sign by sign over a narrow one."""
    room = cell_width - 1
    if cell_len(label) <= room or (cell_width == 2 and cell_len(label) == 2 and len(label) == 1):
        return [label]
    pieces = [""]
    for sign in graphemes(label):
        if pieces[-1] and cell_len(pieces[-1] + sign) > room:
            pieces.append("")
        pieces[-1] += sign
    return pieces


def _standing(stack: Sequence[str], line: int, cell_width: int) -> str:
    """What of a label stands on ``line`` (-1 is the last): labels stand on the cells, so short ones begin lower."""
    return pad(stack[line], cell_width, "center") if -line <= len(stack) else " " * cell_width


def _ruler(columns: int) -> tuple[str, ...]:
    """One character a column: the index at every tenth, from its first digit on."""
    line = [" "] * columns
    for index in range(0, columns, 10):
        for place, digit in enumerate(str(index)):
            if index + place < columns:
                line[index + place] = digit
    return tuple(line)


def row_label(label: str, width: int, look: Look) -> str:
    """A row label in ``width`` cells, the last of them blank."""
    return pad(fit(label, width - 1, look.glyphs.ellipsis), width - 1, "right") + " "


def legend(
    painter: Painter, language: Language, width: int, signs: Sequence[str] = (), hole: Label = "NaN"
) -> list[Run]:
    """The scale from its low to its high end, then the signs and what they mean; cut to ``width`` cells."""
    low, high = short(painter.low, 3), short(painter.high, 3)
    bar = max(min(24, width - len(low) - len(high) - 2), 0)
    steps = [painter.low + (painter.high - painter.low) * index / max(bar - 1, 1) for index in range(bar)]
    narrow = Painter(painter.scale, (painter.low, painter.high), painter.look, 1)
    runs: list[Run] = [(low + " ", Style())]
    runs += [(segment.text, segment.style or Style()) for segment in narrow.row(steps)]
    runs.append((" " + high, Style()))
    for sign in signs:
        meaning = say(hole if sign == NAN else SIGNS[sign], language)
        runs += [("  ", Style()), (sign, painter.hole_style), (" " + meaning, Style())]
    return crop_runs(runs, width)


def crop_runs(runs: Sequence[Run], width: int) -> list[Run]:
    """The runs up to ``width`` cells."""
    kept: list[Run] = []
    used = 0
    for text, style in runs:
        room = width - used
        if room <= 0:
            break
        text = text if cell_len(text) <= room else fit(text, room, "")
        kept.append((text, style))
        used += cell_len(text)
    return kept
