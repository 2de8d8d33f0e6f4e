"""What the statistics need of all ratings, added up by SQLite: there may be hundreds of thousands.

Each day of the person's is one range of an index that has all that is added up, so that no answer's text is read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

from tui.progress.agenda import Calendar
from tui.progress.records import LONGEST, REVIEW, Marks, read_time, write_time

if TYPE_CHECKING:
    from tui.progress.store import ProgressStore

MARKED = 20  # of each question, the latest answers by which its key points are known


@dataclass(frozen=True, slots=True)
class Day:
    """What was done on a day. ``returned`` are cards that came back from review, ``recalled`` those not "again"."""

    ratings: tuple[int, int, int, int]  # again, hard, good, easy
    seconds: float
    returned: int
    recalled: int

    @property
    def reviews(self) -> int:
        return sum(self.ratings)


@dataclass(frozen=True, slots=True)
class Returned:
    """Of a question: how often it came back from review lately, how often it was recalled then, and forgotten ever."""

    returned: int
    recalled: int
    lapses: int


@dataclass(frozen=True)
class Tallies:
    """``marks`` by question are those of its latest answers: key points said, half said and missed, newest first."""

    days: Mapping[date, Day]
    returned: Mapping[str, Returned]
    marks: Mapping[str, Sequence[Marks]]


def tally(store: ProgressStore, questions: Iterable[str], calendar: Calendar, lately: datetime) -> Tallies:
    """Add up all ratings that were not undone; ``lately`` is where what came back lately begins."""
    known = set(questions)
    returned = store._rows(
        "SELECT question_id, count(*) FILTER (WHERE reviewed_at > ?) AS returned, "
        "count(*) FILTER (WHERE rating > 1 AND reviewed_at > ?) AS recalled, "
        "count(*) FILTER (WHERE rating = 1) AS lapses FROM reviews WHERE from_state = ? "
        "AND action_id NOT IN (SELECT id FROM actions WHERE undone_at IS NOT NULL) GROUP BY question_id",
        write_time(lately),
        write_time(lately),
        REVIEW,
    )
    return Tallies(
        _days(store, calendar),
        {row["question_id"]: Returned(row["returned"], row["recalled"], row["lapses"]) for row in returned},
        {question: store.latest_marks(question, MARKED) for question in store.marked() if question in known},
    )


def _days(store: ProgressStore, calendar: Calendar) -> dict[date, Day]:
    days: dict[date, Day] = {}
    since = ""
    while True:
        first = store._rows("SELECT min(reviewed_at) AS at FROM reviews WHERE reviewed_at >= ?", since)[0]["at"]
        if first is None:
            return days
        try:
            day = calendar.day(read_time(first))
            ends = write_time(calendar.begins(day + timedelta(days=1)))
        except (ValueError, OverflowError):  # a damaged time: the rating is passed over
            since = first + " "
            continue
        row = store._rows(
            "SELECT count(*) FILTER (WHERE rating = 1) AS again, count(*) FILTER (WHERE rating = 2) AS hard, "
            "count(*) FILTER (WHERE rating = 3) AS good, count(*) FILTER (WHERE rating = 4) AS easy, "
            "total(max(0, min(seconds, ?))) AS seconds, count(*) FILTER (WHERE from_state = ?) AS returned, "
            "count(*) FILTER (WHERE from_state = ? AND rating > 1) AS recalled "
            "FROM reviews WHERE reviewed_at >= ? AND reviewed_at < ? "
            "AND action_id NOT IN (SELECT id FROM actions WHERE undone_at IS NOT NULL)",
            LONGEST,
            REVIEW,
            REVIEW,
            first,
            ends,
        )[0]
        ratings = row["again"], row["hard"], row["good"], row["easy"]
        if any(ratings):
            days[day] = Day(ratings, row["seconds"], row["returned"], row["recalled"])
        since = ends
