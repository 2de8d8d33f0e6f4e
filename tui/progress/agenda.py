"""What to ask now: what is due by the person's day, then what is new, within their limits and before their interview.

- A card under review is due all day: from the rollover hour on, whatever the hour at which it was last rated.
- A step of learning is due to the minute, and comes before everything else.
- Where the day of the interview is set, new questions are spread evenly over the days that are left before the last
  two, and a card that would come back after the interview comes back in the last two days instead (on the one or the
  other by its name, so that half of them fall on each). What FSRS says is kept unchanged: without the date, or after
  it, everything is as it was.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo

from tui.progress.days import day_begins, study_day
from tui.progress.preferences import Preferences
from tui.progress.records import REVIEW, CardState

LAST_DAYS = 2  # before the interview, in which every card is seen once more
LEARN_AHEAD = timedelta(minutes=20)  # with nothing else left, a step due this soon is asked at once


@dataclass(frozen=True)
class Calendar:
    """Days, limits and the interview, as the person has them. ``zone`` is the machine's own where None."""

    preferences: Preferences = field(default_factory=Preferences)
    zone: tzinfo | None = None

    def day(self, moment: datetime) -> date:
        return study_day(moment, self.preferences.rollover_hour, self.zone)

    def begins(self, day: date) -> datetime:
        return day_begins(day, self.preferences.rollover_hour, self.zone)

    def due_at(self, question: str, card: CardState) -> datetime:
        """The moment from which ``question`` is asked."""
        if card.state != REVIEW:
            return card.due
        return self.begins(self._due_day(question, card))

    def is_due(self, question: str, card: CardState, now: datetime) -> bool:
        """Whether it is to be asked; also where it was rated at a time that lies ahead of a clock set back."""
        rated_ahead = card.last_review is not None and card.last_review > now + timedelta(days=1)
        return rated_ahead or self.due_at(question, card) <= now

    def interval(self, question: str, card: CardState, now: datetime) -> timedelta:
        """How long until ``card`` comes back, as it is said on a button: whole days where days count."""
        if card.state != REVIEW:
            return card.due - now
        return timedelta(days=max(1, (self._due_day(question, card) - self.day(now)).days))

    def _due_day(self, question: str, card: CardState) -> date:
        day, interview = self.day(card.due), self.preferences.interview_on
        if interview is None or card.last_review is None:
            return day
        first = interview - timedelta(days=LAST_DAYS)
        if day < interview or not self.day(card.last_review) < first:
            return day
        return first + timedelta(days=hashlib.sha256(question.encode("utf-8", "replace")).digest()[0] % LAST_DAYS)

    def days_left(self, now: datetime) -> int | None:
        """Days before the day of the interview, today among them; None where there is none, or it is over."""
        interview = self.preferences.interview_on
        left = None if interview is None else (interview - self.day(now)).days
        return left if left is not None and left >= 0 else None

    def new_today(self, unseen: int, introduced: int, now: datetime) -> int:
        """How many new questions today may have in all, ``introduced`` of which have been rated already."""
        left = self.days_left(now)
        if left is None:
            return self.preferences.new_per_day
        days = max(1, left - LAST_DAYS)
        return -(-(unseen + introduced) // days)


@dataclass(frozen=True)
class Agenda:
    """What to ask, in order. ``due_left`` and ``new_left`` are how many more the limits keep for other days."""

    due: tuple[str, ...]
    new: tuple[str, ...]
    learning: tuple[str, ...] = ()  # those of ``due`` that are steps of learning
    due_left: int = 0
    new_left: int = 0

    @property
    def order(self) -> tuple[str, ...]:
        return self.due + self.new

    def __len__(self) -> int:
        return len(self.due) + len(self.new)


def agenda(
    questions: Sequence[str],
    cards: Mapping[str, CardState],
    now: datetime,
    calendar: Calendar,
    *,
    introduced: int = 0,
    reviewed: int = 0,
    left_out: Collection[str] = (),
    seed: int | None = None,
    ahead: timedelta = timedelta(0),
    unlimited: bool = False,
) -> Agenda:
    """What is due at ``now``, then what is new in the order of ``questions``.

    ``introduced`` and ``reviewed`` are how many new questions and cards under review were rated today. ``ahead``
    takes what is due by then too, soonest first. With a ``seed`` each of the two is shuffled, always alike.
    """
    active = [question for question in questions if question not in left_out]
    seen = [question for question in active if question in cards]
    at = {question: calendar.due_at(question, cards[question]) for question in seen}
    due = [q for q in seen if calendar.is_due(q, cards[q], now) or at[q] <= now + ahead]
    learning = sorted((q for q in due if cards[q].state != REVIEW), key=lambda q: at[q])
    reviews = sorted((q for q in due if cards[q].state == REVIEW), key=lambda q: cards[q].due)
    new = [question for question in active if question not in cards]
    if seed is not None:
        reviews, new = _shuffled(reviews, seed), _shuffled(new, seed)
    most = max(0, calendar.preferences.reviews_per_day - reviewed)
    fresh = max(0, calendar.new_today(len(new), introduced, now) - introduced)
    if unlimited:
        most, fresh = len(reviews), len(new)
    asked = reviews[:most]
    return Agenda(
        due=(*learning, *asked),
        new=tuple(new[:fresh]),
        learning=tuple(learning),
        due_left=len(reviews) - len(asked),
        new_left=max(0, len(new) - fresh),
    )


def next_due(
    questions: Iterable[str],
    cards: Mapping[str, CardState],
    calendar: Calendar,
    now: datetime,
    left_out: Collection[str] = (),
) -> datetime | None:
    """When the next of ``questions`` that is not due yet comes back, ``now`` where one is due; None where none has
    been rated."""
    moments = [
        now if calendar.is_due(question, cards[question], now) else calendar.due_at(question, cards[question])
        for question in questions
        if question in cards and question not in left_out
    ]
    return min(moments, default=None)


def _shuffled(questions: list[str], seed: int) -> list[str]:
    """Ordered by a number drawn for each id, so that one question more or less does not reorder the others."""
    return sorted(questions, key=lambda question: random.Random(f"{seed}/{question}").random())
