"""The values along a number knob: where a value stands, what a step makes of it, what typed text means."""

from __future__ import annotations

import math
import unicodedata

from tui.experiments.contract import Knob
from tui.figures.numbers import short

PAGE = 10  # a page turns a tenth of the range, or doubles this many times less


class KnobScale:
    """``fraction`` and ``at`` go between a value and its place, 0 to 1; ``log`` knobs double and halve."""

    def __init__(self, knob: Knob) -> None:
        self.low, self.high = float(knob.minimum), float(knob.maximum)
        self.tick = float(knob.step) or 1.0
        self.log = knob.log and self.low > 0
        self.whole = all(bound.is_integer() for bound in (self.low, self.high, self.tick))

    def fraction(self, value: float) -> float:
        if self.high <= self.low:
            return 0.0
        if self.log:
            return math.log(value / self.low) / math.log(self.high / self.low)
        return (value - self.low) / (self.high - self.low)

    def at(self, fraction: float) -> float:
        """The value nearest to a place that steps from the lowest one reach; the ends are always reached."""
        if fraction <= 0:
            return self._clean(self.low)
        if fraction >= 1:
            return self._clean(self.high)
        if self.log:
            return self._clean(self.low * 2 ** round(fraction * math.log2(self.high / self.low)))
        return self._clean(self.low + round(fraction * (self.high - self.low) / self.tick) * self.tick)

    def step(self, value: float, count: int) -> float:
        """``count`` steps up (or down, if negative) from ``value``, wherever that stands."""
        return self._clean(value * 2.0**count if self.log else value + count * self.tick)

    def page(self, value: float, count: int) -> float:
        """A tenth of the range up or down; two doublings on a logarithmic knob."""
        if self.log:
            return self.step(value, 2 * count)
        return self.step(value, count * max(round((self.high - self.low) / self.tick / PAGE), 1))

    def widest(self) -> int:
        """The cells that any value on the scale needs."""
        places = [self.at(index / 16) for index in range(17)]
        return max(len(value_text(value)) for value in places)

    def _clean(self, value: float) -> float:
        rounded = round(value) if self.whole else float(f"{value:.10g}")
        clipped = min(max(rounded, self.low), self.high)
        return int(clipped) if self.whole else clipped


def value_text(value: float) -> str:
    """A knob's number as it is shown: all of an int, six digits of another."""
    return short(value, 6)


def typed_number(text: str) -> float | None:
    """The number that was typed, full-width digits and signs included; None where it is none."""
    plain = unicodedata.normalize("NFKC", text).strip().replace("−", "-").replace("。", ".")
    try:
        number = float(plain)
    except ValueError:
        return None
    return int(number) if math.isfinite(number) and number == int(number) else number
