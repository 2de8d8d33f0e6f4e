"""The cells of a heatmap on the screen: labels that stay, cells that scroll, a cursor.

Line API: only the lines on the screen are painted, and of those only the columns on the screen, so that a map of
512 x 512 costs as much as one of the screen's size.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from questions.bilingual import Language
from tui.figures.colors import MapName
from tui.figures.heatmap import Picture
from tui.figures.heatmap_paint import NUMBER_WIDTH, Frame, Painter, frame_for, row_label
from tui.figures.look import PLAIN
from tui.widgets.figures.figure_box import room_of
from tui.widgets.speaking import BarKey, Key, SpeakingWidget, bindings

MOVE = "移动|move"
LEAST_ROWS = 4  # rows of cells that are shown however little room there is
ZOOM_WIDTHS = (1, 2, 3, 4, 5, 6, 8, 10, 12)
WIDEST_GROWN = 24  # cells of width to which a cell grows in a wide room
TALL_ENOUGH = 3  # lines of a cell beyond which they are there to fill the box
LONG_ROWS_TALL = 2  # lines of a cell one wide, which only few long rows have by themselves
VALUES_WIDTH = NUMBER_WIDTH + 1  # the narrowest cell that holds a number well


class HeatmapCanvas(SpeakingWidget, ScrollView, can_focus=True):
    """One head of one stage. ``cell_width`` None adapts to the room; ``cursor`` is (row, column)."""

    DEFAULT_CSS = """
    HeatmapCanvas {
        height: auto; width: 1fr; min-height: 2; overflow: auto auto;
        scrollbar-size-vertical: 1; scrollbar-size-horizontal: 1;
    }
    HeatmapCanvas > .heatmap--label { color: $text-muted; }
    HeatmapCanvas > .heatmap--lit { color: $text-accent; text-style: bold underline; }
    HeatmapCanvas > .heatmap--here { color: $text; text-style: bold; }
    HeatmapCanvas:focus > .heatmap--here { color: $text-accent; text-style: bold reverse; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"heatmap--label", "heatmap--here", "heatmap--lit"}
    KEYS: ClassVar[Sequence[Key]] = [
        Key(keys, f"move({down}, {right})", f"heatmap.{name}", MOVE, tip, MOVE, show=False, written=written)
        for keys, down, right, name, tip, written in [
            ("up,k", -1, 0, "up", "上移一行|up a row", "↑ k"),
            ("down,j", 1, 0, "down", "下移一行|down a row", "↓ j"),
            ("left,h", 0, -1, "left", "左移一列|left a column", "← h"),
            ("right,l", 0, 1, "right", "右移一列|right a column", "→ l"),
        ]
    ] + [
        Key(keys, f"jump('{where}')", f"heatmap.{where}", MOVE, tip, MOVE, show=False, written=written)
        for keys, where, tip, written in [
            ("home", "row-start", "行首|start of the row", "Home"),
            ("end", "row-end", "行尾|end of the row", "End"),
            ("pageup", "page-up", "上翻一页|a page up", "PgUp"),
            ("pagedown", "page-down", "下翻一页|a page down", "PgDn"),
            ("ctrl+home", "top", "左上角|top left corner", "Ctrl+Home"),
            ("ctrl+end", "bottom", "右下角|bottom right corner", "Ctrl+End"),
        ]
    ]
    BAR: ClassVar[Sequence[BarKey]] = [("←→↑↓", "读格|cell", "move(0, 1)", "right")]
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(KEYS)]

    cursor: reactive[tuple[int, int]] = reactive((0, 0), init=False)
    cell_width: reactive[int | None] = reactive[int | None](None, init=False)
    lit: reactive[str] = reactive("", init=False)
    map_name: reactive[MapName] = reactive[MapName]("viridis", init=False)
    lines_around: reactive[int] = reactive(0, init=False, layout=True)

    @dataclass
    class Moved(Message):
        """The cursor stands on another cell."""

        row: int
        column: int

    @dataclass
    class Hovered(Message):
        """The mouse is over a cell, or over none."""

        cell: tuple[int, int] | None

    def __init__(self, picture: Picture, *, language: Language = "zh", id: str | None = None) -> None:
        super().__init__(language=language, id=id)
        self.picture = picture
        self._frame = Frame(2, 1, ())
        self._tall = 1  # lines of a cell
        self._painter: Painter | None = None
        self._strips: dict[int, Strip] = {}
        self._hovered: tuple[int, int] | None = None
        self._labels = (picture.figure.rows, picture.figure.columns)
        self._frames: dict[tuple[int, int | None, bool], Frame] = {}
        self._look = PLAIN
        self._label_styles = (Style(), Style(), Style())
        self._ground = Style()

    # -- the picture

    def picture_changed(self) -> None:
        """Paint anew: another stage, head, figure or pin. The cursor stays where it is, if that is still there."""
        figure = self.picture.figure
        labels = (figure.rows, figure.columns)
        moved = labels != self._labels
        if moved:
            self._labels = labels
            self._frames.clear()
            self.cursor = self.validate_cursor(self.cursor)
        self._repaint()
        if moved:
            self.refresh(layout=True)

    def watch_cell_width(self) -> None:
        self._repaint()
        self.refresh(layout=True)
        self.call_after_refresh(self._show_cursor)

    def watch_map_name(self) -> None:
        self._repaint()

    def watch_lit(self) -> None:
        self._strips.clear()
        self.refresh()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        self._repaint()

    def _repaint(self) -> None:
        self._painter = None
        self._strips.clear()
        self._measure()
        self.refresh()

    @property
    def painter(self) -> Painter:
        """The painter of the cells as they are now, and with it the look and the styles of the labels."""
        if self._painter is None:
            self._look = replace(self.look, map_name=self.map_name)
            plain, here, lit = (self.get_component_rich_style(f"heatmap--{name}") for name in ("label", "here", "lit"))
            self._label_styles, self._ground = (plain, here, lit), self.rich_style
            self._painter = Painter(self.picture.scale, self.picture.span, self._look, self._frame.cell_width)
        return self._painter

    # -- measures

    def _measure(self) -> None:
        room = self._container_size
        if room.width:
            self._frame = self._frame_in(room.width, room.height)
            self._tall = self._tall_in(self._frame, room.height)
            self.virtual_size = Size(self._frame.width(self.picture.columns), self._lines(self._frame, self._tall))

    def _lines(self, frame: Frame, tall: int) -> int:
        return frame.header_height + self.picture.rows * tall

    def _tall_in(self, frame: Frame, height: int) -> int:
        """The lines of a cell where there is room: about as high as it is wide, so that the map fills its box."""
        if self.cell_width is not None or not self.picture.rows:
            return 1
        room = (height - frame.header_height) // self.picture.rows
        most = LONG_ROWS_TALL if frame.cell_width == 1 else frame.cell_width // 2
        return max(min(room, most), 1)

    def _frame_in(self, width: int, height: int) -> Frame:
        """The frame in this room; a scroll bar, where the rows need one, takes a cell of the width."""
        frame = self._frame_at(width)
        if frame.header_height + self.picture.rows > height:
            frame = self._frame_at(width - 1)
        return frame

    def _frame_at(self, width: int) -> Frame:
        key = (width, self.cell_width, self.look.glyphs.ascii)
        if key not in self._frames:
            figure = self.picture.figure
            frame = frame_for(figure.rows, figure.columns, width, self.cell_width, self.look)
            share = (width - frame.label_width) // max(len(figure.columns), 1)
            if self.cell_width is None and frame.cell_width < share and frame.cell_width >= NUMBER_WIDTH:
                grown = min(share, WIDEST_GROWN)
                frame = frame_for(figure.rows, figure.columns, width, grown, self.look)
            self._frames[key] = frame
        return self._frames[key]

    @property
    def room(self) -> Size:
        """What is on the screen of this widget, without its scroll bars."""
        return self.scrollable_content_region.size

    def on_resize(self) -> None:
        self._repaint()
        self._show_cursor()

    def get_content_width(self, container: Size, viewport: Size) -> int:
        return container.width

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As high as the map, or as the room for it leaves beside what stands around it (``lines_around``)."""
        frame = self._frame_in(width, 1 << 30)
        around = self.lines_around + self.show_horizontal_scrollbar  # which Textual adds
        room = room_of(self, container, viewport) - around
        tall = self._tall_in(frame, room)
        return min(self._lines(frame, tall), max(room, frame.header_height + LEAST_ROWS))

    def lines_left(self, width: int, room: int) -> int:
        """The lines of ``room`` that a map of cells no taller than it needs leaves; below 0 where it has to scroll."""
        frame = self._frame_in(width, 1 << 30)
        return room - self._lines(frame, min(self._tall_in(frame, room), TALL_ENOUGH))

    def cell_at(self, x: int, y: int) -> tuple[int, int] | None:
        """The cell at a place on the widget, or None on the labels and beyond the map."""
        frame = self._frame
        row = (y - frame.header_height + self.scroll_offset.y) // self._tall
        column = (x - frame.label_width + self.scroll_offset.x) // frame.cell_width
        if y < frame.header_height or x < frame.label_width or x >= self.room.width or y >= self.room.height:
            return None
        return (row, column) if row < self.picture.rows and column < self.picture.columns else None

    # -- painting

    def render_line(self, y: int) -> Strip:
        painter = self.painter
        frame, width = self._frame, self.room.width
        if y < frame.header_height:
            return self._header_line(y, width)
        row, line = divmod(y - frame.header_height + self.scroll_offset.y, self._tall)
        if not 0 <= row < self.picture.rows:
            return Strip.blank(width, self._ground)
        here = row == self.cursor[0]
        place = row * self._tall + line
        strip = None if here else self._strips.get(place)
        if strip is None:
            strip = self._row_line(painter, row, width, self.cursor[1] if here else -1)
            if line != self._tall // 2:
                strip = Strip([Segment(" " * segment.cell_length, segment.style) for segment in strip])
            if not here:
                self._strips[place] = strip
        return strip

    def _row_line(self, painter: Painter, row: int, width: int, cursor: int) -> Strip:
        first, last = self._visible_columns(width)
        values = self.picture.plane().row(row)[first:last]
        masked = self.picture.masked(row)
        cells = painter.row(values, None if masked is None else masked[first:last], cursor - first)
        label = row_label(self.picture.figure.rows[row], self._frame.label_width, self._look)
        lit = bool(self.lit) and self.picture.figure.rows[row] == self.lit
        return self._line(Segment(label, self._label_styles[1 if cursor >= 0 else 2 * lit]), cells, first, width)

    def _header_line(self, y: int, width: int) -> Strip:
        first, last = self._visible_columns(width)
        texts, here = self._frame.header[y], self.cursor[1]
        label, marked, lit = self._label_styles
        names = self.picture.figure.columns
        cells = [
            Segment(texts[at], marked if at == here else lit if self.lit and names[at] == self.lit else label)
            for at in range(first, last)
        ]
        return self._line(Segment(" " * self._frame.label_width, label), cells, first, width)

    def _line(self, label: Segment, cells: list[Segment], first: int, width: int) -> Strip:
        """The label, which stays, and the cells from the column ``first`` on, cut to what is on the screen."""
        start = self.scroll_offset.x - first * self._frame.cell_width
        room = max(width - self._frame.label_width, 0)
        body = Strip(cells).crop(start, start + room)
        return Strip.join([Strip([label]), body]).adjust_cell_length(width, self._ground)

    def _visible_columns(self, width: int) -> tuple[int, int]:
        cell = self._frame.cell_width
        left = self.scroll_offset.x
        room = max(width - self._frame.label_width, 0)
        return left // cell, min(-(-(left + room) // cell), self.picture.columns)

    def watch_scroll_x(self, old_value: float, new_value: float) -> None:
        if round(old_value) != round(new_value):
            self._strips.clear()
        super().watch_scroll_x(old_value, new_value)

    # -- the cursor

    def validate_cursor(self, cursor: tuple[int, int]) -> tuple[int, int]:
        row, column = cursor
        return max(min(row, self.picture.rows - 1), 0), max(min(column, self.picture.columns - 1), 0)

    def watch_cursor(self, old: tuple[int, int], new: tuple[int, int]) -> None:
        if old == new:
            return
        for line in range(old[0] * self._tall, (old[0] + 1) * self._tall):
            self._strips.pop(line, None)
        self._show_cursor()
        top = self._frame.header_height - self.scroll_offset.y
        for row in {old[0], new[0]}:
            self.refresh(Region(0, top + row * self._tall, self.room.width, self._tall))
        if old[1] != new[1]:
            self.refresh(Region(0, 0, self.room.width, self._frame.header_height))
        if self.picture.rows and self.picture.columns:
            self.post_message(self.Moved(*new))

    def _show_cursor(self) -> None:
        """Scroll as little as needed for the cursor to be seen."""
        row, column = self.cursor
        frame = self._frame
        body_width = max(self.room.width - frame.label_width, frame.cell_width)
        body_height = max(self.room.height - frame.header_height, 1)
        left, right = column * frame.cell_width, (column + 1) * frame.cell_width
        x, y = self.scroll_offset
        x = left if left < x else max(x, right - body_width)
        above, below = row * self._tall, (row + 1) * self._tall
        y = above if above < y else max(y, below - body_height)
        if (x, y) != self.scroll_offset:
            self.scroll_to(x, y, animate=False, force=True)

    def action_move(self, down: int, right: int) -> None:
        row, column = self.cursor
        self.cursor = row + down, column + right

    def action_jump(self, where: str) -> None:
        row, column = self.cursor
        last_row, last_column = self.picture.rows - 1, self.picture.columns - 1
        page = max((self.room.height - self._frame.header_height - 1) // self._tall, 1)
        self.cursor = {
            "row-start": (row, 0),
            "row-end": (row, last_column),
            "page-up": (row - page, column),
            "page-down": (row + page, column),
            "top": (0, 0),
            "bottom": (last_row, last_column),
        }[where]

    def zoom(self, direction: int) -> None:
        """Wider or narrower cells, from where they are now."""
        now = self._frame.cell_width
        if direction > 0:
            wider = [width for width in ZOOM_WIDTHS if width > now]
            self.cell_width = wider[0] if wider else ZOOM_WIDTHS[-1]
        else:
            narrower = [width for width in ZOOM_WIDTHS if width < now]
            self.cell_width = narrower[-1] if narrower else 1

    @property
    def shows_values(self) -> bool:
        return self._frame.cell_width >= NUMBER_WIDTH

    def show_values(self, shown: bool) -> None:
        """Cells in which numbers stand, or cells too narrow for them; the fitting ones where those are it already."""
        self.cell_width = None
        self._measure()
        if self.shows_values != shown:
            self.cell_width = VALUES_WIDTH if shown else 2

    def help_keys(self, language: Language) -> list[tuple[str, str]]:
        above = self.parent
        rest = above.help_keys(language) if isinstance(above, SpeakingWidget) else []
        return super().help_keys(language) + rest

    # -- the mouse

    def on_mouse_down(self, event: events.MouseDown) -> None:
        cell = self.cell_at(event.x, event.y)
        if cell is not None:
            self.cursor = cell

    def on_mouse_move(self, event: events.MouseMove) -> None:
        self._hover(self.cell_at(event.x, event.y))

    def on_leave(self) -> None:
        self._hover(None)

    def _hover(self, cell: tuple[int, int] | None) -> None:
        if cell != self._hovered:
            self._hovered = cell
            self.post_message(self.Hovered(cell))
