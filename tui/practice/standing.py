"""How a person stands: everything that the place Progress shows, counted from the store, and as figures.

The figures are plain data (``tui.figures.data``): the screen draws them with its cursor, ``stats --json`` writes them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta, tzinfo

from questions.bilingual import Bilingual
from questions.model import KeyPoint, Question
from questions.topics import topic_title
from tui.figures.data import Bars, Curve, Figure, Heatmap, Label, Series, Stage, Table
from tui.language.words import table
from tui.practice.report import Report, report
from tui.progress.agenda import Calendar
from tui.progress.preferences import read_preferences
from tui.progress.records import PointName
from tui.progress.statistics import Statistics, lately_began, statistics
from tui.progress.store import ProgressStore
from tui.progress.tallies import tally
from tui.text.plain_text import as_title

WEEKS = 26  # of the past
WEAK_POINTS = 20


@dataclass(frozen=True)
class Standing:
    """``interviews`` are those that were finished, the newest first."""

    counted: Statistics
    interviews: Sequence[Report]
    questions: Mapping[str, Question]
    desired_retention: float


def standing(
    store: ProgressStore, questions: Sequence[Question], now: datetime, zone: tzinfo | None = None
) -> Standing:
    """Count all of it at ``now``; ``zone`` is the machine's own where None."""
    preferences = read_preferences(store)
    calendar = Calendar(preferences, zone)
    topics = {question.id: question.topic for question in questions}
    counted = statistics(
        topics,
        store.cards(),
        tally(store, topics, calendar, lately_began(now)),
        now,
        zone,
        suspended=store.suspended(),
        flagged=len(store.flags()),
        schedule=store.schedule,
        preferences=preferences,
    )
    kept = store.interviews()
    told = [report(each, kept, questions) for each in kept if each["ended_at"] is not None]
    by_id = {question.id: question for question in questions}
    return Standing(counted, [each for each in told if each.turns], by_id, preferences.desired_retention)


def figures(standing: Standing) -> list[Figure]:
    """Every figure, also those that have nothing to show yet: an empty place would say less."""
    made = (
        _forecast(standing.counted),
        _calendar(standing.counted),
        _topics(standing.counted),
        _points(standing),
        _weakest(standing),
        _retention(standing),
        _time(standing.counted),
        _interviews(standing),
    )
    return [replace(figure, tab=_say(f"{figure.name}-tab")) for figure in made]


def _forecast(counted: Statistics) -> Bars:
    labels = [day.strftime("%m-%d") for day, _ in counted.forecast]
    values = [float(due) for _, due in counted.forecast]
    return Bars(_say("forecast"), labels, values, _say("questions-axis"), name="forecast")


def _calendar(counted: Statistics) -> Heatmap:
    """A week a column, from Monday down; days that are still to come are empty."""
    weeks = _weeks(counted.today)
    rows = [
        [
            math.nan if day > counted.today else float(counted.calendar.get(day, 0))
            for day in (monday + timedelta(days=weekday) for monday in weeks)
        ]
        for weekday in range(7)
    ]
    names = [str(weekday) for weekday in range(1, 8)]
    stage = Stage("reviews", _say("rated-axis"), [rows])
    columns = [monday.strftime("%m-%d") for monday in weeks]
    return Heatmap(
        _say("calendar"),
        [stage],
        names,
        columns,
        _say("weekday-axis"),
        _say("week-axis"),
        [_say("all")],
        "calendar",
        hole=_say("to-come"),
    )


def _topics(counted: Statistics) -> Table:
    columns = [_say(f"topic-{name}") for name in ("name", "seen", "due", "mastery", "returned", "retention", "said")]
    rows: list[list[Label | float | int | bool | None]] = [
        [
            topic_title(topic.name),
            f"{topic.seen}/{topic.questions}",
            topic.due,
            percent(topic.mastery),
            topic.returned,
            percent(topic.retention),
            percent(topic.said),
        ]
        for topic in counted.topics
    ]
    return Table(_say("topics"), columns, rows, "topics")


