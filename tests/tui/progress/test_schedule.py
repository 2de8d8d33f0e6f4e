"""FSRS as the program uses it, against numbers computed by hand from FSRS-6's published weights."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tui.progress.records import RATINGS, REVIEW, CardState
from tui.progress.schedule import Schedule

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
SCHEDULE = Schedule()

# FSRS-6's default weights w0..w20 (open-spaced-repetition/fsrs4anki wiki, "The Algorithm").
W = (0.212, 1.2931, 2.3065, 8.2956, 6.4133, 0.8334, 3.0194, 0.001, 1.8722, 0.1666, 0.796, 1.4835, 0.0614, 0.2629,
     1.6483, 0.6014, 1.8729, 0.5425, 0.0912, 0.0658, 0.1542)  # fmt: skip


def test_a_new_question_comes_back_after_1_minute_5_and_a_half_10_or_8_days() -> None:
    intervals = SCHEDULE.intervals(None, NOW)
    assert intervals == {
        1: timedelta(minutes=1),
        2: timedelta(minutes=5, seconds=30),
        3: timedelta(minutes=10),
        4: timedelta(days=round(W[3])),  # at a retention of 90 % the interval is the stability itself
    }


def test_a_review_follows_the_published_formula() -> None:
    """S' = S (1 + e^w8 (11 - D) S^-w9 (e^(w10 (1 - R)) - 1)), R = (1 + F t / S)^-w20, F = 0.9^(-1/w20) - 1."""
    card = SCHEDULE.rate(None, 4, NOW)
    stability, difficulty = W[3], max(1.0, W[4] - math.exp(W[5] * 3) + 1)
    assert (card.stability, card.difficulty, card.state) == (stability, difficulty, REVIEW)
    later = NOW + timedelta(days=12)
    recall = (1 + (0.9 ** (-1 / W[20]) - 1) * 12 / stability) ** -W[20]
    assert SCHEDULE.recall(card, later) == pytest.approx(recall, rel=1e-12)
    growth = math.exp(W[8]) * (11 - difficulty) * stability ** -W[9] * (math.exp(W[10] * (1 - recall)) - 1)
    again = SCHEDULE.rate(card, 3, later)
    assert again.stability == pytest.approx(stability * (1 + growth), rel=1e-12)
    assert again.due == later + timedelta(days=round(stability * (1 + growth)))


def test_the_button_says_what_the_button_does() -> None:
    card: CardState | None = None
    now = NOW
    for rating in (3, 3, 2, 4, 1, 3, 3):
        promised = SCHEDULE.intervals(card, now)
        before = card
        card = SCHEDULE.rate(card, rating, now)
        assert card.due - now == promised[rating]
        assert before is None or before.due != card.due  # the state given was not changed in place
        now = card.due + timedelta(hours=5)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(RATINGS), st.floats(0, 400)), min_size=1, max_size=12))
def test_any_history_keeps_the_order_of_the_buttons(history: list[tuple[int, float]]) -> None:
    """Again <= hard <= good <= easy, whatever came before, and recall is a probability."""
    card: CardState | None = None
    now = NOW
    for rating, days in history:
        intervals = SCHEDULE.intervals(card, now)
        assert intervals[1] <= intervals[2] <= intervals[3] <= intervals[4]
        assert intervals[1] > timedelta(0)
        card = SCHEDULE.rate(card, rating, now)  # type: ignore[arg-type]
        now = now + timedelta(days=days)
        assert 0 < SCHEDULE.recall(card, now) <= 1


def test_recall_of_a_question_never_rated_is_zero() -> None:
    assert SCHEDULE.recall(None, NOW) == 0
