"""The plot of a curve: dots in braille between axes with round ticks, each line's name beside its end.

Where braille cannot be had, or several lines share a drawing without color, the lines are drawn by their letters.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.cells import cell_len
from rich.text import Text

from questions.bilingual import Language, say
from tui.figures.axes import Axis
from tui.figures.braille import DOTS_HIGH, DOTS_WIDE, Braille
from tui.figures.data import NAN, Curve, Series
from tui.figures.look import Look
from tui.text.layout import fit, pad, wrap

LETTERS = "abcdefghijklmnopqrstuvwxyz"
MARK, POINTER = ":", "|"
LOWEST, HIGHEST = 4, 16  # rows of a plot
LETTER_EVERY = 4  # cells between letters on lines without hues
LEAST_FIELD = 28  # cells that a field keeps when names stand beside it
NAME_WORTH = 16  # cells that a shortened name has at least


def plot_height(width: int) -> int:
    """The rows that suit a plot of ``width`` cells."""
    return max(min(width // 5, HIGHEST), LOWEST)


def letter(index: int) -> str:
    return LETTERS[index % len(LETTERS)]


def named(figure: Curve, series: Series, language: Language) -> bool:
    """Whether a line has to be named: there are others, or it has a name of its own."""
    return len(figure.series) > 1 or bool(say(series.name, language))


def missing(figure: Curve, series: Series, language: Language) -> str:
    """How many values could not be drawn: on a logarithmic axis also zeros. A hole that has a name is none of them."""
    zeros = figure.log_y * sum(y == 0 for y in series.y)
    bad = (figure.hole == NAN) * sum(math.isnan(y) for y in series.y)
    infinite = sum(math.isinf(y) for y in series.y)
    none = f"{zeros} 个是 0" if language == "zh" else "1 is 0" if zeros == 1 else f"{zeros} are 0"
    parts = [none] * bool(zeros) + [f"{bad} {NAN}"] * bool(bad) + [f"{infinite} inf"] * bool(infinite)
    return f" ({', '.join(parts)})" if parts else ""


def y_axis(figure: Curve, values: Sequence[float]) -> Axis:
    """The axis on which the ``values`` of ``figure`` stand: its own, where it has ends, else over them."""
    return Axis(*figure.y_ends) if figure.y_ends else Axis.over(values, log=figure.log_y)


class CurvePlot:
    """The plot itself: the labels of the y axis, the field, the names of the lines, the x axis.

    ``pinned`` is another curve, which is drawn faintly below this one.
    """

    def __init__(
        self, figure: Curve, language: Language, width: int, look: Look, height: int, pinned: Curve | None = None
    ) -> None:
        self.figure, self.look, self.height, self.pinned = figure, look, height, pinned
        drawn = [*figure.series, *(pinned.series if pinned is not None else ())]
        points = [(x, y) for series in drawn for x, y in zip(series.x, series.y, strict=True)]
        marks = [float(mark) for mark, _ in figure.marks]
        xs = [x for x, y in points if not math.isnan(y)]
        self.has_points = any(math.isfinite(y) and (y > 0 or not figure.log_y) for _, y in points)
        self.x_axis = _tight(Axis.over([*xs, *marks], log=figure.log_x), [*xs, *marks], figure.log_x)
        self.y_axis = y_axis(figure, [y for _, y in points])
        self.y_ticks = self.y_axis.ticks(max(height // 3, 3))
        self.label_width = min(max((len(text) for _, text in self.y_ticks), default=1), max(width // 3, 1))
        room = max(width - self.label_width - 1, 1)
        self.names, self.names_width = self._names_beside(language, room)
        self.field_width = max(room - self.names_width, 1)

    def _names_beside(self, language: Language, room: int) -> tuple[list[list[str]], int]:
        """The lines' names for the column right of the field, and its width; nothing where they do not fit there."""
        wanted = [
            f"{letter(index)} {say(series.name, language)}{missing(self.figure, series, language)}"
            for index, series in enumerate(self.figure.series)
            if named(self.figure, series, language)
        ]
        widest = max(map(cell_len, wanted), default=0)
        most = min(room - LEAST_FIELD, room * 2 // 5)
        if not wanted or most < 8:
            return [], 0
        width = min(widest, most - 1)
        while True:
            names = [wrap(name, width) for name in wanted]
            if sum(map(len, names)) <= self.height:
                return names, width + 1
            if width >= most - 1:
                break
            width = most - 1
        if len(wanted) > self.height or width < NAME_WORTH:
            return [], 0
        return [[fit(name, width, self.look.glyphs.ellipsis)] for name in wanted], width + 1

    # -- where things stand

    def column_of(self, x: float) -> int | None:
        """The cell column of the field in which ``x`` stands."""
        place = self.x_axis.place(x)
        return None if place is None or not -1e-9 <= place <= 1 + 1e-9 else round(place * (self.field_width - 1))

    def x_at(self, column: int) -> float:
        """The x in the middle of a cell column of the field."""
        place = column / max(self.field_width - 1, 1)
        axis = self.x_axis
        if axis.log:
            return math.exp(math.log(axis.low) + place * (math.log(axis.high) - math.log(axis.low)))
        return axis.low + place * (axis.high - axis.low)

    def _dot(self, x: float, y: float) -> tuple[int, int] | None:
        across, up = self.x_axis.place(x), self.y_axis.place(y)
        if across is None or up is None:
            return None
        # The dot in the middle of the column that the axis and the cursor give to x.
        wide, high = self.field_width * DOTS_WIDE - 1, self.height * DOTS_HIGH - 1
        return round(across * wide), round((1 - up) * high)

    # -- drawing

    def rows(self, cursor: float | None = None) -> list[Text]:
        """The field with its labels, and the x axis below it."""
        look = self.look
        signs, styles = self._field()
        for mark, _ in self.figure.marks:
            self._vertical(signs, styles, float(mark))
        pointed = None if cursor is None else self.column_of(cursor)
        labels = {self._row_of(value): text for value, text in self.y_ticks}
        beside = self._beside()
        lines = []
        for row in range(self.height):
            label = labels.get(row, "")
            glyph = look.glyphs.tick_left if label else look.glyphs.vertical
            line = Text.assemble((pad(label, self.label_width, "right") + glyph, look.axis))
            for column in range(self.field_width):
                sign, style = signs[row][column], styles[row][column]
                if column == pointed:
                    sign, style = (POINTER, look.strong) if sign in (" ", MARK) else (sign, f"{style} reverse".strip())
                line.append(sign, style)
            if row in beside:
                line.append(" ").append_text(beside[row])
            lines.append(line)
        return lines + self._x_axis()

    def _beside(self) -> dict[int, Text]:
        """The names by the rows they stand on: where their lines end, moved only as far as others need room."""
        if not self.names:
            return {}
        ends = sorted((self._end_row(series), index) for index, series in enumerate(self.figure.series))
        tops, free = {}, 0
        for end, index in ends:
            tops[index] = max(end, free)
            free = tops[index] + len(self.names[index])
        least = self.height
        for _, index in reversed(ends):
            tops[index] = min(tops[index], least - len(self.names[index]))
            least = tops[index]
        placed: dict[int, Text] = {}
        for index, top in tops.items():
            style = self.look.series_style(index)
            for at, part in enumerate(self.names[index]):
                text = Text(part, style=style)
                if at == 0:
                    text.stylize("bold", 0, 1)
                placed[top + at] = text
        return placed

    def _end_row(self, series: Series) -> int:
        points = sorted(zip(series.x, series.y, strict=True), key=lambda point: point[0])
        dots = [dot for x, y in points if (dot := self._dot(float(x), float(y))) is not None]
        return dots[-1][1] // DOTS_HIGH if dots else 0

    def label_beside(self, numbers: Text, label: str) -> bool:
        """Put ``label`` after the numbers of the x axis, if there is room; whether there was."""
        width = self.label_width + 1 + self.field_width + self.names_width
        missing_cells = width - cell_len(numbers.plain) - 2 - cell_len(label)
        if missing_cells < 0:
            return False
        place = self.label_width + 1 + self.field_width - cell_len(numbers.plain) - cell_len(label)
        numbers.append(" " * max(place, 2)).append(label, self.look.dim)
        return True

    def _row_of(self, value: float) -> int:
        place = self.y_axis.place(value)
        assert place is not None
        return round((1 - place) * (self.height - 1))

    def _field(self) -> tuple[list[list[str]], list[list[str]]]:
        look, figure = self.look, self.figure
        drawing = Braille(self.field_width, self.height)
        for index, series in enumerate(figure.series):
            self._draw(drawing, series, index)
        ghost = Braille(self.field_width, self.height)
        for index, series in enumerate(() if self.pinned is None else self.pinned.series):
            self._draw(ghost, series, index)
        by_letter = not look.glyphs.braille or (not look.color and len(figure.series) > 1)
        signs = [[" "] * self.field_width for _ in range(self.height)]
        styles = [[""] * self.field_width for _ in range(self.height)]
        for row in range(self.height):
            for column in range(self.field_width):
                # Where lines lie upon one another the cells take turns, so that none hides another.
                owners = drawing.owners[row][column]
                owner = owners[column // 2 % len(owners)] if owners else None
                if owner is None and ghost.owners[row][column]:
                    signs[row][column] = "." if by_letter else ghost.sign(column, row)
                    styles[row][column] = look.dim
                if owner is not None:
                    single = "*" if len(figure.series) == 1 else letter(owner)
                    signs[row][column] = single if by_letter else drawing.sign(column, row)
                    styles[row][column] = look.series_style(owner)
        self._infinities(signs, styles)
        self._single_points(signs, styles)
        if not look.hues and not by_letter and len(figure.series) > 1:
            self._letters_on(drawing, signs, styles)
        if len(figure.series) > 1 and not self.names:
            self._name_ends(signs, styles)
        return signs, styles

    def _draw(self, drawing: Braille, series: Series, owner: int) -> None:
        before: tuple[int, int] | None = None
        for x, y in sorted(zip(series.x, series.y, strict=True), key=lambda point: point[0]):
            here = self._dot(float(x), float(y))
            if here is not None:
                drawing.line(before or here, here, owner)
            before = here

    def _infinities(self, signs: list[list[str]], styles: list[list[str]]) -> None:
        """Where a line is infinite: ``^`` at the top or ``v`` at the bottom."""
        for index, series in enumerate(self.figure.series):
            for x, y in zip(series.x, series.y, strict=True):
                column = self.column_of(float(x)) if math.isinf(y) else None
                if column is not None:
                    row = 0 if y > 0 else self.height - 1
                    signs[row][column] = "^" if y > 0 else "v"
                    styles[row][column] = f"{self.look.series_style(index)} bold".strip()

    def _letters_on(self, drawing: Braille, signs: list[list[str]], styles: list[list[str]]) -> None:
        """Its letter on each line every few cells: in gray, lines that cross cannot be told apart otherwise."""
        for row, owners in enumerate(drawing.owners):
            for column, here in enumerate(owners):
                index = column // LETTER_EVERY % len(self.figure.series)
                if column % LETTER_EVERY == 0 and index in here and styles[row][column] != "":
                    signs[row][column] = letter(index)
                    styles[row][column] = f"{self.look.series_style(index)} bold".strip()

    def _single_points(self, signs: list[list[str]], styles: list[list[str]]) -> None:
        """The letter of a line of one point: a dot alone would not be found."""
        for index, series in enumerate(self.figure.series):
            dot = self._dot(float(series.x[0]), float(series.y[0])) if len(series.x) == 1 else None
            if dot is not None:
                signs[dot[1] // DOTS_HIGH][dot[0] // DOTS_WIDE] = letter(index)
                styles[dot[1] // DOTS_HIGH][dot[0] // DOTS_WIDE] = f"{self.look.series_style(index)} bold".strip()

    def _name_ends(self, signs: list[list[str]], styles: list[list[str]]) -> None:
        """The letter of each line at its last point, or at an earlier one where another letter stands."""
        taken: set[tuple[int, int]] = set()
        for index, series in enumerate(self.figure.series):
            points = sorted(zip(series.x, series.y, strict=True), key=lambda point: point[0], reverse=True)
            dots = [dot for x, y in points if (dot := self._dot(float(x), float(y))) is not None]
            places = [(y // DOTS_HIGH, x // DOTS_WIDE) for x, y in dots]
            free = next((place for place in places if place not in taken), None)
            if free is not None:
                taken.add(free)
                row, column = free
                signs[row][column] = letter(index)
                styles[row][column] = f"{self.look.series_style(index)} bold".strip()

    def _vertical(self, signs: list[list[str]], styles: list[list[str]], x: float) -> None:
        column = self.column_of(x)
        if column is not None:
            for row in range(self.height):
                if signs[row][column] == " ":
                    signs[row][column], styles[row][column] = MARK, self.look.accent

    def _x_axis(self) -> list[Text]:
        """The line of the axis with its ticks, and the numbers below, left out where they would touch."""
        look = self.look
        ticks = self.x_axis.ticks(max(self.field_width // 10, 2))
        line = [look.glyphs.horizontal] * self.field_width
        numbers = [" "] * (self.field_width + self.label_width + 1)
        used = -1
        for value, text in ticks:
            column = self.column_of(value)
            if column is None:
                continue
            start = min(max(column + self.label_width + 1 - len(text) // 2, 0), len(numbers) - len(text))
            if start <= used:
                continue
            line[column] = look.glyphs.tick_down
            numbers[start : start + len(text)] = text
            used = start + len(text)
        axis = " " * self.label_width + look.glyphs.corner + "".join(line)
        return [Text(axis, style=look.axis), Text("".join(numbers).rstrip(), style=look.axis)]


def _tight(axis: Axis, xs: Sequence[float], log: bool) -> Axis:
    """The x axis goes from the first to the last x, with no zero added."""
    shown = [x for x in xs if math.isfinite(x) and (x > 0 or not log)]
    return Axis(min(shown), max(shown), log, axis.whole) if shown and min(shown) < max(shown) else axis