def key_point(question: Question, name: PointName) -> KeyPoint | None:
    """The key point that a rating names; None where it has left the question."""
    if isinstance(name, int):
        return question.key_points[name] if 0 <= name < len(question.key_points) else None
    return next((point for point in question.key_points if point.id == name), None)


def _points(standing: Standing) -> Table:
    columns = [_say(f"point-{name}") for name in ("name", "said", "half", "missed", "share", "question")]
    rows: list[list[Label | float | int | bool | None]] = []
    for point in standing.counted.points:
        there = key_point(standing.questions[point.question], point.number)
        if there is not None and len(rows) < WEAK_POINTS:
            text = _title(there.text)
            rows.append([text, point.said, point.half, point.missed, percent(point.share), point.question])
    return Table(_say("points"), columns, rows, "points")


def _weakest(standing: Standing) -> Table:
    columns = [_say(f"weak-{name}") for name in ("name", "recall", "lapses", "unsaid")]
    rows: list[list[Label | float | int | bool | None]] = [
        [
            _title(standing.questions[weak.question].question),
            percent(weak.recall),
            weak.lapses,
            percent(weak.unsaid),
        ]
        for weak in standing.counted.weakest
    ]
    return Table(_say("weakest"), columns, rows, "weakest")


def _retention(standing: Standing) -> Curve:
    """True retention week by week, beside what is wanted; a week in which nothing came back leaves a gap."""
    weeks = _weeks(standing.counted.today)
    shares = []
    for monday in weeks:
        days = [standing.counted.days.get(monday + timedelta(days=each)) for each in range(7)]
        returned = sum(day.returned for day in days if day is not None)
        recalled = sum(day.recalled for day in days if day is not None)
        shares.append(recalled / returned if returned else math.nan)
    ago = [float(number - len(weeks) + 1) for number in range(len(weeks))]
    wanted = [standing.desired_retention] * len(weeks)
    series = [Series(_say("true-retention"), ago, shares), Series(_say("wanted-retention"), ago, wanted)]
    title, across, up, hole = (_say(name) for name in ("retention", "weeks-axis", "share-axis", "none-back"))
    return Curve(title, across, up, series, name="retention", hole=hole)


def _time(counted: Statistics) -> Bars:
    weeks = _weeks(counted.today)
    minutes = [
        sum(counted.days[day].seconds for day in counted.days if monday <= day < monday + timedelta(days=7)) / 60
        for monday in weeks
    ]
    labels = [monday.strftime("%m-%d") for monday in weeks]
    return Bars(_say("time"), labels, minutes, _say("minutes-axis"), name="time", decimals=1)


def _interviews(standing: Standing) -> Table:
    columns = [
        _say(f"interview-{name}") for name in ("when", "questions", "minutes", "said", "half", "missed", "share")
    ]
    rows: list[list[Label | float | int | bool | None]] = [
        [
            each.started_at.astimezone().strftime("%Y-%m-%d %H:%M"),
            each.questions,
            round(each.seconds / 60, 1),
            each.count.said,
            each.count.half,
            each.count.missed,
            percent(each.count.share),
        ]
        for each in standing.interviews
    ]
    return Table(_say("interviews"), columns, rows, "interviews")


def _weeks(today: date) -> list[date]:
    """The Mondays of the weeks that are shown, this week's last."""
    monday = today - timedelta(days=today.weekday())
    return [monday - timedelta(weeks=ago) for ago in range(WEEKS - 1, -1, -1)]


def percent(share: float | None) -> str | None:
    return None if share is None else f"{share:.0%}"


def _title(text: Bilingual) -> Bilingual:
    return Bilingual(as_title(text.say("zh")), as_title(text.say("en")))


def _say(name: str) -> Bilingual:
    return table("standing")[name]
