"""The four ratings, each with the time until the question would come back."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import TYPE_CHECKING

from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.style import Style
from textual.widget import Widget

from questions.bilingual import Language
from tui.language.words import words
from tui.progress.records import RATINGS, Rating

if TYPE_CHECKING:
    from tui.screens.program import Program

COLORS = {1: "$text-error", 2: "$text-warning", 3: "$text-success", 4: "$text-accent"}


class RatingBar(Widget):
    """One line: ``1 Again 1 min   2 Hard 6 min   3 Good 10 min   4 Easy 8 d``; keys 1 to 4, or a click."""

    DEFAULT_CSS = "RatingBar { height: 1; background: $surface; }"
    labels: reactive[tuple[tuple[Rating, str], ...]] = reactive(())

    app: Program

    class Rated(Message):
        """A rating was clicked."""

        def __init__(self, rating: Rating) -> None:
            super().__init__()
            self.rating = rating

    def show(self, intervals: Mapping[Rating, timedelta], language: Language) -> None:
        self.labels = tuple(
            (rating, f"{words(f'screens.rate-{rating}', language)} {self.app.interval(intervals[rating])}")
            for rating in RATINGS
        )

    def render(self) -> Content:
        parts = []
        for rating, label in self.labels:
            click = Style.from_meta({"@click": f"rate({rating})"})
            digit = (f" {rating} ", f"bold reverse {COLORS[rating]}")
            parts.append(Content.assemble(digit, f" {label}").stylize(click))
        return Content("  ").join(parts)

    def action_rate(self, rating: Rating) -> None:
        self.post_message(self.Rated(rating))
