"""Lines between tokens: two columns of words, and between them each value as a line, the thicker the larger.

Where there is no Braille (ASCII), or the room is too narrow for lines, each token stands with those it is tied to most.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from rich.cells import cell_len
from rich.text import Text

from questions.bilingual import Language, say
from tui.figures.braille import DOTS_HIGH, DOTS_WIDE, Braille
from tui.figures.data import Links
from tui.figures.look import Look
from tui.figures.numbers import short
from tui.text.layout import fit, pad, visible, wrap

LEAST = 0.04  # a smaller value is no line
THICKNESS = (0.1, 0.4, 0.75)  # from each of these on a line is one dot thicker; below the first it is dotted
NARROW = 16  # cells between the columns below which no lines are drawn
MOST_TOKENS = 160  # of both columns together, beyond which the lines of all at once would be a thicket
NUMBER = 5  # cells of a value beside its token
ROWS, COLUMNS = 0, 1  # the two sides
Chosen = tuple[int, int]  # a token's place, and its side


class LinksLines:
    """The lines of a figure, and how many of them are its head.

    ``chosen`` is the token whose lines alone are drawn, with a number at each end; a token equal to ``lit`` is marked.
    ``tall`` is how many lines each token may take.
    """

    def __init__(
        self,
        figure: Links,
        language: Language,
        width: int,
        look: Look,
        chosen: Chosen | None = None,
        lit: str = "",
        tall: int = 1,
    ) -> None:
        self.figure, self.look, self.lit = figure, look, lit
        self.chosen = chosen
        self.tall = 1
        self.lines = [Text(line, style=look.title) for line in wrap(say(figure.title, language), width)]
        left, right = ([visible(token) or " " for token in tokens] for tokens in (figure.rows, figure.columns))
        most = max(width // 4, 2)
        self.left_width = min(max(map(cell_len, left), default=1), most)
        self.right_width = min(max(map(cell_len, right), default=1), most)
        self.between = width - self.left_width - self.right_width - 2 * NUMBER - 2
        is_drawn = (
            not look.glyphs.ascii
            and self.between >= NARROW
            and (chosen is not None or len(left) + len(right) <= MOST_TOKENS)
        )
        if is_drawn:
            self.tall = tall
            names = pad(
                fit(say(figure.row_axis, language), self.left_width + NUMBER), self.left_width + NUMBER, "right"
            )
            axis = names + " " * (self.between + 2) + say(figure.column_axis, language)
            self.lines.append(Text(fit(axis, width), style=look.dim))
        self.head = len(self.lines)
        self.lines += self._drawn(left, right) if is_drawn else self._listed(left, right, width)

    def _values(self, place: int, side: int) -> list[float]:
        """What ties a token to all on the other side."""
        if side == ROWS:
            return [float(value) for value in self.figure.values[place]]
        return [float(row[place]) for row in self.figure.values]

    def _drawn(self, left: Sequence[str], right: Sequence[str]) -> list[Text]:
        count = (max(len(left), len(right), 1) - 1) * self.tall + 1
        canvas = Braille(self.between, count)
        values = [(float(value), row, column) for row, line in enumerate(self.figure.values)
                  for column, value in enumerate(line)]  # fmt: skip
        for value, row, column in sorted(each for each in values if each[0] >= LEAST):
            if self.chosen is None or self.chosen in ((row, ROWS), (column, COLUMNS)):
                self._line(canvas, value, row, column)
        beside = None if self.chosen is None else (self._values(*self.chosen), 1 - self.chosen[1])
        lines = []
        for at in range(count):
            line = Text()
            self._token(line, left, *divmod(at, self.tall), ROWS, beside)
            line.append(" ")
            for cell in range(self.between):
                owners = canvas.owners[at][cell]
                line.append(canvas.sign(cell, at), self._style(max(owners)) if owners else "")
            line.append(" ")
            self._token(line, right, *divmod(at, self.tall), COLUMNS, beside)
            lines.append(line)
        return lines

    def _line(self, canvas: Braille, value: float, row: int, column: int) -> None:
        """Thicker by a dot at each threshold; the faintest is dotted."""
        thick = sum(value >= least for least in THICKNESS)
        start, end = (place * self.tall * DOTS_HIGH + 1 for place in (row, column))
        last = self.between * DOTS_WIDE - 1
        if not thick:
            for x in range(0, last + 1, 6):
                canvas.dot(x, round(start + (end - start) * x / max(last, 1)), 0)
            return
        for offset in range(thick):
            shift = (offset + 1) // 2 * (1 if offset % 2 else -1)  # 0, 1, -1
            canvas.line((0, start + shift), (last, end + shift), thick)

    def _style(self, thick: int) -> str:
        look = self.look
        return (look.dim, look.label, look.accent, f"{look.strong} {look.accent}".strip())[thick]

    def _token(
        self,
        line: Text,
        tokens: Sequence[str],
        at: int,
        below: int,
        side: int,
        beside: tuple[Sequence[float], int] | None,
    ) -> None:
        width = self.left_width if side == ROWS else self.right_width
        if below or at >= len(tokens):
            line.append(" " * (width + NUMBER))
            return
        number = f"{beside[0][at]:.2f}".lstrip("0") if beside is not None and beside[1] == side else ""
        name = fit(tokens[at], width, self.look.glyphs.ellipsis)
        same = bool(self.lit) and (self.figure.rows, self.figure.columns)[side][at] == self.lit
        style = f"{self.look.strong} reverse" if self.chosen == (at, side) else f"{self.look.strong} underline"
        mark = style if self.chosen == (at, side) or same else ""
        if side == ROWS:
            line.append(number.ljust(NUMBER), self.look.dim)
            line.append(" " * (width - cell_len(name)))
            line.append(name, mark)
        else:
            line.append(name, mark)
            line.append(" " * (width - cell_len(name)))
            line.append(number.rjust(NUMBER), self.look.dim)

    def _listed(self, left: Sequence[str], right: Sequence[str], width: int) -> list[Text]:
        """Each row's token with those it is tied to most."""
        arrow = " -> " if self.look.glyphs.ascii else " → "
        lines = []
        for at, token in enumerate(left):
            ties = ", ".join(
                f"{right[column]} {short(value, 2)}" for value, column in strongest(self._values(at, ROWS))
            )
            name = pad(fit(token, self.left_width, self.look.glyphs.ellipsis), self.left_width, "right")
            style = self.look.strong if self.chosen == (at, ROWS) or token == self.lit else ""
            lines.append(Text(fit(name + arrow + ties, width, self.look.glyphs.ellipsis), style=style))
        return lines

    def token_at(self, x: int, y: int) -> Chosen | None:
        """The token at a place in the lines: those left of the middle are the rows'."""
        place = round((y - self.head) / self.tall)
        side = ROWS if x <= self.left_width + NUMBER + self.between // 2 else COLUMNS
        count = len(self.figure.rows if side == ROWS else self.figure.columns)
        return (place, side) if 0 <= place < count else None


