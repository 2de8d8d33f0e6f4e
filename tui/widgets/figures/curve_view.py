"""Curves on the screen: left and right read the values, the mouse too."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.binding import BindingType
from textual.geometry import Size
from textual.reactive import reactive

from questions.bilingual import Language, say
from tui.figures.curve_plot import LOWEST, CurvePlot, plot_height
from tui.figures.curve_text import (
    curve_lines,
    curve_reading,
    nearest,
    plot_top,
    positions,
    resting_x,
)
from tui.figures.data import Curve
from tui.figures.look import Look
from tui.figures.pinned import with_pinned
from tui.figures.saving import contents_of
from tui.widgets.figures.figure_box import AMPLE, room_of
from tui.widgets.figures.messages import SaveWanted
from tui.widgets.figures.read_view import PIN_KEY, SAVE_KEY
from tui.widgets.figures.text_view import TextView, said_lines
from tui.widgets.speaking import BarKey, Key, bindings

READ = "读数|read"
NUMBER = 14  # cells that a number takes, and what parts it from the next


class CurveView(TextView[Curve], can_focus=True):
    """A ``Curve``. ``cursor`` is the x that is read, None until a key or the mouse asks for one."""

    KEYS: ClassVar[Sequence[Key]] = [
        Key("left,h", "move(-1)", "curve.left", READ, "读前一个点|read the point before", READ, False, "← h"),
        Key("right,l", "move(1)", "curve.right", READ, "读后一个点|read the next point", READ, False, "→ l"),
        Key("home", "jump(0)", "curve.first", READ, "第一个点|the first point", READ, False, "Home"),
        Key("end", "jump(-1)", "curve.last", READ, "最后一个点|the last point", READ, False, "End"),
        PIN_KEY,
        SAVE_KEY,
    ]
    BAR: ClassVar[Sequence[BarKey]] = [("←→", "读数|read", "move(1)", "right")]
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(KEYS)]
    DEFAULT_CSS = "CurveView:focus { background: $boost; }"

    cursor: reactive[float | None] = reactive[float | None](None, init=False, layout=True)

    def __init__(
        self, figure: Curve, *, language: Language = "zh", id: str | None = None, classes: str | None = None
    ) -> None:
        super().__init__(figure, language=language, id=id, classes=classes)
        self._positions = positions(figure)
        self.pinned: Curve | None = None
        self._rows = 0  # of the plot; found when there is room for it
        self._compact = False

    def update_figure(self, figure: Curve) -> None:
        """Show another curve; the cursor goes to the nearest x that it has."""
        self._positions = positions(figure)
        if self.cursor is not None:
            self.set_reactive(CurveView.cursor, nearest(self._positions, self.cursor) if self._positions else None)
        super().update_figure(figure)

    def lines(self, width: int, look: Look) -> list[Text]:
        """The plot, and below it what it says where the cursor stands, or where it matters before there is one."""
        height = self._rows or plot_height(width)
        lines = curve_lines(
            self.figure,
            self.language,
            max(width, 1),
            look,
            height=height,
            cursor=self.cursor,
            pinned=self._other,
            compact=self._compact,
        )
        at = self.cursor if self.cursor is not None else resting_x(self.figure)
        if at is not None:
            said = curve_reading(self.figure, at, self.language, self._other)
            if self._compact and cell_len(said) > width:  # the names stand beside the lines
                said = curve_reading(self.figure, at, self.language, self._other, letters=True)
            if self.pinned is not None and self._other is None:
                said = ("已钉住；" if self.language == "zh" else "pinned; ") + said
            style = look.dim if self.cursor is None else look.strong
            lines += said_lines(said, width, 1 if self._compact else self._said_most(width), style)
        return lines

    def _said_most(self, width: int) -> int:
        """The lines that a reading may take: three where the names alone fill most of two."""
        names = sum(cell_len(say(series.name, self.language)) + NUMBER for series in self.figure.series)
        return 3 if names > 2 * width else 2

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """The plot takes what the lines around it leave of the room, so that its axis and legend are on the screen."""
        room = room_of(self, container, viewport)
        self._compact = room < AMPLE
        self._rows = max(room // 2, LOWEST)  # so that names that will have room beside the plot are not put below it
        for _ in range(2):
            around = super().get_content_height(container, viewport, width) - self._rows
            self._rows = max(room - around, LOWEST)
        return super().get_content_height(container, viewport, width)

    @property
    def _other(self) -> Curve | None:
        """The pinned curve, once another one is shown."""
        return None if self.pinned is self.figure else self.pinned

    def action_pin(self) -> None:
        self.pinned = self.figure if self.pinned is None else None
        self.refresh(layout=True)

    def action_save(self) -> None:
        figure, language = self.figure, self.language
        if self._other is not None:
            figure = with_pinned(figure, self._other)
        self.post_message(SaveWanted(figure.name or "curve", lambda format: contents_of(figure, format, language)))

    def action_move(self, by: int) -> None:
        if not self._positions:
            return
        if self.cursor is None:
            self.action_jump(0 if by > 0 else -1)
            return
        place = self._positions.index(nearest(self._positions, self.cursor)) + by
        self.cursor = self._positions[min(max(place, 0), len(self._positions) - 1)]

    def action_jump(self, place: int) -> None:
        if self._positions:
            self.cursor = self._positions[place]

    def on_mouse_down(self, event: events.MouseDown) -> None:
        self._point_at(event)

    def on_mouse_move(self, event: events.MouseMove) -> None:
        if event.button:
            self._point_at(event)

    def _point_at(self, event: events.MouseEvent) -> None:
        width = max(self.content_size.width, 1)
        plot = CurvePlot(self.figure, self.language, width, self.look, self._rows or plot_height(width), self._other)
        column = event.x - plot.label_width - 1
        row = event.y - plot_top(self.figure, self.language, width, self.look, self._compact)
        if self._positions and 0 <= column < plot.field_width and 0 <= row < plot.height:
            self.cursor = nearest(self._positions, plot.x_at(column))
