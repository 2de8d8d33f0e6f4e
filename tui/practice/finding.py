"""One search over questions, experiments, key points and settings, in both languages, ordered by relevance.

Every word of the search must stand somewhere in what an entry says (its title, its names, its text, in either
language; letter case and width do not count). What counts is where: a title above a key point above the text of an
answer; the beginning of a word above its middle; the whole search in one piece above its words apart. An entry shows
the line in which it was hit.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from questions.bilingual import LANGUAGES, Bilingual, Language, say
from questions.model import Question
from questions.topics import topic_title
from tui.experiments.contract import Experiment
from tui.text.plain_text import as_title

Kind = Literal["question", "point", "experiment", "setting"]
TITLE, NAME, LINE, TEXT = 8.0, 5.0, 3.0, 1.0  # what a word counts by where it stands
_KINDS: dict[Kind, float] = {"question": 1.2, "experiment": 1.1, "setting": 1.0, "point": 0.9}
AROUND = 30  # characters shown before and after a hit


@dataclass(frozen=True)
class Entry:
    """``name`` opens it: a question's id (also of a key point), an experiment's name, a setting's.

    ``names`` are short words that it is known by; ``lines`` what it says, the weightier first.
    """

    kind: Kind
    name: str
    title: Bilingual
    names: tuple[str, ...] = ()
    lines: tuple[tuple[float, Bilingual], ...] = ()

    @cached_property
    def _fields(self) -> list[tuple[float, str, str, Language]]:
        """Weight, folded text, text and language of everything that is searched."""
        found = []
        for language in LANGUAGES:
            texts = [(TITLE, self.title), *self.lines]
            found += [(weight, fold(say(text, language)), say(text, language), language) for weight, text in texts]
        found += [(NAME, fold(name), name, "en") for name in self.names]
        return found

    def match(self, words: Sequence[str], language: Language) -> Found | None:
        """How well all of ``words`` (folded) are said here, and the line that says most of them."""
        best: dict[str, float] = dict.fromkeys(words, 0.0)
        shown, most = "", 0.0
        whole = " ".join(words)
        for weight, folded, text, spoken in self._fields:
            here = 0.0
            for word in words:
                at = folded.find(word)
                if at < 0:
                    continue
                value = weight * (1.5 if _begins(folded, at) else 1.0)
                best[word] = max(best[word], value)
                here += value
            if len(words) > 1 and whole in folded:
                here *= 1.5
            here *= 1.0 if spoken == language else 0.9  # of two languages that say it, the one that is read
            if here > most:
                most, shown = here, text
        if not all(best.values()):
            return None
        return Found(self, (sum(best.values()) + most) * _KINDS[self.kind], _excerpt(shown, words))


@dataclass(frozen=True)
class Found:
    """An entry, how relevant it is, and the piece of it that was hit."""

    entry: Entry
    score: float
    hit: str


def find(entries: Iterable[Entry], search: str, language: Language) -> list[Found]:
    """What of ``entries`` says every word of ``search``, the most relevant first; nothing for an empty search."""
    words = fold(search).split()
    if not words:
        return []
    found = [match for entry in entries if (match := entry.match(words, language)) is not None]
    return sorted(found, key=lambda one: -one.score)  # stable: of two alike the one that stands first


def question_entry(question: Question) -> Entry:
    """A question with all that it says."""
    points = [(LINE, point.text) for point in question.key_points]
    texts = [(TEXT, text) for key, text in question.texts() if key != "question" and not key.startswith("key_points")]
    both = [(weight, text if isinstance(text, Bilingual) else Bilingual(text, text)) for weight, text in texts]
    names = (question.id, question.topic, *question.source)
    lines = ((LINE, topic_title(question.topic)), *points, *both)
    return Entry("question", question.id, _plain(question.question), names, lines)


def question_entries(questions: Iterable[Question]) -> list[Entry]:
    """The entries of ``questions``, folded: of ten thousand the first search would wait for that."""
    entries = [question_entry(question) for question in questions]
    for entry in entries:
        _ = entry._fields
    return entries


def point_entries(question: Question) -> list[Entry]:
    return [Entry("point", question.id, _plain(point.text)) for point in question.key_points]


def experiment_entry(experiment: Experiment) -> Entry:
    claims = [(TEXT, check.claim) for check in experiment.checks]
    knobs = [(TEXT, knob.label) for knob in experiment.knobs if isinstance(knob.label, Bilingual)]
    lines = ((LINE, experiment.summary), *claims, *knobs)
    return Entry("experiment", experiment.name, experiment.title, (experiment.name,), lines)


def fold(text: str) -> str:
    """``text`` without case and width."""
    return unicodedata.normalize("NFKC", text).casefold()


def _plain(text: Bilingual) -> Bilingual:
    return Bilingual(as_title(text.say("zh")), as_title(text.say("en")))


def _begins(text: str, at: int) -> bool:
    """Whether a word begins at ``at``; between Chinese characters none can be told, and each may."""
    return at == 0 or not (text[at - 1].isascii() and text[at - 1].isalnum())


def _excerpt(text: str, words: Sequence[str]) -> str:
    """The piece of ``text`` around the first hit, on one line."""
    line = " ".join(as_title(text).split())
    folded = fold(line)
    at = min((place for word in words if (place := folded.find(word)) >= 0), default=0)
    if len(folded) != len(line):  # a sign that folds to two: the place is not the same any more
        return line[: 2 * AROUND]
    first, last = max(0, at - AROUND), at + 2 * AROUND
    return ("…" if first else "") + line[first:last].strip() + ("…" if last < len(line) else "")
