"""A check in words: what was claimed, measured and expected, and whether it holds."""

from __future__ import annotations

import math

from rich.text import Text

from questions.bilingual import Language
from tui.experiments.contract import Check
from tui.figures.look import Glyphs, Look
from tui.figures.numbers import short
from tui.text.layout import wrap


def sign_of(check: Check, glyphs: Glyphs) -> str:
    """✓ holds, ✗ does not, – not defined here."""
    return glyphs.undefined if check.holds is None else glyphs.holds if check.holds else glyphs.fails


def measured_words(check: Check) -> str:
    """What was measured, with its unit: ``511.2``, ``61 %``; a dash where nothing was."""
    return "-" if check.measured is None else _with_unit(_number(check.measured, check), check.unit)


def expected_words(check: Check, language: Language) -> str:
    """What is expected: ``应为 512 ± 10 %``, ``expected 512 ± 51.2``, ``应在 0.4 到 0.6 之间``."""
    zh = language == "zh"
    if isinstance(check.expected, tuple):
        low, high = (_number(bound, check) for bound in check.expected)
        bounds = f"{low} 到 {high} 之间" if zh else f"from {low} to {high}"
        return ("应在 " if zh else "expected ") + _with_unit(bounds, check.unit) + _slack(check, zh)
    number = _number(check.expected, check)
    if check.relation == "==":
        spread = f" ± {_tolerance(check)}" if check.tolerance else ""
        return ("应为 " if zh else "expected ") + _with_unit(number + spread, check.unit)
    sign = {"<=": "≤", ">=": "≥"}[check.relation]
    return ("应 " if zh else "expected ") + _with_unit(f"{sign} {number}", check.unit) + _slack(check, zh)


def check_lines(check: Check, language: Language, width: int, look: Look) -> list[Text]:
    """The claim with its sign; below it the measured and the expected value, or why there is none."""
    style = look.dim if check.holds is None else look.good if check.holds else look.bad
    claim = wrap(check.claim.say(language), max(width - 2, 1))
    lines = [Text.assemble((sign_of(check, look.glyphs) + " ", f"{style} bold".strip()), claim[0])]
    lines += [Text("  " + line) for line in claim[1:]]
    if check.holds is None or check.measured is None:
        reason = check.reason.say(language) if check.reason is not None else ""
        words = ("此处没有定义" if language == "zh" else "not defined here") + (f": {reason}" if reason else "")
        return lines + [Text("  " + line, style=look.dim) for line in wrap(words, max(width - 2, 1))]
    measured, expected = measured_words(check), expected_words(check, language)
    said = f"{measured}   {expected}"
    for index, line in enumerate(wrap(said, max(width - 2, 1))):
        text = Text("  ").append(line, style=look.dim)
        if index == 0:
            text.stylize(f"{style} bold".strip(), 2, 2 + min(len(measured), len(line)))
        lines.append(text)
    return lines


def _number(value: float, check: Check) -> str:
    """Four significant digits, but a large count that has to be exact to the last one: ``109,482,240``."""
    if not check.tolerance and math.isfinite(value) and value == int(value) and 10_000 <= abs(value) < 1e15:
        return f"{int(value):,}"
    return short(value)


def _tolerance(check: Check) -> str:
    """A tolerance that is a whole share of the expected value in per cent, any other as it is."""
    assert not isinstance(check.expected, tuple)
    if check.expected and check.unit != "%":
        percent = check.tolerance / abs(check.expected) * 100
        if math.isclose(percent, round(percent), rel_tol=1e-9):
            return f"{round(percent)} %"
    return short(check.tolerance)


def _slack(check: Check, zh: bool) -> str:
    if not check.tolerance:
        return ""
    return f"（容差 {short(check.tolerance)}）" if zh else f" (tolerance {short(check.tolerance)})"


def _with_unit(text: str, unit: str) -> str:
    return f"{text} {unit}" if unit else text
