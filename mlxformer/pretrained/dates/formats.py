"""Dates as people write them, in English and Chinese, and which characters say the year, the month and the day.

Every format is a list of pieces; a piece knows the field that it says, so that the source span of each field is known
exactly and the model's alignment can be measured.
"""

from __future__ import annotations

import datetime
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

Field = Literal["year", "month", "day"]
FIRST, LAST = datetime.date(1900, 1, 1), datetime.date(2099, 12, 31)

MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
CHINESE_WEEKDAYS = "一二三四五六日"
CHINESE_DIGITS = "〇一二三四五六七八九"
FULL_WIDTH = str.maketrans("0123456789", "０１２３４５６７８９")


@dataclass(frozen=True)
class Piece:
    """A run of characters, and the field that they say.

    The 月 of 11月 is part of its field, as are the "rd" of 23rd and the "ember" of November: after one digit it is what
    says that the month's first digit is 0.

    Args:
        text: the characters.
        field: ``"year"``, ``"month"`` or ``"day"``; None for commas and weekdays.

    >>> from mlxformer.pretrained.dates.formats import Piece
    >>> Piece("11月", "month").text
    '11月'
    """

    text: str
    field: Field | None = None


@dataclass(frozen=True)
class WrittenDate:
    """A date as it is written.

    Args:
        text: the characters.
        spans: the half-open character ranges of the three fields in ``text``.

    >>> from mlxformer.pretrained.dates.formats import WrittenDate
    >>> WrittenDate("20261123", {"year": (0, 4), "month": (4, 6), "day": (6, 8)}).spans["day"]
    (6, 8)
    """

    text: str
    spans: dict[Field, tuple[int, int]]


def _english_day(day: int) -> str:
    if day in (11, 12, 13):
        return f"{day}th"
    return f"{day}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(day % 10, 'th') }"


def chinese_number(number: int) -> str:
    """A number as it is read: 十, 十一, 二十, 二十三.

    Args:
        number: 1 to 31.

    Returns:
        Chinese numerals.

    >>> from mlxformer.pretrained.dates.formats import chinese_number
    >>> chinese_number(23)
    '二十三'
    """
    tens, ones = divmod(number, 10)
    head = "" if tens == 0 else ("十" if tens == 1 else CHINESE_DIGITS[tens] + "十")
    return head + (CHINESE_DIGITS[ones] if ones else "")


def _chinese_year(year: int, zero: str) -> str:
    return "".join(CHINESE_DIGITS[int(digit)] for digit in str(year)).replace("〇", zero)


def _chinese_weekday(date: datetime.date, generator: random.Random) -> list[Piece]:
    """Nothing, 星期一 or 周一; Sunday is also 天."""
    style = generator.choice(("", "", "星期", "周"))
    if not style:
        return []
    day = CHINESE_WEEKDAYS[date.weekday()]
    if day == "日" and generator.random() < 0.5:
        day = "天"
    return [Piece(generator.choice(("", " ")) + style + day)]


Format = Callable[[datetime.date, random.Random], list[Piece]]


def _day_month_year(date: datetime.date, generator: random.Random) -> list[Piece]:  # 23 November 2026
    return [
        Piece(str(date.day), "day"), Piece(" "), Piece(MONTHS[date.month - 1], "month"), Piece(" "),
        Piece(str(date.year), "year"),
    ]  # fmt: skip


def _short_month_day_year(date: datetime.date, generator: random.Random) -> list[Piece]:  # Nov 23, 2026
    return [
        Piece(MONTHS[date.month - 1][:3], "month"), Piece(" "), Piece(str(date.day), "day"), Piece(", "),
        Piece(str(date.year), "year"),
    ]  # fmt: skip


def _ordinal(date: datetime.date, generator: random.Random) -> list[Piece]:  # 23rd of November, 2026
    return [
        Piece(_english_day(date.day), "day"), Piece(" of "), Piece(MONTHS[date.month - 1], "month"), Piece(", "),
        Piece(str(date.year), "year"),
    ]  # fmt: skip


def _weekday_month_day_year(date: datetime.date, generator: random.Random) -> list[Piece]:  # Monday, November 23, 2026
    return [
        Piece(f"{WEEKDAYS[date.weekday()]}, "), Piece(MONTHS[date.month - 1], "month"), Piece(" "),
        Piece(str(date.day), "day"), Piece(", "), Piece(str(date.year), "year"),
    ]  # fmt: skip


