"""Whether a text says at which settings its measured numbers were measured.

A share of 61 % says nothing without its ``d_k = 512``. As far as it can be seen from outside: a text names the value of
one of the knobs that the experiment is run at, in digits or, up to twelve, in words, or another number beside its own.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from itertools import pairwise

from questions.numbers import FULL_WIDTH
from questions.spans import NumberSpan, PlainSpan, parse

_ENGLISH = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"]
_CHINESE = ["零", "一", "两|二", "三", "四", "五", "六", "七", "八", "九", "十", "十一", "十二"]


def unsettled(text: str, values: Collection[float]) -> str | None:
    """The first link to a check whose settings ``text`` does not say, or None.

    They are said where the text names one of ``values`` outside its links, or the link's own paragraph any number that
    is no link and no code.

    >>> unsettled("at d_k = 512, [61 %](check:saturated-rows)", [512]), unsettled("[512 ± 9](check:variance)", [512])
    (None, '[512 ± 9](check:variance)')
    """
    spans = parse(text)
    plain = _digits("".join(" " if isinstance(span, NumberSpan) else span.text for span in spans))
    if any(re.search(_written(value), plain, re.IGNORECASE) for value in values):
        return None
    starts = [0, *(match.end() for match in re.finditer(r"\n\s*\n", text)), len(text) + 1]
    for start, stop in pairwise(starts):
        here = [span for span in spans if start <= span.start < stop]
        links = [span for span in here if isinstance(span, NumberSpan)]
        measured = next((span.text for span in links if span.kind == "check"), None)
        said = any(
            isinstance(span, PlainSpan) and re.search(r"\d", _digits(_within(span, start, stop))) for span in spans
        )
        if measured and not said:
            return measured
    return None


def _within(span: PlainSpan, start: int, stop: int) -> str:
    """The part of a span between two places of the text."""
    return span.text[max(start - span.start, 0) : max(stop - span.start, 0)]


def _digits(text: str) -> str:
    return text.translate(FULL_WIDTH).replace(",", "")


def _written(value: float) -> str:
    ways = [rf"(?<![\d.]){re.escape(f'{value:g}')}(?!\d|\.\d)"]
    if value == int(value):
        ways.append(rf"(?<![\d.]){int(value)}(?!\d|\.\d)")
        if value >= 10_000 and value % 1000 == 0:
            ways.append(rf"(?<![\d.]){value / 10_000:g}\s*万")
        if 0 <= value <= 12:
            ways += [rf"\b{_ENGLISH[int(value)]}\b", f"(?:{_CHINESE[int(value)]})"]
    elif 0 < value < 1:
        ways.append(rf"(?<![\d.]){100 * value:g}\s*%")
    return "|".join(ways)
