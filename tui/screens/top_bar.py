"""The top line: where we are on the left, what computes on the right."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from tui.language.words import words
from tui.text.layout import fit, pad

if TYPE_CHECKING:
    from tui.screens.program import Program

LEAST = 40, 12  # columns and lines under which parts of a screen fall off


class TopBar(Widget):
    """``left`` gives way to ``right`` where the line is too short for both."""

    DEFAULT_CSS = """
    TopBar { height: 1; background: $primary 30%; color: $text; }
    """
    app: Program
    left: reactive[str] = reactive("")
    right: reactive[str] = reactive("")

    def on_resize(self) -> None:
        self.refresh()  # what is rendered depends on the width

    def render(self) -> Content:
        width = self.size.width
        window = self.app.size
        if window.width < LEAST[0] or window.height < LEAST[1]:
            return Content(words("screens.too-small", self.app.language))
        right = f" {self.right} " if self.right else ""
        room = width - cell_len(right)
        if room < 8:
            return Content(pad(f" {self.left}", width))
        return Content(pad(fit(f" {self.left}", room - 1), room) + right)
