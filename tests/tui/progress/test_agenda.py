"""Days, limits, and the day of the interview."""

from __future__ import annotations

import random
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from tests.tui.progress.conftest import HandClock
from tui.language.usage import UsageError
from tui.progress.agenda import Calendar, agenda, next_due
from tui.progress.days import day_begins, study_day
from tui.progress.preferences import Preferences, change_setting, read_preferences, value_of
from tui.progress.records import LEARNING, REVIEW, CardState
from tui.progress.schedule import Schedule
from tui.progress.store import ProgressStore

NOW = datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
CALENDAR = Calendar(zone=UTC)
BEIJING = timezone(timedelta(hours=8))


def _due_in(**duration: float) -> CardState:
    return CardState(REVIEW, None, 3.0, 5.0, NOW + timedelta(**duration), NOW - timedelta(days=3))


def _step_in(**duration: float) -> CardState:
    return replace(_due_in(**duration), state=LEARNING, step=0)


def test_a_day_ends_at_the_rollover_hour_where_the_person_is() -> None:
    assert study_day(datetime(2026, 11, 23, 19, 59, tzinfo=UTC), 4, BEIJING) == date(2026, 11, 23)  # 3:59 there
    assert study_day(datetime(2026, 11, 23, 20, 0, tzinfo=UTC), 4, BEIJING) == date(2026, 11, 24)
    assert day_begins(date(2026, 11, 24), 4, BEIJING) == datetime(2026, 11, 23, 20, 0, tzinfo=UTC)
    assert study_day(datetime(2026, 11, 23, 0, 0, tzinfo=UTC), 0, UTC) == date(2026, 11, 23)


def test_days_begin_also_where_the_clock_is_changed() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    for day in (date(2026, 3, 29), date(2026, 10, 25)):  # the hours that are missing and twice there
        for hour in range(24):
            assert study_day(day_begins(day, hour, berlin), hour, berlin) == day


def test_a_review_is_due_all_day_and_a_step_to_the_minute() -> None:
    cards = {"review": _due_in(hours=15), "tomorrow": _due_in(hours=21), "step": _step_in(minutes=1)}
    found = agenda(list(cards), cards, NOW, CALENDAR)
    assert found.due == ("review",)
    assert agenda(list(cards), cards, NOW + timedelta(minutes=1), CALENDAR).due == ("step", "review")
    assert next_due(["step", "tomorrow"], cards, CALENDAR, NOW) == NOW + timedelta(minutes=1)
    assert next_due(["tomorrow"], cards, CALENDAR, NOW) == datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
    assert next_due(["review"], cards, CALENDAR, NOW) == NOW and next_due(["new"], cards, CALENDAR, NOW) is None


def test_who_studies_a_little_earlier_each_day_does_not_wait() -> None:
    """A card of one day, rated a quarter of an hour earlier each evening, comes every day."""
    now = datetime(2026, 11, 23, 20, 0, tzinfo=UTC)
    for _ in range(30):
        card = replace(_due_in(), due=now + timedelta(days=1), last_review=now)
        now += timedelta(days=1, minutes=-15)
        assert agenda(["q"], {"q": card}, now, CALENDAR).due == ("q",)


def test_what_is_overdue_comes_first_then_new_ones_in_their_order() -> None:
    cards = {"b": _due_in(days=-1), "d": _due_in(days=-5), "e": _due_in(days=2), "f": _due_in()}
    found = agenda(["a", "b", "c", "d", "e", "f", "g"], cards, NOW, CALENDAR, left_out={"c"})
    assert (found.due, found.new) == (("d", "b", "f"), ("a", "g"))
    assert found.order == ("d", "b", "f", "a", "g") and len(found) == 5
    assert agenda(["a"], {"gone": _due_in(days=-1)}, NOW, CALENDAR).order == ("a",)


def test_a_seed_shuffles_alike_each_time_and_due_ones_stay_first() -> None:
    names = [f"q{number}" for number in range(20)]
    cards = {name: _due_in(days=-1) for name in names[:10]}
    first, second = (agenda(names, cards, NOW, CALENDAR, seed=7) for _ in range(2))
    assert first == second
    assert set(first.due) == set(names[:10]) and first.due != tuple(names[:10])
    assert agenda(names, cards, NOW, CALENDAR, seed=8).new != first.new
    random.seed(0)
    assert agenda(names, cards, NOW, CALENDAR, seed=7) == first  # the global generator has no part in it
    fewer = agenda(names[:-1], cards, NOW, CALENDAR, seed=7)
    assert fewer.new == tuple(name for name in first.new if name != names[-1])


def test_limits_of_a_day_count_what_was_done_and_never_a_step() -> None:
    calendar = Calendar(Preferences(new_per_day=5, reviews_per_day=3), UTC)
    cards = {f"r{number}": _due_in(days=-number) for number in range(6)} | {"step": _step_in(minutes=-1)}
    names = [*cards, *(f"n{number}" for number in range(9))]
    found = agenda(names, cards, NOW, calendar, introduced=2, reviewed=1)
    assert (found.due, found.new) == (("step", "r5", "r4"), ("n0", "n1", "n2"))
    assert (found.due_left, found.new_left) == (4, 6)
    over = agenda(names, cards, NOW, calendar, introduced=9, reviewed=9)
    assert (over.due, over.new) == (("step",), ())
    assert len(agenda(names, cards, NOW, calendar, introduced=9, reviewed=9, unlimited=True)) == 16


