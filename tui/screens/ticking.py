"""Ticking what marking missed: it looks for words, and the person knows what they said."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from tui.practice.session import Attempt
from tui.screens.listing import Options
from tui.text.layout import wrap
from tui.text.plain_text import plain_text, written

if TYPE_CHECKING:
    from questions.marking import Mark, Marking
    from tui.screens.program import Program


class TickDialog(ModalScreen[frozenset[int] | None]):
    """The key points, those that count as said ticked; space or Enter ticks, Esc takes the ticks."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "tick", "Tick", id="tick.tick"),
        Binding("escape,t", "done", "Done", id="tick.done"),
        Binding("j", "app.simulate_key('down')", "Down", id="tick.down"),
        Binding("k", "app.simulate_key('up')", "Up", id="tick.up"),
    ]

    app: Program

    def __init__(self, attempt: Attempt) -> None:
        super().__init__()
        self._attempt = attempt
        marks = [] if attempt.marking is None else attempt.marking.points
        self._said = {index for index, point in enumerate(marks) if point.status == "found"}

    def compose(self) -> ComposeResult:
        with Vertical(classes="dialog"):
            yield Static(self.app.say("screens.tick-title"), classes="dialog-title", markup=False)
            yield Options(markup=False)
            yield Static(self.app.say("screens.tick-hint"), classes="dialog-hint", markup=False)

    def on_mount(self) -> None:
        self._fill(0)
        self.query_one(OptionList).focus()

    def on_resize(self) -> None:
        self._fill(self.query_one(OptionList).highlighted or 0)

    def _fill(self, highlighted: int) -> None:
        points = self.query_one(OptionList)
        width = max(points.scrollable_content_region.width - 6, 12)
        points.clear_options()
        for index, point in enumerate(self._attempt.question.key_points):
            sign = "[✓] " if index in self._said else "[ ] "
            text = plain_text(point.text.say(self.app.language), written)
            points.add_option(
                Option(
                    Content(
                        "\n".join(
                            [sign + line if not at else "    " + line for at, line in enumerate(wrap(text, width))]
                        )
                    )
                )
            )
        points.highlighted = highlighted

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self._tick(event.option_index)

    def action_tick(self) -> None:
        at = self.query_one(OptionList).highlighted
        if at is not None:
            self._tick(at)

    def _tick(self, index: int) -> None:
        self._said ^= {index}
        self._fill(index)

    def action_done(self) -> None:
        self.dismiss(frozenset(self._said))


def ticked(attempt: Attempt, points: frozenset[int]) -> Marking:
    """The marking with ``points``, and no others, as said. What was found in the text keeps its place there."""
    from questions.marking import mark

    question = attempt.question
    marking = attempt.marking or mark(attempt.typed, question.key_points, question.misconception)
    return replace(
        marking,
        points=tuple(
            point if (point.status == "found") == (index in points) else _changed(point, index in points)
            for index, point in enumerate(marking.points)
        ),
    )


def _changed(point: Mark, said: bool) -> Mark:
    from questions.marking import Mark

    return replace(point, status="found") if said else Mark("missed")
