"""Two sides measured in turns, so that whatever else the machine does meets both."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from benchmarks.row import Result, Row, Sample, Sides

FEWEST, MOST = 5, 200


def timed(function: Callable[[], object]) -> Sample:
    """``function`` with its wall-clock time in seconds."""

    def sample() -> float:
        started = time.perf_counter()
        function()
        return time.perf_counter() - started

    return sample


def measure(row: Row, sides: Sides, blank: Result, seconds: float) -> Result:
    """``blank`` filled in. Rounds go on for ``seconds`` and are at least ``FEWEST``; one, where a row is ``once``."""
    ours: list[float] = []
    peer: list[float] = []
    if not row.once:
        _round(sides, [], [])  # the first call allocates, compiles and fills caches
    until = time.monotonic() + seconds
    fewest, most = (1, 1) if row.once else (FEWEST, MOST)
    while len(ours) < fewest or (time.monotonic() < until and len(ours) < most):
        _round(sides, ours, peer, peer_first=len(ours) % 2 == 1)
    low, value, high = (None, None, None) if row.kind != "seconds" and not peer else spread(_values(row, ours, peer))
    return replace(
        blank,
        rounds=len(ours),
        value=value,
        low=low,
        high=high,
        ours=statistics.median(ours),
        peer=statistics.median(peer) if peer else None,
    )


def spread(values: Sequence[float]) -> tuple[float, float, float]:
    """The lower quartile, the median, the upper quartile."""
    if len(values) == 1:
        return values[0], values[0], values[0]
    low, median, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, median, high


def _round(sides: Sides, ours: list[float], peer: list[float], peer_first: bool = False) -> None:
    """One sample of each; who begins alternates, for the second finds the caches as the first left them."""
    turns = [(sides.ours, ours)] + ([(sides.peer, peer)] if sides.peer is not None else [])
    for sample, found in reversed(turns) if peer_first else turns:
        found.append(sample())


def _values(row: Row, ours: Sequence[float], peer: Sequence[float]) -> list[float]:
    """Round by round: the two of a round had the same machine."""
    if row.kind == "seconds":
        return list(ours)
    if row.kind == "more":
        return [mine - other for mine, other in zip(ours, peer, strict=True)]
    return [mine / other / row.work for mine, other in zip(ours, peer, strict=True)]
