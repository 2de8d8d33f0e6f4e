"""Counts against a history that was made by hand."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from tests.tui.progress.conftest import HandClock
from tui.progress.agenda import Calendar
from tui.progress.preferences import Preferences
from tui.progress.records import Answer
from tui.progress.schedule import Schedule
from tui.progress.statistics import Statistics, lately_began, statistics
from tui.progress.store import ProgressStore
from tui.progress.tallies import tally

BEIJING = timezone(timedelta(hours=8))
TOPICS = {"a1": "attention", "a2": "attention", "a3": "attention", "b1": "bert", "m1": "masking"}


def _count(store: ProgressStore, clock: HandClock) -> Statistics:
    return statistics(
        TOPICS,
        store.cards(),
        tally(store, TOPICS, Calendar(Preferences(), BEIJING), lately_began(clock.now)),
        clock.now,
        BEIJING,
        suspended=store.suspended(),
        flagged=len(store.flags()),
    )


def test_before_the_first_answer(store: ProgressStore, clock: HandClock) -> None:
    counted = _count(store, clock)
    assert (counted.questions, counted.new, counted.due, counted.reviews) == (5, 5, 0, 0)
    assert (counted.streak, counted.longest_streak, counted.retention, counted.next_due) == (0, 0, None, None)
    assert [topic.mastery for topic in counted.topics] == [0, 0, 0]
    assert sum(count for _, count in counted.forecast) == 0


def test_days_are_the_persons_own(store: ProgressStore, clock: HandClock) -> None:
    clock.now = datetime(2026, 11, 23, 19, 59, tzinfo=UTC)  # 3:59 in Beijing, still the day before
    store.rate("a1", 3, "zh")
    clock.pass_(minutes=2)
    store.rate("a2", 3, "zh")
    counted = _count(store, clock)
    assert counted.calendar == {date(2026, 11, 23): 1, date(2026, 11, 24): 1}
    assert (counted.streak, counted.reviews_today) == (2, 1)


def test_a_streak_survives_a_morning_and_breaks_after_a_day(store: ProgressStore, clock: HandClock) -> None:
    for _ in range(3):
        store.rate("a1", 3, "zh")
        clock.pass_(days=1)
    assert _count(store, clock).streak == 3  # nothing yet today
    clock.pass_(days=1)
    counted = _count(store, clock)
    assert (counted.streak, counted.longest_streak) == (0, 3)


def test_retention_counts_only_questions_that_came_back_from_review(store: ProgressStore, clock: HandClock) -> None:
    store.rate("a1", 4, "zh")  # new: graduates to review at once
    store.rate("a2", 1, "zh")  # new: again, but nothing had been learned that could be forgotten
    clock.pass_(minutes=1)
    store.rate("a2", 1, "zh")  # still being learned
    clock.pass_(days=9)
    store.rate("a1", 1, "zh", Answer(seconds=30))  # forgotten
    store.rate("b1", 4, "zh", Answer(seconds=12))
    clock.pass_(days=9)
    store.rate("b1", 3, "zh")  # recalled
    counted = _count(store, clock)
    assert (counted.retention, counted.retention_reviews) == (0.5, 2)
    assert counted.ratings == {1: 3, 2: 0, 3: 1, 4: 2}
    assert counted.seconds == 42
    store.undo()
    assert _count(store, clock).retention == 0.0
    clock.pass_(days=60)
    assert _count(store, clock).retention is None  # too long ago


def test_the_forecast_puts_what_is_overdue_today(store: ProgressStore, clock: HandClock) -> None:
    store.rate("a1", 4, "zh")  # in 8 days
    store.rate("a2", 3, "zh")  # in 10 minutes
    store.rate("b1", 4, "zh")
    store.suspend("b1")
    counted = _count(store, clock)
    days = dict(counted.forecast)
    assert len(counted.forecast) == 28
    assert days[date(2026, 11, 23)] == 1
    assert days[date(2026, 12, 1)] == 1
    assert sum(days.values()) == 2
    clock.pass_(days=10)
    counted = _count(store, clock)
    assert counted.forecast[0] == (date(2026, 12, 3), 2)
    assert counted.due == 2
    assert counted.next_due is not None and counted.next_due == clock.now


def test_mastery_is_what_fsrs_expects_to_be_recalled(store: ProgressStore, clock: HandClock) -> None:
    a1 = store.rate("a1", 4, "zh")
    store.rate("m1", 3, "zh")
    store.rate("gone", 4, "zh")  # a question that the bank no longer has
    store.suspend("a3")
    store.flag("a2", "", "zh")
    clock.pass_(days=20)
    counted = _count(store, clock)
    attention, bert, masking = counted.topics
    assert (attention.name, attention.questions, attention.seen, attention.due) == ("attention", 2, 1, 1)
    assert attention.mastery == pytest.approx(Schedule().recall(a1, clock.now) / 2)
    assert 0.35 < attention.mastery < 0.45
    assert (bert.seen, bert.mastery) == (0, 0)
    assert masking.mastery > 0
    assert (counted.suspended, counted.flagged, counted.new) == (1, 1, 2)
