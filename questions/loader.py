"""Question files to a bank. All problems are collected; a bad item is left out, and hides nothing but itself."""

from __future__ import annotations

import importlib.resources
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

from questions.bank import SUFFIXES, Bank, files_below
from questions.catalogue import Catalogue
from questions.errors import Problem, hint, quoted
from questions.item import read_item
from questions.model import CodeQuestion, Question
from questions.nodes import MAX_BYTES, Node, compose_items, decode
from questions.reading import Reading, line_starts
from questions.task import is_code, read_code
from questions.topics import TOPICS

MAX_PROBLEMS = 1000  # of one file
FOLDER_OF_TASKS = "code"


def load_shipped(catalogue: Catalogue | None = None) -> Bank:
    """The bank that is shipped with the package, topic after topic in the order of ``TOPICS``."""
    reader = _BankReader(catalogue)
    here = importlib.resources.files("questions")
    files = [entry for entry in here.iterdir() if entry.name.endswith(SUFFIXES)]
    for file in sorted(files, key=lambda entry: _place(entry.name)):
        reader.read(f"questions/{file.name}", file.read_bytes(), complete=True)
    tasks = [entry for entry in here.joinpath(FOLDER_OF_TASKS).iterdir() if entry.name.endswith(SUFFIXES)]
    for file in sorted(tasks, key=lambda entry: entry.name):
        reader.read(f"questions/{FOLDER_OF_TASKS}/{file.name}", file.read_bytes(), complete=True)
    return reader.bank()


def _place(name: str) -> tuple[int, str]:
    """Where the file ``multi_head.yaml`` comes; one that is named after no topic comes last."""
    topic = name.rpartition(".")[0].replace("_", "-")
    topics = list(TOPICS)
    return (topics.index(topic) if topic in topics else len(topics)), name


def load(
    paths: Iterable[str | Path],
    catalogue: Catalogue | None = None,
    shipped: Bank | None = None,
    report: Callable[[float, str], object] = lambda fraction, file: None,
) -> Bank:
    """The questions of files and folders (searched for .yaml and .yml), added to those of ``shipped``.

    An id may not stand twice, in one file or in two, nor be one of the shipped bank's. A path that cannot be read is a
    problem like any other: nothing is raised. ``report`` is told before each file what share of them was read, and of
    each folder that is searched for them.
    """
    reader = _BankReader(catalogue, shipped)
    given = [Path(path) for path in paths]
    for place, path in enumerate(given):
        files = list(reader.find(path, partial(report, place / len(given))))
        for number, file in enumerate(files):
            report((place + number / len(files)) / len(given), str(file))
            data = reader.take(file)
            if data is not None:
                reader.read(str(file), data, complete=False)
    return reader.bank()


