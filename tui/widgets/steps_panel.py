"""A run as a path: a line for each stop, and each opened. ``<`` and ``>`` walk along it, ``p`` plays it, Enter opens a
stop, then the cell under the cursor into the sum that made it, and a term of that leads to the cell that it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Static

from questions.bilingual import Language, say
from tui.figures.data import Label
from tui.figures.sums import Words, step_name
from tui.figures.trail import Stop, stops, strip
from tui.widgets.figures.figure_box import grow_inside
from tui.widgets.figures.figure_view import FigureView
from tui.widgets.figures.tensor_view import TensorView
from tui.widgets.holding import give_focus, replace, stands
from tui.widgets.speaking import BarKey, Key, SpeakingWidget, bindings
from tui.widgets.step_list import WALK, StepList
from tui.widgets.sum_view import SumView, TermTable

PACE = 1.0  # seconds that a stop stays when they are played
NOT_TOLD = "这个数怎么来的没有记下：它是输入，或被换成了别的|not recorded how this came to be: an input, or replaced"
NO_MEAN = "各头的平均没有一条求和式；用 [ ] 选一个头|the mean of all heads is no one sum; [ ] chooses a head"
GIVEN = "{name} 是参数，或没有记成一步|{name} is a parameter, or no step of its own"


@dataclass(frozen=True)
class _Place:
    """Where one was before following a term: a stop (or a tensor beside the path), a cell, and the term."""

    chosen: int
    beside: Any
    index: tuple[int, ...]
    cursor: tuple[int, int] | None


class StepsPanel(SpeakingWidget):
    """The list, or one stop. ``show(steps)`` takes another trace and stays at the stop looked at."""

    DEFAULT_CSS = """
    StepsPanel { layout: vertical; height: auto; width: 1fr; overflow-y: auto; scrollbar-size-vertical: 1; }
    StepsPanel > #path-strip { height: 1; width: 1fr; color: $text-muted; display: none; }
    """
    KEYS: ClassVar[Sequence[Key]] = [
        Key("less_than_sign", "walk(-1)", "steps.before", WALK, "上一步|the step before", WALK, False, "<"),
        Key("greater_than_sign", "walk(1)", "steps.next", WALK, "下一步|the next step", WALK, False, ">"),
        Key("p", "play", "steps.play", "播放|play", "一步一步播放；再按停下|step after step; again stops", WALK, False),
        Key(
            "enter",
            "open_cell",
            "steps.cell",
            "拆开|open",
            "把这一格拆成得出它的求和|open this cell into the sum that made it",
            WALK,
            False,
            "Enter",
        ),
        Key(
            "escape",
            "back",
            "steps.back",
            "返回|back",
            "回到来处，再到所有步骤|back, then to all steps",
            WALK,
            False,
            "Esc",
        ),
    ]
    BAR: ClassVar[Sequence[BarKey]] = [
        ("< >", "步|step", "walk(1)", "greater_than_sign"),
        ("Enter", "拆开这一格|open the cell", "open_cell", "enter"),
        ("p", "播放|play", "play", "p"),
        ("Esc", "返回|back", "back", "escape"),
    ]
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(KEYS)]

    def __init__(
        self,
        steps: Sequence[Any] = (),
        *,
        language: Language = "zh",
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(language=language, id=id, classes=classes)
        self.trail: list[Stop] = stops(steps, {})
        self.list = StepList(self.trail, language=language)
        self.detail: TensorView | None = None  # a tensor
        self.picture: FigureView | None = None  # a stop that is none
        self.sum: SumView | None = None
        self.words: Words = {}
        self._beside: Any = None  # a tensor on the way to a step, which is no stop
        self._followed: list[_Place] = []
        self._playing: Timer | None = None

    def compose(self) -> ComposeResult:
        yield self.list
        yield Static(id="path-strip", markup=False)

    @property
    def is_open(self) -> bool:
        return self.detail is not None or self.picture is not None

    @property
    def figure_room(self) -> int:
        """The lines for the map or the table, below what is said of it and above the path."""
        if not self.is_open:
            return 0
        around = next(
            (room for above in self.ancestors if (room := getattr(above, "figure_room", 0))), self.size.height
        )
        said = 0
        if self.sum is not None:
            said = self.sum.said_height
        elif self.detail is not None:
            said = self.detail.summary.size.height
        return max(min(self.size.height or around, around) - said - 1, 0)

    def on_resize(self) -> None:
        self._tell_path()
        grow_inside(self)

    def said_anew(self) -> None:
        self._tell_path()

    def show(
        self,
        steps: Sequence[Any],
        labels: Words | None = None,
        texts: Mapping[Label, str] | None = None,
    ) -> None:
        """Show another trace; ``labels`` has for an axis (``query``) the words for its places, ``texts`` what was
        typed. A cell that is open stays open, with the numbers of this run."""
        self.words = labels or {}
        opened = self.sum if self._beside is None else None
        had_focus = opened is not None and opened.has_focus_within
        self._close_sum()
        self._beside, self._followed = None, []
        self.trail = stops(steps, self.words, texts)
        self.list.show(self.trail)
        if self.is_open and not self.trail:
            self._to_list()
        elif self.is_open:
            self._show_stop()
            step = self._here.step
            if opened is not None and step is not None and step_name(step) == step_name(opened.cell.step):
                shape, index = step.value.shape, opened.cell.index
                if len(index) == len(shape) and all(place < size for place, size in zip(index, shape, strict=True)):
                    self._open_sum(step, index, opened.table.cursor, focus=had_focus)

    # --- one stop ----------------------------------------------------------------------------------------------

    @property
    def _here(self) -> Stop:
        return self.trail[self.list.chosen] if self._beside is None else Stop(self._beside.path, step=self._beside)

    def _show_stop(self) -> None:
        """Draw the stop that is chosen, in the widget that is there where that can."""
        stop, chosen = self._here, self.list.chosen
        number = f"{chosen + 1}/{len(self.trail)}" if self._beside is None else "…"
        figure = stop.figure(f"{number}  {say(stop.name, self.language)}")
        had_focus = self.has_focus_within
        self.list.display = False
        if stop.step is None:
            self._drop("detail")
            if self.picture is None:
                self.picture = FigureView(figure, language=self.language)
                self.mount(self.picture, before="#path-strip")
            else:
                self.picture.show(figure)
            view: Any = self.picture.view
            view.can_pin = False  # the next stop is another picture: p plays
        else:
            self._drop("picture")
            if self.detail is None:
                self.detail = TensorView(figure, language=self.language)  # type: ignore[arg-type]
                self.detail.labels = self.words
                self.detail.walked = True  # the next step is another tensor: nothing to pin, and p plays
                self.mount(self.detail, before="#path-strip")
            else:
                self.detail.labels = self.words
                self.detail.update_figure(figure)  # type: ignore[arg-type]
        self._tell_path()
        if had_focus or self.screen.focused is None:
            self.call_after_refresh(self._focus_stop)

    def take_focus(self) -> None:
        """The focus to the list, or to what is open of the stop, once it is there."""
        if self.is_open:
            self.call_after_refresh(self._focus_stop)
        else:
            give_focus(self.screen, self.list)

    def _drop(self, name: str) -> None:
        widget = getattr(self, name)
        if widget is not None:
            replace(self, old=[widget])
            setattr(self, name, None)

    async def _focus_stop(self) -> None:
        """Where arrows read the numbers, and the other keys walk on."""
        if self.sum is not None or not self.is_open:
            return
        if self.detail is not None:
            if not self.detail.is_open and self.detail.is_attached:
                await self.detail.action_open()
            numbers = self.detail.numbers
            give_focus(self.screen, self.detail.summary if numbers is None else numbers.canvas)
        elif self.picture is not None:
            give_focus(self.screen, self.picture.view)
        self.refresh_bindings()

    def _tell_path(self) -> None:
        line = self.query("#path-strip").first(Static) if self.is_mounted else None
        if line is None:
            return
        line.display = self.is_open
        if self.is_open and self.trail:
            glyphs = self.look.glyphs
            before, here, after = strip(
                self.trail, self.list.chosen, self.language, max(self.size.width, 1), glyphs.ellipsis
            )
            line.update(Content.assemble(before, (f" {here} ", "bold reverse"), after))

    async def on_step_list_opened(self, event: StepList.Opened) -> None:
        event.stop()
        if not self.is_open:
            self._show_stop()
            self.call_after_refresh(self._focus_stop)

    # --- a cell, opened ----------------------------------------------------------------------------------------

    @property
    def _index(self) -> tuple[int, ...] | None:
        """The cell under the cursor; None where the mean over heads is shown, or no number."""
        step, numbers = self._here.step, self.detail.numbers if self.detail is not None else None
        if step is None:
            return None
        shape = tuple(step.value.shape)
        if numbers is None or len(shape) < 2:
            return () if not shape else (0 if numbers is None else numbers.cursor[1],)
        head = numbers.picture.head
        if head is None and numbers.picture.heads > 1:
            return None
        leading: list[int] = []
        rest = head or 0
        for size in reversed(shape[:-2]):
            rest, place = divmod(rest, size)
            leading.insert(0, place)
        return (*leading, *numbers.cursor)

    def action_open_cell(self) -> None:
        """The sum that made the cell under the cursor."""
        step, index = self._here.step, self._index
        if step is None or self.sum is not None:
            return
        self._stop()
        if index is None:
            self._notify(NO_MEAN)
        else:
            self._open_sum(step, index)

    def _open_sum(
        self, step: Any, index: tuple[int, ...], cursor: tuple[int, int] | None = None, *, focus: bool = True
    ) -> None:
        from mlxformer.inspection.cells import open_cell  # what made the trace has imported it already

        cell = open_cell(step, index) if getattr(step, "made", None) is not None else None
        if cell is None:
            self._notify(NOT_TOLD)
            return
        assert self.detail is not None
        self.sum = SumView(cell, self.words, language=self.language)
        if focus:
            self.screen.set_focus(None)
        self.detail.display = False
        self.mount(self.sum, before="#path-strip")
        self.sum.table.set_reactive(TermTable.cursor, cursor)
        if focus:
            self.call_after_refresh(self._focus_sum)

    def _focus_sum(self) -> None:
        if self.sum is not None:
            give_focus(self.screen, self.sum.table)
            grow_inside(self)
            self.refresh_bindings()

    def _close_sum(self) -> None:
        if self.sum is not None:
            had_focus = self.sum.has_focus_within
            self._drop("sum")
            if self.detail is not None:
                self.detail.display = True
            if had_focus:
                self.call_after_refresh(self._focus_stop)

    def on_term_table_followed(self, event: TermTable.Followed) -> None:
        event.stop()
        assert self.sum is not None
        factor = self.sum.factor(event.row, event.factor)
        if factor is None or factor.step is None:
            place = "" if factor is None else f"{factor.name}[{', '.join(map(str, factor.index))}]"
            self._notify(GIVEN, name=place or "1")
            return
        cell = self.sum.cell
        self._followed.append(_Place(self.list.chosen, self._beside, cell.index, self.sum.table.cursor))
        self._close_sum()
        self._go(factor.step, factor.index)

    def _go(self, step: Any, index: tuple[int, ...]) -> None:
        """To a tensor, its cursor on a cell."""
        found = next((at for at, stop in enumerate(self.trail) if stop.step is step), None)
        self._beside = step if found is None else None
        if found is not None:
            self.list.chosen = found
        self._show_stop()
        numbers = None if self.detail is None else self.detail.numbers
        if numbers is None or not index:
            return
        head = 0
        for place, size in zip(index[:-2], step.value.shape[:-2], strict=True):
            head = head * size + place
        if numbers.picture.heads > 1:
            numbers.choose_head(head)
        numbers.canvas.cursor = (0, index[0]) if len(index) == 1 else (index[-2], index[-1])

    def _notify(self, both: str, **fields: str) -> None:
        chinese, _, english = both.partition("|")
        said = chinese if self.language == "zh" else english
        self.notify(said.format(**fields), markup=False)

    # --- keys --------------------------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "open_cell":
            return self.detail is not None and self.sum is None
        return self.is_open if action == "back" else bool(self.trail)

    def action_walk(self, by: int) -> None:
        """To the next stop: opened if one is, else chosen in the list."""
        if not self.is_open:
            self.list.chosen += by
        elif self.trail:
            self._close_sum()
            self._beside, self._followed = None, []
            self.list.chosen += by
            self._show_stop()

    async def action_play(self) -> None:
        """From the step that is chosen to the last, one a second; again stops."""
        if self._playing is not None:
            self._stop()
            return
        if not self.is_open:
            self.list.action_open()
        self._playing = self.set_interval(PACE, self._play_on)

    def _play_on(self) -> None:
        if self.list.chosen >= len(self.trail) - 1 or not stands(self):
            self._stop()
        else:
            self.action_walk(1)

    def _stop(self) -> None:
        if self._playing is not None:
            self._playing.stop()
        self._playing = None

    def action_back(self) -> None:
        """From a sum to its tensor, from a tensor to the sum that led to it, from the first to all steps."""
        self._stop()
        if self.sum is not None:
            self._close_sum()
        elif self._followed:
            place = self._followed.pop()
            step = place.beside if place.beside is not None else self.trail[place.chosen].step
            self.list.chosen = place.chosen
            self._go(step, place.index)
            self._open_sum(step, place.index, place.cursor)
        else:
            self._to_list()

    def _to_list(self) -> None:
        had_focus = self.has_focus_within
        self._beside, self._followed = None, []
        for name in ("sum", "detail", "picture"):
            self._drop(name)
        self.list.display = True
        self._tell_path()
        if had_focus:
            give_focus(self.screen, self.list)
        self.refresh_bindings()
