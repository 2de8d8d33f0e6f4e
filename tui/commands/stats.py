"""``stats``: what is due, what was answered, what is known."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import date, datetime, timedelta
from typing import Any

from questions.bilingual import Language
from questions.topics import topic_title
from tui.commands.context import Context
from tui.commands.notices import tell_notices, tell_problems
from tui.commands.output import paragraphs, width, write, write_json
from tui.figures.plain import figure_to_plain
from tui.language.durations import say_duration
from tui.language.words import words
from tui.practice.standing import Standing, figures, key_point, standing
from tui.practice.written import everything
from tui.progress.records import RATING_NAMES, utc_now
from tui.progress.statistics import Point, Statistics
from tui.text.layout import pad

BAR = 20  # cells of a bar of 100 %
RECENT_DAYS = 14


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true")


def run(context: Context, options: argparse.Namespace) -> int:
    bank = context.load_bank()
    tell_problems(bank.problems, context.language)
    with context.read_store() as store:
        tell_notices(store.notices, context.language)
        now = utc_now()
        stands = standing(store, everything(bank), now)
    if options.json:
        write_json(as_json(stands))
    else:
        for line in as_lines(stands.counted, context.language, now):
            for row in paragraphs(line, width()):
                write(row)
    return 0


def as_lines(counted: Statistics, language: Language, now: datetime) -> list[str]:
    """For a person: one fact a line, then what comes back on the next days, then the topics."""

    def say(name: str, **fields: Any) -> str:
        return words(f"stats.{name}", language, **fields)

    lines = [
        say("questions", questions=counted.questions, new=counted.new, due=counted.due),
        say("reviews", reviews=counted.reviews, today=counted.reviews_today, minutes=round(counted.seconds / 60)),
        say("streak", streak=counted.streak, longest=counted.longest_streak),
    ]
    if counted.retention is None:
        lines.append(say("no-retention", days=counted.retention_days))
    else:
        share = f"{counted.retention:.0%}"
        lines.append(say("retention", share=share, reviews=counted.retention_reviews, days=counted.retention_days))
    if counted.suspended or counted.flagged:
        lines.append(say("aside", suspended=counted.suspended, flagged=counted.flagged))
    if counted.next_due is not None and counted.next_due > now:
        lines.append(say("next", interval=say_duration(counted.next_due - now, language)))
    since = counted.today - timedelta(days=RECENT_DAYS)
    lines += _by_day(say("recent"), [(day, done.reviews) for day, done in sorted(counted.days.items()) if day > since])
    lines += _by_day(say("forecast"), counted.forecast)
    lines += ["", say("topics")]
    titles = {topic.name: topic_title(topic.name).say(language) for topic in counted.topics}
    widest = max((_cells(title) for title in titles.values()), default=0)
    for topic in counted.topics:
        share = f"{topic.mastery:5.0%}"
        seen = say("seen", seen=topic.seen, questions=topic.questions, due=topic.due)
        lines.append(f"  {pad(titles[topic.name], widest)}  {share}  {pad(_bar(topic.mastery), BAR)}  {seen}")
    return lines


def as_json(stands: Standing) -> dict[str, Any]:
    """Everything that was counted, under its own name, and the figures of the place Progress."""
    counted = stands.counted
    return {
        "questions": counted.questions,
        "new": counted.new,
        "due": counted.due,
        "suspended": counted.suspended,
        "flagged": counted.flagged,
        "reviews": counted.reviews,
        "reviews_today": counted.reviews_today,
        "streak": counted.streak,
        "longest_streak": counted.longest_streak,
        "retention": counted.retention,
        "retention_reviews": counted.retention_reviews,
        "retention_days": counted.retention_days,
        "ratings": {RATING_NAMES[rating]: number for rating, number in counted.ratings.items()},
        "seconds": counted.seconds,
        "next_due": counted.next_due.isoformat() if counted.next_due else None,
        "forecast": [{"day": day.isoformat(), "due": due} for day, due in counted.forecast],
        "calendar": _days(dict(sorted(counted.calendar.items()))),
        "days": {
            day.isoformat(): {
                "ratings": dict(zip(RATING_NAMES.values(), done.ratings, strict=True)),
                "seconds": done.seconds,
                "returned": done.returned,
                "recalled": done.recalled,
            }
            for day, done in sorted(counted.days.items())
        },
        "topics": [{"topic": t.name, **_fields(t, "name"), "retention": t.retention} for t in counted.topics],
        "points": [{**_fields(point), **_which(stands, point), "share": point.share} for point in counted.points],
        "weakest": [_fields(weak) for weak in counted.weakest],
        "interviews": [
            {
                "started_at": each.started_at.isoformat(),
                "ended_at": None if each.ended_at is None else each.ended_at.isoformat(),
                "language": each.language,
                "minutes": each.minutes,
                "seconds": each.seconds,
                "questions": each.questions,
                "planned": each.planned,
                **_fields(each.count),
                "share": each.count.share,
                "topics": {topic: {**_fields(c), "share": c.share} for topic, c in each.topics.items()},
            }
            for each in stands.interviews
        ],
        "figures": [figure_to_plain(figure) for figure in figures(stands)],
    }


def _fields(record: Any, *left_out: str) -> dict[str, Any]:
    return {each.name: getattr(record, each.name) for each in fields(record) if each.name not in left_out}


def _which(stands: Standing, point: Point) -> dict[str, Any]:
    """A key point by its place in its question, from 0, and by its id."""
    question = stands.questions[point.question]
    there = key_point(question, point.number)
    return {"number": None if there is None else question.key_points.index(there), "point": there and there.id}


def _by_day(title: str, days: Sequence[tuple[date, int]]) -> list[str]:
    """A line and a bar for each day that has something; nothing where none has."""
    most = max((number for _, number in days), default=0)
    bars = [f"  {day.isoformat()}  {number:4d}  {_bar(number / most)}" for day, number in days if number]
    return ["", title, *bars] if bars else []


def _days(calendar: Mapping[Any, int]) -> dict[str, int]:
    return {day.isoformat(): number for day, number in calendar.items()}


def _bar(share: float) -> str:
    return "#" * round(share * BAR)


def _cells(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)
