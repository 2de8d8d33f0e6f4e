"""When a question comes back: FSRS, through py-fsrs, without its random fuzz.

Fuzz is off so that the interval written on a button is the interval that the button gives. ``fsrs`` is imported on
the first rating or forecast, not when the program starts (it costs 30 to 90 ms).
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

from tui.progress.records import LATEST, RATINGS, CardState, Rating

if TYPE_CHECKING:
    from fsrs import Card, Scheduler

DESIRED_RETENTION = 0.9


@dataclass(frozen=True)
class Queue:
    """What to ask, in order: what is due, then what is new."""

    due: tuple[str, ...]
    new: tuple[str, ...]

    @property
    def order(self) -> tuple[str, ...]:
        return self.due + self.new

    def __len__(self) -> int:
        return len(self.due) + len(self.new)


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


def queue(
    questions: Sequence[str],
    cards: Mapping[str, CardState],
    now: datetime,
    *,
    suspended: Collection[str] = (),
    seed: int | None = None,
) -> Queue:
    """What is due (longest overdue first), then what is new (in the order of the bank).

    With a ``seed`` each of the two is shuffled, always alike for the same seed and the same questions.
    """
    active = [question for question in questions if question not in suspended]
    due = sorted((q for q in active if q in cards and cards[q].due <= now), key=lambda q: cards[q].due)
    new = [question for question in active if question not in cards]
    if seed is not None:
        due, new = _shuffled(due, seed), _shuffled(new, seed)
    return Queue(tuple(due), tuple(new))


def next_due(
    questions: Iterable[str], cards: Mapping[str, CardState], suspended: Collection[str] = ()
) -> datetime | None:
    """When the next of ``questions`` comes back; None where none has been rated."""
    return min((cards[q].due for q in questions if q in cards and q not in suspended), default=None)


def _shuffled(questions: list[str], seed: int) -> list[str]:
    """Ordered by a number drawn for each id, so that one question more or less does not reorder the others."""
    return sorted(questions, key=lambda question: random.Random(f"{seed}/{question}").random())


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
