"""A check in lines and as JSON."""

from __future__ import annotations

from typing import Any

from questions.bilingual import Language
from tui.commands.output import glyph
from tui.experiments.contract import Check
from tui.language.words import words
from tui.proof.checks_text import expected_words, measured_words


def check_lines(check: Check, language: Language) -> list[str]:
    """``✓ variance-grows  511.2   expected 512 ± 51.2`` and, below it, what is claimed."""
    if check.holds is None:
        reason = check.reason.say(language) if check.reason else ""
        head = f"{glyph('–', '-')} {check.name}  " + words("commands.check-undefined", language, reason=reason)
    else:
        sign = glyph("✓", "v") if check.holds else glyph("✗", "x")
        head = f"{sign} {check.name}  {measured_words(check)}   {expected_words(check, language)}"
        head += "" if check.holds else "   " + words("commands.check-fails", language)
    return [head, "    " + check.claim.say(language)]


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
