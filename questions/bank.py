"""The bank: the questions that are there, found by their ids; and as JSON, by which it need not be read twice."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

from questions.bilingual import Bilingual
from questions.errors import Problem, UnknownQuestionError, hint, quoted
from questions.model import (
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


# What a list of questions needs of each, beside its text and what it leads to. The rest is read when it is asked for:
# there may be ten thousand.
_HEADS: dict[type[Any], tuple[str, ...]] = {
    Question: ("id", "topic", "level", "file", "line", "shipped"),
    CodeQuestion: ("id", "topic", "level", "file", "line", "shipped", "task", "minutes", "kind"),
}


def to_json(bank: Bank) -> bytes:
    """``bank``, which must have no problems; ``from_json`` makes an equal one of it.

    The first line has the heads of all items, and each line below it the rest of one of them.
    """
    items: dict[str, Sequence[Question | CodeQuestion]] = {"questions": bank.questions, "tasks": bank.tasks}
    heads = {kind: [_head(each) for each in items[kind]] for kind in sorted(items)}
    rests = [_rest(each) for kind in sorted(items) for each in items[kind]]
    return "\n".join(json.dumps(line, ensure_ascii=False, default=_parts) for line in (heads, *rests)).encode()


def from_json(kept: bytes) -> Bank:
    """The bank that ``to_json`` wrote. Raises ``ValueError``, ``TypeError`` or ``LookupError`` for anything else."""
    first, *rests = kept.split(b"\n")
    heads = json.loads(first)
    questions, tasks = heads["questions"], heads["tasks"]
    if len(rests) != len(questions) + len(tasks):
        raise ValueError("this is no bank")
    return Bank(
        tuple(_item(Question, *each) for each in zip(questions, rests[: len(questions)], strict=True)),
        tasks=tuple(_item(CodeQuestion, *each) for each in zip(tasks, rests[len(questions) :], strict=True)),
    )


def _head(item: Question | CodeQuestion) -> list[Any]:
    return [[item.question.zh, item.question.en], item.sees, *(getattr(item, name) for name in _HEADS[type(item)])]


def _item(kind: type[Item], written: Sequence[Any], rest: bytes) -> Item:
    question, sees, *others = written
    head = dict(zip(_HEADS[kind], others, strict=True), question=Bilingual(*question), sees=tuple(sees))
    return partly(kind, head, partial(json.loads, rest, object_hook=_made))


def _rest(item: Question | CodeQuestion) -> dict[str, Any]:
    there = (_KIND, "question", *_HEADS[type(item)])
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
