"""The questions, shipped and the person's own, read against the experiments that there are."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from questions.catalogue import Catalogue
from questions.loader import SUFFIXES, Bank, load, load_shipped
from questions.model import CodeQuestion, KnobValue, Question
from tui.experiments.catalogue import catalogue
from tui.experiments.contract import Experiment, KnobError
from tui.judge.catalogue import NAMES as TASKS
from tui.language.usage import UsageError
from tui.proof.cards import refuse_card

# What is wrong with a path that a person gave, rather than with what stands in a file.
_PATH_PROBLEMS = frozenset({"no-such-file", "not-a-file", "unreadable", "no-files"})


@dataclass(frozen=True)
class _Facts:
    """What the bank may know of an experiment."""

    experiment: Experiment

    @property
    def name(self) -> str:
        return self.experiment.name

    @property
    def knob_names(self) -> Collection[str]:
        return [knob.name for knob in self.experiment.knobs]

    @property
    def check_names(self) -> Collection[str]:
        return [check.name for check in self.experiment.checks]

    def refuse(self, settings: Mapping[str, KnobValue]) -> str | None:
        try:
            self.experiment.parse(settings)
        except KnobError as error:
            return str(error)
        return None


def known_experiments() -> Catalogue:
    """The experiments and the models' cards as the bank's loader takes them."""
    return Catalogue({name: _Facts(experiment) for name, experiment in catalogue().items()}, refuse_card, TASKS)


def load_bank(paths: Iterable[Path] = ()) -> Bank:
    """The shipped questions, then those of ``paths`` (files or folders). What is wrong with an item is in ``problems``.

    Raises ``UsageError`` where a path cannot be read at all.
    """
    known = known_experiments()
    bank = load_shipped(known)
    own = tuple(paths)
    if own:
        bank = load(own, known, bank)
    for problem in bank.problems:
        if problem.code in _PATH_PROBLEMS:
            raise UsageError("unreadable-questions", path=problem.file, reason=problem)
    return bank


def in_order(bank: Bank) -> list[CodeQuestion]:
    """The tasks from the first to learn to the last."""
    return sorted(bank.tasks, key=lambda task: TASKS.index(task.task))


class OwnFiles:
    """A person's own question files, read again when one of them changes while the program runs."""

    def __init__(self, paths: Iterable[Path], bank: Bank) -> None:
        self._paths = tuple(paths)
        self._stamps = self._look()
        self.bank = bank

    def have_changed(self) -> bool:
        """Whether a file was saved, made or removed since they were read."""
        return self._look() != self._stamps

    def read_again(self) -> Bank:
        """The bank as the files are now. Of an item that is faulty now the last good version stays in it."""
        self._stamps = self._look()  # before reading: what is saved meanwhile is a change again
        shipped = Bank(
            tuple(each for each in self.bank.questions if each.shipped),
            tasks=tuple(each for each in self.bank.tasks if each.shipped),
        )
        self.bank = with_last_good(load(self._paths, known_experiments(), shipped), self.bank)
        return self.bank

    def _look(self) -> dict[str, tuple[int, int, int]]:
        found = {}
        for path in self._paths:
            files = [path]
            if path.is_dir():
                files = [Path(folder, name) for folder, _, names in os.walk(path) for name in names]
            for file in files:
                try:
                    stamp = file.stat()
                except OSError:
                    continue
                if file.suffix.lower() in SUFFIXES or file == path:
                    found[str(file)] = (stamp.st_mtime_ns, stamp.st_size, stamp.st_ino)
        return found


def with_last_good(bank: Bank, before: Bank) -> Bank:
    """``bank``, and those items of ``before`` that it lacks because their file has a fault now."""
    faulty = {problem.file for problem in bank.problems}
    there = {question.id for question in bank.questions} | {task.id for task in bank.tasks}

    def lost(item: Question | CodeQuestion) -> bool:
        return not item.shipped and item.file in faulty and item.id not in there

    questions = (*bank.questions, *filter(lost, before.questions))
    return Bank(questions, bank.problems, (*bank.tasks, *filter(lost, before.tasks)))
