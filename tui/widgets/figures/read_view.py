"""A figure of lines that a cursor reads: bars, tables, strips of tokens. Its reading stands below, always in sight."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar, TypeVar

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.binding import BindingType
from textual.geometry import Size
from textual.reactive import reactive

from questions.bilingual import Language, say
from tui.figures.look import Look
from tui.figures.pinned import with_pinned
from tui.figures.saving import contents_of
from tui.text.layout import fit, wrap
from tui.widgets.figures.figure_box import AMPLE, room_of
from tui.widgets.figures.messages import SaveWanted, TokenChosen
from tui.widgets.figures.text_view import TextView, said_lines
from tui.widgets.speaking import BarKey, Key, bindings

F = TypeVar("F")
MOVE = "读数|read"
SMALL = 12  # lines of room below which a title takes one of them
Place = tuple[int, int]

PIN_KEY = Key(
    "p",
    "pin",
    "figure.pin",
    "钉住|pin",
    "钉住这张图：再拧旋钮就看到差异；再按取消|pin this picture, turn a knob, see the difference; again to let go",
)
SAVE_KEY = Key("w", "save", "figure.save", "保存|save", "存成文件：SVG、PNG、CSV、网页|save: SVG, PNG, CSV, web page")


@dataclass
class Drawn:
    """Lines, of which the first ``head`` and the last ``tail`` stay while the rest scrolls; ``at``: the cursor's."""

    lines: list[Text]
    head: int = 0
    tail: int = 0
    at: int | None = None


