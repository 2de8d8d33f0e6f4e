"""Which dates are trained on and which are held out: by date, so that no format of a held-out date is ever seen."""

from __future__ import annotations

import datetime
import hashlib
from functools import cache

from mlxformer.pretrained.dates.formats import all_dates

HELD_OUT = 24  # one date in so many
HELD_OUT_LEAP_DAYS = 4  # one 29 February in so many: of the 49 there are, enough to measure


def is_held_out(date: datetime.date) -> bool:
    """Whether a date is never trained on: by a hash of it, and so the same for every seed and in every version.

    Args:
        date: any.

    Returns:
        True for one date in 24, and for one 29 February in 4.

    >>> import datetime
    >>> from mlxformer.pretrained.dates.split import is_held_out
    >>> sum(is_held_out(datetime.date(2026, 1, day)) for day in range(1, 32)) < 6
    True
    """
    digest = hashlib.sha256(date.isoformat().encode()).digest()
    one_in = HELD_OUT_LEAP_DAYS if (date.month, date.day) == (2, 29) else HELD_OUT
    return int.from_bytes(digest[:4], "big") % one_in == 0


def training_dates() -> list[datetime.date]:
    """The dates that may be trained on.

    Returns:
        About 70,000 dates.

    >>> from mlxformer.pretrained.dates.split import held_out_dates, training_dates
    >>> len(training_dates()) + len(held_out_dates())
    73049
    """
    return list(_parted()[0])


def held_out_dates() -> list[datetime.date]:
    """The dates that the models are measured on.

    Returns:
        About 3,000 dates, 29 February among them.

    >>> from mlxformer.pretrained.dates.split import held_out_dates
    >>> any((date.month, date.day) == (2, 29) for date in held_out_dates())
    True
    """
    return list(_parted()[1])


@cache
def _parted() -> tuple[list[datetime.date], list[datetime.date]]:
    """For training and held out; kept, because 73,049 hashes take half a second."""
    found: tuple[list[datetime.date], list[datetime.date]] = ([], [])
    for date in all_dates():
        found[is_held_out(date)].append(date)
    return found
