"""A text of the bank, taken apart: plain Markdown, code, and numbers that link to what holds them.

``[61 %](check:saturated-rows)`` is measured by a check of the question's experiment, ``[28.4](source:1)`` stands in
the question's first source, ``[0.93](card:reverse-gru/accuracy@40)`` in a trained model's card. Code spans and code
blocks are left alone: definitions and exact arithmetic stand there.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal, cast

from questions.errors import NumberError
from questions.numbers import Quantity, read_number

NumberKind = Literal["check", "source", "card"]
NUMBER_KINDS: tuple[NumberKind, ...] = ("check", "source", "card")

LINK = re.compile(r"\[([^\[\]\n]*)\]\(([^()\s]*)\)")
_TICKS = re.compile(r"`+")
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})[^\n]*\n?", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class PlainSpan:
    """Markdown without a number link, as written."""

    text: str
    start: int


@dataclass(frozen=True, slots=True)
class CodeSpan:
    """A code span or a fenced block, with its backticks. ``block`` tells which."""

    text: str
    start: int
    block: bool


@dataclass(frozen=True, slots=True)
class NumberSpan:
    """A number and what holds it: the name of a check, the number of a source (from 1), a card's model and entry."""

    text: str  # the whole link
    start: int
    written: str  # what a reader sees: 61 %
    kind: NumberKind
    target: str
    quantity: Quantity


Span = PlainSpan | CodeSpan | NumberSpan


@lru_cache(256)  # each text of an item is looked at several times while it is judged
def parse(text: str) -> tuple[Span, ...]:
    """The spans of ``text`` in order; their texts put together are ``text``. A link that is malformed stays plain."""
    spans: list[Span] = []
    for start, stop, code in _pieces(text):
        if code:
            spans.append(CodeSpan(text[start:stop], start, block=code == "block"))
        else:
            spans += _numbers(text[start:stop], start)
    return tuple(spans)


def numbers(text: str) -> tuple[NumberSpan, ...]:
    """The number links of ``text``."""
    if "](" not in text:  # nearly every text: no link stands there
        return ()
    return tuple(span for span in parse(text) if isinstance(span, NumberSpan))


def _numbers(text: str, offset: int) -> Iterator[Span]:
    done = 0
    for link in LINK.finditer(text):
        span = _number(link, offset)
        if span is None:
            continue
        if link.start() > done:
            yield PlainSpan(text[done : link.start()], offset + done)
        yield span
        done = link.end()
    if done < len(text):
        yield PlainSpan(text[done:], offset + done)


def _number(link: re.Match[str], offset: int) -> NumberSpan | None:
    written, address = link.groups()
    kind, colon, target = address.partition(":")
    if not colon or kind not in NUMBER_KINDS:
        return None
    try:
        quantity = read_number(written)
    except NumberError:
        return None
    return NumberSpan(link.group(), offset + link.start(), written, cast(NumberKind, kind), target, quantity)


def _pieces(text: str) -> Iterator[tuple[int, int, Literal["", "span", "block"]]]:
    """Where ``text`` is prose and where code, in one pass: fenced blocks first, then spans between equal backticks."""
    done = 0
    fence = _FENCE.search(text)
    while fence:
        yield from _inline_pieces(text, done, fence.start())
        mark = fence.group(1)
        end = re.compile(rf"^ {{0,3}}{mark[0]}{{{len(mark)},}}[ \t]*$", re.MULTILINE)
        close = end.search(text, fence.end())
        done = close.end() if close else len(text)
        yield fence.start(), done, "block"
        fence = _FENCE.search(text, done)
    yield from _inline_pieces(text, done, len(text))


def _inline_pieces(text: str, start: int, stop: int) -> Iterator[tuple[int, int, Literal["", "span", "block"]]]:
    ticks = [match.span() for match in _TICKS.finditer(text, start, stop)]
    last: dict[int, int] = {begin_end[1] - begin_end[0]: index for index, begin_end in enumerate(ticks)}
    done, index = start, 0
    while index < len(ticks):
        begin, end = ticks[index]
        index += 1
        if last[end - begin] < index:  # no run of this length follows: the backticks are only themselves
            continue
        while ticks[index][1] - ticks[index][0] != end - begin:
            index += 1
        if begin > done:
            yield done, begin, ""
        done = ticks[index][1]
        yield begin, done, "span"
        index += 1
    if done < stop:
        yield done, stop, ""
