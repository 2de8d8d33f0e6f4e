"""What the field says in two languages and many spellings: which words mean one thing, and which things are rivals.

The meanings stand in ``lexicon.txt``. Latin words are compared by their stems, so inflection is no author's concern.
"""

from __future__ import annotations

import importlib.resources
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from questions.words import words

# Passed over: they stand between the words of an expression and change nothing.
FILLERS = frozenset(["a", "an", "the", "of", "its", "their", "的", "了", "都", "也", "会", "很", "更"])

_IRREGULAR = {
    form: verb
    for verb, forms in {
        "grow": "grew grown",
        "fall": "fell fallen",
        "keep": "kept",
        "see": "saw seen",
        "take": "took taken",
        "give": "gave given",
        "lose": "lost",
        "hold": "held",
        "build": "built",
        "choose": "chose chosen",
        "draw": "drew drawn",
        "learn": "learnt",
        "shrink": "shrank shrunk",
        "rise": "rose risen",
        "split": "splitting",
        "find": "found",
        "guarantee": "guaranteed",
        "agree": "agreed",
        "feed": "fed",
        "matrix": "matrices",
        "index": "indices",
        "attend": "attends attended attending",
        "axis": "axes",
        "not": "cannot can't cant don't doesn't isn't aren't won't wasn't weren't didn't dont doesnt isnt arent",
    }.items()
    for form in forms.split()
}
_UNTOUCHED = frozenset(
    [
        "during",
        "directional",
        "times",
        "nothing",
        "something",
        "anything",
        "everything",
        "string",
        "series",
        "meaning",
        "bias",
        "bring",
    ]
)
_VOWEL = re.compile("[aeiouy]")
_BRITISH = (
    (re.compile(r"(?<=^[a-z]{3})([a-z]*)is(ation|ations|e|es|ed|ing|er|ers)$"), r"\1iz\2"),  # quantise
    (re.compile(r"(?<=^[a-z]{3})([a-z]*)our(?=$|s$|ed$|ing$|al$|hood)"), r"\1or"),  # neighbouring
    (re.compile(r"^(model|label|cancel|channel|signal|travel)l(?=ed$|ing$|er$|ers$)"), r"\1"),  # labelled
    (re.compile(r"^analys(?=e|ing$)"), "analyz"),
    (re.compile(r"^centre(?=d?$|s$)"), "center"),
    (re.compile(r"^centerd"), "centered"),
    (re.compile(r"^grey"), "gray"),
)


@lru_cache(maxsize=8192)
def american(word: str) -> str:
    """A word in the spelling of the bank: neighbouring → neighboring. What is spelled otherwise is the same word."""
    for british, spelled in _BRITISH:
        word = british.sub(spelled, word)
    return word


def begins(word: str, beginning: str) -> bool:
    """Whether ``word`` begins so, in either spelling: behaviours with behavior."""
    return word.startswith(beginning) or american(word).startswith(american(beginning))


@lru_cache(maxsize=8192)
def stem(word: str) -> str:
    """A Latin word less its ending: saturates, saturated, saturation → saturat. Others stay as they are."""
    if word in _IRREGULAR:
        return stem(_IRREGULAR[word])
    if len(word) < 4 or not (word.isascii() and word.isalpha()) or word in _UNTOUCHED:
        return (
            word[:-1] if len(word) == 3 and word[-1] == "s" and word[0] not in "aeiou" and word[1] in "qkvn" else word
        )
    word = american(word)
    if word.endswith("ies") and len(word) > 4:
        word = word[:-3] + "y"
    elif word.endswith(("sses", "xes", "ches", "shes")):
        word = word[:-2]
    elif word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending in ("ional", "ization", "ation", "ing", "ed", "ion", "ly"):
        base = word[: -len(ending)]
        if word.endswith(ending) and len(base) >= 3 and _VOWEL.search(base):
            word = base + {"ional": "ion", "ization": "iz", "ation": "at"}.get(ending, "")
            if len(word) > 3 and word[-1] == word[-2] and word[-1] not in "lsz" and ending in ("ing", "ed"):
                word = word[:-1]
            if ending == "ional":
                word = word[:-3]
            break
    return word.removesuffix("e") if len(word) > 4 else word