class ReadView(TextView[F], can_focus=True):
    """``cursor`` is (row, column) of what is read, None until a key or the mouse asks. ``pinned`` is compared with."""

    KEYS: ClassVar[Sequence[Key]] = [
        Key("up,k", "move(-1, 0)", "figure.up", MOVE, "上移|up", MOVE, False, "↑ k"),
        Key("down,j", "move(1, 0)", "figure.down", MOVE, "下移|down", MOVE, False, "↓ j"),
        Key("left,h", "move(0, -1)", "figure.left", MOVE, "左移|left", MOVE, False, "← h"),
        Key("right,l", "move(0, 1)", "figure.right", MOVE, "右移|right", MOVE, False, "→ l"),
        Key("home", "jump(0)", "figure.first", MOVE, "第一个|the first", MOVE, False, "Home"),
        Key("end", "jump(-1)", "figure.last", MOVE, "最后一个|the last", MOVE, False, "End"),
        PIN_KEY,
        SAVE_KEY,
    ]
    BAR: ClassVar[Sequence[BarKey]] = [("←→↑↓", "读数|read", "move(0, 1)", "right")]
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(KEYS)]
    DEFAULT_CSS = "ReadView:focus { background: $boost; }"

    cursor: reactive[Place | None] = reactive[Place | None](None, init=False)
    lit: reactive[str] = reactive("", init=False)

    def __init__(
        self, figure: F, *, language: Language = "zh", id: str | None = None, classes: str | None = None
    ) -> None:
        super().__init__(figure, language=language, id=id, classes=classes)
        self.pinned: F | None = None
        self.can_pin = True  # not where another key plays through figures that have nothing in common
        self._room = 0
        self._top = 0  # the first of the scrolling lines that is seen
        self._dropped = 0  # lines of the title that a small box leaves out

    # -- what a kind says of itself

    def row_count(self) -> int:
        raise NotImplementedError

    def column_count(self, row: int) -> int:
        return 1

    def reading(self, row: int, column: int) -> str:
        raise NotImplementedError

    def token(self, row: int, column: int) -> str:
        """The token that this place is about."""
        return ""

    def drawn(self, width: int, look: Look) -> Drawn:
        raise NotImplementedError

    def place_at(self, x: int, y: int, width: int) -> Place | None:
        """What is drawn at a place in the lines."""
        raise NotImplementedError

    # -- showing it

    def update_figure(self, figure: F) -> None:
        self.figure = figure
        if self.cursor is not None:
            self.set_reactive(ReadView.cursor, self._nearest(*self.cursor))
        super().update_figure(figure)

    def _nearest(self, row: int, column: int) -> Place | None:
        rows = self.row_count()
        if not rows:
            return None
        row = max(min(row, rows - 1), 0)
        columns = self.column_count(row)
        return (row, max(min(column, columns - 1), 0)) if columns else None

    def lines(self, width: int, look: Look) -> list[Text]:
        drawn = self._tight(self.drawn(max(width, 1), look), max(width, 1), look)
        most = 2 if self._room >= AMPLE else 1
        at = self.cursor if self.cursor is not None else self.resting()
        said = "" if at is None else self.reading(*at)
        if self.pinned is not None and self.pinned is self.figure:
            said = ("已钉住；" if self.language == "zh" else "pinned; ") + said
        body = drawn.lines[drawn.head : len(drawn.lines) - drawn.tail]
        room = max(self._room - drawn.head - drawn.tail - most, 1)
        if self._room and len(body) > room:
            if drawn.at is not None:
                here = drawn.at - drawn.head
                self._top = min(max(self._top, here - room + 1), here)
            self._top = max(min(self._top, len(body) - room), 0)
            more = (" ", look.glyphs.above)[self._top > 0] + (" ", look.glyphs.below)[self._top + room < len(body)]
            body = body[self._top : self._top + room]
        else:
            self._top, more = 0, ""
        style, free = look.dim if self.cursor is None else look.strong, max(width - 2 * len(more), 1)
        below = said_lines(said, free, most, style)
        if more:  # what is out of sight, and where
            below[-1] = Text.assemble(below[-1], " " * (free + len(more) - cell_len(below[-1].plain)), (more, look.dim))
        tail = drawn.lines[len(drawn.lines) - drawn.tail :] if drawn.tail else []
        return [*drawn.lines[: drawn.head], *body, *tail, *below]

    def _tight(self, drawn: Drawn, width: int, look: Look) -> Drawn:
        """In a small box the title takes one line: what is below it is why one looks."""
        title = say(getattr(self.figure, "title", ""), self.language)
        self._dropped = len(wrap(title, width)) - 1 if title and 0 < self._room < SMALL else 0
        if not self._dropped:
            return drawn
        lines = [Text(fit(title, width, look.glyphs.ellipsis), look.title), *drawn.lines[1 + self._dropped :]]
        at = None if drawn.at is None else drawn.at - self._dropped
        return Drawn(lines, drawn.head - self._dropped, drawn.tail, at)

    def resting(self) -> Place | None:
        """The place that is read before anybody asks."""
        return None

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        self._room = room_of(self, container, viewport) if self.alone else 0
        return super().get_content_height(container, viewport, width)

    @property
    def alone(self) -> bool:
        """Whether the whole box is this figure's."""
        above = getattr(self.parent, "parent", None)
        return len(getattr(above, "views", ())) <= 1

    def watch_cursor(self, cursor: Place | None) -> None:
        self.refresh(layout=True)
        if cursor is not None:
            self.post_message(TokenChosen(self.token(*cursor)))

    def watch_lit(self) -> None:
        self.refresh()

    # -- keys and the mouse

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self.can_pin if action == "pin" else True

    def action_move(self, down: int, right: int) -> None:
        here = self.cursor
        self.cursor = self._nearest(*(self.resting() or (0, 0))) if here is None else self._moved(here, down, right)

    def _moved(self, here: Place, down: int, right: int) -> Place | None:
        if right and self.column_count(here[0]) == 1:
            down, right = right, 0
        return self._nearest(here[0] + down, here[1] + right)

    def action_jump(self, place: int) -> None:
        last = self.row_count() - 1
        self.cursor = self._nearest(0, 0) if place == 0 else self._nearest(last, 1 << 30)

    def action_pin(self) -> None:
        self.pinned = self.figure if self.pinned is None else None
        self.refresh(layout=True)

    def action_save(self) -> None:
        language = self.language
        pinned = None if self.pinned is self.figure else self.pinned
        figure = self.figure if pinned is None else with_pinned(self.figure, pinned)
        stem = getattr(figure, "name", "") or getattr(figure, "kind", "figure")
        self.post_message(SaveWanted(stem, lambda format: contents_of(figure, format, language)))  # type: ignore[arg-type]

    def on_mouse_down(self, event: events.MouseDown) -> None:
        width = max(self.content_size.width, 1)
        drawn = self._tight(self.drawn(width, self.look), width, self.look)
        y = (event.y if event.y < drawn.head else event.y + self._top) + self._dropped
        place = self.place_at(event.x, y, width)
        if place is not None:
            self.cursor = self._nearest(*place)

    def on_mouse_scroll_down(self, event: events.MouseScrollDown) -> None:
        if self.has_focus:
            event.stop()
            self.action_move(1, 0)

    def on_mouse_scroll_up(self, event: events.MouseScrollUp) -> None:
        if self.has_focus:
            event.stop()
            self.action_move(-1, 0)
