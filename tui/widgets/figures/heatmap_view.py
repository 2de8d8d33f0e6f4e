"""A heatmap on the screen: title, stages, the cells or all heads, a legend, and what the cell under the cursor says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Literal

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widgets import Static

from questions.bilingual import Language, say
from tui.figures.colors import MAP_NAMES, MapName
from tui.figures.data import Heatmap
from tui.figures.export import figure_svg
from tui.figures.heatmap import DIFFERENCE, Picture
from tui.figures.heatmap_paint import Painter, legend, signs_in
from tui.figures.heatmap_text import HeadChoice
from tui.figures.saving import contents_of
from tui.text.layout import clip, wrap
from tui.widgets.figures.figure_box import AMPLE, room_of
from tui.widgets.figures.head_grid import HeadGrid
from tui.widgets.figures.heatmap_canvas import HeatmapCanvas
from tui.widgets.figures.heatmap_keys import HEATMAP_KEYS
from tui.widgets.figures.messages import HeadChosen, SaveWanted, SeenAnew, TokenChosen
from tui.widgets.figures.stage_tabs import StageTabs
from tui.widgets.holding import give_focus
from tui.widgets.speaking import Key, SpeakingWidget, bindings, to_content

NARROW = 60  # cells of width in which what a cell says takes more lines
LEAST_SAID = 2  # lines below the map: the room is there from the start, so that little moves


class HeatmapView(SpeakingWidget):
    """A ``Heatmap`` with its cursor, stages, heads, pin and legend."""

    DEFAULT_CSS = """
    HeatmapView { layout: vertical; height: auto; width: 1fr; }
    HeatmapView > Static { height: auto; width: 1fr; text-wrap: nowrap; text-overflow: clip; }
    """
    KEYS: ClassVar[Sequence[Key]] = HEATMAP_KEYS
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(KEYS)]

    lit: reactive[str] = reactive("", init=False)  # the label of a token that is chosen elsewhere
    map_name: reactive[MapName] = reactive[MapName]("viridis", init=False)
    showing: reactive[Literal["map", "grid"]] = reactive[Literal["map", "grid"]]("map", init=False)

    @dataclass
    class RowCopied(Message):
        """A row went to the clipboard, its labels above its values, separated by tabs."""

        view: HeatmapView
        row: int
        text: str

        @property
        def control(self) -> HeatmapView:
            return self.view

    def __init__(
        self, figure: Heatmap, *, language: Language = "zh", id: str | None = None, classes: str | None = None
    ) -> None:
        super().__init__(language=language, id=id, classes=classes)
        self.picture = Picture(figure)
        self.can_pin = True  # not where another key plays through tensors that have nothing in common
        self._from_grid = False
        self._hovered: tuple[int, int] | None = None
        self._says_height = LEAST_SAID
        self.tabs = StageTabs(self.picture, language=language)
        self.canvas = HeatmapCanvas(self.picture, language=language)
        self.grid = HeadGrid(self.picture, language=language)
        self.grid.display = False

    def compose(self) -> ComposeResult:
        yield self.tabs  # the title too: a line less
        yield self.canvas
        yield self.grid
        yield Static(id="heatmap-legend", markup=False)
        yield Static(id="heatmap-says", markup=False)

    def on_mount(self) -> None:
        self._tell()

    def on_resize(self) -> None:
        self._says_height = 0  # other lines at another width
        self._tell()

    @property
    def figure(self) -> Heatmap:
        return self.picture.figure

    @property
    def cursor(self) -> tuple[int, int]:
        return self.canvas.cursor

    def update_figure(self, figure: Heatmap) -> None:
        """Show another figure at the same stage, head, cursor and scroll; against the pinned one if there is one."""
        self.picture.update(figure)
        self.tabs.forget()
        if self.picture.heads == 1:
            self.showing = "map"  # one head has no grid, nor a key that would leave it
        self._changed()

    def said_anew(self) -> None:
        self._tell()

    def notify_style_update(self) -> None:
        super().notify_style_update()
        if self.is_mounted:
            self._tell()

    def _changed(self) -> None:
        self.canvas.picture_changed()
        if self.showing == "grid":
            self.grid.picture_changed()
        self._tell()
        self.refresh_bindings()
        self.post_message(SeenAnew())

    # -- what is said around the cells

    def _tell(self) -> None:
        if not self.is_mounted or not self.size.width:
            return
        width = self.size.width
        self.tabs.title = self._title()
        self.tabs.refresh()
        self._give_room()
        self._tell_legend(width)
        self._tell_cell()

    def _title(self) -> str:
        picture, zh = self.picture, self.language == "zh"
        parts = [self._pin_said(zh), say(self.figure.title, self.language)]  # first: a title may be cut at its end
        if len(self.figure.stages) == 1:
            parts.append(say(picture.stage.title, self.language))
        if picture.heads > 1 and self.showing == "map":
            parts.append(picture.head_name(self.language))
        return " · ".join(dict.fromkeys(part for part in parts if part))

    def _pin_said(self, zh: bool) -> str:
        picture = self.picture
        if picture.pinned is None:
            return ""
        if picture.comparing:
            return DIFFERENCE.say(self.language)
        if picture.comparable:
            return "已钉住" if zh else "pinned"
        return "形状不同，无法与钉住的图相比" if zh else "another shape than the pinned picture"

    def _tell_legend(self, width: int) -> None:
        look = replace(self.look, map_name=self.map_name)
        painter = Painter(self.picture.scale, self.picture.span, look, 1)
        runs = legend(painter, self.language, width, self._signs(), self.picture.figure.hole)
        self.query_one("#heatmap-legend", Static).update(to_content([Text.assemble(*runs)]), layout=False)

    def _signs(self) -> list[str]:
        """The signs in the rows around the cursor: enough to explain what is seen, cheap for a large map."""
        picture = self.picture
        middle = self.canvas.cursor[0]
        rows = range(max(middle - 40, 0), min(middle + 41, picture.rows)) if picture.columns else ()
        return sorted(set().union(*(signs_in(picture.plane().row(row), picture.masked(row)) for row in rows)))

    def _tell_cell(self) -> None:
        if not self.picture.rows or not self.picture.columns:
            self._say(["（空）" if self.language == "zh" else "(empty)"])
            return
        row, column = self._hovered or self.canvas.cursor
        width, most = max(self.size.width, 1), self._most_said()
        said = self.picture.explain(row, column, self.language)
        if len(wrap(said, width)) > most:
            said = self.picture.explain(row, column, self.language, shown_first=True)
        self._say(clip(said, width, most))

    def _most_said(self) -> int:
        return LEAST_SAID + (room_of(self, self.size, self.size) >= AMPLE or self.size.width < NARROW)

    def _say(self, lines: Sequence[str]) -> None:
        """Below the map. The room for it grows and does not shrink, so that moving the cursor moves nothing else."""
        says, most = self.query_one("#heatmap-says", Static), self._most_said()
        height = min(max(len(lines), self._says_height, LEAST_SAID), most)
        if height != self._says_height:
            self._says_height = height
            says.styles.min_height = height
            self._give_room()
        says.update(Content("\n".join(lines)), layout=False)

    def _give_room(self) -> None:
        """The cells take what the lines around them leave of the room, so that all of it is on the screen at once.

        A title that one line does not hold takes lines that the cells do not need; in a large room also those that they
        would scroll in.
        """
        room, lines = room_of(self, self.size, self.size), 2 + self._says_height
        left = self.canvas.lines_left(self.size.width, room - lines)
        if left < 0:
            left = LEAST_SAID if room >= AMPLE else 0
        self.tabs.granted = 1 + left
        lines += min(self.tabs.granted, self.tabs.lines_wanted(self.size.width)) - 1
        self.canvas.lines_around = self.grid.lines_around = lines

    def on_heatmap_canvas_moved(self, event: HeatmapCanvas.Moved) -> None:
        event.stop()
        self._hovered = None
        self._tell_cell()
        self.post_message(TokenChosen(self.figure.rows[event.row]))

    def on_heatmap_canvas_hovered(self, event: HeatmapCanvas.Hovered) -> None:
        event.stop()
        self._hovered = event.cell
        self._tell_cell()

    def on_stage_tabs_chosen(self, event: StageTabs.Chosen) -> None:
        event.stop()
        self.choose_stage(event.index)

    def on_head_grid_opened(self, event: HeadGrid.Opened) -> None:
        event.stop()
        self._from_grid = True
        self.choose_head(event.head)
        self.showing = "map"
        give_focus(self.screen, self.canvas)

    # -- stages and heads

    def choose_stage(self, index: int) -> None:
        self.picture.stage_index = index % len(self.figure.stages)
        self._changed()

    def choose_head(self, head: int | None) -> None:
        """Show ``head``, or the mean over all where None."""
        self.picture.head = head
        self._changed()

    def watch_showing(self) -> None:
        grid = self.showing == "grid"
        had_focus = self.canvas.has_focus or self.grid.has_focus
        self.grid.display, self.canvas.display = grid, not grid
        if grid:
            self.grid.picture_changed()
            self.grid.chosen = self.picture.head or 0
        if had_focus:
            give_focus(self.screen, self.grid if grid else self.canvas)
        self._tell()
        self.refresh_bindings()

    def watch_map_name(self) -> None:
        self.canvas.map_name = self.grid.map_name = self.map_name
        self._tell()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        several = self.picture.heads > 1
        if action == "stage":
            return len(self.figure.stages) > 1
        if action in ("grid", "head"):
            return several
        if action == "scale":
            return several and self.showing == "map"
        if action == "pin":
            return self.can_pin
        if action == "back":
            return several and self._from_grid and self.showing == "map"
        if action == "open_cell":
            return self.figure.opens and self.showing == "map"
        if action in ("zoom", "copy_row", "values"):
            return self.showing == "map"
        return True

    def action_stage(self, by: int) -> None:
        self.choose_stage(self.picture.stage_index + by)

    def action_head(self, by: int) -> None:
        """Another head; the mean over all of them stands between the last and the first."""
        head, heads = self.picture.head, self.picture.heads
        there = ((heads if head is None else head) + by) % (heads + 1)
        self.choose_head(None if there == heads else there)

    def action_grid(self) -> None:
        self.showing = "map" if self.showing == "grid" else "grid"

    def action_back(self) -> None:
        self._from_grid = False
        self.showing = "grid"

    def watch_lit(self) -> None:
        self.canvas.lit = self.lit

    def action_open_cell(self) -> None:
        self.post_message(HeadChosen(*self.canvas.cursor))

    # -- pin, colors, zoom

    def action_pin(self) -> None:
        self.picture.pin(self.figure if self.picture.pinned is None else None)
        self._changed()

    def action_colors(self) -> None:
        self.map_name = MAP_NAMES[(MAP_NAMES.index(self.map_name) + 1) % len(MAP_NAMES)]

    def action_scale(self) -> None:
        """The ends of the colors from all heads, or from the head that is shown."""
        self.picture.own_span = not self.picture.own_span
        self._changed()

    def action_values(self) -> None:
        """Cells just wide enough for numbers, or too narrow for them."""
        self.canvas.show_values(not self.canvas.shows_values)

    def action_zoom(self, direction: int) -> None:
        if direction == 0:
            self.canvas.cell_width = None
        else:
            self.canvas.zoom(direction)

    # -- taking it elsewhere

    def action_copy_row(self) -> None:
        row = self.canvas.cursor[0]
        if row < self.picture.rows:
            text = self.picture.row_as_text(row)
            self.app.copy_to_clipboard(text)
            name = self.figure.rows[row]
            self.notify(f"已复制行 {name}" if self.language == "zh" else f"copied the row {name}", markup=False)
            self.post_message(self.RowCopied(self, row, text))

    def action_save(self) -> None:
        picture, language = self.picture, self.language
        stage, head, colors = picture.stage.name, picture.head, self.map_name
        figure = picture.figure
        stem = f"{figure.name or 'heatmap'}-{stage}-{'mean' if head is None else f'head{head}'}"
        if picture.comparing:
            figure, head, stem = picture.seen(), 0, f"{stem}-difference"

        def contents(format: str) -> str | bytes:
            if format == "svg":
                drawn: HeadChoice = "mean" if head is None else head
                return figure_svg(figure, language, stage=stage, head=drawn, map_name=colors)
            return contents_of(figure, format, language, stage=stage, head=head)

        self.post_message(SaveWanted(stem, contents))
