"""A passage of text that breaks its lines as Chinese does, whatever its width."""

from __future__ import annotations

from collections.abc import Callable

from rich.text import Text
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget

from questions.spans import NumberSpan
from tui.plain_text import plain_text, written
from tui.text_layout import wrap_styled
from tui.widgets.speaking import to_content


class Passage(Widget):
    """Shows a text, or a text of the bank in Markdown. Nothing that a person typed is read as markup."""

    DEFAULT_CSS = """
    Passage { height: auto; width: 1fr; text-wrap: nowrap; text-overflow: clip; }
    Passage.-empty { display: none; }
    """

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:
        super().__init__(id=id, classes=classes)
        self._text = Text()
        self._hang = 0

    def show(self, text: str | Text, *, style: str = "", hang: int = 0) -> None:
        """Show ``text``; lines after the first are indented by ``hang`` cells."""
        self._text = Text(text, style=style) if isinstance(text, str) else text
        self._hang = hang
        self.set_class(not self._text.plain, "-empty")
        self.refresh(layout=True)

    def show_markdown(
        self, text: str, *, style: str = "", hang: int = 0, number: Callable[[NumberSpan], str] = written
    ) -> None:
        """Show a text of the bank; ``number`` says its number links."""
        self.show(plain_text(text, number), style=style, hang=hang)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return max(len(self._lines(width)), 1)

    def on_resize(self) -> None:
        self.refresh()  # else Textual breaks the lines of the old width again, in its own way

    def render(self) -> Content:
        return to_content(self._lines(self.size.width))

    def _lines(self, width: int) -> list[Text]:
        lines: list[Text] = []
        for paragraph in self._text.split("\n", allow_blank=True):
            if not paragraph.plain:
                lines.append(Text())
                continue
            first, *rest = wrap_styled(paragraph, max(width, 4))
            if rest and self._hang and width > 3 * self._hang:
                rest = wrap_styled(paragraph[len(first.plain) :], width - self._hang)
                rest = [Text(" " * self._hang).append_text(line) for line in rest]
            lines += [first, *rest]
        return lines
