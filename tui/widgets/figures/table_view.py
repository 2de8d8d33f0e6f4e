"""A table on the screen."""

from __future__ import annotations

from tui.figures.data import Table
from tui.figures.table_text import table_lines
from tui.widgets.figures.lines_view import LinesView


class TableView(LinesView[Table]):
    """A ``Table`` figure."""

    draw = staticmethod(table_lines)
