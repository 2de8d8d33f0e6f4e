"""Bars on the screen."""

from __future__ import annotations

from tui.figures.bars_text import bars_lines
from tui.figures.data import Bars
from tui.widgets.figures.lines_view import LinesView


class BarsView(LinesView[Bars]):
    """A ``Bars`` figure."""

    draw = staticmethod(bars_lines)
