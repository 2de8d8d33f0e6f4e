"""A figure as text for a terminal or a file: ``lab`` and ``--plain`` print what ``draw`` gives.

console.print(draw(figure, "zh"))
"""

from __future__ import annotations

from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from questions.bilingual import Language
from tui.figures.bars_text import bars_lines
from tui.figures.caption import caption
from tui.figures.curve_text import curve_lines
from tui.figures.data import Bars, Curve, Figure, Heatmap, Links, Table, Tokens
from tui.figures.heatmap_text import HeadChoice, heatmap_lines
from tui.figures.links_text import links_lines
from tui.figures.look import Look, look_for
from tui.figures.table_text import table_lines
from tui.figures.tensor_text import tensor_lines
from tui.figures.tokens_text import tokens_lines
from tui.language.harmless import in_a_line
from tui.text.layout import wrap_styled
from tui.text.styled import harmless_line


def figure_lines(
    figure: Figure,
    language: Language,
    width: int,
    look: Look,
    *,
    stage: str | None = None,
    head: HeadChoice = "all",
) -> list[Text]:
    """The figure as lines of at most ``width`` cells, its caption below. ``stage`` and ``head`` choose of a heatmap."""
    lines = _lines(figure, language, width, look, stage, head)
    if figure.made:
        lines += wrap_styled(Text(in_a_line(caption(figure, language)), look.dim), width)
    lines = [harmless_line(line) for line in lines]
    for line in lines:
        if cell_len(line.plain) > width:  # narrower than the least that its kind needs
            line.truncate(width)
    return lines


def _lines(
    figure: Figure, language: Language, width: int, look: Look, stage: str | None, head: HeadChoice
) -> list[Text]:
    if isinstance(figure, Heatmap):
        return heatmap_lines(figure, language, width, look, stage=stage, head=head)
    if isinstance(figure, Curve):
        return curve_lines(figure, language, width, look)
    if isinstance(figure, Bars):
        return bars_lines(figure, language, width, look)
    if isinstance(figure, Table):
        return table_lines(figure, language, width, look)
    if isinstance(figure, Tokens):
        return tokens_lines(figure, language, width, look)
    if isinstance(figure, Links):
        return links_lines(figure, language, width, look)
    return tensor_lines(figure, language, width, look)


@dataclass(frozen=True, eq=False)
class Drawing:
    """A figure as a Rich renderable that draws itself at the console's width, in the console's colors or none."""

    figure: Figure
    language: Language
    width: int | None
    color: bool | None
    ascii: bool | None
    stage: str | None
    head: HeadChoice

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        look = look_for(console, color=self.color, ascii=self.ascii)
        width = min(self.width or options.max_width, options.max_width)
        for line in figure_lines(self.figure, self.language, width, look, stage=self.stage, head=self.head):
            line.no_wrap, line.overflow = True, "ignore"
            yield line


def draw(
    figure: Figure,
    language: Language,
    *,
    width: int | None = None,
    color: bool | None = None,
    ascii: bool | None = None,
    stage: str | None = None,
    head: HeadChoice = "all",
) -> Drawing:
    """``figure`` in ``language`` as something that a Rich console prints.

    ``width`` is the console's where None; ``color`` and ``ascii`` follow the console (``NO_COLOR``, its encoding).
    ``stage`` (by name) and ``head`` choose what a heatmap shows: by default its last stage and the first
    heads; ``head="mean"`` is the mean over all.
    """
    return Drawing(figure, language, width, color, ascii, stage, head)
