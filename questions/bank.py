"""The bank: the questions that are there, found by their ids; and as JSON, by which it need not be read twice."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from functools import partial
from io import BytesIO
from itertools import accumulate
from pathlib import Path
from typing import Any, Generic

from questions.bilingual import Bilingual
from questions.errors import Problem, UnknownQuestionError, hint, quoted
from questions.model import (
    REST,
    CodeQuestion,
    ExperimentUse,
    FollowUp,
    Item,
    KeyPoint,
    Misconception,
    Predict,
    Question,
    See,
    Solution,
    Source,
    partly,
)

SUFFIXES = (".yaml", ".yml")  # of the files of questions
PREFIX = "code-"  # of the id of a task


def files_below(
    folder: Path,
    unreadable: Callable[[OSError], object] | None = None,
    looked_into: Callable[[str], object] = lambda folder: None,
) -> Iterator[Path]:
    """The question files in ``folder`` and below it, in order; hidden files, and what hidden folders hold, are none.

    ``unreadable`` is told of each folder that cannot be looked into, ``looked_into`` of each other: there may be very
    many of them, and no question.
    """
    for here, folders, names in os.walk(folder, onerror=unreadable):
        looked_into(here)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            if name.lower().endswith(SUFFIXES) and not name.startswith("."):
                yield Path(here, name)


@dataclass(frozen=True)
class Bank:
    """The questions that are sound, in the order of the files, and what is wrong with the others.

    ``tasks`` are those that are answered by writing code.
    """

    questions: tuple[Question, ...]
    problems: tuple[Problem, ...] = ()
    tasks: tuple[CodeQuestion, ...] = ()

    @property
    def topics(self) -> set[str]:
        """The topics that a question or a task has."""
        return {question.topic for question in self.questions} | {task.topic for task in self.tasks}

    def __getitem__(self, id: str) -> Question:
        """The question of that id. Raises ``UnknownQuestionError``, which names the nearest one."""
        return _find(id, self.questions)

    def item(self, id: str) -> Question | CodeQuestion:
        """The question or the task of that id. Raises ``UnknownQuestionError``, which names the nearest one."""
        every: list[Question | CodeQuestion] = [*self.questions, *self.tasks]
        return _find(id, every)

    def task(self, name: str) -> CodeQuestion:
        """The task that the judge calls ``name``. Raises ``UnknownQuestionError``."""
        return _find(PREFIX + name, self.tasks)


def _find(id: str, among: Sequence[Item]) -> Item:
    for question in among:
        if question.id == id:
            return question
    known = [question.id for question in among]
    message = f"there is no question {quoted(id)}{hint(id, known)}"
    raise UnknownQuestionError("unknown-question", message, name=id, known=known)


# Of a kept item, what puts it in its place is there at once, what a list shows of it when a list asks for it, and the
# rest when that is asked for: there may be ten thousand.
_PLACE = ("id", "topic", "level", "sees")
_SHOWN: dict[type[Any], tuple[str, ...]] = {
    Question: ("file", "line", "shipped"),
    CodeQuestion: ("file", "line", "shipped", "task", "minutes", "kind"),
}


def to_json(bank: Bank) -> bytes:
    """``bank``, which must have no problems; ``from_json`` makes an equal one of it.

    The first lines are of the questions, the next as many of the tasks: a line for each of ``_PLACE`` with that of all
    items, and one with the lengths of what follows, end to end: for each item what is shown, and its rest. Ten thousand
    are read several times faster in columns than as as many objects.
    """
    lines: list[bytes] = []
    parts: list[bytes] = []
    items: Sequence[Sequence[Question | CodeQuestion]] = (bank.questions, bank.tasks)
    for each in items:
        there = [_line(part) for item in each for part in (_shown(item), _rest(item))]
        columns = [[getattr(item, name) for item in each] for name in _PLACE]
        lines += map(_line, (*columns, [len(part) for part in there]))
        parts += there
    return b"\n".join((*lines, b"".join(parts)))


def from_json(kept: bytes) -> Bank:
    """The bank that ``to_json`` wrote. Raises ``ValueError``, ``TypeError`` or ``LookupError`` for anything else."""
    lines = BytesIO(kept)
    questions, tasks = _Kept(Question, lines), _Kept(CodeQuestion, lines)
    if tasks.take(kept, questions.take(kept, lines.tell())) != len(kept):
        raise ValueError("this is no bank")
    return Bank(tuple(questions.items()), tasks=tuple(tasks.items()))


class _Kept(Generic[Item]):
    """The items of one kind in what is kept of a bank."""

    def __init__(self, kind: type[Item], lines: BytesIO) -> None:
        self._kind = kind
        self._places = [json.loads(lines.readline()) for _ in _PLACE]
        self._lengths = json.loads(lines.readline())

    def take(self, kept: bytes, at: int) -> int:
        """Their parts begin at ``at`` of ``kept``: where they end."""
        self._kept, self._ends = kept, list(accumulate(self._lengths, initial=at))
        return self._ends[-1]

    def items(self) -> Iterator[Item]:
        kind, show = self._kind, self._show
        parts = range(0, len(self._lengths), 2)
        for part, id, topic, level, sees in zip(parts, *self._places, strict=True):
            head = {"id": id, "topic": topic, "level": level, "sees": tuple(sees)}
            yield partly(kind, head, partial(show, part))

    def _show(self, part: int) -> dict[str, Any]:
        question, *others = self._part(part)
        shown = dict(zip(_SHOWN[self._kind], others, strict=True), question=Bilingual(*question))
        return {**shown, REST: partial(self._part, part + 1)}

    def _part(self, part: int) -> Any:
        return _READER.decode(self._kept[self._ends[part] : self._ends[part + 1]].decode())


def _line(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, default=_parts).encode()


def _shown(item: Question | CodeQuestion) -> list[Any]:
    return [[item.question.zh, item.question.en], *(getattr(item, name) for name in _SHOWN[type(item)])]


def _rest(item: Question | CodeQuestion) -> dict[str, Any]:
    there = (_KIND, "question", *_PLACE, *_SHOWN[type(item)])
    return {name: part for name, part in _parts(item).items() if name not in there}


_KIND = ""  # the key under which an object has its class: no knob and no choice is named so
_CLASSES: dict[str, type[Any]] = {
    each.__name__: each
    for each in (
        Question, CodeQuestion, Bilingual, KeyPoint, Misconception, Predict, FollowUp, See, Source, ExperimentUse,
        Solution,
    )
}  # fmt: skip


# The fields of each, and what need not be written of them.
_FIELDS = {each: [(field.name, field.default) for field in fields(each)] for each in _CLASSES.values()}


def _parts(value: Any) -> dict[str, Any]:
    """A class as its name and those of its fields that are not at their defaults."""
    kept = ((name, getattr(value, name), default) for name, default in _FIELDS[type(value)])
    return {_KIND: type(value).__name__, **{name: part for name, part, default in kept if part != default}}


def _made(entries: dict[str, Any]) -> Any:
    kind = entries.pop(_KIND, None)
    parts = {name: _tuples(value) if isinstance(value, list) else value for name, value in entries.items()}
    return parts if kind is None else _CLASSES[kind](**parts)


def _tuples(value: list[Any]) -> tuple[Any, ...]:
    return tuple(_tuples(part) if isinstance(part, list) else part for part in value)


_READER = json.JSONDecoder(object_hook=_made)  # made once: json.loads makes one for each item
