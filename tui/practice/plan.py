"""What a sitting begins and ends with: how much is to be done and how long it takes, and what was done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from statistics import median

from questions.bilingual import Language
from tui.language.durations import say_duration
from tui.language.words import words
from tui.progress.records import LONGEST


@dataclass(frozen=True)
class Plan:
    """``minutes`` is None before anything was timed. ``due_left`` and ``new_left`` are kept for other days."""

    due: int
    new: int
    minutes: float | None
    due_left: int = 0
    new_left: int = 0
    interview_on: date | None = None
    days_left: int | None = None


@dataclass(frozen=True)
class Summary:
    """What was done in a sitting; ``seconds`` were spent on it."""

    ratings: Mapping[int, int]
    seconds: float
    new: int

    @property
    def rated(self) -> int:
        return sum(self.ratings.values())


def minutes_for(due: int, new: int, seconds: Sequence[float], of_new: Sequence[float]) -> float | None:
    """About how long: each question at the person's own median, new ones at that of new ones.

    ``seconds`` and ``of_new`` are what each of their latest answers took, to any question and to new ones.
    """
    if not seconds:
        return None
    usual = median(min(each, LONGEST) for each in seconds)
    fresh = median(min(each, LONGEST) for each in of_new) if of_new else usual
    return (due * usual + new * fresh) / 60


def say_plan(plan: Plan, language: Language) -> list[str]:
    """The plan in a line, and one more for what is kept for other days and for the interview."""
    counts = words("practice.plan", language, due=plan.due, new=plan.new)
    if plan.minutes is not None and plan.due + plan.new:
        counts += words("practice.plan-minutes", language, minutes=max(1, round(plan.minutes)))
    lines = [counts]
    if plan.due_left or plan.new_left:
        lines.append(words("practice.plan-left", language, due=plan.due_left, new=plan.new_left))
    if plan.days_left is not None:
        name = "practice.plan-interview" if plan.days_left else "practice.plan-interview-today"
        lines.append(words(name, language, date=plan.interview_on, days=plan.days_left, new=plan.new))
    return lines


def say_summary(summary: Summary, language: Language) -> str:
    """What was done, in a line."""
    from datetime import timedelta

    if not summary.rated:
        return words("practice.summary-none", language)
    parts = {f"rating_{rating}": summary.ratings.get(rating, 0) for rating in (1, 2, 3, 4)}
    spent = say_duration(timedelta(seconds=summary.seconds), language)
    return words("practice.summary", language, rated=summary.rated, new=summary.new, time=spent, **parts)
