"""The steps of a trace, one a line. Enter opens a step; ``<`` and ``>`` then walk through the computation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.timer import Timer

from questions.bilingual import Language
from tui.figures.data import Tensor
from tui.figures.tensor_stats import TensorStats, summary, tensor_stats
from tui.text.layout import fit, graphemes, pad
from tui.widgets.figures.figure_box import grow_inside
from tui.widgets.figures.tensor_view import TensorView
from tui.widgets.holding import give_focus, replace, stands
from tui.widgets.speaking import BarKey, Key, SpeakingWidget, bindings

WALK = "步骤|steps"
PACE = 1.0  # seconds that a step stays when they are played


class Step(Protocol):
    """What a step of a trace has; ``mlxformer.tracing.Step`` is one."""

    @property
    def path(self) -> str: ...
    @property
    def axes(self) -> Sequence[str]: ...
    @property
    def formula(self) -> str: ...
    @property
    def value(self) -> Any: ...


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

    def __init__(self, steps: Sequence[Step], *, language: Language = "zh") -> None:
        super().__init__(language=language)
        self.steps = steps
        self._stats: dict[int, TensorStats] = {}

    def show(self, steps: Sequence[Step]) -> None:
        """Show another trace; the chosen step is the one of the same name, where there is one."""
        names = [step_name(step) for step in steps]
        before = step_name(self.steps[self.chosen]) if self.steps else ""
        self.steps = steps
        self._stats.clear()
        self.set_reactive(StepList.chosen, names.index(before) if before in names else 0)
        self._measure()
        self.refresh(layout=True)

    def _measure(self) -> None:
        self.virtual_size = Size(self._container_size.width, max(len(self.steps), 1))

    def on_resize(self) -> None:
        self._measure()
        self._show_chosen()

    def get_content_width(self, container: Size, viewport: Size) -> int:
        return container.width

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return max(min(len(self.steps), container.height or viewport.height // 2), 1)

    def summary_of(self, index: int, width: int) -> tuple[str, bool]:
        """A step's summary in ``width`` cells (without the names of the axes where they do not fit), and whether
        it has NaN or infinity that no mask put there."""
        step = self.steps[index]
        if index not in self._stats:
            self._stats[index] = tensor_stats(step.value)
        stats = self._stats[index]
        said = summary(step.axes, stats, self.language)
        if cell_len(said) > width:
            said = summary((), stats, self.language)
        return fit(said, width, self.look.glyphs.ellipsis), bool(stats.nan or stats.plus_infinity)

    def render_line(self, y: int) -> Strip:
        width = self.scrollable_content_region.width
        index = y + self.scroll_offset.y
        if not self.steps and y == 0:
            text = "没有记录到步骤" if self.language == "zh" else "no step was recorded"
            return Strip([Segment(fit(text, width), self._part("summary"))]).adjust_cell_length(width, self.rich_style)
        if index >= len(self.steps):
            return Strip.blank(width, self.rich_style)
        ellipsis = self.look.glyphs.ellipsis
        column = min(max(cell_len(step_name(step)) for step in self.steps), max(width * 9 // 20, 12), width)
        name = pad(fit_end(step_name(self.steps[index]), column, ellipsis), column)
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
        return max(min(chosen, len(self.steps) - 1), 0)

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
        self.chosen = place % max(len(self.steps), 1)

    def action_open(self) -> None:
        if self.steps:
            self.post_message(self.Opened(self.chosen))

    def on_click(self, event: events.Click) -> None:
        index = event.y + self.scroll_offset.y
        if index < len(self.steps):
            self.chosen = index
            self.action_open()


class StepsPanel(SpeakingWidget):
    """The list, or one step with its numbers. ``show(steps)`` takes another trace and stays at the step looked at."""

    DEFAULT_CSS = """
    StepsPanel { layout: vertical; height: auto; width: 1fr; overflow-y: auto; scrollbar-size-vertical: 1; }
    """
    KEYS: ClassVar[Sequence[Key]] = [
        Key("less_than_sign", "walk(-1)", "steps.before", WALK, "上一步|the step before", WALK, False, "<"),
        Key("greater_than_sign", "walk(1)", "steps.next", WALK, "下一步|the next step", WALK, False, ">"),
        Key("p", "play", "steps.play", "播放|play", "一步一步播放；再按停下|step after step; again stops", WALK, False),
        Key("escape", "back", "steps.back", "返回|back", "回到所有步骤|back to all steps", WALK, False, "Esc"),
    ]
    BAR: ClassVar[Sequence[BarKey]] = [
        ("< >", "步|step", "walk(1)", "greater_than_sign"),
        ("p", "播放|play", "play", "p"),
        ("Esc", "返回|back", "back", "escape"),
    ]
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(KEYS)]

    def __init__(
        self,
        steps: Sequence[Step] = (),
        *,
        language: Language = "zh",
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(language=language, id=id, classes=classes)
        self.list = StepList(steps, language=language)
        self.detail: TensorView | None = None
        self.labels: Mapping[str, Sequence[str]] = {}
        self._playing: Timer | None = None

    def compose(self) -> ComposeResult:
        yield self.list

    @property
    def figure_room(self) -> int:
        """The lines for the map of an opened step, below its summary."""
        return 0 if self.detail is None else self.size.height - self.detail.summary.size.height

    def on_resize(self) -> None:
        grow_inside(self)

    @property
    def steps(self) -> Sequence[Step]:
        return self.list.steps

    def show(self, steps: Sequence[Step], labels: Mapping[str, Sequence[str]] | None = None) -> None:
        """Show another trace; ``labels`` has for an axis (``query``) the words for its places."""
        self.labels = labels or {}
        self.list.show(steps)
        if self.detail is not None:
            self.detail.labels = self.labels
            if steps:
                self.detail.update_figure(self._figure())
            else:
                self.action_back()

    def _figure(self) -> Tensor:
        index = self.list.chosen
        step = self.steps[index]
        title = f"{index + 1}/{len(self.steps)}  {step_name(step)}"
        return Tensor(title=title, axes=tuple(step.axes), values=step.value, formula=step.formula)

    async def on_step_list_opened(self, event: StepList.Opened) -> None:
        event.stop()
        if self.detail is None:
            detail = self.detail = TensorView(self._figure(), language=self.language)
            detail.labels = self.labels
            detail.walked = True  # the next step is another tensor: nothing to pin, and p plays
            self.list.display = False
            await self.mount(detail)
            if detail.is_attached:
                give_focus(self.screen, detail.summary)
                await detail.action_open()  # arrows then read its numbers, and the other keys walk on
                self.refresh_bindings()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self.detail is not None if action in ("walk", "back") else bool(self.steps)

    def action_walk(self, by: int) -> None:
        if self.detail is not None:
            self.list.chosen += by
            self.detail.update_figure(self._figure())

    async def action_play(self) -> None:
        """From the step that is chosen to the last, one a second; again stops."""
        if self._playing is not None:
            self._stop()
            return
        if self.detail is None:
            self.list.action_open()
        self._playing = self.set_interval(PACE, self._play_on)

    def _play_on(self) -> None:
        if self.list.chosen >= len(self.steps) - 1 or not stands(self):
            self._stop()
        else:
            self.action_walk(1)

    def _stop(self) -> None:
        if self._playing is not None:
            self._playing.stop()
        self._playing = None

    def action_back(self) -> None:
        self._stop()
        if self.detail is not None:
            had_focus = self.detail.has_focus_within
            replace(self, old=[self.detail])
            self.detail = None
            self.list.display = True
            if had_focus:
                give_focus(self.screen, self.list)
            self.refresh_bindings()


def step_name(step: Step) -> str:
    """A step's path, with its number where the path was passed more than once."""
    call = getattr(step, "call", 0)
    return f"{step.path} #{call}" if call else step.path


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
