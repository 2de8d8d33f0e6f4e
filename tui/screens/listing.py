"""Lists of titles with a note below each, their lines broken as Chinese is broken."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.visual import Visual
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from tui.text.layout import fit, pad, wrap

NARROWEST = 4  # cells


def laid_out(options: OptionList) -> bool:
    """Whether the highlighted entry was laid out: Textual looks for its line, which a list without room lacks."""
    return (options.highlighted or 0) in options._index_to_line


class Options(OptionList):
    """An option list that stands where there is no room for a single line of it, or no width for a letter.

    Textual breaks an option at the width of the list less its padding, and fails at none.
    """

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return super().get_content_height(container, viewport, max(width, NARROWEST))

    def _update_lines(self) -> None:
        if self.scrollable_content_region.width >= NARROWEST:
            super()._update_lines()

    def action_page_up(self) -> None:
        if laid_out(self):
            super().action_page_up()

    def action_page_down(self) -> None:
        if laid_out(self):
            super().action_page_down()


class Listing(Options):
    """An option list of titles with notes. It breaks its lines anew when its width changes.

    ``show`` gives each entry as many lines as it needs; ``show_lines`` gives it one, its note at the end of it, and
    asks what it says when it is drawn: there may be ten thousand.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("k", "cursor_up", "Up", id="listing.up"),
        Binding("j", "cursor_down", "Down", id="listing.down"),
    ]
    DEFAULT_CSS = "Listing { scrollbar-size-vertical: 1; }"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id, markup=False)
        self._names: list[str] = []
        self._said: Callable[[str], tuple[str, str]] = lambda name: ("", "")
        self._broken: dict[str, tuple[list[str], list[str]]] = {}  # title and note of an entry, in lines
        self._width = 0
        self._brief = False

    def show(self, entries: Sequence[tuple[str, str, str]], highlight: str | None) -> None:
        """Show (id, title, note), the one called ``highlight`` (else the first) highlighted."""
        said = {name: (title, note) for name, title, note in entries}
        self._names, self._said, self._brief = list(said), said.__getitem__, False
        self._fill(highlight)

    def show_lines(self, names: Sequence[str], said: Callable[[str], tuple[str, str]], highlight: str | None) -> None:
        """Show a line for each of the ids ``names``: title and note by ``said``."""
        self._names, self._said, self._brief = list(names), said, True
        self._fill(highlight)

    @property
    def chosen(self) -> str | None:
        """The id of the highlighted entry."""
        if self.highlighted is None or not self.option_count:
            return None
        return self.get_option_at_index(self.highlighted).id

    def choose(self, name: str) -> None:
        """Highlight the entry ``name``, where there is one."""
        if name in self._names:
            self.highlighted = self._names.index(name)

    def on_resize(self) -> None:
        self.call_after_refresh(self.scroll_to_highlight)

    def _fill(self, highlight: str | None) -> None:
        self._broken.clear()
        self.clear_options()
        self.add_options(Option("", id=name) for name in self._names)
        if self._names:
            self.highlighted = self._names.index(highlight) if highlight in self._names else 0

    @property
    def _room(self) -> int:
        return max(self._width - 2, 2)  # an option has a cell of padding on either side

    def _lines_of(self, name: str) -> tuple[list[str], list[str]]:
        if name not in self._broken:
            title, note = self._said(name)
            self._broken[name] = wrap(title, self._room), wrap(note, self._room)
        return self._broken[name]

    def _paragraph(self, name: str) -> Content:
        title, note = self._lines_of(name)
        return Content.assemble(("\n".join(title), "bold"), "\n", ("\n".join(note), "dim"))

    def _line(self, name: str) -> Content:
        title, note = self._said(name)
        room = max(self._room - cell_len(note) - 2, 8)
        return Content.assemble(pad(fit(title, room), room), "  ", (note, "dim"))

    def _get_visual(self, option: Option) -> Visual:
        """What is drawn of ``option``, laid out only now: before the list has its width, all would be for nothing."""
        if option._visual is None:
            option._set_prompt((self._line if self._brief else self._paragraph)(option.id or ""))
        return super()._get_visual(option)

    def _update_lines(self) -> None:
        """Tell Textual where each option stands, for which it would lay out all of them, and not only what is seen."""
        width = self.scrollable_content_region.width
        if width != self._width:
            self._width = width
            self._broken.clear()
            self._line_cache.clear()
            self._option_render_cache.clear()
            for option in self.options:
                option._visual = None
        if self.scrollable_content_region:
            there = self._line_cache
            for index in range(len(there.heights), len(self.options)):
                height = 1 if self._brief else sum(map(len, self._lines_of(self._names[index])))
                there.index_to_line[index], there.heights[index] = len(there.lines), height
                there.lines.extend((index, line) for line in range(height))
        super()._update_lines()
