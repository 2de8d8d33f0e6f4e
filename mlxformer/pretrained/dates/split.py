"""Which dates are trained on and which are held out: by date, so that no format of a held-out date is ever seen."""

from __future__ import annotations

import datetime
import hashlib

from mlxformer.pretrained.dates.formats import all_dates

HELD_OUT = 24  # one date in so many
HELD_OUT_LEAP_DAYS = 4  # one 29 February in so many: of the 49 there are, enough to measure


def is_held_out(date: datetime.date) -> bool:
    """By a hash of the date, and so the same for every seed and in every version."""
    digest = hashlib.sha256(date.isoformat().encode()).digest()
    one_in = HELD_OUT_LEAP_DAYS if (date.month, date.day) == (2, 29) else HELD_OUT
    return int.from_bytes(digest[:4], "big") % one_in == 0


def training_dates() -> list[datetime.date]:
    return [date for date in all_dates() if not is_held_out(date)]


def held_out_dates() -> list[datetime.date]:
    """About 3,000 dates, 29 February among them."""
    return [date for date in all_dates() if is_held_out(date)]
