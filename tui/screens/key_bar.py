"""The bottom line: the keys that matter here, in one language, all of them on the screen.

Textual's own footer cuts off what does not fit, without a sign, and two languages never fit. This one leaves out the
last keys that do not fit and says so with an ellipsis; ``?`` lists them all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from textual.content import Content
from textual.reactive import reactive
from textual.style import Style
from textual.widget import Widget


@dataclass(frozen=True)
class KeyHint:
    """A key as it is written on the bar, what it does, and the action that a click on it runs."""

    key: str
    label: str
    action: str


class KeyBar(Widget):
    """One line of ``KeyHint``s."""

    DEFAULT_CSS = """
    KeyBar { dock: bottom; height: 1; background: $footer-background; color: $footer-foreground; }
    """
    hints: reactive[tuple[KeyHint, ...]] = reactive(())

    def show(self, hints: Sequence[KeyHint]) -> None:
        self.hints = tuple(hints)

    def shown(self, width: int) -> list[KeyHint]:
        """The hints that fit into ``width`` cells, in order."""
        fitting: list[KeyHint] = []
        used = 0
        for index, hint in enumerate(self.hints):
            needed = cell_len(f" {hint.key} {hint.label} ")
            more = 0 if index == len(self.hints) - 1 else 2
            if used + needed + more > width:
                break
            fitting.append(hint)
            used += needed
        return fitting

    def on_resize(self) -> None:
        self.refresh()  # what is rendered depends on the width

    def render(self) -> Content:
        fitting = self.shown(self.size.width)
        key_style = Style.parse("bold $footer-key-foreground")
        parts: list[Content] = []
        for hint in fitting:
            click = Style.from_meta({"@click": hint.action})
            text = Content.assemble((f" {hint.key} ", key_style), Content(f"{hint.label} "))
            parts.append(text.stylize(click))
        if len(fitting) < len(self.hints):
            parts.append(Content("⋯"))
        return Content("").join(parts)
