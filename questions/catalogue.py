"""What the bank is told about the experiments there are, so that it can refuse what does not exist.

The bank does not know what an experiment is. The program that has them gives a ``Catalogue``; for each experiment its
name, the names of its knobs and checks, and a function that says what is wrong with a knob's setting.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from questions.model import KnobValue


class ExperimentFacts(Protocol):
    """What a question may say of one experiment."""

    @property
    def name(self) -> str: ...

    @property
    def knob_names(self) -> Collection[str]: ...

    @property
    def check_names(self) -> Collection[str]: ...

    def refuse(self, settings: Mapping[str, KnobValue]) -> Exception | str | None:
        """What is wrong with these settings of known knobs, or None."""
        ...


@dataclass(frozen=True)
class Catalogue:
    """The experiments by name. ``refuse_card`` says what is wrong with a card's entry (``bert-mini/top1``), or None.
    ``tasks`` are those that the judge knows.

    ``breaks`` tells of an experiment, one of its checks and a question's settings what would break the check, or None
    where that is what is set already. ``numbers`` has the values of an experiment's number knobs at such settings, but
    for its seed.
    """

    experiments: Mapping[str, ExperimentFacts]
    refuse_card: Callable[[str], str | None] | None = None
    tasks: Collection[str] = ()
    breaks: Callable[[str, str, Mapping[str, KnobValue]], str | None] | None = None
    numbers: Callable[[str, Mapping[str, KnobValue]], Collection[float]] | None = None
