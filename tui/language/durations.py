"""How long until a question comes back, as short as it fits on a button."""

from __future__ import annotations

from datetime import timedelta

from questions.bilingual import Language
from tui.language.words import words

MINUTE, HOUR, DAY = 60.0, 3600.0, 86400.0
MONTH, YEAR = 30.44 * DAY, 365.25 * DAY


def say_duration(duration: timedelta, language: Language) -> str:
    """``10 分``, ``3 小时``, ``8 天``, ``2.5 个月``, ``1.2 年``; anything under a minute is ``1 分``."""
    seconds = max(duration.total_seconds(), MINUTE)
    if seconds < HOUR - 30:
        return words("durations.minutes", language, count=round(seconds / MINUTE))
    if seconds < DAY - 1800:
        return words("durations.hours", language, count=round(seconds / HOUR))
    if seconds < 2 * MONTH:
        return words("durations.days", language, count=round(seconds / DAY))
    if seconds < YEAR:
        return words("durations.months", language, count=f"{seconds / MONTH:.1f}".removesuffix(".0"))
    return words("durations.years", language, count=f"{seconds / YEAR:.1f}".removesuffix(".0"))
