"""The bank's Markdown on the screen. A click on a link is told; what a link shows is up to the screen."""

from __future__ import annotations

from dataclasses import dataclass

from rich.style import Style
from rich.text import Text
from textual.message import Message

from questions.bilingual import Language
from tui.figures.look import Look
from tui.figures.markdown import Link, markdown_lines
from tui.widgets.figures.lines_view import LinesView


class MarkdownView(LinesView[str]):
    """``link(href, text)`` gives what stands for a link: ``[61 %](check:saturated-rows)`` as ``61 % ✓``, say."""

    @dataclass
    class LinkClicked(Message):
        """A link of the text was clicked."""

        view: MarkdownView
        href: str

        @property
        def control(self) -> MarkdownView:
            return self.view

    def __init__(
        self,
        text: str = "",
        *,
        link: Link | None = None,
        language: Language = "zh",
        id: str | None = None,
        classes: str | None = None,
    ) -> None:
        super().__init__(text, language=language, id=id, classes=classes)
        self.link = link

    def show(self, text: str) -> None:
        """Show ``text`` instead."""
        self.update_figure(text)

    def lines(self, width: int, look: Look) -> list[Text]:
        return markdown_lines(self.figure, max(width, 1), look, self._clickable)

    def _clickable(self, href: str, text: str) -> Text:
        made = text if self.link is None else self.link(href, text)
        shown = Text(made, "underline") if isinstance(made, str) else made.copy()
        shown.stylize(Style(meta={"@click": ("link", (href,))}))
        return shown

    def action_link(self, href: str) -> None:
        self.post_message(self.LinkClicked(self, href))
