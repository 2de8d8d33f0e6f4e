"""A line of tabs, one for each figure of a result, by names of a few letters: the titles stand in the figures."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.style import Style
from textual.widget import Widget

from tui.text.layout import fit

LEAST = 4  # cells that every tab keeps


class FigureTabs(Widget):
    """``,`` and ``.`` go to the neighbors, a click to any."""

    DEFAULT_CSS = "FigureTabs { height: 1; }"
    tabs: reactive[tuple[tuple[str, ...], int]] = reactive(((), 0))
    lead: reactive[str] = reactive("")  # a tab before the first on a narrow terminal, which is the screen's: the answer

    class Chosen(Message):
        """A tab was clicked."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def show(self, names: Sequence[str], front: int) -> None:
        self.tabs = (tuple(names), front)

    def on_resize(self) -> None:
        self.refresh()  # what is rendered depends on the width, and on whether the terminal is narrow

    def render(self) -> Content:
        names, front = self.tabs
        parts = []
        if self.lead and self.screen.has_class("-narrow"):
            click = Style.from_meta({"@click": "choose(-1)"})
            parts.append(Content.assemble((f" {self.lead} ", "dim")).stylize(click) + Content("│"))
        if not names:
            return Content("").join(parts)
        room = self.size.width - 2 * len(names) - sum(part.cell_length for part in parts)
        for index, shown in enumerate(fitted(names, front, max(room, 0))):
            style = "bold reverse" if index == front else "dim"
            click = Style.from_meta({"@click": f"choose({index})"})
            parts.append(Content.assemble((f" {shown} ", style)).stylize(click))
        return Content("").join(parts)

    def action_choose(self, index: int) -> None:
        self.post_message(self.Chosen(index))


def fitted(names: Sequence[str], front: int, room: int) -> list[str]:
    """The names in ``room`` cells: the longest give way first, and the one in front last."""
    widths = [cell_len(name) for name in names]
    while sum(widths) > room and max(widths) > LEAST:
        behind = [width if index != front or max(widths) == width == min(widths) else 0 for index, width in
                  enumerate(widths)]  # fmt: skip
        widths[behind.index(max(behind)) if max(behind) > LEAST else front] -= 1
    return [fit(name, width) for name, width in zip(names, widths, strict=True)]
