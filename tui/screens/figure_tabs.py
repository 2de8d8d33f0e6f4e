"""A line of tabs, one for each figure of a result: the one in front is whole, the others are numbers if need be."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import cell_len
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.style import Style
from textual.widget import Widget

from tui.text.layout import fit

SHORT = 6  # cells of a title that is never shortened
READABLE = 16  # cells below which a part of a title tells nothing


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

    def show(self, titles: Sequence[str], front: int) -> None:
        self.tabs = (tuple(titles), front)

    def on_resize(self) -> None:
        self.refresh()  # what is rendered depends on the width, and on whether the terminal is narrow

    def render(self) -> Content:
        titles, front = self.tabs
        parts = []
        if self.lead and self.screen.has_class("-narrow"):
            click = Style.from_meta({"@click": "choose(-1)"})
            parts.append(Content.assemble((f" {self.lead} ", "dim")).stylize(click) + Content("│"))
        if not titles:
            return Content("").join(parts)
        room = self.size.width - 2 * len(titles) - sum(part.cell_length for part in parts)
        for index, shown in enumerate(_names(titles, front, max(room, 0))):
            style = "bold reverse" if index == front else "dim"
            click = Style.from_meta({"@click": f"choose({index})"})
            parts.append(Content.assemble((f" {shown} ", style)).stylize(click))
        return Content("").join(parts)

    def action_choose(self, index: int) -> None:
        self.post_message(self.Chosen(index))


def _names(titles: Sequence[str], front: int, room: int) -> list[str]:
    """The front title whole, the others as whole as the room allows: one that could not be read is its number."""
    if sum(map(cell_len, titles)) <= room:
        return list(titles)
    names = [title if cell_len(title) <= SHORT else str(index + 1) for index, title in enumerate(titles)]
    names[front] = f"{front + 1} {titles[front]}"
    spare = room - sum(map(cell_len, names))
    if spare < 0:
        names[front] = fit(names[front], max(cell_len(names[front]) + spare, 2))
    others = [index for index in range(len(titles)) if index != front and names[index] != titles[index]]
    for index in others:
        share = spare // max(len(others), 1)
        if share >= READABLE:
            names[index] = fit(f"{index + 1} {titles[index]}", share + cell_len(names[index]))
    return names
