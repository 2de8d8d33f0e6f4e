"""The questions, shipped and the person's own, read against the experiments that there are."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from questions.catalogue import Catalogue
from questions.loader import Bank, load, load_shipped
from questions.model import KnobValue
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
