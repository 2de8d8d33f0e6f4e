"""The title of a heatmap and its stages, in one line."""

from __future__ import annotations

from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive

from questions.bilingual import Language, say
from tui.figures.heatmap import Picture
from tui.text.layout import fit
from tui.widgets.speaking import SpeakingWidget, to_content


class StageTabs(SpeakingWidget):
    """The title, then the stages (where there are several), the present one marked; a click chooses."""

    title: reactive[str] = reactive("")
    DEFAULT_CSS = "StageTabs { height: 1; width: 1fr; text-wrap: nowrap; text-overflow: clip; }"

    @dataclass
    class Chosen(Message):
        index: int

    def __init__(self, picture: Picture, *, language: Language = "zh") -> None:
        super().__init__(language=language)
        self.picture = picture
        self._ends: list[int] = []  # the cell at which each stage's name ends

    def on_resize(self) -> None:
        self.refresh()  # what is rendered depends on the width

    def render(self) -> Content:
        glyphs, line = self.look.glyphs, Text()
        stages = self.picture.figure.stages
        self._ends = []
        if len(stages) > 1:
            for index, stage in enumerate(stages):
                name = say(stage.title, self.language)
                line.append(f" {glyphs.right} " if index else "", "dim")
                chosen = index == self.picture.stage_index
                line.append(f"[{name}]" if chosen else name, "bold $text-accent" if chosen else "dim")
                self._ends.append(cell_len(line.plain))
        room = self.content_size.width - cell_len(line.plain) - 2
        title = fit(self.title, max(room, 8), glyphs.ellipsis)
        self._ends = [end + cell_len(title) + 2 for end in self._ends]
        return to_content([Text.assemble((title, "bold"), "  ", line)])

    def on_click(self, event: events.Click) -> None:
        start = (
            self._ends[0] - cell_len(say(self.picture.figure.stages[0].title, self.language)) - 2 if self._ends else 0
        )
        for index, end in enumerate(self._ends):
            if start <= event.x < end:
                self.post_message(self.Chosen(index))
                return
