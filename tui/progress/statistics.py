"""What the reviews and cards add up to: what is due when, days in a row, retention, mastery by topic.

Days are the person's own: they end at their rollover hour (``tui.progress.days``), where they are, wherever UTC stands.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo

from tui.progress.agenda import Calendar, next_due
from tui.progress.preferences import Preferences
from tui.progress.records import REVIEW, CardState, Review
from tui.progress.schedule import Schedule

FORECAST_DAYS = 14
RETENTION_DAYS = 30


@dataclass(frozen=True)
class Topic:
    """How well a topic is known. ``mastery`` is the share of its questions that FSRS expects to be recalled now.

    A question never rated counts as not recalled. A suspended one is left out.
    """

    name: str
    questions: int
    seen: int
    due: int
    mastery: float


@dataclass(frozen=True)
class Statistics:
    """``retention`` is the share of questions under review that came back and were not "again" (None: none came)."""

    questions: int
    new: int
    due: int
    suspended: int
    flagged: int
    reviews: int
    reviews_today: int
    streak: int
    longest_streak: int
    retention: float | None
    retention_reviews: int
    retention_days: int
    ratings: Mapping[int, int]
    seconds: float
    next_due: datetime | None
    forecast: Sequence[tuple[date, int]]
    calendar: Mapping[date, int]
    topics: Sequence[Topic]


def statistics(
    topics: Mapping[str, str],
    cards: Mapping[str, CardState],
    reviews: Sequence[Review],
    now: datetime,
    zone: tzinfo | None = None,
    *,
    suspended: Collection[str] = (),
    flagged: int = 0,
    schedule: Schedule | None = None,
    preferences: Preferences | None = None,
) -> Statistics:
    """Count. ``topics`` gives the topic of each question of the bank; ``zone`` is the machine's own where None.

    Reviews count whatever they were of; cards only where the bank still has the question.
    """
    schedule = schedule or Schedule()
    days = Calendar(preferences or Preferences(), zone)
    active = [question for question in topics if question not in suspended]
    calendar = Counter(days.day(review.reviewed_at) for review in reviews)
    today = days.day(now)
    returned = [
        review
        for review in reviews
        if review.before is not None
        and review.before.state == REVIEW
        and review.reviewed_at > now - timedelta(days=RETENTION_DAYS)
    ]
    recalled = sum(review.rating > 1 for review in returned)
    return Statistics(
        questions=len(topics),
        new=sum(question not in cards for question in active),
        due=sum(question in cards and days.is_due(question, cards[question], now) for question in active),
        suspended=len(topics) - len(active),
        flagged=flagged,
        reviews=len(reviews),
        reviews_today=calendar[today],
        streak=_streak(calendar, today),
        longest_streak=_longest_streak(calendar),
        retention=recalled / len(returned) if returned else None,
        retention_reviews=len(returned),
        retention_days=RETENTION_DAYS,
        ratings={rating: sum(review.rating == rating for review in reviews) for rating in (1, 2, 3, 4)},
        seconds=sum(review.answer.seconds or 0.0 for review in reviews),
        next_due=next_due(active, cards, days, now),
        forecast=_forecast((days.day(days.due_at(q, cards[q])) for q in active if q in cards), today),
        calendar=dict(sorted(calendar.items())),
        topics=_by_topic(topics, active, cards, now, schedule, days),
    )


def _streak(calendar: Mapping[date, int], today: date) -> int:
    """Days in a row up to today; a day not yet begun does not break it."""
    day = today if calendar.get(today) else today - timedelta(days=1)
    length = 0
    while calendar.get(day):
        length += 1
        day -= timedelta(days=1)
    return length


def _longest_streak(calendar: Mapping[date, int]) -> int:
    longest = length = 0
    last: date | None = None
    for day in sorted(calendar):
        length = length + 1 if last is not None and day - last == timedelta(days=1) else 1
        longest, last = max(longest, length), day
    return longest


def _forecast(due: Iterable[date], today: date) -> list[tuple[date, int]]:
    """How many come back on each of the next days; what is overdue counts as today's."""
    counts = Counter(max(day, today) for day in due)
    days = [today + timedelta(days=ahead) for ahead in range(FORECAST_DAYS)]
    return [(day, counts[day]) for day in days]


def _by_topic(
    topics: Mapping[str, str],
    active: Sequence[str],
    cards: Mapping[str, CardState],
    now: datetime,
    schedule: Schedule,
    days: Calendar,
) -> list[Topic]:
    found: list[Topic] = []
    for name in dict.fromkeys(topics.values()):
        ids = [question for question in active if topics[question] == name]
        if not ids:
            continue
        seen = [question for question in ids if question in cards]
        recall = sum(schedule.recall(cards[question], now) for question in seen)
        due = sum(days.is_due(question, cards[question], now) for question in seen)
        found.append(Topic(name, len(ids), len(seen), due, recall / len(ids)))
    return found
