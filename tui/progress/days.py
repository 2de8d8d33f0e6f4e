"""A person's day: it ends at the rollover hour (4 am), not at midnight, in the time zone where they are.

Who studies until one in the morning is still in yesterday's sitting; what comes back "tomorrow" comes back after sleep.
"""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta, tzinfo

ROLLOVER_HOUR = 4


def study_day(moment: datetime, rollover: int = ROLLOVER_HOUR, zone: tzinfo | None = None) -> date:
    """The day that ``moment`` belongs to; ``zone`` is the machine's own where None."""
    local = moment.astimezone(zone)
    return local.date() - timedelta(days=local.hour < rollover)


def day_begins(day: date, rollover: int = ROLLOVER_HOUR, zone: tzinfo | None = None) -> datetime:
    """The moment, in UTC, at which ``day`` begins."""
    local = datetime.combine(day, time(rollover), zone)
    return local.astimezone(UTC)  # without a zone: as the machine's own clock has it