Content = tuple[str, ...]  # stems, less the fillers


def content(phrase: str) -> Content:
    return tuple(stem(word) for word in words(phrase) if word not in FILLERS)


@dataclass(slots=True)
class _Branch:
    """A place in the tree of expressions: how they go on, and the meanings of the one that ends here."""

    further: dict[str, _Branch] = field(default_factory=dict)
    meanings: tuple[int, ...] = ()


class Lexicon:
    """Meanings by number, and a tree of their expressions."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._root = _Branch()
        self.opaque: set[int] = set()
        self.harms: set[int] = set()
        self.rivals: list[list[frozenset[int]]] = []
        self.persons: list[list[frozenset[int]]] = []  # the rivals of which one may be what a whole point speaks of
        lists: list[str] = []
        number = 0
        for line in lines:
            line = line.split("#")[0].strip()
            if line.startswith("~"):
                lists.append(line)
            elif line:
                flags = self.opaque if line[0] == "!" else self.harms if line[0] == "-" else set()
                flags.add(number)
                for expression in line.lstrip("!- ").split("|"):
                    self._plant(content(expression), number)
                    if line.startswith("!!"):  # each a word of its own, meaning nothing of what its neighbors do
                        number += 1
                        flags.add(number)
                number += 1
        for line in lists:
            sides = [self._side(side, number + index) for index, side in enumerate(line.lstrip("~").split(";"))]
            number += len(sides)
            self.rivals.append(sides)
            if line.startswith("~~"):
                self.persons.append(sides)

    def _plant(self, expression: Content, number: int) -> None:
        branch = self._root
        for each in expression:
            branch = branch.further.setdefault(each, _Branch())
        if number not in branch.meanings:
            branch.meanings += (number,)

    def _side(self, side: str, fresh: int) -> frozenset[int]:
        """The meanings of one side; what the lexicon does not have becomes a meaning."""
        found: set[int] = set()
        for expression in side.split(","):
            meanings = self.meanings(content(expression))
            if not meanings:
                self._plant(content(expression), fresh)
                meanings = (fresh,)
            found.update(meanings)
        return frozenset(found)

    def meanings(self, expression: Content) -> tuple[int, ...]:
        """The meanings of an expression as a whole."""
        branch: _Branch | None = self._root
        for each in expression:
            branch = branch.further.get(each) if branch else None
        return branch.meanings if branch else ()

    def expressions(self, text: Sequence[str]) -> Iterator[tuple[int, int, tuple[int, ...]]]:
        """Every expression in a clause's stems: where it begins and ends, its meanings; the longest first."""
        for start in range(len(text)):
            branch: _Branch | None = self._root
            found = []
            for stop in range(start, len(text)):
                branch = branch.further.get(text[stop]) if branch else None
                if branch is None:
                    break
                if branch.meanings:
                    found.append((start, stop + 1, branch.meanings))
            yield from reversed(found)

    def beginning(self, prefix: str) -> tuple[int, ...]:
        """The meanings of the expressions of one word that begins so."""
        found: set[int] = set()
        for word, branch in self._root.further.items():
            if word.startswith(prefix):
                found.update(branch.meanings)
        return tuple(found)

    def sides(self, subject: tuple[int, ...]) -> list[tuple[frozenset[int], frozenset[int]]]:
        """For each set of rivals with ``subject``: its own side, and all others'."""
        found = []
        for sides in self.rivals:
            own = [side for side in sides if side.intersection(subject)]
            if own:
                mine = frozenset().union(*own)
                found.append((mine, frozenset().union(*sides) - mine))
        return found


@lru_cache(maxsize=1)
def lexicon() -> Lexicon:
    """The field's words, read once when first wanted."""
    return Lexicon(importlib.resources.files("questions").joinpath("lexicon.txt").read_text("utf-8").splitlines())
