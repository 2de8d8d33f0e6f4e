"""A check in words and as JSON."""

from __future__ import annotations

from typing import Any

from questions.bilingual import Language
from tui.commands.output import glyph
from tui.experiments.contract import Check
from tui.figures.numbers import short
from tui.language import words

_RELATIONS = {"==": ("=", "="), "<=": ("≤", "<="), ">=": ("≥", ">=")}


def check_lines(check: Check, language: Language) -> list[str]:
    """``✓ variance-grows  511.2, expected = 512 ± 51.2`` and, below it, what is claimed."""
    if check.holds is None:
        reason = check.reason.say(language) if check.reason else ""
        head = f"{glyph('–', '-')} {check.name}  " + words("commands.check-undefined", language, reason=reason)
    else:
        sign = glyph("✓", "v") if check.holds else glyph("✗", "x")
        outcome = "commands.check-holds" if check.holds else "commands.check-fails"
        measured = words(outcome, language, measured=quantity(check.measured, check.unit), expected=expected(check))
        head = f"{sign} {check.name}  {measured}"
    return [head, "    " + check.claim.say(language)]


def expected(check: Check) -> str:
    """``= 512 ± 51.2``, ``≤ 0.5``, ``0.9 … 1.1``: what ``check.measured`` had to be."""
    tolerance = f" {glyph('±', '+/-')} {quantity(check.tolerance, check.unit)}" if check.tolerance else ""
    if isinstance(check.expected, tuple):
        low, high = check.expected
        return f"{quantity(low, check.unit)} {glyph('…', '...')} {quantity(high, check.unit)}{tolerance}"
    wanted, otherwise = _RELATIONS.get(check.relation, ("=", "="))
    return f"{glyph(wanted, otherwise)} {quantity(check.expected, check.unit)}{tolerance}"


def quantity(value: float | None, unit: str) -> str:
    if value is None:
        return "-"
    return f"{short(value)} {unit}" if unit else short(value)


def check_json(check: Check) -> dict[str, Any]:
    """The keys that ``lab --json`` and ``check --json`` promise; ``reason`` and ``unit`` where there is one."""
    data: dict[str, Any] = {
        "name": check.name,
        "measured": check.measured,
        "relation": check.relation,
        "expected": None if check.holds is None else check.expected,
        "tolerance": check.tolerance,
        "holds": check.holds,
    }
    if check.unit:
        data["unit"] = check.unit
    if check.reason is not None:
        data["reason"] = {"zh": check.reason.zh, "en": check.reason.en}
    return data
