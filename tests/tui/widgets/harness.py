"""An app with one widget in it, and what it shows as lines of text."""

from __future__ import annotations

from typing import Any

from textual.app import App, ComposeResult
from textual.message import Message
from textual.widget import Widget

from tui.widgets.figures.figure_box import FigureBox


class Harness(App[None]):
    """Shows ``widget`` and keeps the messages that reach the top, by their names."""

    ENABLE_COMMAND_PALETTE = False

    def __init__(self, widget: Widget) -> None:
        super().__init__()
        self.animation_level = "none"
        self.widget = widget
        self.heard: list[Message] = []

    def compose(self) -> ComposeResult:
        with FigureBox(can_focus=False):
            yield self.widget

    async def _on_message(self, message: Message) -> None:
        if message.__class__.__module__.startswith("tui."):
            self.heard.append(message)
        await super()._on_message(message)

    def of(self, kind: type[Message]) -> list[Any]:
        """The messages of ``kind`` so far."""
        return [message for message in self.heard if isinstance(message, kind)]

    @property
    def lines(self) -> list[str]:
        """What is on the screen."""
        return ["".join(segment.text for segment in strip) for strip in self.screen._compositor.render_strips()]

    @property
    def text(self) -> str:
        return "\n".join(line.rstrip() for line in self.lines)
