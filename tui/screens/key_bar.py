"""The bottom line: the keys that act where the focus is, in one language.

Textual's own footer cuts off what does not fit, without a sign, and two languages never fit. This one leaves out what
does not fit before its last hint (``?``, which lists them all) and says so with an ellipsis.
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
    binds: str = ""  # Textual's name of the key, where it is not the one that is written


class KeyBar(Widget):
    """One line of ``KeyHint``s."""

    DEFAULT_CSS = """
    KeyBar { height: 1; background: $footer-background; color: $footer-foreground; }
    """
    hints: reactive[tuple[KeyHint, ...]] = reactive(())

    def show(self, hints: Sequence[KeyHint]) -> None:
        self.hints = tuple(hints)

    def shown(self, width: int) -> list[KeyHint]:
        """The hints that fit into ``width`` cells, in order, the last one always among them."""
        needed = [cell_len(f" {hint.key} {hint.label} ") for hint in self.hints]
        if sum(needed) <= width:
            return list(self.hints)
        room, fitting = width - needed[-1] - 1, []
        for hint, cells in zip(self.hints[:-1], needed, strict=False):
            room -= cells
            if room < 0:
                break
            fitting.append(hint)
        return [*fitting, self.hints[-1]]

    def on_resize(self) -> None:
        self.refresh()  # what is rendered depends on the width

    def render(self) -> Content:
        fitting = self.shown(self.size.width)
        key_style = Style.parse("bold $footer-key-foreground")
        parts: list[Content] = []
        for index, hint in enumerate(fitting):
            if len(fitting) < len(self.hints) and index == len(fitting) - 1:
                parts.append(Content("⋯"))
            click = Style.from_meta({"@click": hint.action})
            text = Content.assemble((f" {hint.key} ", key_style), Content(f"{hint.label} "))
            parts.append(text.stylize(click))
        return Content("").join(parts)
