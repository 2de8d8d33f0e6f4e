"""Marks a typed answer: which key points it contains.

A key point is *found* where an answer says one of its phrases, *unsure* where it says one but denies it, asks it, or
says it in one breath with the misconception, and *missed* otherwise. This is a list of phrases against a text, not an
examiner: the screen shows what was found, and the person rates themselves.

A phrase is a run of words in one clause. A Latin word matches itself and its plural, never a part of another word;
``saturat*`` matches every word with that beginning; Chinese matches wherever it stands. ``[std, sqrt]`` needs all of
its phrases in one clause.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from typing import Literal

from questions.model import Alternative, KeyPoint, Misconception
from questions.negation import denials
from questions.words import Clause, clauses, words

Status = Literal["found", "unsure", "missed"]
Span = tuple[int, int]  # characters of the answer
SHORTEST_PLURAL = 3  # letters of a word that also stands for its plural: head, not q


@dataclass(frozen=True, slots=True)
class Mark:
    """Whether a key point stands in an answer, and the words that say so."""

    status: Status
    spans: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Marking:
    """A mark for each key point, in order, and one for the misconception: ``found`` means that the answer says it."""

    points: tuple[Mark, ...]
    misconception: Mark | None = None

    @property
    def found(self) -> int:
        return sum(mark.status == "found" for mark in self.points)


def mark(answer: str, key_points: Sequence[KeyPoint], misconception: Misconception | None = None) -> Marking:
    """Mark ``answer`` by ``key_points``. The time grows with the length of the answer, whatever is in it."""
    index = _Index(clauses(answer))
    wrong = None
    if misconception is not None and misconception.match:
        wrong = index.mark(misconception.match)
        if wrong.status == "found":
            index.distrust(misconception.match)
    return Marking(tuple(index.mark(point.match) for point in key_points), wrong)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """One word of a phrase; ``begins``: any word with this beginning."""

    text: str
    begins: bool

    def forms(self) -> tuple[str, ...]:
        """The word and, where it is a Latin one, its plurals."""
        if len(self.text) < SHORTEST_PLURAL or not (self.text.isascii() and self.text.isalpha()):
            return (self.text,)
        irregular = (self.text[:-1] + "ies",) if self.text.endswith("y") else ()
        return (self.text, self.text + "s", self.text + "es", *irregular)

    def fits(self, word: str) -> bool:
        return word.startswith(self.text) if self.begins else word in self.forms()


@lru_cache(maxsize=4096)
def _pattern(phrase: str) -> tuple[_Wanted, ...]:
    wanted: list[_Wanted] = []
    for piece in phrase.split():
        found = [_Wanted(word, False) for word in words(piece)]
        if found and piece.endswith("*"):
            found[-1] = _Wanted(found[-1].text, True)
        wanted += found
    return tuple(wanted)


@dataclass(frozen=True, slots=True)
class _Hit:
    """A phrase found: its clause, and its words there."""

    clause: int
    first: int
    stop: int


class _Index:
    """The words of an answer, where each stands, and which of them are denied."""

    def __init__(self, found: list[Clause]) -> None:
        self.clauses = found
        self.places: dict[str, list[tuple[int, int]]] = {}
        for number, clause in enumerate(found):
            for position, word in enumerate(clause.words):
                self.places.setdefault(word.text, []).append((number, position))
        self.denied = [_Denied(clause) for clause in found]
        self.distrusted: set[int] = set()  # sentences that say the misconception

    def mark(self, alternatives: Sequence[Alternative]) -> Mark:
        """The best that any of the alternatives gives."""
        unsure: Mark | None = None
        for alternative in alternatives:
            for hits in self._hits(alternative):
                if self._is_said(hits):
                    return Mark("found", self._spans(hits))
                unsure = unsure or Mark("unsure", self._spans(hits))
        return unsure or Mark("missed")

    def distrust(self, alternatives: Sequence[Alternative]) -> None:
        """Trust no sentence any more that says one of these."""
        for alternative in alternatives:
            for hits in self._hits(alternative):
                if self._is_said(hits):
                    self.distrusted.add(self.clauses[hits[0].clause].sentence)

    def _hits(self, alternative: Alternative) -> Iterator[tuple[_Hit, ...]]:
        """Where the phrase stands, or, clause by clause, where all phrases of the list stand."""
        if isinstance(alternative, str):
            for hit in self._phrase(alternative):
                yield (hit,)
            return
        by_clause = [self._by_clause(phrase) for phrase in alternative]
        for number in by_clause[0]:
            if all(number in hits for hits in by_clause):
                yield tuple(hits[number] for hits in by_clause)

    def _by_clause(self, phrase: str) -> dict[int, _Hit]:
        """The phrase's first hit in each clause, one that is not denied where there is one."""
        hits: dict[int, _Hit] = {}
        for hit in self._phrase(phrase):
            if hit.clause not in hits or (not self._is_said((hits[hit.clause],)) and self._is_said((hit,))):
                hits[hit.clause] = hit
        return hits

    def _phrase(self, phrase: str) -> Iterator[_Hit]:
        wanted = _pattern(phrase)
        for number, position in self._starts(wanted[0]):
            stand = self.clauses[number].words[position : position + len(wanted)]
            fits = (each.fits(word.text) for each, word in zip(wanted, stand, strict=False))
            if len(stand) == len(wanted) and all(fits):
                yield _Hit(number, position, position + len(wanted))

    def _starts(self, wanted: _Wanted) -> Iterator[tuple[int, int]]:
        if wanted.begins:
            for word, places in self.places.items():
                if word.startswith(wanted.text):
                    yield from places
        else:
            for form in wanted.forms():
                yield from self.places.get(form, ())

    def _is_said(self, hits: Sequence[_Hit]) -> bool:
        clause = self.clauses[hits[0].clause]
        return not clause.asks and clause.sentence not in self.distrusted and self.denied[hits[0].clause].allows(hits)

    def _spans(self, hits: Sequence[_Hit]) -> tuple[Span, ...]:
        spans = set()
        for hit in hits:
            stand = self.clauses[hit.clause].words[hit.first : hit.stop]
            spans.add((stand[0].start, stand[-1].stop))
        return tuple(sorted(spans))


class _Denied:
    """How many denials cover each word of a clause. One whose cue belongs to what was looked for (不变) is let off."""

    def __init__(self, clause: Clause) -> None:
        self.denials = {denial.cue.start: denial for denial in denials(clause)}
        steps = [0] * (len(clause.words) + 1)
        for denial in self.denials.values():
            steps[denial.scope.start] += 1
            steps[denial.scope.stop] -= 1
        self.cover = list(accumulate(steps)) if self.denials else []

    def allows(self, hits: Sequence[_Hit]) -> bool:
        """Whether no word of the hits is denied."""
        if not self.denials:
            return True
        matched = {position for hit in hits for position in range(hit.first, hit.stop)}
        own = [self.denials[position] for position in matched if position in self.denials]
        own = [denial for denial in own if all(position in matched for position in denial.cue)]
        return all(self.cover[word] == sum(word in denial.scope for denial in own) for word in matched)
