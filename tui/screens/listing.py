"""Lists of titles with a note below each, their lines broken as Chinese is broken."""

from __future__ import annotations

from typing import ClassVar

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tui.text.layout import fit, pad, wrap


def laid_out(options: OptionList) -> bool:
    """Whether the highlighted entry was laid out: Textual looks for its line, which a list without room lacks."""
    return (options.highlighted or 0) in options._index_to_line


class Options(OptionList):
    """An option list that stands where there is no room for a single line of it."""

    def action_page_up(self) -> None:
        if laid_out(self):
            super().action_page_up()

    def action_page_down(self) -> None:
        if laid_out(self):
            super().action_page_down()


class Listing(Options):
    """An option list of (id, title, note). It breaks its lines anew when its width changes.

    ``brief`` gives each entry one line, its note at the end of it.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("k", "cursor_up", "Up", id="listing.up"),
        Binding("j", "cursor_down", "Down", id="listing.down"),
    ]
    DEFAULT_CSS = "Listing { scrollbar-size-vertical: 1; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)
        self._entries: list[tuple[str, str, str]] = []
        self._width = 0
        self._brief = False

    def one_line(self, brief: bool) -> None:
        self._brief = brief

    def show(self, entries: list[tuple[str, str, str]], highlight: str | None) -> None:
        """Show ``entries``, the one called ``highlight`` (else the first) highlighted."""
        self._entries = entries
        self._fill(highlight)

    @property
    def chosen(self) -> str | None:
        """The id of the highlighted entry."""
        if self.highlighted is None or not self.option_count:
            return None
        return self.get_option_at_index(self.highlighted).id

    def choose(self, name: str) -> None:
        """Highlight the entry ``name``, where there is one."""
        names = [entry[0] for entry in self._entries]
        if name in names:
            self.highlighted = names.index(name)

    def on_resize(self) -> None:
        if self.scrollable_content_region.width != self._width:
            self._fill(self.chosen)

    def _fill(self, highlight: str | None) -> None:
        self._width = self.scrollable_content_region.width
        width = max(self._width - 2, 8) if self._width else 70  # an option has a cell of padding on either side
        self.clear_options()
        for name, title, note in self._entries:
            if self._brief:
                room = max(width - cell_len(note) - 2, 8)
                line = pad(fit(title, room), room)
                self.add_option(Option(Content.assemble(line, "  ", (note, "dim")), id=name))
                continue
            lines = Content.assemble(
                ("\n".join(wrap(title, width)), "bold"), "\n", ("\n".join(wrap(note, width)), "dim")
            )
            self.add_option(Option(lines, id=name))
        names = [name for name, _, _ in self._entries]
        if names:
            self.highlighted = names.index(highlight) if highlight in names else 0
