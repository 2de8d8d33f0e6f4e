"""The line for messages: always there, so that no message covers what is to be pressed, and nothing jumps."""

from __future__ import annotations

from rich.cells import cell_len
from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from tui.screens.program import Program, Said
from tui.text.layout import fit

STYLES = {"information": "$text-accent", "warning": "$text-warning", "error": "$text-error", "standing": "$text-muted"}


class MessageLine(Widget):
    """The latest message while it lasts, else ``standing``: what the focused thing is for. ``?`` shows all of it.

    Where there is neither, ``resting``: the caption of a figure that needs all lines of a short window.
    """

    DEFAULT_CSS = "MessageLine { height: 1; width: 1fr; padding: 0 1; }"
    standing: reactive[Said | None] = reactive[Said | None](None)
    resting: reactive[str] = reactive("")

    app: Program

    def on_mount(self) -> None:
        self.watch(self.app, "said", self._say_again, init=False)

    def _say_again(self) -> None:
        self.refresh()

    def on_resize(self) -> None:
        self.refresh()  # what is rendered depends on the width

    @property
    def room(self) -> int:
        """Cells that a message has."""
        return self.content_size.width

    def render(self) -> Content:
        said = self.app.said or self.standing or (Said(self.resting, "standing") if self.resting else None)
        width = self.room
        if said is None or width < 1:
            return Content("")
        text = " ".join(said.text.split())
        return Content.styled(text if cell_len(text) <= width else fit(text, width, "⋯"), STYLES[said.severity])
