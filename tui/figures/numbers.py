"""Numbers in words: to four significant digits for reading, to all the digits that a float32 has for copying."""

from __future__ import annotations

import math

UNITS = ("%", "MiB", "KiB", "GiB", "MFLOP", "bytes", "字节", "nats")  # that stand behind their number
FLOAT32_DIGITS = 9  # digits that tell any two float32 apart


def short(value: object, digits: int = 4) -> str:
    """``value`` to ``digits`` significant digits: 0.4123, 1234, 1.2e-07; NaN and infinity by name."""
    if isinstance(value, bool):
        return "1" if value else "0"
    number = float(value)  # type: ignore[arg-type]
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "+inf" if number > 0 else "-inf"
    if number == int(number) and abs(number) < 10 ** max(digits, 6):
        return str(int(number))
    text = f"{number:.{digits}g}"
    return _plain_exponent(text)


def unit_of(label: str) -> tuple[str, str]:
    """What a label of an axis measures, and the unit that it ends in: ``right, %`` in two parts, ``MiB`` in one."""
    words = label.replace("，", " ").replace(",", " ").split()
    if not words or words[-1] not in UNITS:
        return label, ""
    return label.removesuffix(words[-1]).strip().rstrip(",，"), words[-1]


def exact(value: object) -> str:
    """``value`` with every digit that a float32 has."""
    return short(value, FLOAT32_DIGITS)


def tight(value: float, width: int) -> str:
    """``value`` in at most ``width`` cells, with the digits that fit: ``.41``, ``-1.7``, ``3e4``; else ``""``."""
    if math.isnan(value) or math.isinf(value):
        return ""
    for digits in range(min(width, 4), 0, -1):
        text = short(value, digits)
        for candidate in (text, _no_leading_zero(text)):
            if len(candidate) <= width:
                return candidate
    if abs(value) >= 1:
        text = _plain_exponent(f"{value:.0e}")
        return text if len(text) <= width else ""
    text = _no_leading_zero(f"{value:.{max(width - 2 - (value < 0), 0)}f}")
    return "0" if float(text) == 0 else text if len(text) <= width else ""


def _plain_exponent(text: str) -> str:
    mantissa, mark, exponent = text.partition("e")
    return f"{mantissa}e{int(exponent)}" if mark else text


def _no_leading_zero(text: str) -> str:
    if text.startswith("0."):
        return text[1:]
    return "-" + text[2:] if text.startswith("-0.") else text
