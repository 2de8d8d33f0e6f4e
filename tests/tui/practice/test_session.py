"""What the practice screen knows: queue, answers, rating, undo, leaving and coming back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from questions.bilingual import Bilingual
from questions.model import KeyPoint, Predict, Question
from tui.practice.plan import Plan, say_summary
from tui.practice.selection import Selection
from tui.practice.session import Practice
from tui.progress.preferences import change_setting
from tui.progress.records import Answer
from tui.progress.store import ProgressStore, open_store


def question(name: str, *, predict: bool = False) -> Question:
    text = Bilingual(f"{name}？", f"{name}?")
    points = (
        KeyPoint(Bilingual("方差", "variance"), ("方差", "variance")),
        KeyPoint(Bilingual("熵", "entropy"), ("entropy",)),
    )
    item = Predict(text, {"a": text, "b": text}, "b", text, {"d_k": 4}) if predict else None
    return Question(name, "attention", 1, text, text, points, predict=item)


class Clock:
    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


QUESTIONS = [question("one", predict=True), question("two"), question("three")]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> ProgressStore:
    return open_store(tmp_path, clock)


def test_asks_new_questions_in_the_order_of_the_bank(store: ProgressStore, clock: Clock) -> None:
    practice = Practice(QUESTIONS, store, clock=clock)
    asked = [practice.start()]
    for _ in range(2):
        practice.reveal()
        asked.append(practice.rate(4, "en"))
    assert [attempt.question.id for attempt in asked if attempt] == ["one", "two", "three"]
    assert practice.done == 2 and practice.remaining == 1


def test_typed_answer_is_marked_and_written(store: ProgressStore, clock: Clock) -> None:
    practice = Practice(QUESTIONS, store, clock=clock)
    attempt = practice.start()
    assert attempt is not None
    attempt.typed = "The VARIANCE grows"
    attempt.choice = "b"
    practice.reveal()
    assert attempt.marking is not None and [mark.status for mark in attempt.marking.points] == ["found", "missed"]
    assert attempt.predicted_right is True
    practice.rate(3, "en")
    (review,) = store.reviews("one")
    assert (review.answer.text, review.answer.choice) == ("The VARIANCE grows", "b")
    assert (list(review.answer.found), list(review.answer.missed)) == ([0], [1])


def test_blank_answer_is_not_marked(store: ProgressStore, clock: Clock) -> None:
    practice = Practice(QUESTIONS, store, clock=clock)
    attempt = practice.start()
    assert attempt is not None
    attempt.typed = " \n\t "
    assert practice.reveal().marking is None


def test_undo_brings_the_question_back_revealed_with_what_was_typed(store: ProgressStore, clock: Clock) -> None:
    practice = Practice(QUESTIONS, store, clock=clock)
    first = practice.start()
    assert first is not None
    first.typed = "variance"
    practice.reveal()
    practice.rate(1, "en")
    undone = practice.undo()
    assert undone is not None and undone.kind == "rate"
    assert practice.attempt is first and first.revealed and first.typed == "variance"
    assert store.card("one") is None and practice.done == 0


def test_undo_of_an_earlier_sitting(tmp_path: Path, clock: Clock) -> None:
    with open_store(tmp_path, clock) as store:
        practice = Practice(QUESTIONS, store, clock=clock)
        practice.start()
        practice.reveal()
        practice.rate(4, "en")
    with open_store(tmp_path, clock) as store:
        practice = Practice(QUESTIONS, store, clock=clock)
        practice.start()
        undone = practice.undo()
        assert undone is not None and undone.question_id == "one"
        assert practice.attempt is not None and practice.attempt.question.id == "one" and practice.attempt.revealed


def test_place_is_kept(tmp_path: Path, clock: Clock) -> None:
    with open_store(tmp_path, clock) as store:
        practice = Practice(QUESTIONS, store, clock=clock)
        attempt = practice.start("two")
        assert attempt is not None
        attempt.typed, attempt.choice = "half an ans", None
        practice.leave()
    with open_store(tmp_path, clock) as store:
        practice = Practice(QUESTIONS, store, clock=clock)
        attempt = practice.start()
        assert attempt is not None
        assert (attempt.question.id, attempt.typed, attempt.revealed) == ("two", "half an ans", False)
        practice.reveal()
        practice.leave()
    with open_store(tmp_path, clock) as store:
        practice = Practice(QUESTIONS, store, clock=clock)
        attempt = practice.start()
        assert attempt is not None and attempt.revealed and attempt.marking is not None


def test_place_of_a_question_that_is_gone_is_forgotten(tmp_path: Path, clock: Clock) -> None:
    with open_store(tmp_path, clock) as store:
        practice = Practice(QUESTIONS, store, clock=clock)
        practice.start("three")
        practice.leave()
        attempt = Practice(QUESTIONS[:2], store, clock=clock).start()
        assert attempt is not None and attempt.question.id == "one"


def test_skipped_comes_last_and_suspended_not_at_all(store: ProgressStore, clock: Clock) -> None:
    practice = Practice(QUESTIONS, store, clock=clock)
    practice.start()
    second = practice.skip()
    assert second is not None and second.question.id == "two"
    third = practice.suspend()
    assert third is not None and third.question.id == "three"
    practice.reveal()
    last = practice.rate(4, "en")
    assert last is not None and last.question.id == "one"
    practice.reveal()
    assert practice.rate(4, "en") is None


def test_again_is_asked_again_in_the_same_sitting(store: ProgressStore, clock: Clock) -> None:
    practice = Practice(QUESTIONS[:1], store, clock=clock)
    practice.start()
    practice.reveal()
    again = practice.rate(1, "en")
    assert again is not None and again.question.id == "one"  # due in a minute, and nothing else is left


def test_finished_says_when_the_next_is_due(store: ProgressStore, clock: Clock) -> None:
    practice = Practice(QUESTIONS[:1], store, clock=clock, zone=UTC)
    practice.start()
    practice.reveal()
    intervals = practice.intervals()
    assert practice.rate(4, "en") is None
    assert practice.next_wait == intervals[4] == timedelta(days=8)
    assert practice.next_due == datetime(2026, 12, 1, 4, 0, tzinfo=UTC)  # all day, from the rollover hour on
    clock.now = datetime(2026, 12, 1, 3, 59, tzinfo=UTC)
    assert practice.next() is None
    clock.now += timedelta(minutes=1)
    attempt = practice.next()
    assert attempt is not None and attempt.question.id == "one"


def test_each_question_has_its_own_draft(store: ProgressStore, clock: Clock) -> None:
    practice = Practice(QUESTIONS, store, clock=clock)
    practice.start("one")
    practice.type("variance")
    practice.reveal()
    practice.rate(1, "en")
    practice.type("typed to the second")
    undone = practice.undo()
    assert undone is not None and undone.question_id == "one"
    assert practice.attempt is not None and practice.attempt.typed == "variance"
    second = practice.rate(1, "en")
    assert second is not None and (second.question.id, second.typed) == ("two", "typed to the second")
    practice.skip()
    practice.type("third")
    back = practice.start("two")
    assert back is not None and back.typed == "typed to the second"
    again = practice.start("three")
    assert again is not None and again.typed == "third"


@pytest.mark.parametrize("action", ["skip", "bury", "suspend", "flag", "rate"])
def test_undo_goes_back_to_the_question_of_the_last_action(store: ProgressStore, clock: Clock, action: str) -> None:
    practice = Practice(QUESTIONS, store, clock=clock)
    practice.start("two")
    if action == "flag":
        practice.flag("wrong", "en")
        practice.start("three")
    elif action == "rate":
        practice.reveal()
        practice.rate(1, "en")
    else:
        getattr(practice, action)()
    assert practice.attempt is not None and practice.attempt.question.id != "two"
    for fresh in (False, True):  # in the same sitting, and (the action done again) in the next
        if fresh:
            practice = Practice(QUESTIONS, store, clock=clock)
            {
                "skip": lambda: store.skip("two"),
                "bury": lambda: store.bury("two", clock.now.date()),
                "suspend": lambda: store.suspend("two"),
                "flag": lambda: store.flag("two", "wrong", "en"),
                "rate": lambda: store.rate("two", 1, "en"),
            }[action]()
            practice.start("one")
        undone = practice.undo()
        assert undone is not None and (undone.kind, undone.question_id) == (action, "two")
        assert practice.attempt is not None and practice.attempt.question.id == "two"
        assert practice.attempt.revealed == (action == "rate")


def test_two_copies_do_not_ask_the_same_card(tmp_path: Path, clock: Clock) -> None:
    with open_store(tmp_path, clock) as one, open_store(tmp_path, clock) as other:
        first, second = Practice(QUESTIONS, one, clock=clock).start(), Practice(QUESTIONS, other, clock=clock).start()
        assert first is not None and second is not None
        assert (first.question.id, second.question.id) == ("one", "two")


def test_a_step_of_learning_wakes_by_itself(store: ProgressStore, clock: Clock) -> None:
    store.rate("one", 4, "en")
    practice = Practice(QUESTIONS[:2], store, clock=clock)
    store.rate("two", 3, "en")
    clock.now -= timedelta(minutes=15)  # 25 minutes to go: more than is asked ahead of its time
    assert practice.start() is None
    due = practice.next_due
    assert due is not None and practice.next_wait == timedelta(minutes=25)
    clock.now = due
    attempt = practice.next()
    assert attempt is not None and attempt.question.id == "two"


def test_what_is_put_off_until_tomorrow_comes_at_the_rollover_hour(store: ProgressStore, clock: Clock) -> None:
    practice = Practice(QUESTIONS[:1], store, clock=clock, zone=UTC)
    practice.start()
    assert practice.bury() is None
    assert practice.next_due == datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
    clock.now = datetime(2026, 11, 24, 3, 59, tzinfo=UTC)
    assert practice.next() is None
    clock.now += timedelta(minutes=1)
    assert practice.next() is not None


def test_limits_of_a_day_and_lifting_them(store: ProgressStore, clock: Clock) -> None:
    change_setting(store, "new-per-day", "1")
    practice = Practice(QUESTIONS, store, clock=clock, zone=UTC)
    assert (practice.plan().new, practice.plan().new_left) == (1, 2)
    practice.start()
    practice.reveal()
    assert practice.rate(4, "en") is None
    assert (practice.plan().new, practice.plan().new_left) == (0, 2)
    assert practice.next_due == datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
    practice.undo()  # it does not count any more
    assert practice.plan().new == 1
    practice.rate(4, "en")
    more = practice.lift_limits()
    assert more is not None and practice.remaining == 2


def test_studying_ahead(store: ProgressStore, clock: Clock) -> None:
    store.rate("one", 4, "en")
    practice = Practice(QUESTIONS[:1], store, clock=clock)
    assert practice.start() is None
    assert practice.study_ahead(days=7) is None
    attempt = practice.study_ahead(days=9)
    assert attempt is not None and attempt.question.id == "one"


def test_the_plan_is_measured_from_the_persons_own_times(store: ProgressStore, clock: Clock) -> None:
    practice = Practice(QUESTIONS, store, clock=clock)
    assert practice.plan() == Plan(due=0, new=3, minutes=None)
    for seconds in (40.0, 60.0, 3000.0, 80.0, 20.0):  # one was left open
        store.rate("elsewhere", 3, "en", Answer(seconds=seconds))
        clock.now += timedelta(days=30)
    assert practice.plan().minutes == 3 * 40 / 60  # the one that was new took 40 seconds
    store.rate("one", 1, "en", Answer(seconds=60.0))
    clock.now += timedelta(minutes=1)
    assert practice.plan().minutes == (60 + 2 * 50) / 60  # medians: of all 60, of new ones 50


def test_a_card_left_open_counts_five_minutes(
    store: ProgressStore, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    practice = Practice(QUESTIONS, store, clock=clock)
    attempt = practice.start()
    assert attempt is not None
    attempt.seconds = 12 * 3600.0
    practice.reveal()
    practice.rate(3, "en")
    assert store.reviews()[0].answer.seconds == 300
    summary = practice.summary()
    assert (summary.rated, summary.new, summary.seconds, dict(summary.ratings)) == (1, 1, 300, {3: 1})
    assert "5 min" in say_summary(summary, "en")


def test_a_selection_is_studied_and_any_question_may_be_asked(store: ProgressStore, clock: Clock) -> None:
    store.flag("three", "wrong", "en")
    practice = Practice(QUESTIONS, store, clock=clock, selection=Selection(flagged=True))
    first = practice.start()
    assert first is not None and first.question.id == "three" and practice.remaining == 1
    asked = practice.start("one")
    assert asked is not None and asked.question.id == "one"


def test_what_was_left_outside_a_selection_waits_with_its_draft(store: ProgressStore, clock: Clock) -> None:
    left = Practice(QUESTIONS, store, clock=clock)
    left.start("one")
    left.type("half an answer")
    left.leave()
    part = Practice(QUESTIONS, store, clock=clock, selection=Selection(search="two"))
    asked = part.start()
    assert asked is not None and asked.question.id == "two"
    part.leave()
    assert Practice(QUESTIONS, store, clock=clock, selection=Selection(search="nothing has this")).start() is None
    back = Practice(QUESTIONS, store, clock=clock).start("one")
    assert back is not None and back.typed == "half an answer"
