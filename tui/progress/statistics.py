"""What the reviews and cards add up to: what is due when, days in a row, retention, what is known and what is weak.

Days are the person's own: they end at their rollover hour (``tui.progress.days``), where they are, wherever UTC stands.
"True retention" is that of cards that came back from review: the share that was not rated "again".
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, tzinfo
from functools import cached_property

from tui.progress.agenda import Calendar, next_due
from tui.progress.preferences import Preferences
from tui.progress.records import CardState, Marks, PointName
from tui.progress.schedule import Schedule
from tui.progress.tallies import Day, Returned, Tallies

FORECAST_DAYS = 28
RETENTION_DAYS = 30
WEAKEST = 10
_NONE = Returned(0, 0, 0)


@dataclass(frozen=True)
class Topic:
    """How well a topic is known. ``mastery`` is the share of its questions that FSRS expects to be recalled now.

    A question never rated counts as not recalled. A suspended one is left out of all but ``returned``, ``recalled``
    (lately) and ``said``, the share of key points that its latest answers said (None: none was marked).
    """

    name: str
    questions: int
    seen: int
    due: int
    mastery: float
    returned: int
    recalled: int
    said: float | None

    @property
    def retention(self) -> float | None:
        return self.recalled / self.returned if self.returned else None


@dataclass(frozen=True)
class Point:
    """A key point, by its id (or its number, where it has none), in the latest marked answers."""

    question: str
    number: PointName
    said: int
    half: int
    missed: int

    @property
    def share(self) -> float:
        return (self.said + self.half / 2) / (self.said + self.half + self.missed)


@dataclass(frozen=True)
class Weak:
    """A question seen: the recall that FSRS expects now, how often it was forgotten, the share of points not said."""

    question: str
    recall: float
    lapses: int
    unsaid: float | None


@dataclass(frozen=True)
class Statistics:
    """``retention`` is the true retention lately (None: nothing came back)."""

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
    today: date
    forecast: Sequence[tuple[date, int]]
    days: Mapping[date, Day]
    topics: Sequence[Topic]
    points: Sequence[Point]  # the least said first
    weakest: Sequence[Weak]

    @cached_property
    def calendar(self) -> dict[date, int]:
        """How many were rated on each day."""
        return {day: done.reviews for day, done in self.days.items()}


def statistics(
    topics: Mapping[str, str],
    cards: Mapping[str, CardState],
    tallies: Tallies,
    now: datetime,
    zone: tzinfo | None = None,
    *,
    suspended: Collection[str] = (),
    flagged: int = 0,
    schedule: Schedule | None = None,
    preferences: Preferences | None = None,
) -> Statistics:
    """Count. ``topics`` gives the topic of each question of the bank; ``zone`` is the machine's own where None.

    Reviews count whatever they were of; cards only where the bank still has the question. ``tallies`` are those of
    the same days, and lately since ``lately_began(now)``.
    """
    schedule = schedule or Schedule()
    days = Calendar(preferences or Preferences(), zone)
    active = [question for question in topics if question not in suspended]
    today = days.day(now)
    calendar = {day: done.reviews for day, done in tallies.days.items()}
    returned = sum(each.returned for each in tallies.returned.values())
    recalled = sum(each.recalled for each in tallies.returned.values())
    done = tallies.days.values()
    said = {question: _points(question, marks) for question, marks in tallies.marks.items() if question in topics}
    recall = {question: schedule.recall(cards[question], now) for question in topics if question in cards}
    due = {question for question in active if question in cards and days.is_due(question, cards[question], now)}
    return Statistics(
        questions=len(topics),
        new=sum(question not in cards for question in active),
        due=len(due),
        suspended=len(topics) - len(active),
        flagged=flagged,
        reviews=sum(calendar.values()),
        reviews_today=calendar.get(today, 0),
        streak=_streak(calendar, today),
        longest_streak=_longest_streak(calendar),
        retention=recalled / returned if returned else None,
        retention_reviews=returned,
        retention_days=RETENTION_DAYS,
        ratings={rating: sum(day.ratings[rating - 1] for day in done) for rating in (1, 2, 3, 4)},
        seconds=sum(day.seconds for day in done),
        next_due=next_due(active, cards, days, now),
        today=today,
        forecast=_forecast((days.day(days.due_at(q, cards[q])) for q in active if q in cards), today),
        days=tallies.days,
        topics=_by_topic(topics, active, recall, said, tallies, due),
        points=sorted((point for question in topics for point in said.get(question, ())), key=lambda each: each.share),
        weakest=_weakest(active, recall, said, tallies),
    )


def lately_began(now: datetime) -> datetime:
    return now - timedelta(days=RETENTION_DAYS)


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


def _points(question: str, marks: Sequence[Marks]) -> list[Point]:
    """The key points of the latest answers; one that the newest of them does not know has left the question."""
    named = {number for kind in marks[0] for number in kind} if marks else set()
    known = sorted(named, key=lambda number: (isinstance(number, str), number))
    return [
        Point(question, number, *(sum(number in answer[kind] for answer in marks) for kind in range(3)))
        for number in known
    ]


def _by_topic(
    topics: Mapping[str, str],
    active: Sequence[str],
    recall: Mapping[str, float],
    said: Mapping[str, Sequence[Point]],
    tallies: Tallies,
    due: Collection[str],
) -> list[Topic]:
    every: dict[str, list[str]] = {}
    for question, name in topics.items():
        every.setdefault(name, []).append(question)
    of_active: dict[str, list[str]] = {name: [] for name in every}
    for question in active:
        of_active[topics[question]].append(question)
    found: list[Topic] = []
    for name, ids in of_active.items():
        if not ids:
            continue
        returned = [tallies.returned.get(question, _NONE) for question in every[name]]
        found.append(
            Topic(
                name,
                questions=len(ids),
                seen=sum(question in recall for question in ids),
                due=sum(question in due for question in ids),
                mastery=sum(recall.get(question, 0.0) for question in ids) / len(ids),
                returned=sum(each.returned for each in returned),
                recalled=sum(each.recalled for each in returned),
                said=_said([point for question in every[name] for point in said.get(question, ())]),
            )
        )
    return found


def _said(points: Sequence[Point]) -> float | None:
    """The share of key points said, a half for half said, over all the answers in which they were due."""
    due = sum(point.said + point.half + point.missed for point in points)
    return sum(point.said + point.half / 2 for point in points) / due if due else None


def _weakest(
    active: Sequence[str], recall: Mapping[str, float], said: Mapping[str, Sequence[Point]], tallies: Tallies
) -> list[Weak]:
    """Of the questions seen, those with the lowest recall now; of two alike, what was forgotten more often."""
    found = []
    for question in active:
        if question in recall:
            share = _said(said.get(question, ()))
            lapses = tallies.returned.get(question, _NONE).lapses
            found.append(Weak(question, recall[question], lapses, None if share is None else 1 - share))
    return sorted(found, key=lambda weak: (weak.recall, -weak.lapses))[:WEAKEST]