def test_a_card_rated_while_the_clock_stood_in_the_future_is_asked() -> None:
    card = replace(_due_in(days=3000), last_review=NOW + timedelta(days=2900))
    assert agenda(["q"], {"q": card}, NOW, CALENDAR).due == ("q",)


# --- the interview -------------------------------------------------------------------------------------------------

INTERVIEW = date(2026, 12, 5)


def test_new_questions_are_spread_over_the_days_before_the_last_two() -> None:
    calendar = Calendar(Preferences(interview_on=INTERVIEW, new_per_day=3), UTC)
    left = [f"q{number}" for number in range(54)]
    each_day = []
    for day in range(12):
        found = agenda(left, {}, NOW + timedelta(days=day), calendar)
        each_day.append(len(found.new))
        left = left[len(found.new) :]
    assert each_day == [6, 6, 6, 6, 5, 5, 5, 5, 5, 5, 0, 0]
    assert sum(each_day) == 54


@pytest.mark.parametrize("days_before", [1, 2, 3, 5, 12, 40])
@pytest.mark.parametrize("rating", [2, 3, 4])
def test_each_card_is_seen_again_in_the_last_two_days(days_before: int, rating: int) -> None:
    """54 cards, whatever they were rated, whenever they began: simulated day by day up to the interview."""
    start = datetime(2026, 12, 5, 9, 0, tzinfo=UTC) - timedelta(days=days_before)
    calendar = Calendar(Preferences(interview_on=INTERVIEW), UTC)
    schedule = Schedule()
    names = [f"q{number}" for number in range(54)]
    cards: dict[str, CardState] = {}
    last_seen: dict[str, date] = {}
    for day in range(days_before):
        now = start + timedelta(days=day)
        introduced = 0
        for minute in range(0, 240, 12):  # a sitting of four hours
            moment = now + timedelta(minutes=minute)
            found = agenda(names, cards, moment, calendar, introduced=introduced, unlimited=False)
            for name in found.order:
                introduced += name not in cards
                cards[name] = schedule.rate(cards.get(name), rating, moment)  # type: ignore[arg-type]
                last_seen[name] = calendar.day(moment)
    assert len(cards) == 54
    assert min(last_seen.values()) >= INTERVIEW - timedelta(days=2)


def test_the_two_last_days_share_the_cards() -> None:
    calendar = Calendar(Preferences(interview_on=INTERVIEW), UTC)
    days = Counter(calendar.day(calendar.due_at(f"q{number}", _due_in(days=90))) for number in range(200))
    assert set(days) == {date(2026, 12, 3), date(2026, 12, 4)} and min(days.values()) > 70


def test_nothing_is_capped_without_a_date_or_after_it() -> None:
    card = _due_in(days=90)
    far = day_begins(date(2027, 2, 21), 4, UTC)
    assert CALENDAR.due_at("q", card) == far
    calendar = Calendar(Preferences(interview_on=INTERVIEW), UTC)
    assert calendar.due_at("q", card) < far
    later = replace(card, last_review=datetime(2026, 12, 6, 9, 0, tzinfo=UTC))
    assert calendar.due_at("q", later) == far
    assert calendar.days_left(datetime(2026, 12, 6, 9, 0, tzinfo=UTC)) is None
    assert calendar.new_today(50, 0, datetime(2026, 12, 6, 9, 0, tzinfo=UTC)) == 20


# --- settings ------------------------------------------------------------------------------------------------------


def test_settings_are_read_checked_and_kept(store: ProgressStore, clock: HandClock) -> None:
    assert read_preferences(store) == Preferences()
    for name, text in (("rollover-hour", "0"), ("desired-retention", "0.95"), ("interview-on", "2026-12-05")):
        change_setting(store, name, text)
        assert value_of(read_preferences(store), name) == text.rstrip()
    assert store.schedule.desired_retention == 0.95
    assert store.schedule.intervals(None, clock.now)[4] < Schedule().intervals(None, clock.now)[4]
    for text in ("2026/12/5", "２０２６－１２－０５", "2026年12月5日", "2026.12.05", " 20261205 "):
        change_setting(store, "interview-on", "none")
        change_setting(store, "interview-on", text)
        assert value_of(read_preferences(store), "interview-on") == "2026-12-05"
    change_setting(store, "interview-on", "none")
    assert read_preferences(store).interview_on is None
    for name, text in (
        *(("rollover-hour", bad) for bad in ("24", "-1", "4.5", "four", "")),
        *(("desired-retention", bad) for bad in ("1", "nan", "inf")),
        *(("interview-on", bad) for bad in ("2026-02-31", "2026/13/1", "5/12/2026", "tomorrow")),
        ("new-per-day", "10000000"),
        ("new-per-da", "3"),
    ):
        with pytest.raises(UsageError):
            change_setting(store, name, text)
    store.set_setting("new-per-day", ["odd"])  # as another program might have written it
    assert read_preferences(store).new_per_day == 20
