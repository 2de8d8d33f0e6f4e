"""What an experiment is: knobs in, figures and checks out. Needs neither NumPy nor a terminal.

An experiment is a package ``tui/experiments/<name>/`` with two files: ``declaration.py`` says its name, knobs and
checks (``EXPERIMENT``, plain data that ``list``, ``check`` and the first frame can read at once), and ``body.py``
holds ``run(knobs, report) -> Result``, which imports mlxformer and is imported only when it has to run.
"""

from __future__ import annotations

import difflib
import importlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from questions.bilingual import Bilingual, Language
from tui.experiments import afresh, meanwhile
from tui.figures.data import Figure, Label

KnobValue = bool | int | float | str
Report = Callable[[float, str], None]
Relation = Literal["==", "<=", ">=", "between"]


class Cancelled(Exception):
    """Raised by ``report`` in a run whose result nobody wants any more."""


def silent(fraction: float, text: str) -> None:
    """The ``Report`` of a run that nobody watches."""


class KnobError(ValueError):
    """A knob that does not exist or a value it cannot take. ``code`` and ``fields`` let a screen say it in Chinese."""

    def __init__(self, code: str, message: str, **fields: Any) -> None:
        super().__init__(message)
        self.code = code
        self.fields = fields


@dataclass(frozen=True)
class Choice:
    """One of the values of a ``choice`` knob."""

    value: str
    label: Label


@dataclass(frozen=True)
class Knob:
    """What a person can turn.

    ``kind`` is ``number`` (with ``minimum``, ``maximum`` and ``step``; ``log`` doubles and halves instead of adding),
    ``choice``, ``switch`` or ``text`` (at most ``max_length`` characters). ``english`` is the default of a text on an
    English screen, where it is another: the numbers in the bank's texts are measured at ``default``.
    ``presets`` are further texts worth a try, in either language. ``least`` is a word for a ``minimum`` that is no
    amount: automatic, all.
    """

    name: str
    label: Label
    kind: Literal["number", "choice", "switch", "text"]
    default: KnobValue
    minimum: float = 0
    maximum: float = 0
    step: float = 1
    log: bool = False
    choices: Sequence[Choice] = ()
    max_length: int = 0
    help: Bilingual | None = None
    english: str = ""
    presets: Sequence[str] = ()
    least: Label = ""

    def default_in(self, language: Language) -> KnobValue:
        """What the knob stands at where nobody has turned it, on a screen in ``language``."""
        return self.english if language == "en" and self.english else self.default

    def parse(self, value: object) -> KnobValue:
        """``value`` as this knob takes it, or a ``KnobError`` that says what it takes."""
        if self.kind == "number":
            return self._parse_number(value)
        if self.kind == "switch":
            if isinstance(value, bool):
                return value
            raise self._error("knob-not-switch", "true or false", value)
        if not isinstance(value, str):
            raise self._error("knob-not-text", "a text", value)
        if self.kind == "choice":
            values = [choice.value for choice in self.choices]
            if value not in values:
                raise self._error("knob-not-choice", "one of " + ", ".join(values), value)
        elif len(value) > self.max_length:
            raise self._error("knob-too-long", f"at most {self.max_length} characters", f"{len(value)} characters")
        return value

    def _parse_number(self, value: object) -> int | float:
        wanted = f"a number from {self.minimum:g} to {self.maximum:g}"
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise self._error("knob-not-number", wanted, value)
        if not self.minimum <= value <= self.maximum:
            raise self._error("knob-out-of-range", wanted, value)
        whole = all(float(bound).is_integer() for bound in (self.minimum, self.maximum, self.step))
        if whole:
            if float(value) != int(value):
                raise self._error("knob-not-whole", f"a whole number from {self.minimum:g} to {self.maximum:g}", value)
            return int(value)
        return float(value)

    def _error(self, code: str, wanted: str, given: object) -> KnobError:
        message = f"knob {self.name!r} takes {wanted}; got {given!r}"
        return KnobError(
            code,
            message,
            knob=self.name,
            wanted=wanted,
            given=given,
            minimum=self.minimum,
            maximum=self.maximum,
            choices=[choice.value for choice in self.choices],
            max_length=self.max_length,
        )


@dataclass(frozen=True)
class BreakKnobs:
    """A falsifier: with these knob values the claim is broken. Hidden knobs may be named here."""

    values: Mapping[str, KnobValue]


@dataclass(frozen=True)
class BreakTensor:
    """A falsifier: tensors at ``pattern`` are replaced on their way by ``how`` (see ``tui.experiments.falsify``)."""

    pattern: str
    how: str


@dataclass(frozen=True)
class Drawn:
    """A figure, before it is drawn: the few letters of its tab, and what in it is random and what trained."""

    name: str
    tab: Label
    made: Bilingual


@dataclass(frozen=True)
class CheckDeclaration:
    """A claim, before it is measured: its relation to what is expected, and what would break it."""

    name: str
    claim: Bilingual
    relation: Relation
    fails_when: BreakKnobs | BreakTensor
    unit: str = ""


