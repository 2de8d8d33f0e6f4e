"""A table as lines of text: numbers to the right and never parted, words wrapped where the width is short."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from numbers import Integral, Number

from rich.cells import cell_len
from rich.text import Text

from questions.bilingual import Bilingual, Language, say
from tui.figures.bars_text import difference
from tui.figures.data import Table
from tui.figures.look import Look
from tui.figures.numbers import short
from tui.text.layout import is_ideographic, pad, visible, wrap

GAP = 2
DIGITS = (4, 3, 2)  # of the numbers, fewer where the columns do not fit
LEAST_WORDS = 8  # cells that a column of words keeps before numbers lose digits
LONGEST_WORD = 15  # cells of a word that stay together: "cross-attention" does
CHANGED = "*"


def cell_text(cell: object, language: Language, digits: int = 4) -> str:
    """A cell in words: a label is said, a whole number is whole, another has ``digits``, a truth is yes or no."""
    if cell is None:
        return "-"
    if isinstance(cell, bool) or type(cell).__name__ in ("bool", "bool_"):
        return ("是" if cell else "否") if language == "zh" else ("yes" if cell else "no")
    if isinstance(cell, Bilingual | str):
        return visible(say(cell, language))
    return f"{cell:,}" if isinstance(cell, Integral) else short(cell, digits)


def is_number(cell: object) -> bool:
    return isinstance(cell, Number) and not isinstance(cell, bool)


def numeric(figure: Table, column: int) -> bool:
    """Whether a column holds numbers (or nothing) only, and so is aligned right."""
    return bool(figure.rows) and all(row[column] is None or is_number(row[column]) for row in figure.rows)


class TableLines:
    """The lines of a table, and which of them a row takes."""

    def __init__(
        self,
        figure: Table,
        language: Language,
        width: int,
        look: Look,
        *,
        cursor: tuple[int, int] | None = None,
        pinned: Table | None = None,
        lit: str = "",
    ) -> None:
        self.lines = [Text(line, style=look.title) for line in wrap(say(figure.title, language), width)]
        self.starts: list[int] = []  # the first line of each row
        heading = [visible(say(column, language)) for column in figure.columns]
        self.widths: list[int] = []
        if not heading:
            return
        right = [numeric(figure, at) for at in range(len(heading))]
        whole = [
            max(map(_unparted, [*_words(name), *(() if right[at] else _said(figure, at, language))]), default=1)
            for at, name in enumerate(heading)
        ]
        for floor, digits in itertools.product((whole, [1] * len(heading)), DIGITS):
            rows = [
                [
                    _marked(figure, pinned, at, column, cell_text(cell, language, digits))
                    for column, cell in enumerate(row)
                ]
                for at, row in enumerate(figure.rows)
            ]
            least = list(map(max, _least(rows, right, len(heading)), floor))
            self.widths = column_widths([heading, *rows], width, least)
            if sum(self.widths) + GAP * (len(heading) - 1) <= width:
                break
        else:
            self.widths = column_widths([heading, *rows], width, [1] * len(heading))
        self.lines += _row(heading, self.widths, right, [look.strong] * len(heading))
        rule = (" " * GAP).join(look.glyphs.horizontal * wide for wide in self.widths)
        self.lines.append(Text(rule[:width], style=look.axis))
        for at, row in enumerate(rows):
            self.starts.append(len(self.lines))
            base = f"{look.strong} {look.accent}".strip() if lit and lit in row else look.label
            styles = [base] * len(row)
            if cursor is not None and cursor[0] == at and cursor[1] < len(row):
                styles = [look.strong] * len(row)
                styles[cursor[1]] = f"{look.strong} reverse"
            self.lines += _row(row, self.widths, right, styles)

    def cell_at(self, x: int, y: int) -> tuple[int, int] | None:
        """The row and column at a place in the lines."""
        row = next((at for at in reversed(range(len(self.starts))) if self.starts[at] <= y), None)
        if row is None or y >= len(self.lines):
            return None
        end = 0
        for column, wide in enumerate(self.widths):
            end += wide + GAP
            if x < end:
                return row, column
        return row, len(self.widths) - 1


def table_lines(figure: Table, language: Language, width: int, look: Look) -> list[Text]:
    """Title, heading and rows; words that are too wide continue below themselves."""
    return TableLines(figure, language, width, look).lines


def table_reading(figure: Table, row: int, column: int, language: Language, pinned: Table | None = None) -> str:
    """What a cell says: its row, its column, its value with all its digits, and how it differs from the pinned one."""
    cells = figure.rows[row]
    cell = cells[column]
    name = "" if column == 0 else cell_text(cells[0], language)
    heading = say(figure.columns[column], language)
    value = short(cell, 7) if is_number(cell) and not isinstance(cell, Integral) else cell_text(cell, language)
    said = f"{name} · {heading}" if name else heading
    said += f"：{value}" if language == "zh" else f": {value}"
    comma = "，" if language == "zh" else ", "
    before = _pinned_cell(figure, pinned, row, column)
    if is_number(cell) and before is not None:
        return said + comma + difference(float(cell), before, language)  # type: ignore[arg-type]
    numbers = [float(each[column]) for each in figure.rows if is_number(each[column])]  # type: ignore[arg-type]
    if is_number(cell) and math.isfinite(float(cell)) and len(numbers) > 1:  # type: ignore[arg-type]
        rank, all_of = 1 + sum(number > float(cell) for number in numbers), len(numbers)  # type: ignore[arg-type]
        zh = language == "zh"
        said += f"{comma}这一列第 {rank} 大，共 {all_of}" if zh else f"{comma}rank {rank} of {all_of} in its column"
    return said


def _pinned_cell(figure: Table, pinned: Table | None, row: int, column: int) -> float | None:
    """The number that stood here when the table was pinned: in the row that begins alike, else in the same place."""
    if pinned is None or len(pinned.columns) != len(figure.columns):
        return None
    name = cell_text(figure.rows[row][0], "en")
    same = [other for other in pinned.rows if cell_text(other[0], "en") == name]
    found = same[0] if len(same) == 1 else pinned.rows[row] if row < len(pinned.rows) else None
    cell = None if found is None else found[column]
    return float(cell) if is_number(cell) else None  # type: ignore[arg-type]


def _marked(figure: Table, pinned: Table | None, row: int, column: int, text: str) -> str:
    """A number that is not what it was when pinned has a sign."""
    before = _pinned_cell(figure, pinned, row, column)
    cell = figure.rows[row][column]
    changed = before is not None and is_number(cell) and float(cell) != before  # type: ignore[arg-type]
    return text + CHANGED if changed else text


def _said(figure: Table, column: int, language: Language) -> list[str]:
    return [word for row in figure.rows for word in cell_text(row[column], language).split()]


def _words(heading: str) -> list[str]:
    """What of a heading stays together where it can: its words; a short one as a whole (no. 1)."""
    return [heading] if cell_len(heading) <= LEAST_WORDS else heading.split()


def _unparted(word: str) -> int:
    """The cells of a word that stay together where they can: those of a short one, 15, or two ideographs."""
    least = 4 if any(map(is_ideographic, word)) else LONGEST_WORD
    return cell_len(word) if cell_len(word) <= LEAST_WORDS else min(cell_len(word), least)


def _least(rows: Sequence[Sequence[str]], right: Sequence[bool], columns: int) -> list[int]:
    """What no column goes below: a number stays whole, words keep a few cells."""
    least = []
    for at in range(columns):
        widest = max((cell_len(row[at]) for row in rows), default=1)
        least.append(max(widest if right[at] else min(widest, LEAST_WORDS), 1))
    return least


def column_widths(rows: Sequence[Sequence[str]], width: int, least: Sequence[int] | None = None) -> list[int]:
    """The natural widths; where they do not fit, the widest columns give way, none below ``least``."""
    widths = [max(max(cell_len(row[at]) for row in rows), 1) for at in range(len(rows[0]))]
    floor = list(least or [1] * len(widths))
    room = max(width - GAP * (len(widths) - 1), len(widths))
    while sum(widths) > room:
        spare = [at for at in range(len(widths)) if widths[at] > floor[at]]
        if not spare:
            break
        widths[max(spare, key=lambda at: widths[at])] -= 1
    return widths


def _row(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool], styles: Sequence[str]) -> list[Text]:
    wrapped = [wrap(cell, wide) for cell, wide in zip(cells, widths, strict=True)]
    lines = []
    for at in range(max(map(len, wrapped))):
        line = Text()
        for column, (one, wide, to_right) in enumerate(zip(wrapped, widths, right, strict=True)):
            piece = pad(one[at] if at < len(one) else "", wide, "right" if to_right else "left")
            line.append(" " * GAP if column else "").append(piece, styles[column])
        line.rstrip()
        lines.append(line)
    return lines
