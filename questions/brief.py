"""What one says in a minute: the ``brief`` of a question, and the limits that keep it sayable.

What is counted is what is said: ideographs in Chinese, words between blanks in English, of a link its text. Code spans
are read with the eye and not counted.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from questions.bilingual import Bilingual, Language
from questions.nodes import Node
from questions.reading import BROKEN, Broken, Reading
from questions.shapes import BILINGUAL, Schema
from questions.spans import LINK, CodeSpan, NumberSpan, PlainSpan, parse
from questions.words import IDEOGRAPHS

MOST_IDEOGRAPHS = 220
MOST_WORDS = 130
MOST_NUMBERS = 3

_HAN = re.compile(f"[{IDEOGRAPHS}]")
_LIMITS: dict[Language, tuple[int, str]] = {"zh": (MOST_IDEOGRAPHS, "Chinese characters"), "en": (MOST_WORDS, "words")}


def spoken_length(text: str, language: Language) -> int:
    """How long ``text`` is to say: its ideographs in Chinese (``zh``), its words between blanks in English (``en``)."""
    said = "".join(_said(span) for span in parse(text))
    return len(_HAN.findall(said)) if language == "zh" else len(said.split())


def _said(span: PlainSpan | CodeSpan | NumberSpan) -> str:
    if isinstance(span, CodeSpan):
        return ""
    return span.written if isinstance(span, NumberSpan) else LINK.sub(r"\1", span.text)


@dataclass(frozen=True)
class Brief:
    """A text in two languages, each of which can be said in a minute."""

    def read(self, node: Node, key: str, reading: Reading) -> Bilingual | Broken:
        text: Bilingual | Broken = BILINGUAL.read(node, key, reading)
        if isinstance(text, Broken):
            return BROKEN
        sound = True
        for language, (limit, unit) in _LIMITS.items():
            child = node.get(language)
            if child is None:
                continue
            sound = self._judge(child, f"{key}.{language}", language, limit, unit, reading) and sound
        return text if sound else BROKEN

    def _judge(self, node: Node, key: str, language: Language, limit: int, unit: str, reading: Reading) -> bool:
        count = spoken_length(node.value, language)
        if count > limit:
            message = f"a brief is said in a minute: at most {limit} {unit}, not {count}; move the rest to 'answer'"
            reading.problem("brief-too-long", message, node, key, count=count, limit=limit, language=language)
        links = sum(isinstance(span, NumberSpan) for span in parse(node.value))
        if links > MOST_NUMBERS:
            message = f"a brief has at most {MOST_NUMBERS} linked numbers, not {links}; keep those that one would say"
            reading.problem("brief-numbers", message, node, key, count=links, limit=MOST_NUMBERS)
        return count <= limit and links <= MOST_NUMBERS

    def write(self, part: Bilingual) -> dict[str, str]:
        written: dict[str, str] = BILINGUAL.write(part)
        return written

    def schema(self) -> Schema:
        return BILINGUAL.schema()
