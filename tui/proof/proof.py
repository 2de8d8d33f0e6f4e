"""Measuring everything that a bank rests on, and breaking it to see that the checks can fail."""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import active_children, get_context
from typing import Any, Literal

from questions.model import FollowUp, Question
from tui.experiments.catalogue import catalogue, takes_long
from tui.experiments.contract import BreakKnobs, Cancelled, Check, Experiment, KnobValue, Report, Result
from tui.proof.evidence import Settings, by_name, disproofs
from tui.proof.runs import Runs, changed_knobs, visible_knobs

MANY = 16  # runs for which it is worth to start processes, each of which imports the library

_Asked = tuple[str, Mapping[str, KnobValue], list[str]]  # an experiment, its settings, the questions that rest on them

FaultCode = Literal["number-differs", "number-unmeasured", "check-undefined", "card-differs"]


@dataclass(frozen=True)
class Measured:
    """One run, for all the questions that rest on it. ``error`` is what it raised instead of a result."""

    name: str
    knobs: Mapping[str, KnobValue]
    changed: Mapping[str, KnobValue]
    questions: tuple[str, ...]
    checks: Sequence[Check] = ()
    seconds: float | None = None
    error: Exception | None = None


@dataclass(frozen=True)
class Fault:
    """What does not hold beside the checks themselves: a number in a text, a check that a question has no use of."""

    code: FaultCode
    fields: dict[str, Any]


@dataclass(frozen=True)
class Proof:
    """What was measured, and what is wrong with it. ``numbers`` counts the numbers in texts that were compared."""

    measured: Sequence[Measured] = ()
    faults: Sequence[Fault] = ()
    numbers: int = 0
    experiments: Sequence[Experiment] = field(default=())

    @property
    def failures(self) -> int:
        failed = sum(check.holds is False for measured in self.measured for check in measured.checks)
        return failed + sum(measured.error is not None for measured in self.measured) + len(self.faults)

    @property
    def holds(self) -> bool:
        return self.failures == 0


def measure(questions: Sequence[Question], report: Report, processes: int = 1) -> Proof:
    """Run the experiment of every question at its knobs and at its predict item's, each setting once.

    Where there is much to run, ``processes`` share it.
    """
    settings = _settings(questions)
    measured: dict[tuple[Any, ...], Measured] = {}
    of_experiment: dict[str, list[_Asked]] = {}
    for asked in settings.values():
        of_experiment.setdefault(asked[0], []).append(asked)
    with _workers(processes if len(settings) >= MANY else 1) as run:
        # What takes long begins first, so that in the end no process waits for another.
        begun = sorted(of_experiment, key=lambda name: not takes_long(name))
        waiting = {name: run(of_experiment[name]) for name in begun}
        for name, all_asked in of_experiment.items():
            report(len(measured) / len(settings), name)
            measured |= zip((_key(name, given) for _, given, _ in all_asked), waiting[name](), strict=True)
    measured = {key: measured[key] for key in settings}
    faults: list[Fault] = []
    numbers = 0
    for question in questions:
        numbers += sum(number.span.kind != "source" for number in question.numbers())
        faults += _faults(question, measured)
    used = dict.fromkeys(name for name, _, _ in settings.values())
    return Proof(tuple(measured.values()), tuple(faults), numbers, [catalogue()[name] for name in used])


@contextlib.contextmanager
def _workers(processes: int) -> Iterator[Callable[[Sequence[_Asked]], Callable[[], list[Measured]]]]:
    """What begins runs and gives what waits for them: in other processes, or only then, here."""
    if processes < 2:
        yield lambda runs: partial(_run_all, runs)
        return
    # Spawned: a child that is forked off a program with threads, or with MLX, may hang.
    with ProcessPoolExecutor(processes, get_context("spawn"), _begin_alone) as pool:
        try:
            yield lambda runs: pool.submit(_run_all, runs).result
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in active_children():
                process.terminate()
            raise


def _begin_alone() -> None:
    """Let Ctrl+C end this process without a word: the one that waits for it says what there is to say.

    There is one such process for each core: none has a second thread.
    """
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.environ.setdefault("MLXFORMER_THREADS", "1")


def _settings(questions: Iterable[Question]) -> dict[tuple[Any, ...], _Asked]:
    """What has to run: by experiment and knobs, the settings and the questions that rest on them."""
    wanted: dict[tuple[Any, ...], _Asked] = {}
    for question in questions:
        if question.experiment is None:
            continue
        for given in (question.settings, question.predict_settings) if question.predict else (question.settings,):
            key = _key(question.experiment.run, given)
            users = wanted.setdefault(key, (question.experiment.run, given, []))[2]
            if question.id not in users:
                users.append(question.id)
    return wanted


def _key(name: str, settings: Mapping[str, KnobValue]) -> tuple[Any, ...]:
    return (name, *sorted(visible_knobs(catalogue()[name], settings).items(), key=lambda item: item[0]))


