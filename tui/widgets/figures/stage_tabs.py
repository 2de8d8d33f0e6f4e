"""The title of a heatmap and its stages, in one line or, where there is room, in as many as they need."""

from __future__ import annotations

from dataclasses import dataclass

from rich.cells import cell_len
from rich.text import Text
from textual import events
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive

from questions.bilingual import Language, say
from tui.figures.heatmap import Picture
from tui.text.layout import clip, fit, wrap
from tui.widgets.speaking import SpeakingWidget, to_content

GAP = 2  # cells between title and stages
MOST_LINES = 3


class StageTabs(SpeakingWidget):
    """The title, then the stages (where there are several), the present one marked; a click chooses.

    All in one line where that holds them, or where no more lines are ``granted``; else the stages stand below.
    """

    title: reactive[str] = reactive("", layout=True)
    granted: reactive[int] = reactive(1, layout=True)
    DEFAULT_CSS = "StageTabs { height: auto; width: 1fr; text-wrap: nowrap; text-overflow: clip; }"

    @dataclass
    class Chosen(Message):
        index: int

    def __init__(self, picture: Picture, *, language: Language = "zh") -> None:
        super().__init__(language=language)
        self.picture = picture
        self._places: list[tuple[int, int]] = []  # the cells of each stage's name
        self._line = 0  # on which they stand
        self._wanted: dict[tuple[int, Language], int] = {}

    def on_resize(self) -> None:
        self.refresh()  # what is rendered depends on the width

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return min(self.granted, self.lines_wanted(width))

    def forget(self) -> None:
        """Another figure: the lines that its title takes are counted anew."""
        self._wanted.clear()

    def lines_wanted(self, width: int) -> int:
        """The lines in which nothing has to be cut, three at most; once taken they stay: no head moves the map."""
        stages = cell_len(self._stages().plain)
        wanted = 1
        if cell_len(self.title) + (GAP + stages if stages else 0) > width:
            wanted = min(len(wrap(self.title, max(width, 1))) + bool(stages), MOST_LINES)
        key = width, self.language
        self._wanted[key] = max(wanted, self._wanted.get(key, 1))
        return self._wanted[key]

    def _stages(self, width: int | None = None) -> Text:
        """The stages in a line; where ``width`` cells do not hold all, the present one and those before and after it
        that fit."""
        glyphs, stages = self.look.glyphs, self.picture.figure.stages
        self._places = [(0, 0)] * len(stages)
        if len(stages) < 2:
            return Text()
        here, arrow = self.picture.stage_index, f" {glyphs.right} "
        names = [say(stage.title, self.language) for stage in stages]
        names[here] = f"[{names[here]}]"
        first, last = 0, len(names) - 1
        more = cell_len(glyphs.ellipsis + arrow)
        while width is not None and first < last:
            shown = sum(map(cell_len, names[first : last + 1])) + cell_len(arrow) * (last - first)
            if shown + more * ((first > 0) + (last < len(names) - 1)) <= width:
                break
            if last - here > here - first:
                last -= 1
            else:
                first += 1
        line = Text(glyphs.ellipsis + arrow if first else "", "dim")
        for index in range(first, last + 1):
            line.append(arrow if index > first else "", "dim")
            start = cell_len(line.plain)
            line.append(names[index], "bold $text-accent" if index == here else "dim")
            self._places[index] = start, cell_len(line.plain)
        line.append(arrow + glyphs.ellipsis if last < len(names) - 1 else "", "dim")
        return line

    def render(self) -> Content:
        width, ellipsis = max(self.content_size.width, 1), self.look.glyphs.ellipsis
        lines = min(self.granted, self.lines_wanted(width))
        beside = width - GAP - min(cell_len(self.title), width // 3)  # a title keeps a third of a line that both share
        stages = self._stages(beside if lines == 1 else width)
        if lines == 1:
            self._line = 0
            room = width - (cell_len(stages.plain) + GAP if stages.plain else 0)
            title = fit(self.title, max(room, 8), ellipsis)
            start = cell_len(title) + GAP
            self._places = [(first + start, last + start) for first, last in self._places]
            return to_content([Text.assemble((title, "bold"), " " * GAP, stages)])
        most = lines - bool(stages.plain)
        titles = clip(self.title, width, most, ellipsis)
        self._line = len(titles)
        return to_content([*(Text(title, "bold") for title in titles), *([stages] if stages.plain else [])])

    def on_click(self, event: events.Click) -> None:
        for index, (first, last) in enumerate(self._places):
            if event.y == self._line and first <= event.x < last:
                self.post_message(self.Chosen(index))
                return
