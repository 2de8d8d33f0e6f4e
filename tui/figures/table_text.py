"""A table as lines of text: numbers to the right, words wrapped where the width is short."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral, Number

from rich.cells import cell_len
from rich.text import Text

from questions.bilingual import Bilingual, Language, say
from tui.figures.data import Table
from tui.figures.look import Look
from tui.figures.numbers import short
from tui.text.layout import pad, visible, wrap

GAP = 2


def cell_text(cell: object, language: Language) -> str:
    """A cell in words: a label is said, a whole number is whole, another has four digits, a truth is yes or no."""
    if cell is None:
        return "-"
    if isinstance(cell, bool) or type(cell).__name__ in ("bool", "bool_"):
        return ("是" if cell else "否") if language == "zh" else ("yes" if cell else "no")
    if isinstance(cell, Bilingual | str):
        return visible(say(cell, language))
    return f"{cell:,}" if isinstance(cell, Integral) else short(cell)


def is_number(cell: object) -> bool:
    return isinstance(cell, Number) and not isinstance(cell, bool)


def numeric(figure: Table, column: int) -> bool:
    """Whether a column holds numbers (or nothing) only, and so is aligned right."""
    return bool(figure.rows) and all(row[column] is None or is_number(row[column]) for row in figure.rows)


def table_lines(figure: Table, language: Language, width: int, look: Look) -> list[Text]:
    """Title, heading and rows; a cell that is too wide continues below itself."""
    lines = [Text(line, style=look.title) for line in wrap(say(figure.title, language), width)]
    heading = [visible(say(column, language)) for column in figure.columns]
    rows = [[cell_text(cell, language) for cell in row] for row in figure.rows]
    if not heading:
        return lines
    right = [numeric(figure, at) for at in range(len(heading))]
    widths = column_widths([heading, *rows], width)
    lines += _row(heading, widths, right, look.strong)
    lines.append(Text((" " * GAP).join(look.glyphs.horizontal * wide for wide in widths)[:width], style=look.axis))
    for row in rows:
        lines += _row(row, widths, right, look.label)
    return lines


def column_widths(rows: Sequence[Sequence[str]], width: int) -> list[int]:
    """The natural widths; where they do not fit, the widest columns give way, none below 2 cells while others can."""
    widths = [max(max(cell_len(row[at]) for row in rows), 1) for at in range(len(rows[0]))]
    room = max(width - GAP * (len(widths) - 1), len(widths))
    while sum(widths) > room and max(widths) > 1:
        widths[widths.index(max(widths))] -= 1
    return widths


def _row(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool], style: str) -> list[Text]:
    wrapped = [wrap(cell, wide) for cell, wide in zip(cells, widths, strict=True)]
    lines = []
    for at in range(max(map(len, wrapped))):
        pieces = [
            pad(one[at] if at < len(one) else "", wide, "right" if to_right else "left")
            for one, wide, to_right in zip(wrapped, widths, right, strict=True)
        ]
        lines.append(Text((" " * GAP).join(pieces).rstrip(), style=style))
    return lines
