"""The line for messages: always there, so that no message covers what is to be pressed, and nothing jumps."""

from __future__ import annotations

from rich.cells import cell_len
from textual.content import Content
from textual.reactive import reactive
from textual.style import Style
from textual.widget import Widget

from tui.screens.program import Program, Said
from tui.text.layout import fit

STYLES = {"information": "$text-accent", "warning": "$text-warning", "error": "$text-error", "standing": "$text-muted"}


class MessageLine(Widget):
    """The latest message while it lasts, else ``standing``: what the focused thing is for.

    Where there is neither, ``resting``: the caption of a figure that needs all lines of a short window. What is wider
    than the line is cut, and the line says the key, that of help, which shows all of it.
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

    @property
    def message(self) -> Said | None:
        """What the line says, uncut."""
        return self.app.said or self.standing or (Said(self.resting, "standing") if self.resting else None)

    def render(self) -> Content:
        said, width = self.message, self.room
        if said is None or width < 1:
            return Content("")
        text, style = " ".join(said.text.split()), STYLES[said.severity]
        if cell_len(text) <= width:
            return Content.styled(text, style)
        key, rest = "F1" if self.app.is_typing else "?", f" {self.app.say('screens.whole-message')}"
        text = fit(text, max(width - cell_len(f" {key}{rest}"), 1), "⋯")
        whole = Content.assemble((f" {key}", "bold"), rest).stylize(Style.from_meta({"@click": "app.help"}))
        return Content.assemble((text, style), whole)