@dataclass(frozen=True)
class Check:
    """A claim and what was measured. ``holds`` is None, with a reason, where the claim is not defined.

    ``expected`` is a number, or (low, high) for ``between``; ``tolerance`` is absolute, and is allowed on the far
    side of every relation.
    """

    name: str
    claim: Bilingual
    measured: float | None
    relation: Relation
    expected: float | tuple[float, float]
    tolerance: float
    holds: bool | None
    reason: Bilingual | None = None
    unit: str = ""


@dataclass(frozen=True)
class Result:
    """What a run gives. ``steps`` is the trace (``mlxformer.tracing.Step``), for the step-by-step panel.

    ``words`` has for an axis of the trace the words for its places (``vocab``: the vocabulary), where the first map of
    ``figures`` does not tell. ``beforehand``: some of its numbers were measured before this run
    (``tui.experiments.shared.kept``).
    """

    figures: Sequence[Figure]
    checks: Sequence[Check]
    steps: Sequence[Any] = ()
    words: Mapping[str, Sequence[str]] = field(default_factory=dict)
    beforehand: bool = False


@dataclass(frozen=True)
class Experiment:
    """A declared experiment. ``run`` imports its body, checks the knobs and runs it."""

    name: str
    title: Bilingual
    summary: Bilingual
    knobs: Sequence[Knob]
    checks: Sequence[CheckDeclaration]
    hidden_knobs: Sequence[Knob] = field(default=())  # only falsifiers turn these
    figures: Sequence[Drawn] = field(default=())

    def defaults(self) -> dict[str, KnobValue]:
        return {knob.name: knob.default for knob in self.knobs}

    def parse(
        self, settings: Mapping[str, object], *, hidden: bool = False, language: Language = "zh"
    ) -> dict[str, KnobValue]:
        """All knobs: the defaults, overridden by ``settings``; a ``KnobError`` names the nearest knob there is.

        ``language`` is that of the screen, whose sentences the defaults then are.
        """
        knobs = {knob.name: knob for knob in (*self.knobs, *self.hidden_knobs)}
        values: dict[str, KnobValue] = {name: knob.default_in(language) for name, knob in knobs.items()}
        known = list(knobs) if hidden else [knob.name for knob in self.knobs]
        for name, value in settings.items():
            if name not in known:
                near = difflib.get_close_matches(name, known, 1)
                hint = f"; did you mean {near[0]!r}?" if near else ""
                message = f"experiment {self.name!r} has no knob {name!r}{hint} It has: {', '.join(known)}"
                raise KnobError(
                    "knob-unknown",
                    message,
                    experiment=self.name,
                    knob=name,
                    nearest=near[0] if near else None,
                    known=known,
                )
            values[name] = knobs[name].parse(value)
        return values

    def run(
        self, settings: Mapping[str, object] | None = None, report: Report | None = None, *, hidden: bool = False
    ) -> Result:
        """Run on ``settings`` (missing knobs at their defaults). Raises ``KnobError`` or ``Cancelled``."""
        knobs = self.parse(settings or {}, hidden=hidden)
        body = importlib.import_module(f"tui.experiments.{self.name.replace('-', '_')}.body")
        afresh.begin()
        result: Result = body.run(knobs, report or silent)
        figures = tuple(self._named(figure) for figure in result.figures)
        return replace(result, figures=figures, beforehand=afresh.was_taken())

    def meanwhile(self, draw: Callable[[], Figure]) -> None:
        """Offer a figure of the result as far as it is, from a loop that takes long; whoever waits sees it.

        Raises ``Cancelled`` where nobody does any more.
        """
        meanwhile.offer(lambda: self._named(draw()))

    def _named(self, figure: Figure) -> Figure:
        """``figure`` with what is declared of it."""
        for declared in self.figures:
            if declared.name == figure.name:
                return replace(figure, tab=declared.tab, made=declared.made)
        return figure

    def declaration(self, name: str) -> CheckDeclaration:
        for declared in self.checks:
            if declared.name == name:
                return declared
        raise KeyError(f"experiment {self.name!r} declares no check {name!r}")

    def measured(
        self, name: str, measured: float, expected: float | tuple[float, float], tolerance: float = 0.0
    ) -> Check:
        """The declared check ``name`` with what was measured; NaN never holds."""
        declared = self.declaration(name)
        holds = _holds(float(measured), declared.relation, expected, tolerance)
        return Check(
            name, declared.claim, float(measured), declared.relation, expected, tolerance, holds, unit=declared.unit
        )

    def undefined(self, name: str, reason: Bilingual) -> Check:
        """The declared check ``name`` at a setting at which its claim says nothing."""
        declared = self.declaration(name)
        return Check(name, declared.claim, None, declared.relation, math.nan, 0.0, None, reason, declared.unit)

    def nothing_to_run(self, reason: Bilingual) -> Result:
        """The result where the knobs leave nothing to run (a sentence without tokens): every check says why."""
        return Result(figures=(), checks=tuple(self.undefined(declared.name, reason) for declared in self.checks))


def _holds(measured: float, relation: Relation, expected: float | tuple[float, float], tolerance: float) -> bool:
    if isinstance(expected, tuple):
        low, high = expected
        return low - tolerance <= measured <= high + tolerance
    if relation == "<=":
        return measured <= expected + tolerance
    if relation == ">=":
        return measured >= expected - tolerance
    return abs(measured - expected) <= tolerance
