"""A week with the real program in a terminal: a sitting a day, ended by Ctrl+Q, SIGTERM, SIGHUP or a kill.

What each day's plan says is worked out again from the ratings, by FSRS itself; the question that was left comes back
with its draft; undo takes back the last rating of the day before. Three days in the suite, the week and a second one
with ``make soak``.
"""

from __future__ import annotations

import os
import random
import re
import signal
import sys
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import ModuleType

import pytest
from fsrs import Card, Rating, Scheduler, State

from tests.soak import times
from tests.tui.commands.started import ROOT, environment
from tests.tui.test_walk import walking
from tui.progress.preferences import change_setting
from tui.progress.records import Review
from tui.progress.store import open_store

__all__ = ["walking"]  # the fixture
pytestmark = pytest.mark.once
BEGINS = date(2026, 11, 23)
NEW_A_DAY = 4
ENDINGS = (signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, None)


def day_of(moment: datetime) -> date:
    """A day ends at four in the morning; the program runs in UTC here."""
    return (moment.astimezone(UTC) - timedelta(hours=4)).date()


def planned(reviews: list[Review], today: date, questions: int) -> tuple[int, int]:
    """How many are due today and how many new ones come, from the ratings alone."""
    scheduler = Scheduler(desired_retention=0.9, enable_fuzzing=False)
    cards: dict[str, Card] = {}
    for review in reviews:
        card = cards.get(review.question_id) or Card(card_id=0, due=review.reviewed_at)
        cards[review.question_id], _ = scheduler.review_card(card, Rating(review.rating), review.reviewed_at)
    due = 0
    for card in cards.values():
        nine = datetime(today.year, today.month, today.day, 9, tzinfo=UTC)
        due += day_of(card.due) <= today if card.state == State.Review else card.due <= nine
    return due, min(NEW_A_DAY, questions - len(cards))


def test_a_week_of_sittings(walking: ModuleType, tmp_path: Path) -> None:
    draw = random.Random(7)
    data = tmp_path / "d"
    with open_store(data) as store:
        change_setting(store, "new-per-day", str(NEW_A_DAY))
        store.set_setting("welcomed", True)
    draft, left, rated = "", "", 0
    for number in range(times(3, 14)):
        today = BEGINS + timedelta(days=number)
        command = [sys.executable, "-m", "tests.tui.moved_clock", f"{today}T09:00:00", "--kind", "open"]
        terminal = walking.Walk(
            "en", 100, 30, str(data), command=command, **environment(TZ="UTC", PYTHONPATH=str(ROOT))
        )
        text = terminal.see(r"\d+ due, \d+ new")
        plan = re.search(r"(\d+) due, (\d+) new", text)
        assert plan is not None
        with open_store(data) as store:
            reviews = store.reviews()
            place = store.place("practice")
        assert len(reviews) == rated
        assert (int(plan[1]), int(plan[2])) == planned(reviews, today, 54), f"day {number}:\n{text}"
        if draft:
            terminal.see(draft)
            assert place is not None and place.question_id == left
        if number % 3 == 2:  # the last rating of the sitting before, whatever way that one ended
            terminal.press("u")
            terminal.see("1 +Again")
            rated -= 1
            with open_store(data) as store:
                assert [r.question_id for r in store.reviews()] == [r.question_id for r in reviews[:-1]]
                now = store.place("practice")
                assert now is not None and now.question_id == reviews[-1].question_id and now.revealed
            terminal.press("3")
            terminal.see(r"Practice 2/")
            rated += 1
        done = 2 if number % 3 == 2 else 1
        for rating in [draw.choice("1234") for _ in range(draw.randrange(2, 2 + times(2, 5)))]:
            terminal.press(" ")
            terminal.see("1 +Again")
            terminal.press(rating)
            done += 1
            terminal.see(rf"Practice {done}/|Nothing to answer")
            rated += 1
            if "Nothing to answer" in terminal.text:
                break
        draft = ""
        if "Nothing to answer" not in terminal.text:
            draft = f"draft of day {number}"
            terminal.press("i")
            terminal.see(r"\^S")
            terminal.press(draft)
            end = time.monotonic() + 60
            # On the disk within the second, without being told to; behind what was typed to it on another day.
            while not any(text.endswith(draft) for text in _drafts(data).values()):
                terminal.settle()
                assert time.monotonic() < end, terminal.text
            left = next(name for name, text in _drafts(data).items() if text.endswith(draft))
        ending = ENDINGS[number % len(ENDINGS)]
        if ending is None:
            terminal.close()
        else:
            os.kill(terminal.process, ending)
            terminal.ends()
    with open_store(data) as store:
        assert len(store.reviews()) == rated and store.claimed() == frozenset()


def _drafts(data: Path) -> dict[str, str]:
    with open_store(data) as store:
        return store.drafts()
