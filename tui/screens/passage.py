"""A passage of text that breaks its lines as Chinese does, whatever its width."""

from __future__ import annotations

from rich.cells import cell_len
from rich.text import Text
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from tui.figures.look import Look
from tui.figures.markdown import Link, markdown_lines
from tui.text.layout import wrap_styled
from tui.widgets.speaking import look_of, to_content

_KEPT = 4  # widths whose lines are kept: with a scroll bar and without, and the same before a resize


class Passage(Widget):
    """Shows a text, or a text of the bank in Markdown. Nothing that a person typed is read as markup."""

    DEFAULT_CSS = """
    Passage { height: auto; width: 1fr; text-wrap: nowrap; text-overflow: clip; }
    Passage.-empty { display: none; }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self.auto_links = False  # Textual would give a number that can be clicked another color than its own
        self._text = Text()
        self._hang = 0
        self._markdown: tuple[str, str, Link | None] | None = None
        self._broken: dict[tuple[int, Look], list[Text]] = {}  # a layout asks for the lines of a width several times

    def show(self, text: str | Text, *, style: str = "", hang: int = 0) -> None:
        """Show ``text``; lines after the first are indented by ``hang`` cells."""
        self._text = Text(text, style=style) if isinstance(text, str) else text
        self._hang = hang
        self._markdown = None
        self._broken.clear()
        self.set_class(not self._text.plain, "-empty")
        self.refresh(layout=True)

    def show_markdown(self, text: str, *, mark: str = "", style: str = "", link: Link | None = None) -> None:
        """Show a text of the bank behind ``mark``; ``link`` says what stands for its number links."""
        self.show(text, hang=cell_len(mark))
        self._markdown = mark, style, link

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return max(len(self._lines(width)), 1)

    def on_resize(self) -> None:
        self.refresh()  # else Textual breaks the lines of the old width again, in its own way

    def render(self) -> Content:
        return to_content(self._lines(self.size.width))

    def _lines(self, width: int) -> list[Text]:
        look = look_of(self.app)
        if (width, look) not in self._broken:
            if len(self._broken) == _KEPT:
                del self._broken[next(iter(self._broken))]  # the oldest
            if self._markdown is None:
                self._broken[width, look] = self._plain_lines(width)
            else:
                self._broken[width, look] = self._markdown_lines(width, look, *self._markdown)
        return self._broken[width, look]

    def _plain_lines(self, width: int) -> list[Text]:
        lines: list[Text] = []
        for paragraph in self._text.split("\n", allow_blank=True):
            if not paragraph.plain:
                lines.append(Text())
                continue
            first, *rest = wrap_styled(paragraph, max(width, 4))
            if rest and self._hang and width > 3 * self._hang:
                after = paragraph.plain[len(first.plain) :]
                rest = wrap_styled(paragraph[len(paragraph.plain) - len(after.lstrip()) :], width - self._hang)
                rest = [Text(" " * self._hang).append_text(line) for line in rest]
            lines += [first, *rest]
        return lines

    def _markdown_lines(self, width: int, look: Look, mark: str, style: str, link: Link | None) -> list[Text]:
        hang = cell_len(mark)
        lines = []
        for number, line in enumerate(markdown_lines(self._text.plain, max(width - hang, 4), look, link)):
            whole = Text(mark if number == 0 else " " * hang).append_text(line)
            if style:
                whole.stylize(style)
            lines.append(whole)
        return lines
