"""A cell of a step, opened: the equation that made it, and its terms in a table; Enter follows a term to its step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.message import Message

from questions.bilingual import Language
from tui.figures.look import Look
from tui.figures.sums import Words, cell_title, equation, fitting, sum_table, verdict
from tui.text.layout import wrap
from tui.widgets.figures.table_view import TableView
from tui.widgets.figures.text_view import TextView
from tui.widgets.speaking import Key, SpeakingWidget, bindings


class TermTable(TableView):
    """The terms. ``p`` is the path's, which plays."""

    KEYS: ClassVar[Sequence[Key]] = [
        Key(
            "enter",
            "follow",
            "sum.follow",
            "去那一格|go there",
            "去这个数所在的张量|to the tensor of this number",
            written="Enter",
        )
    ]
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(KEYS)]

    @dataclass
    class Followed(Message):
        """The number under the cursor is asked for: its term, and which of its factors (None: the first that leads)."""

        row: int
        factor: int | None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return False if action == "pin" else super().check_action(action, parameters)

    def action_follow(self) -> None:
        row, column = self.cursor or (0, 0)
        self.post_message(self.Followed(row, column - 1 if column else None))


class SumSaid(TextView[Any]):
    """The cell, the equation that made it, and whether the sum is the cell."""

    words: Words = MappingProxyType({})

    def lines(self, width: int, look: Look) -> list[Text]:
        said = (
            (cell_title(self.figure, self.words, self.language), look.title),
            (equation(self.figure, self.language), look.label),
            (verdict(self.figure, self.language), look.dim if self.figure.agrees else look.bad),
        )
        return [Text(line, style=style) for text, style in said for line in wrap(text, max(width, 1))]


class SumView(SpeakingWidget):
    """``cell`` is a ``mlxformer.inspection.cells.Cell``; ``words`` has for an axis the words for its places."""

    DEFAULT_CSS = "SumView { layout: vertical; height: auto; width: 1fr; }"

    def __init__(self, cell: Any, words: Words, *, language: Language = "zh") -> None:
        super().__init__(language=language)
        self.cell = cell
        self.words = fitting(cell, words)
        self.said = SumSaid(cell, language=language)
        self.said.words = self.words
        self.table = TermTable(sum_table(cell, self.words, cell.step.formula), language=language)

    def compose(self) -> ComposeResult:
        yield self.said
        yield self.table

    @property
    def said_height(self) -> int:
        """The lines above the table."""
        return self.said.size.height

    def factor(self, row: int, at: int | None) -> Any | None:
        """A number of a term; of several, the one asked for, else the first that is a cell of a step."""
        factors = self.cell.terms[row].factors if row < len(self.cell.terms) else ()
        if at is not None and at < len(factors):
            return factors[at]
        return next((factor for factor in factors if factor.step is not None), factors[0] if factors else None)
