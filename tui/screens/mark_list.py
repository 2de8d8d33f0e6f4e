"""The key points of an answer with how each was said; space goes from said to half said to missed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from questions.bilingual import Language
from questions.model import KeyPoint
from tui.screens.listing import Options
from tui.text.layout import wrap
from tui.text.plain_text import plain_text, written

if TYPE_CHECKING:
    from questions.marking import Status

SIGNS: dict[Status, str] = {"found": "✓ ", "unsure": "◐ ", "missed": "✗ "}
AFTER: dict[Status, Status] = {"missed": "found", "found": "unsure", "unsure": "missed"}


class MarkList(Options):
    """What marking found in a typed answer, for the person to mend; of a spoken answer they mark all themselves."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "turn", "Said, half said, missed", id="marks.turn"),
        Binding("j", "cursor_down", "Down", id="marks.down"),
        Binding("k", "cursor_up", "Up", id="marks.up"),
    ]
    DEFAULT_CSS = """
    MarkList, MarkList:focus { height: auto; max-height: 60%; border: none; background: transparent; }
    """

    class Marked(Message):
        """A point has another mark."""

        def __init__(self, number: int, status: Status) -> None:
            super().__init__()
            self.number, self.status = number, status

    def __init__(self) -> None:
        super().__init__(markup=False)
        self._points: Sequence[KeyPoint] = ()
        self._marks: Sequence[Status] = ()
        self._language: Language = "zh"
        self._width = 0

    def show(self, points: Sequence[KeyPoint], marks: Sequence[Status], language: Language) -> None:
        same = points == self._points
        self._points, self._marks, self._language = points, marks, language
        self.set_class(not points, "-none")
        self._fill(self.highlighted if same else 0)

    def on_resize(self) -> None:
        if self.scrollable_content_region.width != self._width:
            self._fill(self.highlighted)

    def _fill(self, highlighted: int | None) -> None:
        self._width = self.scrollable_content_region.width
        width = max((self._width or 70) - 4, 8)
        self.clear_options()
        for point, status in zip(self._points, self._marks, strict=True):
            lines = wrap(plain_text(point.text.say(self._language), written), width)
            self.add_option(Option("\n".join(("  " if at else SIGNS[status]) + line for at, line in enumerate(lines))))
        if self._points:
            self.highlighted = min(highlighted or 0, len(self._points) - 1)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        event.stop()
        self._turn(event.option_index)

    def action_turn(self) -> None:
        if self.highlighted is not None:
            self._turn(self.highlighted)

    def _turn(self, number: int) -> None:
        self.post_message(self.Marked(number, AFTER[self._marks[number]]))
