"""Running experiments, each setting once: several questions often rest on one run."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tui.experiments.afresh import measuring_afresh
from tui.experiments.catalogue import catalogue
from tui.experiments.contract import Experiment, KnobValue, Report, Result


@dataclass(frozen=True)
class Run:
    """One experiment at one setting, and what came of it."""

    experiment: Experiment
    knobs: Mapping[str, KnobValue]
    result: Result
    seconds: float


class Runs:
    """Remembers what has run. Raises what a run raises, each time that it is asked for.

    Nothing is taken that was measured beforehand: what is proved is measured.
    """

    def __init__(self) -> None:
        self._done: dict[tuple[Any, ...], Run] = {}

    def run(self, name: str, settings: Mapping[str, object], report: Report | None = None) -> Run:
        experiment = catalogue()[name]
        knobs = visible_knobs(experiment, settings)
        key = (name, *sorted((knob, type(value).__name__, value) for knob, value in knobs.items()))
        if key not in self._done:
            start = time.perf_counter()
            with measuring_afresh():
                result = experiment.run(settings, report)
            self._done[key] = Run(experiment, knobs, result, time.perf_counter() - start)
        return self._done[key]


def visible_knobs(experiment: Experiment, settings: Mapping[str, object]) -> dict[str, KnobValue]:
    """The knobs that a person can turn, as the run has them. Raises ``KnobError``."""
    knobs = experiment.parse(settings)
    return {knob.name: knobs[knob.name] for knob in experiment.knobs}


def changed_knobs(experiment: Experiment, knobs: Mapping[str, KnobValue]) -> dict[str, KnobValue]:
    """The knobs that do not stand at their defaults."""
    defaults = experiment.defaults()
    return {name: value for name, value in knobs.items() if value != defaults[name]}
