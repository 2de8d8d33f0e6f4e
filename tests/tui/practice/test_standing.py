"""Every number of Progress, counted again by a naive loop over the ratings, and the figures that show them."""

from __future__ import annotations

import json
import math
import random
import subprocess
import sys
from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from questions.bilingual import say
from tests.tui.practice.test_session import Clock, question
from tui.figures.bars_text import bars_reading
from tui.figures.curve_text import curve_reading
from tui.figures.data import Bars, Curve, Heatmap, Table
from tui.figures.heatmap import Picture
from tui.figures.look import Look
from tui.figures.numbers import short
from tui.figures.plain import figure_to_plain
from tui.figures.text import figure_lines
from tui.practice.interview import Wishes, begin
from tui.practice.standing import Standing, figures, standing
from tui.progress.preferences import change_setting
from tui.progress.records import RATINGS, REVIEW, Answer, Review
from tui.progress.store import ProgressStore, open_store

QUESTIONS = [question(name) for name in ("one", "two", "three", "four", "five")]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(tmp_path: Path, clock: Clock) -> ProgressStore:
    return open_store(tmp_path, clock)


def live(store: ProgressStore, clock: Clock, days: int, seed: int) -> None:
    """Some days of ratings at odd hours, with marks, undone now and then, and days left out."""
    chance = random.Random(seed)
    for _ in range(days):
        clock.now += timedelta(hours=chance.choice((3, 11, 26, 75)), minutes=chance.randrange(60))
        for _ in range(chance.randrange(6)):
            clock.now += timedelta(seconds=chance.randrange(5, 900))
            statuses = [chance.choice(("found", "unsure", "missed")) for _ in range(2)]
            places = [[n for n, each in enumerate(statuses) if each == s] for s in ("found", "unsure", "missed")]
            marks = places if chance.random() < 0.8 else [[], [], []]
            seconds = chance.choice((None, 3.5, 42.0, 5000.0))
            name = chance.choice(("one", "two", "three", "gone"))
            store.rate(name, RATINGS[chance.randrange(4)], "en", Answer("x", None, *marks, seconds))
            if chance.random() < 0.1:
                store.undo()


def day_of(moment: datetime, zone: ZoneInfo, rollover: int) -> date:
    return (moment.astimezone(zone).replace(tzinfo=None) - timedelta(hours=rollover)).date()


@pytest.mark.parametrize(
    ("zone", "rollover"), [("Asia/Shanghai", 4), ("Asia/Kolkata", 0), ("America/New_York", 23), ("Pacific/Chatham", 5)]
)
def test_all_numbers_are_those_of_a_naive_loop(store: ProgressStore, clock: Clock, zone: str, rollover: int) -> None:
    change_setting(store, "rollover-hour", str(rollover))
    live(store, clock, 60, seed=rollover)
    here = ZoneInfo(zone)
    counted = standing(store, QUESTIONS, clock.now, here).counted
    reviews = store.reviews()
    by_day: dict[date, list[Review]] = defaultdict(list)
    for review in reviews:
        by_day[day_of(review.reviewed_at, here, rollover)].append(review)

    def back(some: list[Review]) -> list[Review]:
        return [review for review in some if review.before is not None and review.before.state == REVIEW]

    assert len(reviews) > 100 and len(back(reviews)) > 20
    assert {day: done.ratings for day, done in counted.days.items()} == {
        day: tuple(sum(review.rating == rating for review in some) for rating in RATINGS)
        for day, some in by_day.items()
    }
    for day, some in by_day.items():
        done = counted.days[day]
        assert done.seconds == pytest.approx(sum(min(review.answer.seconds or 0, 300) for review in some))
        assert (done.returned, done.recalled) == (len(back(some)), sum(review.rating > 1 for review in back(some)))
    lately = [review for review in back(reviews) if review.reviewed_at > clock.now - timedelta(days=30)]
    assert counted.retention_reviews == len(lately) > 5
    assert counted.retention == sum(review.rating > 1 for review in lately) / len(lately)
    (topic,) = counted.topics  # "gone" is of no topic that there is
    ours = [review for review in lately if review.question_id != "gone"]
    assert (topic.returned, topic.recalled) == (len(ours), sum(review.rating > 1 for review in ours))
    assert counted.seconds == pytest.approx(sum(min(review.answer.seconds or 0, 300) for review in reviews))
    assert counted.reviews == len(reviews)

    said = due = 0.0
    for point in counted.points:
        marked = [r.answer for r in reviews if r.question_id == point.question]
        marked = [answer for answer in marked if answer.found or answer.unsure or answer.missed][-20:]
        kinds = [sum(point.number in getattr(a, kind) for a in marked) for kind in ("found", "unsure", "missed")]
        assert [point.said, point.half, point.missed] == kinds and sum(kinds) == len(marked)
        said, due = said + kinds[0] + kinds[1] / 2, due + sum(kinds)
    assert topic.said == said / due and {point.question for point in counted.points} == {"one", "two", "three"}
    assert [point.share for point in counted.points] == sorted(point.share for point in counted.points)

    for weak in counted.weakest:
        own = [review for review in back(reviews) if review.question_id == weak.question]
        assert weak.lapses == sum(review.rating == 1 for review in own)
        assert weak.recall == store.schedule.recall(store.card(weak.question), clock.now)
    assert [weak.recall for weak in counted.weakest] == sorted(weak.recall for weak in counted.weakest)


def by_name(stands: Standing) -> dict[str, object]:
    return {figure.name: figure for figure in figures(stands)}


