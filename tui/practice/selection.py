"""Studying a part of the bank: by topic, level, source, flag or search."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from questions.bilingual import Bilingual, say
from questions.topics import topic_title

if TYPE_CHECKING:
    from questions.model import CodeQuestion, Question

Item = TypeVar("Item", bound="Question | CodeQuestion")


@dataclass(frozen=True)
class Selection:
    """A question is in it where it meets everything that is given."""

    topics: tuple[str, ...] = ()
    levels: tuple[int, ...] = ()
    source: str = ""  # a part of where the item comes from (``p1``), or of a cited title
    flagged: bool = False
    search: str = ""
    kind: str = ""  # open, answered in words, or code
    ids: frozenset[str] | None = None  # these and no others: what a list showed

    def __bool__(self) -> bool:
        return self != Selection()

    def of(self, questions: Sequence[Item], flags: Collection[str] = ()) -> list[Item]:
        """Those of ``questions`` that are in it; ``flags`` are the questions reported as wrong."""
        return [question for question in questions if self._has(question, flags)]

    def _has(self, question: Question | CodeQuestion, flags: Collection[str]) -> bool:
        if self.ids is not None and question.id not in self.ids:
            return False
        if self.kind and question.kind != self.kind:
            return False
        if self.topics and question.topic not in self.topics:
            return False
        if self.levels and question.level not in self.levels:
            return False
        if self.flagged and question.id not in flags:
            return False
        if self.source and not _contains(_sources(question), self.source):
            return False
        return not self.search or _contains(_texts(question), self.search)


def _contains(text: str, wanted: str) -> bool:
    """Whether every word of ``wanted`` stands in ``text``, in any letter case and width."""
    folded = _fold(text)
    return all(word in folded for word in _fold(wanted).split())


def _fold(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


def _sources(question: Question | CodeQuestion) -> str:
    titles = [both(source.title) for source in question.sources]
    return "\n".join([*question.source, *titles])


def _texts(question: Question | CodeQuestion) -> str:
    """The question and its key points in both languages: what is searched by words that a person remembers."""
    points = [both(point.text) for point in question.key_points]
    return "\n".join([question.id, both(topic_title(question.topic)), both(question.question), *points])


def both(text: Bilingual | str) -> str:
    return f"{say(text, 'zh')}\n{say(text, 'en')}"
