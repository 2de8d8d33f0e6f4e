"""The stops on the path of a run, one a line: its text and tokens, every traced tensor, what it says in the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from questions.bilingual import Language, say
from tui.figures.tensor_stats import TensorStats, shape_text, summary, tensor_stats
from tui.figures.trail import Stop
from tui.text.layout import fit, graphemes, pad
from tui.widgets.speaking import BarKey, Key, SpeakingWidget, bindings

WALK = "步骤|steps"
NUMBERS = 50  # cells for what follows a shape: its dtype, and mean, deviation and range to four digits


class StepList(SpeakingWidget, ScrollView, can_focus=True):
    """Each step in a line: its path, and its summary, computed when it is first seen."""

    DEFAULT_CSS = """
    StepList {
        height: auto; min-height: 1; width: 1fr;
        overflow: hidden auto; scrollbar-size-vertical: 1;
    }
    StepList > .steps--path { color: $text; }
    StepList > .steps--summary { color: $text-muted; }
    StepList > .steps--odd { color: $text-error; }
    StepList > .steps--chosen { text-style: bold; }
    StepList:focus > .steps--chosen { color: $text-accent; text-style: bold reverse; }
    """
    COMPONENT_CLASSES: ClassVar[set[str]] = {"steps--path", "steps--summary", "steps--odd", "steps--chosen"}
    KEYS: ClassVar[Sequence[Key]] = [
        Key("up,k", "choose(-1)", "steps.up", WALK, "上一步|the step before", WALK, False, "↑ k"),
        Key("down,j", "choose(1)", "steps.down", WALK, "下一步|the next step", WALK, False, "↓ j"),
        Key("pageup", "page(-1)", "steps.page-up", WALK, "上翻一页|a page up", WALK, False, "PgUp"),
        Key("pagedown", "page(1)", "steps.page-down", WALK, "下翻一页|a page down", WALK, False, "PgDn"),
        Key("home", "jump(0)", "steps.first", WALK, "第一步|the first step", WALK, False, "Home"),
        Key("end", "jump(-1)", "steps.last", WALK, "最后一步|the last step", WALK, False, "End"),
        Key("enter", "open", "steps.open", "打开|open", "打开这一步|open this step", written="Enter"),
    ]
    BAR: ClassVar[Sequence[BarKey]] = [("↑↓", "选|choose", "choose(1)", "down")]
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(KEYS)]

    chosen: reactive[int] = reactive(0, init=False)

    @dataclass
    class Opened(Message):
        index: int

    def __init__(self, trail: Sequence[Stop], *, language: Language = "zh") -> None:
        super().__init__(language=language)
        self.trail = trail
        self._stats: dict[int, TensorStats] = {}
        self._longest: dict[Language, int] = {}

    def show(self, trail: Sequence[Stop]) -> None:
        """Show another path; the chosen stop is the one of the same name, where there is one."""
        names = [stop.name for stop in trail]
        before = self.trail[self.chosen].name if self.trail else ""
        self.trail = trail
        self._stats.clear()
        self._longest.clear()
        self.set_reactive(StepList.chosen, names.index(before) if before in names else 0)
        self._measure()
        self.refresh(layout=True)

    def _measure(self) -> None:
        self.virtual_size = Size(self._container_size.width, max(len(self.trail), 1))

    def on_resize(self) -> None:
        self._measure()
        self._show_chosen()

    def get_content_width(self, container: Size, viewport: Size) -> int:
        return container.width

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return max(min(len(self.trail), container.height or viewport.height // 2), 1)

    def summary_of(self, index: int, width: int) -> tuple[str, bool]:
        """A step's summary in ``width`` cells (without the names of the axes where not every step's fit, so that all
        lines read alike), and whether it has NaN or infinity that no mask put there."""
        stop, step = self.trail[index], self.trail[index].step
        if step is None:
            return fit(stop.line(self.language), width, self.look.glyphs.ellipsis), False
        if index not in self._stats:
            self._stats[index] = tensor_stats(step.value)
        stats = self._stats[index]
        named = self._longest_shape() + NUMBERS <= width
        said = summary(step.axes if named else (), stats, self.language)
        return fit(said, width, self.look.glyphs.ellipsis), bool(stats.nan or stats.plus_infinity)

    def _longest_shape(self) -> int:
        """Cells of the longest shape of a step with the names of its axes; measured once."""
        if self.language not in self._longest:
            steps = [stop.step for stop in self.trail if stop.step is not None]
            lengths = [cell_len(shape_text(step.axes, step.value.shape, self.language)) for step in steps]
            self._longest[self.language] = max(lengths, default=0)
        return self._longest[self.language]

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        index = y + self.scroll_offset.y
        if not self.trail and y == 0:
            text = "没有记录到步骤" if self.language == "zh" else "no step was recorded"
            return Strip([Segment(fit(text, width), self._part("summary"))]).adjust_cell_length(width, self.rich_style)
        if index >= len(self.trail):
            return Strip.blank(width, self.rich_style)
        ellipsis = self.look.glyphs.ellipsis
        column = min(
            max(cell_len(say(stop.name, self.language)) for stop in self.trail), max(width * 9 // 20, 12), width
        )
        name = pad(fit_end(say(self.trail[index].name, self.language), column, ellipsis), column)
        rest, odd = self.summary_of(index, max(width - column - 2, 0))
        chosen = index == self.chosen
        segments = [
            Segment(name, self._part("chosen" if chosen else "path")),
            Segment("  ", self.rich_style),
            Segment(rest, self._part("odd" if odd else "summary")),
        ]
        return Strip(segments).adjust_cell_length(width, self.rich_style)

    def _part(self, name: str) -> Style:
        return self.get_component_rich_style(f"steps--{name}")

    def validate_chosen(self, chosen: int) -> int:
        return max(min(chosen, len(self.trail) - 1), 0)

    def watch_chosen(self, old: int, new: int) -> None:
        self._show_chosen()
        for index in (old, new):
            self.refresh(Region(0, index - self.scroll_offset.y, self.size.width, 1))

    def _show_chosen(self) -> None:
        room = max(self.scrollable_content_region.height, 1)
        y = self.scroll_offset.y
        wanted = self.chosen if self.chosen < y else max(y, self.chosen - room + 1)
        if wanted != y:
            self.scroll_to(y=wanted, animate=False, force=True)

    def action_choose(self, by: int) -> None:
        self.chosen += by

    def action_page(self, by: int) -> None:
        self.chosen += by * max(self.scrollable_content_region.height - 1, 1)

    def action_jump(self, place: int) -> None:
        self.chosen = place % max(len(self.trail), 1)

    def action_open(self) -> None:
        if self.trail:
            self.post_message(self.Opened(self.chosen))

    def on_click(self, event: events.Click) -> None:
        index = event.y + self.scroll_offset.y
        if index < len(self.trail):
            self.chosen = index
            self.action_open()


def fit_end(text: str, width: int, ellipsis: str) -> str:
    """``text`` in ``width`` cells, cut at its beginning: the end of a path tells most."""
    if cell_len(text) <= width:
        return text
    kept, room = "", width - cell_len(ellipsis)
    for sign in reversed(graphemes(text)):
        if cell_len(sign) + cell_len(kept) > room:
            break
        kept = sign + kept
    return ellipsis + kept if room >= 0 else ""
