"""``stats``: what is due, what was answered, what is known."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from questions.bilingual import Language
from questions.loader import Bank
from questions.topics import topic_title
from tui.bank import load_bank
from tui.commands.context import Context
from tui.commands.notices import tell_notices, tell_problems
from tui.commands.output import paragraphs, width, write, write_json
from tui.language.durations import say_duration
from tui.language.words import words
from tui.progress.preferences import read_preferences
from tui.progress.records import RATING_NAMES, utc_now
from tui.progress.statistics import Statistics, statistics
from tui.progress.store import ProgressStore
from tui.text.layout import pad

BAR = 20  # cells of a bar of 100 %
RECENT_DAYS = 14


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true")


def run(context: Context, options: argparse.Namespace) -> int:
    bank = load_bank(context.questions)
    tell_problems(bank.problems, context.language)
    with context.read_store() as store:
        tell_notices(store.notices, context.language)
        now = utc_now()
        counted = count(store, bank, now)
    if options.json:
        write_json(as_json(counted))
    else:
        for line in as_lines(counted, context.language, now):
            for row in paragraphs(line, width()):
                write(row)
    return 0


def count(store: ProgressStore, bank: Bank, now: datetime) -> Statistics:
    """The statistics of ``store`` over the questions of ``bank``."""
    return statistics(
        {question.id: question.topic for question in bank.questions},
        store.cards(),
        store.reviews(),
        now,
        suspended=store.suspended(),
        flagged=len(store.flags()),
        schedule=store.schedule,
        preferences=read_preferences(store),
    )


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
    since = now.astimezone().date() - timedelta(days=RECENT_DAYS)
    lines += _by_day(say("recent"), [(day, number) for day, number in counted.calendar.items() if day > since])
    lines += _by_day(say("forecast"), counted.forecast)
    lines += ["", say("topics")]
    titles = {topic.name: topic_title(topic.name).say(language) for topic in counted.topics}
    widest = max((_cells(title) for title in titles.values()), default=0)
    for topic in counted.topics:
        share = f"{topic.mastery:5.0%}"
        seen = say("seen", seen=topic.seen, questions=topic.questions, due=topic.due)
        lines.append(f"  {pad(titles[topic.name], widest)}  {share}  {pad(_bar(topic.mastery), BAR)}  {seen}")
    return lines


def as_json(counted: Statistics) -> dict[str, Any]:
    """Everything that was counted, under its own name."""
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
        "calendar": _days(counted.calendar),
        "topics": [
            {"topic": t.name, "questions": t.questions, "seen": t.seen, "due": t.due, "mastery": t.mastery}
            for t in counted.topics
        ],
    }


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
