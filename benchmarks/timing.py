"""Two sides measured in turns, so that whatever else the machine does meets both.

Each as it runs by itself: a side's threads go on spinning after a call, torch's for 3 ms and BLAS's for 27, on cores
that the other side would compute on. So they are let fall asleep. What is so quick that waking its own would tell is
called once unmeasured then; after a longer sleep a core takes some calls to be at its speed again.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from benchmarks.row import Result, Row, Sample, Sides

FEWEST, MOST = 5, 200
QUICK = 0.05  # seconds of a call
SLEEP, LONG_SLEEP = 0.005, 0.03  # seconds before a quick call, and another


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
    turns = [(sides.ours, ours)] + ([(sides.peer, peer)] if sides.peer is not None else [])
    # The first call allocates, compiles and fills caches.
    quick = False if row.once else max([sample() for sample, _ in turns]) < QUICK
    until = time.monotonic() + seconds
    fewest, most = (1, 1) if row.once else (FEWEST, MOST)
    while len(ours) < fewest or (time.monotonic() < until and len(ours) < most):
        # Who begins alternates, for the second finds the caches as the first left them.
        for sample, found in turns if len(ours) % 2 == 0 else reversed(turns):
            time.sleep(SLEEP if quick else LONG_SLEEP)
            if quick:
                sample()
            found.append(sample())
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


def _values(row: Row, ours: Sequence[float], peer: Sequence[float]) -> list[float]:
    """Round by round: the two of a round had the same machine."""
    if row.kind == "seconds":
        return list(ours)
    if row.kind == "more":
        return [mine - other for mine, other in zip(ours, peer, strict=True)]
    return [mine / other / row.work for mine, other in zip(ours, peer, strict=True)]
