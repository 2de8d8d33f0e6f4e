"""Strips of tokens on the screen: arrows read them."""

from __future__ import annotations

from tui.figures.data import Tokens
from tui.figures.look import Look
from tui.figures.tokens_text import TokensLines, tokens_reading
from tui.widgets.figures.read_view import Drawn, Place, ReadView


class TokensView(ReadView[Tokens]):
    """A ``Tokens`` figure."""

    def row_count(self) -> int:
        return len(self.figure.strips)

    def column_count(self, row: int) -> int:
        return len(self.figure.strips[row].tokens)

    def reading(self, row: int, column: int) -> str:
        other = None if self.pinned is self.figure else self.pinned
        return tokens_reading(self.figure, row, column, self.language, other)

    def token(self, row: int, column: int) -> str:
        return self.figure.strips[row].tokens[column]

    def _moved(self, here: Place, down: int, right: int) -> Place | None:
        return self._nearest(here[0] + down, here[1] + right)

    def _lines(self, width: int, look: Look) -> TokensLines:
        return TokensLines(self.figure, self.language, width, look, cursor=self.cursor, lit=self.lit)

    def drawn(self, width: int, look: Look) -> Drawn:
        strips = self._lines(width, look)
        at = None if self.cursor is None else strips.places[self.cursor][0]
        return Drawn(strips.lines, strips.head, 0, at)

    def place_at(self, x: int, y: int, width: int) -> Place | None:
        return self._lines(width, self.look).token_at(x, y)
