"""A number in a text against the check that measured it."""

from __future__ import annotations

import math

import pytest

from questions.bilingual import Bilingual
from questions.spans import NumberSpan, numbers
from tui.experiments.contract import Check
from tui.proof.evidence import by_name, evidence


def _check(measured: float | None, unit: str = "", holds: bool | None = True) -> dict[str, Check]:
    claim = Bilingual("断言", "claim")
    return by_name([Check("c", claim, measured, "==", 0.0, 0.0, holds, unit=unit)])


def _span(text: str) -> NumberSpan:
    (span,) = numbers(text)
    return span


@pytest.mark.parametrize(
    ("written", "measured", "unit", "agrees", "live"),
    [
        ("61 %", 0.614, "", True, "61 %"),  # a share is written as a percentage
        ("61 %", 0.616, "", False, "62 %"),
        ("61 %", 61.4, "%", True, "61 %"),  # a check in percent
        ("61 %", 61.6, "%", False, "62 %"),
        ("61", 61.4, "%", True, "61"),  # its number, without the sign
        ("61 ± 5 %", 65.9, "%", True, "66 %"),
        ("61 ± 5 %", 66.1, "%", False, "66 %"),
        ("0.70", 0.7049, "", True, "0.70"),
        ("0.70", 0.7051, "", False, "0.71"),
        ("63,045,632", 63045632.0, "", True, "63,045,632"),
        ("1.6e-7", 1.64e-7, "", True, "1.6e-7"),
        ("−0.5", -0.52, "", True, "−0.5"),
        ("6", math.nan, "", False, "NaN"),
        ("6", math.inf, "", False, "∞"),
    ],
)
def test_a_number_agrees_where_it_is_the_measured_one_as_written(
    written: str, measured: float, unit: str, agrees: bool, live: str
) -> None:
    found = evidence(_span(f"[{written}](check:c)"), _check(measured, unit))
    assert (found.agrees, found.live) == (agrees, live)


def test_nothing_measured_is_neither_right_nor_wrong() -> None:
    span = _span("[6](check:c)")
    for checks in ({}, _check(None, holds=None)):
        found = evidence(span, checks)
        assert (found.agrees, found.live, found.proven) == (None, None, False)


def test_a_papers_number_is_not_held_against_a_check_of_that_name() -> None:
    assert evidence(_span("[6](source:1)"), {"1": _check(6.0)["c"]}).agrees is None


def test_a_number_of_a_check_that_fails_is_not_proven() -> None:
    assert evidence(_span("[6](check:c)"), _check(6.0, holds=True)).proven
    assert not evidence(_span("[6](check:c)"), _check(6.0, holds=False)).proven