def test_the_figures_say_what_was_counted(store: ProgressStore, clock: Clock) -> None:
    live(store, clock, 40, seed=1)
    stands = standing(store, QUESTIONS, clock.now, ZoneInfo("UTC"))
    counted, found = stands.counted, by_name(stands)
    calendar, forecast, retention, time = (found[name] for name in ("calendar", "forecast", "retention", "time"))
    assert isinstance(calendar, Heatmap) and isinstance(forecast, Bars)
    assert isinstance(retention, Curve) and isinstance(time, Bars)
    cells = calendar.stages[0].values[0]
    assert len(cells) == 7 and all(len(row) == 26 for row in cells)
    assert cells[counted.today.weekday()][-1] == counted.reviews_today
    assert all(math.isnan(row[-1]) for row in cells[counted.today.weekday() + 1 :])
    assert sum(cell for row in cells for cell in row if not math.isnan(cell)) == counted.reviews
    assert list(forecast.values) == [due for _, due in counted.forecast] and len(forecast.values) == 28
    assert sum(time.values) == pytest.approx(counted.seconds / 60)
    for at, minutes in enumerate(time.values):  # said in tenths, as the table of interviews has them
        assert f"minutes {short(round(minutes, 1), 7)}," in bars_reading(time, at, "en")
    weeks = [y for y in retention.series[0].y if not math.isnan(y)]
    assert weeks and all(0 <= y <= 1 for y in weeks) and set(retention.series[1].y) == {0.9}
    for language, to_come, none_back in (("zh", "还没到", "没有复习"), ("en", "still to come", "nothing came back")):
        drawn = "\n".join(
            line.plain for each in (calendar, retention) for line in figure_lines(each, language, 100, Look())
        )
        assert "NaN" not in drawn and (f"? {to_come}" in drawn) == (counted.today.weekday() < 6)
        assert Picture(calendar).explain(6, 25, language).endswith(to_come) == (counted.today.weekday() < 6)
        empty = next(x for x, y in zip(retention.series[0].x, retention.series[0].y, strict=True) if math.isnan(y))
        assert none_back in curve_reading(retention, empty, language)


def test_a_finished_interview_is_in_it(store: ProgressStore, clock: Clock) -> None:
    interview = begin(QUESTIONS, store, Wishes(1, 10), "en", seed=1, clock=clock)
    assert interview is not None
    interview.type("the variance")
    interview.answer()
    assert standing(store, QUESTIONS, clock.now).interviews == []
    interview.go_on()
    stands = standing(store, QUESTIONS, clock.now)
    table = by_name(stands)["interviews"]
    assert isinstance(table, Table) and [row[1:] for row in table.rows] == [[1, 0.0, 1, 0, 1, "50%"]]


@pytest.mark.parametrize("days", [0, 20])
@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("width", [40, 120])
def test_every_figure_can_be_drawn_and_written(
    store: ProgressStore, clock: Clock, days: int, language: str, width: int
) -> None:
    live(store, clock, days, seed=2)
    for figure in figures(standing(store, QUESTIONS, clock.now)):
        lines = figure_lines(figure, language, width, Look())  # type: ignore[arg-type]
        assert say(figure.title, language)[:8] in lines[0].plain  # type: ignore[arg-type]
        assert all(line.cell_len <= width for line in lines)
        json.dumps(figure_to_plain(figure), allow_nan=False)


def test_a_file_of_the_version_before_is_counted_alike(tmp_path: Path, clock: Clock) -> None:
    """The column that a migration adds is filled from the actions as a rating fills it."""
    with open_store(tmp_path, clock) as store:
        live(store, clock, 30, seed=3)
        before = standing(store, QUESTIONS, clock.now, ZoneInfo("UTC")).counted
        from tui.progress.schema import VERSION

        connection = store._connection
        connection.executescript(
            "DROP INDEX reviews_by_time; DROP INDEX reviews_by_question; DROP INDEX reviews_marked; "
            "DROP INDEX actions_undone; ALTER TABLE reviews DROP COLUMN from_state; "
            "CREATE INDEX reviews_by_time ON reviews (reviewed_at); "
            "CREATE INDEX reviews_by_question ON reviews (question_id, reviewed_at); "
            f"PRAGMA user_version = {VERSION - 1}"
        )
    with open_store(tmp_path, clock) as store:
        assert standing(store, QUESTIONS, clock.now, ZoneInfo("UTC")).counted == before


def test_counting_scans_no_answer(store: ProgressStore) -> None:
    """Hundreds of thousands of ratings: what is added up over all of them reads an index alone."""
    statements: list[str] = []
    rows = store._rows
    store._rows = lambda statement, *values: statements.append(statement) or rows(statement, *values)  # type: ignore
    standing(store, QUESTIONS, datetime(2026, 11, 23, tzinfo=UTC))
    store.rate("one", 3, "en")
    statements.clear()
    standing(store, QUESTIONS, datetime(2026, 11, 23, tzinfo=UTC))
    over_all = [each for each in statements if "FROM reviews" in each and "found" not in each]
    assert len(over_all) >= 3
    for statement in over_all:
        plan = [row["detail"] for row in rows(f"EXPLAIN QUERY PLAN {statement}", *([1] * statement.count("?")))]
        assert any("reviews" in line and "COVERING INDEX" in line for line in plan), plan
        assert not any("SCAN reviews" in line and "COVERING" not in line for line in plan), plan


def test_it_needs_no_arrays() -> None:
    program = "import sys, tui.practice.standing, tui.practice.report_text\nassert 'numpy' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
