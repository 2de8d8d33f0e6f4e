"""A number as it is written in a text, and whether a measured value is that number.

A number is written as people write it: ``61 %``, ``2.8e-3``, ``2.8×10⁻³``, ``1,048,576``, ``−0.5``. Its digits say how
precisely it is meant: a measured value agrees where it rounds to the digits shown. ``61 ± 5 %`` says a tolerance
instead, in the same unit. A percentage is a hundred times what was measured.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from questions.errors import NumberError, quoted

FULL_WIDTH = str.maketrans("０１２３４５６７８９．，％＋－", "0123456789.,%+-")
_RAISED = "⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺"
_LOWER = str.maketrans(_RAISED, "0123456789-+")
_RAISE = str.maketrans("0123456789-+", _RAISED)


def _pattern(prefix: str) -> str:
    """A signed number, its groups named with ``prefix``: digits with or without a power, or a power of ten alone."""
    digits = rf"(?:\d{{1,3}}(?:,\d{{3}})+|\d{{1,30}})(?:\.(?P<{prefix}decimals>\d{{1,30}}))?"
    power = r"10(?:\^(?P<{0}caret>[-+−]?\d{{1,3}})|(?P<{0}raised>[⁻⁺]?[⁰¹²³⁴⁵⁶⁷⁸⁹]{{1,3}}))"
    scaled = rf"(?:[eE](?P<{prefix}e>[-+−]?\d{{1,3}})|(?P<{prefix}times>\s?[×x·]\s?){power.format(prefix)})"
    return rf"(?P<{prefix}sign>[-+−]?)(?:(?P<{prefix}mantissa>{digits}){scaled}?|{power.format(prefix + 'lone_')})"


_NUMBER = re.compile(
    rf"\s*{_pattern('v_')}(?:\s*(?:±|\+/-)\s*{_pattern('t_')})?(?P<unit>\s*%)?\s*",
    re.ASCII,
)

Style = Literal["plain", "e", "power"]


@dataclass(frozen=True, slots=True)
class Quantity:
    """A written number: ``value`` and ``step`` (one in the last digit shown) are in the unit shown."""

    value: Decimal
    step: Decimal
    tolerance: Decimal | None
    percent: bool
    decimals: int  # digits after the point, of the mantissa where there is a power
    style: Style
    grouped: bool  # 1,048,576
    unit: str  # as written: "", "%" or " %"

    def agrees(self, measured: float | None) -> bool:
        """Whether ``measured``, rounded to the digits shown, is this number, or is within the tolerance written.

        A value that lies exactly between two roundings agrees with both. None, NaN and infinity agree with nothing.
        """
        if measured is None or not math.isfinite(measured):
            return False
        shown = self._shown(measured)
        allowed = self.tolerance if self.tolerance is not None else self.step / 2
        return abs(shown - self.value) <= allowed

    def say(self, measured: float) -> str:
        """``measured`` written as this number is: its unit, its digits, its way to write a power."""
        if not math.isfinite(measured):
            return "NaN" if math.isnan(measured) else ("∞" if measured > 0 else "−∞")
        shown = self._shown(measured)
        if self.style == "plain":
            written = f"{shown:z{',' if self.grouped else ''}.{self.decimals}f}"
        else:
            mantissa, power = f"{shown:z.{self.decimals}e}".split("e")
            exponent = str(int(power))
            raised = exponent.translate(_RAISE)
            written = f"{mantissa}e{exponent}" if self.style == "e" else f"{mantissa}×10{raised}"
        return written.replace("-", "−" if self.style != "e" else "-") + self.unit

    def _shown(self, measured: float) -> Decimal:
        """The shortest decimal that is the float, in the unit shown."""
        return Decimal(repr(float(measured))) * (100 if self.percent else 1)


def read_number(written: str) -> Quantity:
    """The number that ``written`` is. Raises ``NumberError`` where it is none."""
    match = _NUMBER.fullmatch(written.translate(FULL_WIDTH))
    if match is None:
        raise NumberError(
            "not-a-number",
            f"{quoted(written)} is not a number as a link takes it: 61 %, 61 ± 5 %, 2.8e-3, 2.8×10⁻³, 1,048,576; "
            "words and units stand outside the brackets",
            written=written,
        )
    value, exponent = _value(match, "v_")
    tolerance = abs(_value(match, "t_")[0]) if match["t_mantissa"] or _lone(match, "t_") else None
    decimals = len(match["v_decimals"] or "")
    style: Style = "e" if match["v_e"] else "power" if match["v_times"] or _lone(match, "v_") else "plain"
    unit = match["unit"] or ""
    return Quantity(
        value=value,
        step=Decimal(1).scaleb(exponent - decimals),
        tolerance=tolerance,
        percent=bool(unit),
        decimals=decimals,
        style=style,
        grouped="," in (match["v_mantissa"] or ""),
        unit=unit,
    )


def _lone(match: re.Match[str], prefix: str) -> str | None:
    """The exponent of a power of ten without a mantissa, as in 10⁻¹⁶."""
    return match[prefix + "lone_caret"] or match[prefix + "lone_raised"]


def _value(match: re.Match[str], prefix: str) -> tuple[Decimal, int]:
    """The number and its power of ten."""
    raised = match[prefix + "e"] or match[prefix + "caret"] or match[prefix + "raised"] or _lone(match, prefix) or "0"
    exponent = int(raised.translate(_LOWER).replace("−", "-"))
    mantissa = Decimal((match[prefix + "mantissa"] or "1").replace(",", ""))
    if match[prefix + "sign"] in ("-", "−"):
        mantissa = -mantissa
    return mantissa.scaleb(exponent), exponent