def _dashed(date: datetime.date, generator: random.Random) -> list[Piece]:  # 23-Nov-2026
    return [
        Piece(f"{date.day:02d}" if generator.random() < 0.5 else str(date.day), "day"), Piece("-"),
        Piece(MONTHS[date.month - 1][:3], "month"), Piece("-"), Piece(str(date.year), "year"),
    ]  # fmt: skip


def _separated(separator: str) -> Format:  # 2026/11/23, 2026.11.23
    def write(date: datetime.date, generator: random.Random) -> list[Piece]:
        padded = generator.random() < 0.5
        month, day = (f"{date.month:02d}", f"{date.day:02d}") if padded else (str(date.month), str(date.day))
        return [
            Piece(str(date.year), "year"), Piece(separator), Piece(month, "month"), Piece(separator), Piece(day, "day")
        ]  # fmt: skip

    return write


def _compact(date: datetime.date, generator: random.Random) -> list[Piece]:  # 20261123
    return [Piece(str(date.year), "year"), Piece(f"{date.month:02d}", "month"), Piece(f"{date.day:02d}", "day")]


def _arabic_chinese(day_word: str) -> Format:  # 2026年11月23日, 2026年11月23号, either in full-width digits
    def write(date: datetime.date, generator: random.Random) -> list[Piece]:
        padded = generator.random() < 0.25
        month, day = (f"{date.month:02d}", f"{date.day:02d}") if padded else (str(date.month), str(date.day))
        pieces = [Piece(f"{date.year}年", "year"), Piece(f"{month}月", "month"), Piece(day + day_word, "day")]
        if generator.random() < 0.25:
            pieces = [Piece(piece.text.translate(FULL_WIDTH), piece.field) for piece in pieces]
        return pieces + _chinese_weekday(date, generator)

    return write


def _chinese_numerals(date: datetime.date, generator: random.Random) -> list[Piece]:  # 二〇二六年十一月二十三日
    zero = generator.choice("〇零○")
    return [
        Piece(_chinese_year(date.year, zero) + "年", "year"), Piece(chinese_number(date.month) + "月", "month"),
        Piece(chinese_number(date.day) + generator.choice("日日号"), "day"), *_chinese_weekday(date, generator),
    ]  # fmt: skip


def _mixed(date: datetime.date, generator: random.Random) -> list[Piece]:  # 二零二六年11月23日
    zero = generator.choice("零〇○")
    return [
        Piece(_chinese_year(date.year, zero) + "年", "year"), Piece(f"{date.month}月", "month"),
        Piece(str(date.day) + generator.choice("日日号"), "day"), *_chinese_weekday(date, generator),
    ]  # fmt: skip


FORMATS: dict[str, Format] = {
    "23 November 2026": _day_month_year,
    "Nov 23, 2026": _short_month_day_year,
    "23rd of November, 2026": _ordinal,
    "Monday, November 23, 2026": _weekday_month_day_year,
    "23-Nov-2026": _dashed,
    "2026/11/23": _separated("/"),
    "2026.11.23": _separated("."),
    "20261123": _compact,
    "2026年11月23日": _arabic_chinese("日"),
    "2026年11月23号": _arabic_chinese("号"),
    "二〇二六年十一月二十三日": _chinese_numerals,
    "二零二六年11月23日": _mixed,
}


def write_date(date: datetime.date, name: str, generator: random.Random) -> WrittenDate:
    """A date in one of the formats; case, zeros and weekdays vary.

    Args:
        date: what is written.
        name: of the format, a key of ``FORMATS``.
        generator: what draws the variations.

    Returns:
        The text, and where its fields stand.

    >>> import datetime, random
    >>> from mlxformer.pretrained.dates.formats import write_date
    >>> write_date(datetime.date(2026, 11, 23), "20261123", random.Random(0)).text
    '20261123'
    """
    pieces = FORMATS[name](date, generator)
    recase = generator.choice((str, str, str.lower, str.upper))
    text, spans = "", {}
    for piece in pieces:
        if piece.field is not None:
            spans[piece.field] = (len(text), len(text) + len(piece.text))
        text += recase(piece.text)
    return WrittenDate(text, spans)


def all_dates() -> list[datetime.date]:
    """The dates that the models are for: 1900-01-01 to 2099-12-31.

    Returns:
        73,049 dates.

    >>> from mlxformer.pretrained.dates.formats import all_dates
    >>> len(all_dates())
    73049
    """
    return [FIRST + datetime.timedelta(days=day) for day in range((LAST - FIRST).days + 1)]