def _run_all(runs: Sequence[_Asked]) -> list[Measured]:
    """The runs of one experiment, in one process: what their knobs do not touch is computed once (``kept``)."""
    return [_run(name, settings, tuple(users)) for name, settings, users in runs]


def _run(name: str, settings: Mapping[str, KnobValue], users: tuple[str, ...]) -> Measured:
    experiment = catalogue()[name]
    knobs = visible_knobs(experiment, settings)
    changed = changed_knobs(experiment, knobs)
    try:
        run = Runs().run(name, settings)
    except Cancelled:
        raise
    except Exception as error:  # one experiment that fails must not hide the others; it is reported as a failure
        return Measured(name, knobs, changed, users, error=_sent(error))
    return Measured(name, knobs, changed, users, run.result.checks, run.seconds)


def _sent(error: Exception) -> Exception:
    """``error`` as it can go to another process: one with arguments of its own, or a lock, would end them all there."""
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:  # whatever the error's own methods raise
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def _faults(question: Question, measured: Mapping[tuple[Any, ...], Measured]) -> list[Fault]:
    """What is wrong with ``question`` beyond the checks that fail."""

    def run_at(settings: Settings) -> Measured | None:
        return None if question.experiment is None else measured[_key(question.experiment.run, settings)]

    def checks_at(settings: Settings) -> dict[str, Check]:
        run = run_at(settings)
        return {} if run is None else by_name(run.checks)

    used = [run_at(question.settings), *(run_at(number.settings) for number in question.numbers())]
    if any(run is not None and run.error for run in used):
        return []  # the run itself is reported; there is nothing to compare with
    checks = checks_at(question.settings)
    faults = [
        Fault("check-undefined", {"question": question.id, "check": check})
        for check in _rests_on(question)
        if check not in checks or checks[check].holds is None
    ]
    for disproof in disproofs(question, checks_at):
        span = disproof.number.span
        language = f" ({disproof.number.language})" if disproof.number.language else ""
        fields = {
            "question": question.id,
            "key": disproof.number.key + language,
            "written": span.written,
            "check": span.target,
            "live": disproof.evidence.live,
        }
        differs: FaultCode = "card-differs" if span.kind == "card" else "number-differs"
        faults.append(Fault("number-unmeasured" if disproof.evidence.live is None else differs, fields))
    return faults


def _rests_on(question: Question) -> list[str]:
    """The checks that key points and the misconception name, each once."""
    points = [*question.key_points, *(p for f in question.follow_ups if isinstance(f, FollowUp) for p in f.key_points)]
    named = [point.check for point in points]
    named += [question.misconception.check] if question.misconception else []
    return list(dict.fromkeys(name for name in named if name))


@dataclass(frozen=True)
class Falsification:
    """What became of a check whose claim was broken as its declaration says."""

    experiment: str
    check: str
    how: str
    outcome: Literal["fails", "holds", "undefined", "error"]
    measured: float | None = None
    error: Exception | None = None

    @property
    def fails(self) -> bool:
        return self.outcome == "fails"


def falsify(experiments: Iterable[Experiment], report: Report) -> list[Falsification]:
    """Break every claim of ``experiments`` at default knobs; what breaks several claims is run once."""
    todo = [(experiment, declared.name) for experiment in experiments for declared in experiment.checks]
    runs: dict[tuple[str, str], Result | Exception] = {}
    done: list[Falsification] = []
    for index, (experiment, name) in enumerate(todo):
        report(index / len(todo), f"{experiment.name}/{name}")
        how = say_break(experiment, name)
        if (experiment.name, how) not in runs:
            runs[experiment.name, how] = _run_broken(experiment, name)
        done.append(_falsification(experiment.name, name, how, runs[experiment.name, how]))
    return done


def _run_broken(experiment: Experiment, name: str) -> Result | Exception:
    from tui.experiments.falsify import run_broken

    try:
        return run_broken(experiment, experiment.declaration(name).fails_when)
    except Exception as error:  # a break that cannot be applied proves nothing: reported, and the next one is tried
        return error


def _falsification(experiment: str, name: str, how: str, run: Result | Exception) -> Falsification:
    if isinstance(run, Exception):
        return Falsification(experiment, name, how, "error", error=run)
    check = by_name(run.checks)[name]
    outcome: Literal["fails", "holds", "undefined"] = (
        "undefined" if check.holds is None else "holds" if check.holds else "fails"
    )
    return Falsification(experiment, name, how, outcome, check.measured)


def say_break(experiment: Experiment, name: str) -> str:
    """What breaks the claim: ``unscaled_power=0.5``, or ``weights -> double``."""
    broken = experiment.declaration(name).fails_when
    if isinstance(broken, BreakKnobs):
        return " ".join(f"{knob}={value}" for knob, value in broken.values.items())
    return f"{broken.pattern} -> {broken.how}"
