"""The bank's Markdown on the screen, at any width."""

from __future__ import annotations

from rich.text import Text

from tui.figures.look import Look
from tui.figures.markdown import markdown_lines
from tui.widgets.figures.text_view import TextView


class MarkdownView(TextView[str]):
    """A text in Markdown, as high as it is; nothing in it but its marks is interpreted."""

    def show(self, text: str) -> None:
        """Show ``text`` instead."""
        self.update_figure(text)

    def lines(self, width: int, look: Look) -> list[Text]:
        return markdown_lines(self.figure, max(width, 1), look)
