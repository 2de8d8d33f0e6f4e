"""All heads of a stage at once, small: arrows choose one, Enter opens it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.binding import BindingType
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from questions.bilingual import Language
from tui.figures.colors import MapName
from tui.figures.heatmap import Picture
from tui.figures.heatmap_paint import Painter
from tui.text.layout import pad
from tui.widgets.figures.figure_box import room_of
from tui.widgets.speaking import BarKey, Key, SpeakingWidget, bindings

SMALLEST_TILE = 18  # cells of width, the gap included
NARROWEST_TILE = 8  # where a row of the grid is to hold the heads of a layer
TALLEST_TILE = 12  # rows of cells
CELL = 2
CHOOSE = "选头|choose"


@dataclass(frozen=True)
class Tiles:
    """How the heads are laid out: how many beside one another, and how many cells a block of one head takes."""

    beside: int
    block: int
    width: int  # of a tile without its gap
    height: int  # with its title

    @classmethod
    def fitting(cls, picture: Picture, room: int) -> Tiles:
        beside = max(min(picture.heads, room // SMALLEST_TILE), 1)
        row = picture.figure.beside
        if row and room // row > NARROWEST_TILE:
            beside = row
        widest = max(room // beside - 1, CELL)
        block = max(-(-picture.columns * CELL // widest), -(-picture.rows // TALLEST_TILE), 1)
        width = min(max(-(-picture.columns // block) * CELL, 8), widest)
        beside = max(min(picture.heads, (room + 1) // (width + 1), row or picture.heads), 1)
        return cls(beside, block, width, -(-picture.rows // block) + 1)


class HeadGrid(SpeakingWidget, ScrollView, can_focus=True):
    """Every head as a small map. A block of cells is drawn by its largest value."""

    DEFAULT_CSS = """
    HeadGrid { height: auto; width: 1fr; min-height: 2; overflow: hidden auto; scrollbar-size-vertical: 1; }
    HeadGrid > .heads--name { color: $text-muted; }
    HeadGrid > .heads--chosen { color: $text-accent; text-style: bold reverse; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"heads--name", "heads--chosen"}
    KEYS: ClassVar[Sequence[Key]] = [
        Key("left,h", "choose(-1)", "heads.left", CHOOSE, "前一个头|the head before", CHOOSE, False, "← h"),
        Key("right,l", "choose(1)", "heads.right", CHOOSE, "后一个头|the next head", CHOOSE, False, "→ l"),
        Key("up,k", "choose_row(-1)", "heads.up", CHOOSE, "上一排|the row above", CHOOSE, False, "↑ k"),
        Key("down,j", "choose_row(1)", "heads.down", CHOOSE, "下一排|the row below", CHOOSE, False, "↓ j"),
        Key("enter", "open", "heads.open", "打开|open", "打开这个头|open this head", written="Enter"),
    ]
    BAR: ClassVar[Sequence[BarKey]] = [("←→↑↓", "选头|choose", "choose(1)", "right")]
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(KEYS)]

    chosen: reactive[int] = reactive(0, init=False)
    map_name: reactive[MapName] = reactive[MapName]("viridis", init=False)
    lines_around: reactive[int] = reactive(0, init=False, layout=True)

    @dataclass
    class Opened(Message):
        """A head was chosen to be seen large."""

        head: int

    def __init__(self, picture: Picture, *, language: Language = "zh", id: str | None = None) -> None:
        super().__init__(language=language, id=id)
        self.picture = picture
        self._tiles = Tiles(1, 1, 8, 2)
        self._painter: Painter | None = None

    def picture_changed(self) -> None:
        self.chosen = min(self.chosen, self.picture.heads - 1)
        before = self._height(self._tiles)
        self._repaint()
        if self._height(self._tiles) != before:
            self.refresh(layout=True)

    def watch_map_name(self) -> None:
        self._repaint()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._repaint()

    def _repaint(self) -> None:
        self._painter = None
        if self._container_size.width:
            self._tiles = Tiles.fitting(self.picture, self._container_size.width - 1)
            self.virtual_size = Size(self._container_size.width - 1, self._height(self._tiles))
        self.refresh()

    def _height(self, tiles: Tiles) -> int:
        return -(-self.picture.heads // tiles.beside) * tiles.height

    @property
    def painter(self) -> Painter:
        if self._painter is None:
            look = replace(self.look, map_name=self.map_name)
            self._painter = Painter(self.picture.scale, self.picture.span, look, CELL)
        return self._painter

    @property
    def room(self) -> Size:
        """What is on the screen of this widget, without its scroll bars."""
        return self.scrollable_content_region.size

    def on_resize(self) -> None:
        self._repaint()
        self._show_chosen()

    def get_content_width(self, container: Size, viewport: Size) -> int:
        return container.width

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        tiles = Tiles.fitting(self.picture, width - 1)
        return min(self._height(tiles), max(room_of(self, container, viewport) - self.lines_around, tiles.height))

    def render_line(self, y: int) -> Strip:
        tiles, width = self._tiles, self.room.width
        shelf, line = divmod(y + self.scroll_offset.y, tiles.height)
        segments: list[Segment] = []
        for head in range(shelf * tiles.beside, min((shelf + 1) * tiles.beside, self.picture.heads)):
            segments += self._tile_line(head, line)
            segments.append(Segment(" ", self.rich_style))
        return Strip(segments).crop(0, width).adjust_cell_length(width, self.rich_style)

    def _tile_line(self, head: int, line: int) -> list[Segment]:
        tiles, picture = self._tiles, self.picture
        if line == 0:
            style = self.get_component_rich_style("heads--chosen" if head == self.chosen else "heads--name")
            name = picture.name_of(head, self.language)
            return [Segment(pad(name, tiles.width, ellipsis=self.look.glyphs.ellipsis), style)]
        plane = picture.plane(head)
        if tiles.block == 1:
            cells = self.painter.row(plane.row(line - 1), picture.masked(line - 1, head))
        else:
            blocks = plane.pooled(tiles.block, tiles.block, picture.scale == "signed")
            cells = self.painter.row(blocks[line - 1])
        return list(Strip(cells).adjust_cell_length(tiles.width, self.rich_style))

    # -- choosing

    def validate_chosen(self, chosen: int) -> int:
        return max(min(chosen, self.picture.heads - 1), 0)

    def watch_chosen(self) -> None:
        self._show_chosen()
        self.refresh()

    def _show_chosen(self) -> None:
        top = self.chosen // self._tiles.beside * self._tiles.height
        y = self.scroll_offset.y
        room = self.room.height
        wanted = top if top < y else max(y, min(top + self._tiles.height - room, top))
        if wanted != y:
            self.scroll_to(y=wanted, animate=False, force=True)

    def action_choose(self, by: int) -> None:
        self.chosen += by

    def action_choose_row(self, by: int) -> None:
        there = self.chosen + by * self._tiles.beside
        if 0 <= there < self.picture.heads:
            self.chosen = there

    def action_open(self) -> None:
        self.post_message(self.Opened(self.chosen))

    def head_at(self, x: int, y: int) -> int | None:
        """The head drawn at a place on the widget."""
        tiles = self._tiles
        beside, shelf = x // (tiles.width + 1), (y + self.scroll_offset.y) // tiles.height
        head = shelf * tiles.beside + beside
        return head if beside < tiles.beside and head < self.picture.heads else None

    def on_click(self, event: events.Click) -> None:
        head = self.head_at(event.x, event.y)
        if head is not None:
            self.chosen = head
            self.action_open()
