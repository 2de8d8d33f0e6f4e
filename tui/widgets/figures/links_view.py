"""Lines between tokens on the screen: arrows choose a token of either column, Enter opens its strongest line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from textual.binding import BindingType

from questions.bilingual import Language
from tui.figures.data import Links
from tui.figures.links_text import COLUMNS, ROWS, LinksLines, links_reading, strongest
from tui.figures.look import Look
from tui.widgets.figures.messages import HeadWanted, PairChosen
from tui.widgets.figures.read_view import Drawn, Place, ReadView
from tui.widgets.speaking import Key, bindings

HEADS, LAYERS = "头|head", "层|layer"
AROUND = 4  # lines of a title, the names of the sides and what is read
TALLEST = 3  # lines of a token


class LinksView(ReadView[Links]):
    """A ``Links`` figure; its cursor is (place, side), and None shows the lines of all tokens."""

    KEYS: ClassVar[Sequence[Key]] = [
        Key("left_square_bracket", "head(-1)", "links.head-before", HEADS, "前一个头|head before", HEADS, False, "["),
        Key("right_square_bracket", "head(1)", "links.head-next", HEADS, "后一个头|the next head", HEADS, True, "[ ]"),
        Key("left_curly_bracket", "layer(-1)", "links.layer-before", LAYERS, "下一层|layer below", HEADS, False, "{"),
        Key("right_curly_bracket", "layer(1)", "links.layer-next", LAYERS, "上一层|layer above", HEADS, True, "{ }"),
        Key("enter", "open", "links.open", "q ⊙ k|q ⊙ k", "这一对词元的得分从哪里来|where this pair's score comes from",
            written="Enter"),
        Key("escape", "all", "links.all", "全部|all", "所有词元的连线|the lines of all tokens", written="Esc"),
        *ReadView.KEYS,
    ]  # fmt: skip
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(KEYS[: -len(ReadView.KEYS)])]

    def __init__(
        self, figure: Links, *, language: Language = "zh", id: str | None = None, classes: str | None = None
    ) -> None:
        super().__init__(figure, language=language, id=id, classes=classes)
        self._drawn: tuple[Any, LinksLines] | None = None

    def row_count(self) -> int:
        return max(len(self.figure.rows), len(self.figure.columns))

    def column_count(self, row: int) -> int:
        return 2

    def _nearest(self, row: int, column: int) -> Place | None:
        side = max(min(column, COLUMNS), ROWS)
        count = len(self.figure.rows if side == ROWS else self.figure.columns)
        return (max(min(row, count - 1), 0), side) if count else None

    def _moved(self, here: Place, down: int, right: int) -> Place | None:
        return self._nearest(here[0] + down, here[1] + right)

    def reading(self, row: int, column: int) -> str:
        said = links_reading(self.figure, row, column, self.language)
        pinned = self.pinned
        if pinned is None or pinned is self.figure or row >= len(pinned.rows if column == ROWS else pinned.columns):
            return said
        before = links_reading(pinned, row, column, self.language).partition(" → " if column == ROWS else " ← ")[2]
        return f"{said}　{'钉住时' if self.language == 'zh' else 'pinned'}：{before}"

    def token(self, row: int, column: int) -> str:
        return (self.figure.rows if column == ROWS else self.figure.columns)[row]

    def _lines(self, width: int, look: Look) -> LinksLines:
        """Drawn once for each cursor and width: it is asked for several times a frame."""
        spare = self._room - AROUND
        tall = max(min(spare // max(self.row_count(), 1), TALLEST), 1)
        key = (id(self.figure), self.language, width, look, self.cursor, self.lit, tall)
        if self._drawn is None or self._drawn[0] != key:
            self._drawn = key, LinksLines(self.figure, self.language, width, look, self.cursor, self.lit, tall)
        return self._drawn[1]

    def drawn(self, width: int, look: Look) -> Drawn:
        made = self._lines(width, look)
        at = None if self.cursor is None else made.head + self.cursor[0] * made.tall
        return Drawn(made.lines, made.head, 0, at)

    def place_at(self, x: int, y: int, width: int) -> Place | None:
        return self._lines(width, self.look).token_at(x, y)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self.cursor is not None if action in ("open", "all") else super().check_action(action, parameters)

    def watch_cursor(self, cursor: Place | None) -> None:
        super().watch_cursor(cursor)
        self.refresh_bindings()

    def action_all(self) -> None:
        self.cursor = None

    def action_head(self, by: int) -> None:
        self.post_message(HeadWanted(0, by))

    def action_layer(self, by: int) -> None:
        self.post_message(HeadWanted(by, 0))

    def action_open(self) -> None:
        if self.cursor is None:
            return
        place, side = self.cursor
        values = self.figure.values[place] if side == ROWS else [row[place] for row in self.figure.values]
        found = strongest([float(value) for value in values], 1)
        other = found[0][1] if found else 0
        self.post_message(PairChosen(*((place, other) if side == ROWS else (other, place))))
