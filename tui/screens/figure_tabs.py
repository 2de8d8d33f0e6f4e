"""A line of tabs, one for each figure of a result: the one in front is whole, the others give way."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.style import Style
from textual.widget import Widget

from tui.text.layout import fit


class FigureTabs(Widget):
    """``,`` and ``.`` go to the neighbors, a click to any."""

    DEFAULT_CSS = "FigureTabs { height: 1; }"
    tabs: reactive[tuple[tuple[str, ...], int]] = reactive(((), 0))
    lead: reactive[str] = reactive(
        ""
    )  # a tab before the first, which is the screen's: the answer, on a narrow terminal

    class Chosen(Message):
        """A tab was clicked."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def show(self, titles: Sequence[str], front: int) -> None:
        self.tabs = (tuple(titles), front)

    def on_resize(self) -> None:
        self.refresh()  # what is rendered depends on the width

    def render(self) -> Content:
        titles, front = self.tabs
        parts = []
        if self.lead:
            click = Style.from_meta({"@click": "choose(-1)"})
            parts.append(Content.assemble((f" {self.lead} ", "dim")).stylize(click) + Content("│"))
        if not titles:
            return Content("").join(parts)
        room = self.size.width - 2 * len(titles) - sum(part.cell_length for part in parts)
        widths = _shares([cell_len(title) for title in titles], front, max(room, 0))
        for index, (title, width) in enumerate(zip(titles, widths, strict=True)):
            style = "bold reverse" if index == front else "dim"
            click = Style.from_meta({"@click": f"choose({index})"})
            shown = fit(title, width) if width >= 2 else str(index + 1)
            parts.append(Content.assemble((f" {shown} ", style)).stylize(click))
        return Content("").join(parts)

    def action_choose(self, index: int) -> None:
        self.post_message(self.Chosen(index))


def _shares(wanted: list[int], front: int, room: int) -> list[int]:
    """Cells for each title: all they want if there is room, else the front one first and the rest alike."""
    if sum(wanted) <= room:
        return wanted
    first = min(wanted[front], max(room // 2, 2))
    others = max((room - first) // max(len(wanted) - 1, 1), 0)
    return [first if index == front else min(size, others) for index, size in enumerate(wanted)]
