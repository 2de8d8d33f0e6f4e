"""A table on the screen: arrows read its cells."""

from __future__ import annotations

from tui.figures.data import Table
from tui.figures.look import Look
from tui.figures.table_text import TableLines, cell_text, is_number, table_reading
from tui.widgets.figures.read_view import Drawn, Place, ReadView


class TableView(ReadView[Table]):
    """A ``Table`` figure."""

    def row_count(self) -> int:
        return len(self.figure.rows) if self.figure.columns else 0

    def column_count(self, row: int) -> int:
        return len(self.figure.columns)

    def reading(self, row: int, column: int) -> str:
        return table_reading(self.figure, row, column, self.language, self._other)

    def token(self, row: int, column: int) -> str:
        cells = self.figure.rows[row]
        cell = cells[0] if is_number(cells[column]) else cells[column]
        return cell_text(cell, self.language)

    @property
    def _other(self) -> Table | None:
        return None if self.pinned is self.figure else self.pinned

    def _lines(self, width: int, look: Look) -> TableLines:
        return TableLines(self.figure, self.language, width, look, cursor=self.cursor, pinned=self._other, lit=self.lit)

    def drawn(self, width: int, look: Look) -> Drawn:
        table = self._lines(width, look)
        head = table.starts[0] if table.starts else len(table.lines)
        return Drawn(table.lines, head, 0, None if self.cursor is None else table.starts[self.cursor[0]])

    def place_at(self, x: int, y: int, width: int) -> Place | None:
        return self._lines(width, self.look).cell_at(x, y)
