"""What a text of the bank may not say: a number that nothing holds.

A percentage or a decimal fraction is measured, quoted or defined. Measured and quoted ones are links
(``questions.spans``), definitions stand in a code span; a bare one is a fault. Section numbers (§3.2.1), versions
(v1.5), dates and names (GPT-3.5) are none of these.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from questions.errors import NumberError, hint, quoted
from questions.numbers import FULL_WIDTH, read_number
from questions.spans import LINK, NUMBER_KINDS, PlainSpan, parse

MOST_FAULTS = 20  # that are listed of one text
_ADDRESS = re.compile(r"(?:https?://|www\.|doi:)[^\s<>（）()，。；、「」]+")
_NUMBER = re.compile(
    r"(?<![\d.])(?:\d[\d,]*(?P<groups>(?:\.\d+)*)|(?<![A-Za-z_)\]])\.\d+)(?P<e>[eE][-+−]?\d+)?"
    r"(?P<percent>\s*(?:%|‰|(?i:percent|per\s+cent|percentage\s+points?)\b|个?百分点))?"
    r"(?P<power>\s*[×x·*]\s*10(?:(?:\^|\*\*)[-−+]?\d+|[⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]+)|(?<=10)(?:\^[-−]\d+|⁻[⁰¹²³⁴⁵⁶⁷⁸⁹]+))?"
)
_CHINESE_PERCENTAGE = re.compile(r"百分之\s*[\d零〇点两一二三四五六七八九十几]+")

# What stands before a number that is no quantity: a place in a paper, a version, a product.
_PLACE_BEFORE = re.compile(
    r"(?:§+|(?:(?<![A-Za-z])(?i:sections?|sec\.|chapters?|appendix|app\.|tables?|fig\.|figures?|eq\.|eqs\.|equations?"
    r"|theorems?|lemmas?|algorithms?|arxiv:?|versions?|v|llama|gemma|gemini|qwen|claude|mistral|phi|deepseek|python"
    r"|numpy|pytorch|mlx|cuda|transformers|textual))|第|附录|章节|图|表|公式|定理|算法|版本)\s*$"
)
_NAME_BEFORE = re.compile(r"(?:[A-Za-z]{2}|(?<![A-Za-z0-9])v|[A-Z][A-Za-z0-9]+-)$")
_PLACE_AFTER = re.compile(r"\s*(?:小?节|章|版(?!本))")
_AND_SO = re.compile(r"\s*(?:–|—|-|and|to|和|至|到|与|、)\s*")  # §3.1–3.3


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with ``text[start:stop]``."""

    code: str
    message: str
    start: int
    stop: int
    fields: dict[str, Any] = field(default_factory=dict)


def faults(text: str) -> list[Fault]:
    """The first bare numbers and malformed links of ``text``, in order."""
    return sorted(islice(_every_fault(text), MOST_FAULTS), key=lambda fault: fault.start)


def _every_fault(text: str) -> Iterator[Fault]:
    for span in parse(text):
        if isinstance(span, PlainSpan):
            for link in LINK.finditer(span.text):
                yield from _link_faults(link, span.start)
            plain = LINK.sub(lambda link: f"[{link[1]}]" + " " * (len(link[2]) + 2), span.text)
            plain = _ADDRESS.sub(lambda address: " " * len(address[0]), plain)
            yield from _bare_numbers(plain.translate(FULL_WIDTH), span.start)


def _link_faults(link: re.Match[str], offset: int) -> Iterator[Fault]:
    written, address = link.groups()
    start, stop = offset + link.start(), offset + link.end()
    scheme, colon, _ = address.partition(":")
    if scheme in ("http", "https") and colon:
        return
    if scheme in NUMBER_KINDS and colon:
        try:
            read_number(written)
        except NumberError as error:
            yield Fault(error.code, str(error), start, stop, error.fields)
        return
    known = [*NUMBER_KINDS, "https"]
    message = f"a link leads to a check, a source, a card or https://, not to {quoted(address)}{hint(scheme, known)}"
    yield Fault("link-unknown", message, start, stop, {"address": address, "known": known})


def _bare_numbers(text: str, offset: int) -> Iterator[Fault]:
    place_ended = -1  # where the last section number or version ended, for §3.1–3.3
    for match in _NUMBER.finditer(text):
        start, stop = match.span()
        dots = (match["groups"] or "").count(".")
        is_decimal = dots == 1 or match.group().startswith(".")
        measured = bool(match["percent"] or match["power"])
        if not (is_decimal or dots or measured or match["e"]):
            continue
        goes_on = place_ended >= 0 and _AND_SO.fullmatch(text, place_ended, start) and not match[0].startswith("0")
        if not measured and (dots > 1 or goes_on or _is_place(text, start, stop)):
            place_ended = stop
        elif measured or is_decimal or match["e"]:
            yield _bare(text, offset, start, stop)
    for match in _CHINESE_PERCENTAGE.finditer(text):
        yield _bare(text, offset, *match.span())


def _is_place(text: str, start: int, stop: int) -> bool:
    before = text[max(0, start - 20) : start]
    return bool(_PLACE_BEFORE.search(before) or _NAME_BEFORE.search(before) or _PLACE_AFTER.match(text, stop))


def _bare(text: str, offset: int, start: int, stop: int) -> Fault:
    written = text[start:stop].strip()
    message = (
        f"nothing holds the number {quoted(written)}: link it to what measures it, [{written}](check:NAME), "
        f"to a paper, [{written}](source:1), or to a model's card, [{written}](card:MODEL/ENTRY); "
        f"exact arithmetic and definitions go in a code span, `{written}`"
    )
    return Fault("bare-number", message, offset + start, offset + stop, {"number": written})
