"""Bars on the screen: up and down read them."""

from __future__ import annotations

import math

from questions.bilingual import say
from tui.figures.bars_text import TALLEST, around_bars, bars_lines, bars_reading
from tui.figures.data import Bars
from tui.figures.look import Look
from tui.widgets.figures.figure_box import AMPLE
from tui.widgets.figures.read_view import Drawn, Place, ReadView


class BarsView(ReadView[Bars]):
    """A ``Bars`` figure; its bars grow with the room."""

    def row_count(self) -> int:
        return len(self.figure.values)

    def reading(self, row: int, column: int) -> str:
        return bars_reading(self.figure, row, self.language, self._other)

    def token(self, row: int, column: int) -> str:
        return say(self.figure.labels[row], self.language)

    def resting(self) -> Place | None:
        """The largest."""
        values = [float(value) for value in self.figure.values]
        known = [at for at, value in enumerate(values) if math.isfinite(value)]
        return (max(known, key=lambda at: values[at]), 0) if known else None

    @property
    def _other(self) -> Bars | None:
        return None if self.pinned is self.figure else self.pinned

    def _tall(self, width: int) -> int:
        above, below = around_bars(self.figure, self.language, width)
        room = self._room - above - below - (2 if self._room >= AMPLE else 1)
        return max(min(room // max(len(self.figure.values), 1), TALLEST), 1)

    def drawn(self, width: int, look: Look) -> Drawn:
        above, below = around_bars(self.figure, self.language, width)
        tall = self._tall(width)
        row = -1 if self.cursor is None else self.cursor[0]
        lines = bars_lines(
            self.figure, self.language, width, look, cursor=row, pinned=self._other, lit=self.lit, tall=tall
        )
        return Drawn(lines, above, below, None if row < 0 else above + row * tall)

    def place_at(self, x: int, y: int, width: int) -> Place | None:
        row = (y - around_bars(self.figure, self.language, width)[0]) // self._tall(width)
        return (row, 0) if 0 <= row < self.row_count() else None
