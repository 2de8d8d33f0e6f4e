"""A phrase of the bank as what marking looks for: the meanings and words it needs, and of whom it is to be said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from questions.lexicon import FILLERS, lexicon, stem
from questions.words import words

SHORTEST_BEGINNING = 4  # letters of a word's beginning that may stand for meanings
DENIED = "~"  # before a phrase: it is to be denied
APART = "..."  # in a list: its phrases may stand in several clauses of one sentence


@dataclass(frozen=True, slots=True)
class Wanted:
    """A part of a phrase: a meaning of the lexicon, or a word; ``begins``: any word with this beginning."""

    text: str
    meanings: tuple[int, ...] = ()
    begins: bool = False


@dataclass(frozen=True, slots=True)
class Phrase:
    """What is looked for; with a subject, only where it is said of that (``unnamed``: or where nobody is named)."""

    parts: tuple[Wanted, ...]
    subject: tuple[Wanted, ...] = ()
    unnamed: bool = False  # said of nobody it counts as well: ``(attention) -> computed from the input``
    denied: bool = False  # said where an answer denies it: ``~ reshape directly``


@dataclass(frozen=True, slots=True)
class Sides:
    """Who a thing is to be said of, and who not."""

    subject: tuple[Wanted, ...]
    own: frozenset[int]
    rivals: frozenset[int]


@lru_cache(maxsize=8192)
def sides_of(subject: tuple[Wanted, ...]) -> Sides:
    """A subject's own side, with what the lexicon names beside it, and its rivals'."""
    own = frozenset(meaning for part in subject for meaning in part.meanings)
    known = lexicon().sides(tuple(own))
    own = own.union(*(mine for mine, _ in known))
    return Sides(subject, own, frozenset[int]().union(*(others for _, others in known)) - own)


@lru_cache(maxsize=8192)
def guards(phrases: tuple[str, ...]) -> tuple[tuple[Sides, tuple[int, ...]], ...]:
    """Of a list with one side of a pair of rivals, [decoder, queries]: that side, and the phrases said of it."""
    parts = [phrase_of(phrase).parts for phrase in phrases]
    found = []
    alone = [part[0].meanings if len(part) == 1 and not part[0].begins else () for part in parts]
    said = {meaning for meanings in alone for meaning in meanings}
    for sides in lexicon().rivals:
        if not any(side & said for side in sides):
            continue
        whole = frozenset[int]().union(*sides)
        named = [whole.intersection(meanings) for meanings in alone]
        own = frozenset[int]().union(*(side for side in sides if any(side & each for each in named)))
        others = tuple(index for index, each in enumerate(named) if not each)
        if own and own != whole and others:
            found.append((Sides((), own, whole - own), others))
    return tuple(found)


@lru_cache(maxsize=8192)
def spoken_of(*texts: str) -> tuple[Sides, ...]:
    """Of each set of rivals of which ``texts`` name one side and no other, the sides: what they say is said of it.

    A point that says of GRPO that it needs no critic is not made by who says so of PPO.
    """
    said = {meaning for text in texts for meaning in meanings_in(text)}
    found = []
    for sides in lexicon().persons:
        own = [side for side in sides if side & said]
        if len(own) == 1:
            found.append(Sides((), own[0], frozenset[int]().union(*sides) - own[0]))
    return tuple(found)


@lru_cache(maxsize=65536)
def names(written: str, sides: Sides) -> bool:
    """Whether a phrase itself says of which side it speaks."""
    phrase = phrase_of(written)
    whole = sides.own | sides.rivals
    return any(whole.intersection(part.meanings) for part in (*phrase.parts, *phrase.subject))


def meanings_in(text: str) -> Iterator[int]:
    """What a text means, the longest expressions from left to right."""
    for part in _parts(text):
        yield from part.meanings


@lru_cache(maxsize=8192)
def phrase_of(written: str) -> Phrase:
    subject, arrow, predicate = written.removeprefix(DENIED).rpartition("->")
    subject = subject.strip()
    unnamed = subject.startswith("(") and subject.endswith(")")
    return Phrase(_parts(predicate), _parts(subject) if arrow else (), unnamed, written.startswith(DENIED))


def _parts(written: str) -> tuple[Wanted, ...]:
    found: list[Wanted] = []
    pieces: list[str] = []  # since the last word that is only a beginning
    for piece in written.split():
        beginning = words(piece) if piece.endswith("*") else ()
        if not beginning:
            pieces.append(piece)
            continue
        *whole, prefix = beginning
        found += _whole(words(" ".join([*pieces, *whole])))
        found.append(Wanted(prefix, lexicon().beginning(prefix) if len(prefix) >= SHORTEST_BEGINNING else (), True))
        pieces = []
    return (*found, *_whole(words(" ".join(pieces))))


def _whole(spelled: Sequence[str]) -> Iterator[Wanted]:
    """The longest expressions of the lexicon from left to right; what it does not have stands for itself."""
    stems = [stem(word) for word in spelled if word not in FILLERS] or list(spelled)
    longest: dict[int, tuple[int, tuple[int, ...]]] = {}
    for start, stop, meanings in lexicon().expressions(stems):
        longest.setdefault(start, (stop, meanings))
    index = 0
    while index < len(stems):
        stop, meanings = longest.get(index, (index + 1, ()))
        yield Wanted(" ".join(stems[index:stop]), meanings)
        index = stop
