"""A title that opens and closes what is under it."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.reactive import reactive
from textual.widget import Widget

from tui.screens.passage import Passage


class Fold(Widget, can_focus=True):
    """Closed at first: a follow-up is to be answered in one's head before it is read. Enter or a click opens it."""

    DEFAULT_CSS = """
    Fold { height: auto; }
    Fold:focus > .title { background: $boost; text-style: bold; }
    Fold > .body { padding: 0 0 1 2; display: none; }
    Fold.open > .body { display: block; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "open_or_close", "Open", id="fold.toggle")]
    opened: reactive[bool] = reactive(False)

    def __init__(self) -> None:
        super().__init__()
        self._title = ""
        self.title = Passage(classes="title")
        self.body = Passage(classes="body")

    def compose(self) -> ComposeResult:
        yield self.title
        yield self.body

    def show_title(self, title: str) -> None:
        self._title = title
        self._mark()

    def watch_opened(self) -> None:
        self.set_class(self.opened, "open")
        self._mark()

    def _mark(self) -> None:
        self.title.show(f"{'▾' if self.opened else '▸'} {self._title}", hang=2)

    def action_open_or_close(self) -> None:
        self.opened = not self.opened

    def on_click(self) -> None:
        self.action_open_or_close()