def strongest(values: Sequence[float], most: int = 4) -> list[tuple[float, int]]:
    """The largest values and their places, the largest first; of equals the first."""
    order = sorted(range(len(values)), key=lambda at: (-values[at], at))
    return [(values[at], at) for at in order[:most] if values[at] >= LEAST]


def links_lines(figure: Links, language: Language, width: int, look: Look) -> list[Text]:
    """The lines of all tokens at once."""
    return LinksLines(figure, language, width, look).lines


def links_reading(figure: Links, place: int, side: int, language: Language) -> str:
    """What a token says: to which others it is tied most, and how spread its ties are."""
    lines = [float(value) for value in figure.values[place]] if side == ROWS else []
    zh = language == "zh"
    if side == COLUMNS:
        lines = [float(row[place]) for row in figure.values]
    own, others = (figure.rows, figure.columns) if side == ROWS else (figure.columns, figure.rows)
    axis = say(figure.row_axis if side == ROWS else figure.column_axis, language)
    arrow = "→" if side == ROWS else "←"
    ties = "，" if zh else ", "
    said = ties.join(f"{others[at]} {short(value, 7)}" for value, at in strongest(lines)) or "–"
    total = math.fsum(lines)
    number = f"第 {place + 1} 个" if zh else f"{place + 1}"
    after = [f"{'共' if zh else 'sum'} {short(total, 4)}"]
    if side == ROWS and total > 0:
        bits = -math.fsum(value * math.log2(value) for value in lines if value > 0)
        after.append(f"熵 {short(bits, 3)} bit" if zh else f"entropy {short(bits, 3)} bits")
    return f"{axis} {own[place]} ({number}) {arrow} {said}{'；' if zh else '; '}{ties.join(after)}"
