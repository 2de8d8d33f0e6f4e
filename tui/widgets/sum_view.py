"""A cell of a step, opened: the equation that made it, and its terms in a table; Enter follows a term to its step."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from questions.bilingual import Language
from tui.figures.sums import Words, cell_title, equation, fitting, sum_table, verdict
from tui.text.layout import wrap
from tui.widgets.figures.table_view import TableView
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


class SumView(SpeakingWidget):
    """``cell`` is a ``mlxformer.inspection.cells.Cell``; ``words`` has for an axis the words for its places."""

    DEFAULT_CSS = """
    SumView { layout: vertical; height: auto; width: 1fr; }
    SumView > #sum-said { height: auto; width: 1fr; }
    """

    def __init__(self, cell: Any, words: Words, *, language: Language = "zh") -> None:
        super().__init__(language=language)
        self.cell = cell
        self.words = fitting(cell, words)
        self.table = TermTable(sum_table(cell, self.words, cell.step.formula), language=language)

    def compose(self) -> ComposeResult:
        yield Static(id="sum-said", markup=False)
        yield self.table

    def on_mount(self) -> None:
        self.said_anew()

    def on_resize(self) -> None:
        self.said_anew()

    def said_anew(self) -> None:
        if self.is_mounted and self.size.width:
            width = self.size.width
            title, *rest = (cell_title(self.cell, self.words), equation(self.cell, self.language))
            lines = [(line, "bold") for line in wrap(title, width)]
            lines += [(line, "") for text in rest for line in wrap(text, width)]
            lines += [(line, "dim") for line in wrap(verdict(self.cell, self.language), width)]
            parts = [Content.styled(line, style) for line, style in lines]
            self.query_one("#sum-said", Static).update(Content("\n").join(parts))

    @property
    def said_height(self) -> int:
        """The lines above the table."""
        return self.query_one("#sum-said").size.height if self.is_mounted else 0

    def factor(self, row: int, at: int | None) -> Any | None:
        """A number of a term; of several, the one asked for, else the first that is a cell of a step."""
        factors = self.cell.terms[row].factors if row < len(self.cell.terms) else ()
        if at is not None and at < len(factors):
            return factors[at]
        return next((factor for factor in factors if factor.step is not None), factors[0] if factors else None)
