"""When a question comes back: FSRS, through py-fsrs, without its random fuzz.

Fuzz is off so that the interval written on a button is the interval that the button gives. ``fsrs`` is imported on
the first rating or forecast, not when the program starts (it costs 30 to 90 ms).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from tui.progress.records import LATEST, RATINGS, CardState, Rating

if TYPE_CHECKING:
    from fsrs import Card, Scheduler

DESIRED_RETENTION = 0.9


@dataclass(frozen=True)
class Schedule:
    """FSRS with the program's settings. ``now`` is always given, and in UTC."""

    desired_retention: float = DESIRED_RETENTION

    @cached_property
    def _scheduler(self) -> Scheduler:
        from fsrs import Scheduler

        return Scheduler(desired_retention=self.desired_retention, enable_fuzzing=False)

    def rate(self, card: CardState | None, rating: Rating, now: datetime) -> CardState:
        """The state after ``rating``; ``card`` is None for a question never rated, and is left as it was."""
        from fsrs import Rating as FsrsRating

        now = min(now.astimezone(UTC), LATEST)  # a clock set to the year 9999 must leave room for an interval
        reviewed, _ = self._scheduler.review_card(_to_fsrs(card, now), FsrsRating(rating), now)
        return _from_fsrs(reviewed)

    def intervals(self, card: CardState | None, now: datetime) -> dict[Rating, timedelta]:
        """How long until the question comes back, for each of the four ratings."""
        now = min(now.astimezone(UTC), LATEST)
        return {rating: self.rate(card, rating, now).due - now for rating in RATINGS}

    def recall(self, card: CardState | None, now: datetime) -> float:
        """The probability, by FSRS, that the person would recall it now; 0 where it has never been rated."""
        if card is None:
            return 0.0
        return float(self._scheduler.get_card_retrievability(_to_fsrs(card, now), now.astimezone(UTC)))


def _to_fsrs(card: CardState | None, now: datetime) -> Card:
    from fsrs import Card, State

    if card is None:
        return Card(card_id=0, due=now.astimezone(UTC))  # an id, or fsrs sleeps 1 ms to make one
    return Card(
        card_id=0,
        state=State(card.state),
        step=card.step,
        stability=card.stability,
        difficulty=card.difficulty,
        due=card.due,
        last_review=card.last_review,
    )


def _from_fsrs(card: Card) -> CardState:
    return CardState(int(card.state), card.step, card.stability, card.difficulty, card.due, card.last_review)
