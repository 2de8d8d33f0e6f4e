"""Numbers in the texts of the bank, held against what was measured.

A text writes ``[61 %](check:saturated-rows)``; a run of the question's experiment gives the check ``saturated-rows``.
Here the two meet: whether the number written is the number measured, at the digits shown, and how the measured one
would be written in its place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from questions.model import KnobValue, LinkedNumber, Question
from questions.spans import NumberSpan
from tui.experiments.contract import Check
from tui.proof.cards import CardError, card_score

Settings = Mapping[str, KnobValue]


@dataclass(frozen=True)
class Evidence:
    """What holds one number of a text.

    ``agrees``: whether what was measured is the number written; None where nothing was measured (the check is not
    defined at these knobs, has not run, or the number is a paper's). ``live``: what was measured, written alike.
    A number of training is held against its model's card, which is no live measurement.
    """

    span: NumberSpan
    check: Check | None
    agrees: bool | None
    live: str | None

    @property
    def proven(self) -> bool:
        """Whether the number stands as written: measured to be it, by a check that holds."""
        return bool(self.agrees and self.check is not None and self.check.holds)


def by_name(checks: Iterable[Check]) -> dict[str, Check]:
    """The checks of one run by name."""
    return {check.name: check for check in checks}


def evidence(span: NumberSpan, checks: Mapping[str, Check]) -> Evidence:
    """What ``checks``, of one run, say of the number ``span``."""
    if span.kind == "card":
        return _on_card(span)
    check = checks.get(span.target) if span.kind == "check" else None
    if check is None or check.measured is None:
        return Evidence(span, check, None, None)
    measured = as_fraction(check)
    if not span.quantity.percent and check.unit == "%":
        measured = check.measured  # written without the sign, in percent all the same
    return Evidence(span, check, span.quantity.agrees(measured), span.quantity.say(measured))


def _on_card(span: NumberSpan) -> Evidence:
    try:
        score = card_score(span.target)
    except CardError:
        return Evidence(span, None, None, None)
    return Evidence(span, None, span.quantity.agrees(score), span.quantity.say(score))


def as_fraction(check: Check) -> float:
    """What was measured; a check in percent gives a hundredth of it, as the texts' numbers have it."""
    assert check.measured is not None
    return check.measured / 100 if check.unit == "%" else check.measured


@dataclass(frozen=True)
class Disproof:
    """A number of a text that its check, or its model's card, does not give."""

    number: LinkedNumber
    evidence: Evidence


def disproofs(question: Question, checks_at: Callable[[Settings], Mapping[str, Check]]) -> Iterator[Disproof]:
    """The numbers of ``question`` that are not what was measured, or were not measured at all (a paper's aside).

    ``checks_at`` gives the checks of the question's experiment, by name, at the knobs of each number.
    """
    for number in question.numbers():
        if number.span.kind != "source":
            checks = checks_at(number.settings) if number.span.kind == "check" else {}
            found = evidence(number.span, checks)
            if not found.agrees:
                yield Disproof(number, found)
