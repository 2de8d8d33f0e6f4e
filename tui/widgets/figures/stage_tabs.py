"""The stages of a heatmap in one line."""

from __future__ import annotations

from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.content import Content
from textual.message import Message

from questions.bilingual import Language, say
from tui.figures.heatmap import Picture
from tui.widgets.speaking import SpeakingWidget, to_content


class StageTabs(SpeakingWidget):
    """The stages in one line, the present one marked; a click chooses."""

    DEFAULT_CSS = "StageTabs { height: auto; width: 1fr; text-wrap: nowrap; text-overflow: clip; }"

    @dataclass
    class Chosen(Message):
        index: int

    def __init__(self, picture: Picture, *, language: Language = "zh") -> None:
        super().__init__(language=language)
        self.picture = picture
        self._ends: list[int] = []  # the cell at which each stage's name ends

    def render(self) -> Content:
        line = Text()
        self._ends = []
        glyphs = self.look.glyphs
        for index, stage in enumerate(self.picture.figure.stages):
            name = say(stage.title, self.language)
            if index:
                line.append(f" {glyphs.right} ", "dim")
            if index == self.picture.stage_index:
                line.append(f"[{name}]", "bold $text-accent")
            else:
                line.append(name, "dim")
            self._ends.append(cell_len(line.plain))
        return to_content([line])

    def on_click(self, event: events.Click) -> None:
        for index, end in enumerate(self._ends):
            if event.x < end:
                self.post_message(self.Chosen(index))
                return
