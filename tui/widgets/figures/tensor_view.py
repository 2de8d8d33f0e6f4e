"""A tensor on the screen: its summary and a corner of its numbers; Enter opens all of them as a map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace as replace_fields
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.reactive import reactive

from questions.bilingual import Language
from tui.figures.data import Heatmap, Tensor
from tui.figures.look import Look
from tui.figures.saving import contents_of
from tui.figures.tensor_text import as_heatmap, tensor_lines
from tui.widgets.figures.heatmap_view import HeatmapView
from tui.widgets.figures.messages import SaveWanted
from tui.widgets.figures.read_view import SAVE_KEY
from tui.widgets.figures.text_view import TextView
from tui.widgets.holding import give_focus, replace
from tui.widgets.speaking import Key, SpeakingWidget, bindings


class TensorSummary(TextView[Tensor], can_focus=True):
    """The lines of a tensor, with the focus."""

    DEFAULT_CSS = "TensorSummary:focus { background: $boost; }"
    with_corner: reactive[bool] = reactive(True, init=False, layout=True)

    def lines(self, width: int, look: Look) -> list[Text]:
        return tensor_lines(self.figure, self.language, max(width, 1), look, with_corner=self.with_corner)

    def help_keys(self, language: Language) -> list[tuple[str, str]]:
        above = self.parent
        return above.help_keys(language) if isinstance(above, SpeakingWidget) else []


class TensorView(SpeakingWidget):
    """A ``Tensor``; ``is_open`` tells whether all its numbers are shown."""

    DEFAULT_CSS = "TensorView { layout: vertical; height: auto; width: 1fr; }"
    KEYS: ClassVar[Sequence[Key]] = [
        Key("enter", "open", "tensor.open", "数值|numbers", "打开全部数值|all its numbers", written="Enter"),
        Key("escape", "close", "tensor.close", "收起|close", "收起数值|close the numbers", "", False, "Esc"),
        replace_fields(SAVE_KEY, id="tensor.save"),
    ]
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(KEYS)]

    def __init__(
        self, figure: Tensor, *, language: Language = "zh", id: str | None = None, classes: str | None = None
    ) -> None:
        super().__init__(language=language, id=id, classes=classes)
        self.figure = figure
        self.summary = TensorSummary(figure, language=language)
        self.numbers: HeatmapView | None = None
        self.walked = False  # part of a path of steps, which says what Esc and p do
        self.labels: Mapping[str, Sequence[str]] = {}  # of an axis, the words for its places: the tokens of "query"

    def compose(self) -> ComposeResult:
        yield self.summary

    @property
    def is_open(self) -> bool:
        return self.numbers is not None

    def update_figure(self, figure: Tensor) -> None:
        """Show another tensor; numbers that are open stay open, at the same place."""
        self.figure = figure
        self.summary.update_figure(figure)
        if self.numbers is not None:
            heatmap = self._heatmap()
            if heatmap is None:
                self.action_close()
            else:
                self.numbers.update_figure(heatmap)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        if action == "save":
            return not self.is_open  # the map of its numbers saves itself
        if action == "open":
            return not self.is_open and as_heatmap(self.figure) is not None
        return self.is_open and not self.walked if action == "close" else True

    def _heatmap(self) -> Heatmap | None:
        """All numbers as a map; its places named in words where the axis has them."""
        made = as_heatmap(self.figure)
        if made is None:
            return None
        rows, columns = (self._words(axis, labels) for axis, labels in ((-2, made.rows), (-1, made.columns)))
        return replace_fields(made, rows=rows, columns=columns)

    def _words(self, axis: int, numbers: Sequence[str]) -> Sequence[str]:
        axes = self.figure.axes
        words = self.labels.get(axes[axis], ()) if len(axes) >= -axis else ()
        return words if len(words) == len(numbers) else numbers

    async def action_open(self) -> None:
        heatmap = self._heatmap()
        if heatmap is not None and self.numbers is None:
            numbers = self.numbers = HeatmapView(heatmap, language=self.language)
            numbers.can_pin = not self.walked
            self.summary.with_corner = False
            await self.mount(numbers)
            if numbers.is_attached:
                give_focus(self.screen, numbers.canvas)
                self.refresh_bindings()

    def action_save(self) -> None:
        figure, language = self.figure, self.language
        self.post_message(SaveWanted(figure.name or "tensor", lambda format: contents_of(figure, format, language)))

    def action_close(self) -> None:
        if self.numbers is not None:
            had_focus = self.numbers.has_focus_within
            replace(self, old=[self.numbers])
            self.numbers = None
            self.summary.with_corner = True
            if had_focus:
                give_focus(self.screen, self.summary)
            self.refresh_bindings()
