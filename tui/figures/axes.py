"""Axes of a plot: where a value stands, and at which round numbers the ticks are."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from tui.figures.numbers import short

ALIKE = 1e-5  # values that differ by less of their size have ticks that read the same: an axis of them shows one value


@dataclass(frozen=True)
class Axis:
    """From ``low`` to ``high``, linear or logarithmic (then both are positive). A linear one of counts (``whole``) has
    whole ticks."""

    low: float
    high: float
    log: bool = False
    whole: bool = False

    @classmethod
    def over(cls, values: Iterable[float], *, log: bool = False) -> Axis:
        """The axis on which the finite (and, on a log axis, positive) values stand.

        A linear axis begins at zero where the values nearly reach down to it, since lengths are then honest.
        """
        shown = [float(value) for value in values if math.isfinite(value) and (value > 0 or not log)]
        low, high = min(shown, default=1.0), max(shown, default=1.0)
        whole = are_whole(shown)
        if log:
            return cls(low, high, True, whole) if high > low else cls(low / 2, low * 2, True, whole)
        if high - low <= ALIKE * max(abs(low), abs(high)):
            reach = abs(low) / 2 or 1.0
            return cls(low - reach, high + reach, whole=whole)
        if 0 < low <= 0.3 * high:
            low = 0.0
        elif 0.3 * low <= high < 0:
            high = 0.0
        return cls(low, high, whole=whole)

    def place(self, value: float) -> float | None:
        """Where ``value`` stands, 0 at the low end and 1 at the high one; None where it has no place."""
        if not math.isfinite(value) or (self.log and value <= 0):
            return None
        if self.log:
            return (math.log(value) - math.log(self.low)) / (math.log(self.high) - math.log(self.low))
        return (value - self.low) / (self.high - self.low)

    def ticks(self, most: int) -> list[tuple[float, str]]:
        """At most about ``most`` round values on the axis, with their texts."""
        values = self._log_ticks(most) if self.log else self._linear_ticks(most)
        return [(value, short(value, 6)) for value in values]

    def _linear_ticks(self, most: int) -> list[float]:
        step = _round_step(max((self.high - self.low) / max(most, 1), float(self.whole)))
        while True:
            if self.whole and not step.is_integer():
                step = _round_step(step * 1.5)
            first = math.ceil(self.low / step - 1e-9)
            last = math.floor(self.high / step + 1e-9)
            if last - first < most:
                return [float(f"{index * step:.12g}") for index in range(first, last + 1)]
            step = _round_step(step * 1.5)

    def _log_ticks(self, most: int) -> list[float]:
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        for digits in ((1, 2, 5), (1,)):
            values = [digit * 10.0**power for power in range(first, last + 1) for digit in digits]
            values = [value for value in values if self.low * (1 - 1e-9) <= value <= self.high * (1 + 1e-9)]
            if len(values) <= most:
                return values
        return values[:: -(-len(values) // max(most, 1))]


def are_whole(values: Iterable[float]) -> bool:
    """Whether ``values`` read as counts: there are some, and all are whole."""
    known = [value for value in values if math.isfinite(value)]
    return bool(known) and all(float(value).is_integer() for value in known)


def _round_step(step: float) -> float:
    """The least of 1, 2, 2.5, 5 times a power of ten that is no less than ``step``."""
    power = 10.0 ** math.floor(math.log10(step))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= step * (1 - 1e-9))
