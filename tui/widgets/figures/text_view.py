"""A figure that is lines of text at any width: bars, tokens, a tensor's summary."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Generic, TypeVar

from rich.text import Text
from textual.content import Content
from textual.geometry import Size

from questions.bilingual import Language
from tui.figures.look import Look
from tui.text.layout import clip
from tui.widgets.speaking import SpeakingWidget, to_content

F = TypeVar("F")


def said_lines(said: str, width: int, most: int, style: str) -> list[Text]:
    """A reading in ``most`` lines, neither more nor less: another one moves nothing."""
    lines = clip(said, max(width, 1), most)
    return [Text(line, style=style) for line in [*lines, *[""] * (most - len(lines))]]


class TextView(SpeakingWidget, Generic[F]):
    """Draws ``figure`` by ``draw(figure, language, width, look)`` and is as high as that."""

    DEFAULT_CSS = """
    TextView { height: auto; width: 1fr; text-wrap: nowrap; text-overflow: clip; }
    """
    draw: ClassVar[Callable[..., list[Text]]]

    def __init__(
        self, figure: F, *, language: Language = "zh", id: str | None = None, classes: str | None = None
    ) -> None:
        super().__init__(language=language, id=id, classes=classes)
        self.figure = figure

    def update_figure(self, figure: F) -> None:
        """Show another figure of the same kind, where the reader was."""
        self.figure = figure
        self.refresh(layout=True)

    def on_resize(self) -> None:
        self.refresh()  # Textual keeps what was rendered at the old width

    def lines(self, width: int, look: Look) -> list[Text]:
        return type(self).draw(self.figure, self.language, max(width, 1), look)

    def render(self) -> Content:
        return to_content(self.lines(self.content_size.width, self.look))

    def get_content_width(self, container: Size, viewport: Size) -> int:
        return container.width

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(self.lines(width, self.look))