class _BankReader:
    def __init__(self, catalogue: Catalogue | None, shipped: Bank | None = None) -> None:
        self.catalogue = catalogue
        self.questions: list[Question] = list(shipped.questions) if shipped else []
        self.tasks: list[CodeQuestion] = list(shipped.tasks) if shipped else []
        self.problems: list[Problem] = list(shipped.problems) if shipped else []
        known: list[Question | CodeQuestion] = [*self.questions, *self.tasks]
        self.first: dict[str, str] = {each.id: f"{each.file}:{each.line}" for each in known}
        self.seen: set[str] = set(_shipped_files()) if shipped else set()
        self.sees: list[tuple[Reading, str, Node]] = []

    def find(self, path: Path, looked_into: Callable[[str], object]) -> Iterator[Path]:
        """The question files at ``path``: itself, or those below it, in order, less hidden folders."""
        if not os.path.isdir(path):
            yield path
            return
        found = False
        for file in files_below(path, self._unreadable, looked_into):
            found = True
            yield file
        if not found:
            self._file_problem(
                path,
                "no-files",
                "no .yaml or .yml file is in this folder; name a folder of question files, or one file",
            )

    def take(self, file: Path) -> bytes | None:
        """The bytes of a file; None where it has been read before, or after a report.

        A pipe or a device is never opened: it might not end.
        """
        real = os.path.realpath(file)
        if real in self.seen:
            return None
        self.seen.add(real)
        try:
            if not stat.S_ISREG(file.stat().st_mode):
                self._file_problem(file, "not-a-file", "this is no regular file; name a question file or a folder")
                return None
            with file.open("rb") as stream:
                return stream.read(MAX_BYTES + 1)
        except FileNotFoundError:
            self._file_problem(file, "no-such-file", "there is no such file or folder")
        except OSError as error:
            self._unreadable(error, file)
        return None

    def read(self, file: str, data: bytes, complete: bool) -> None:
        """Read one file's questions."""
        count = 0
        before = len(self.problems)

        def report(problem: Problem) -> None:
            nonlocal count
            count += 1
            if count <= MAX_PROBLEMS:
                self.problems.append(problem)
            elif count == MAX_PROBLEMS + 1:
                message = f"there are more than {MAX_PROBLEMS} problems in this file; the rest are not listed"
                self.problems.append(Problem(file, 0, 0, "", "too-many-problems", message, {"limit": MAX_PROBLEMS}))

        def report_place(code: str, message: str, line: int, column: int, **fields: object) -> None:
            report(Problem(file, line + 1, column + 1, "", code, message, fields))

        text = decode(data, report_place)
        if text is None:
            return
        items = compose_items(text, report_place)
        lines = line_starts(text)
        if not items and not count:
            report_place("empty-file", "there is no question in the file; begin one with '- id:'", 0, 0)
        for node in items:
            if count > MAX_PROBLEMS:
                break
            reading = Reading(file, text, lines, complete, self.catalogue, report)
            first = self._note_id(node, reading)
            question = read_code(node, reading) if is_code(node) else read_item(node, reading)
            self.sees += [(reading, key, name) for key, name in reading.sees]
            if not first:
                continue
            if isinstance(question, CodeQuestion):
                self.tasks.append(question)
            elif question is not None:
                self.questions.append(question)
        self.problems[before:] = sorted(
            self.problems[before:], key=lambda each: (not each.line, each.line, each.column)
        )

    def _note_id(self, node: Node, reading: Reading) -> bool:
        """Whether the item's id is new. An item that is broken otherwise still takes its id."""
        name = node.get("id")
        if name is None or name.kind != "scalar" or not name.value:
            return True
        if name.value in self.first:
            first = self.first[name.value]
            message = f"the id {quoted(name.value)} is taken by {first}; give this question another"
            reading.item = name.value
            reading.problem("duplicate-id", message, name, "id", name=name.value, first=first)
            return False
        self.first[name.value] = f"{reading.file}:{node.start[0] + 1}"
        return True

    def bank(self) -> Bank:
        """The bank so far. A follow-up elsewhere must lead to a question that some file has."""
        lost = [see for see in self.sees if see[2].value not in self.first]
        for reading, key, name in lost[: MAX_PROBLEMS + 1]:
            message = f"there is no question {quoted(name.value)}{hint(name.value, self.first)}"
            reading.problem("unknown-question", message, name, key, name=name.value)
        return Bank(tuple(self.questions), tuple(self.problems), tuple(self.tasks))

    def _unreadable(self, error: OSError, file: Path | None = None) -> None:
        reason = error.strerror or str(error)
        # What goes wrong while a file is read names none.
        self._file_problem(file or error.filename, "unreadable", f"this cannot be read: {reason}", reason=error)

    def _file_problem(self, file: object, code: str, message: str, **fields: object) -> None:
        self.problems.append(Problem(str(file), 0, 0, "", code, message, fields))


def _shipped_files() -> list[str]:
    """Where the shipped bank's files lie, so that naming one of them again does not find every id taken."""
    here = importlib.resources.files("questions")
    files = [*here.iterdir(), *here.joinpath(FOLDER_OF_TASKS).iterdir()]
    return [os.path.realpath(str(file)) for file in files]
