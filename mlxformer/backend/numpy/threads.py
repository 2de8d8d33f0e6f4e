"""Work on several cores: parts that write to places of their own.

NumPy lets go of the interpreter's lock while it computes, so that threads run at once on what is no matrix product:
GELU, norms, softmax. ``MLXFORMER_THREADS`` bounds them; else they are as many as the cores that this process may use.
What is computed is the same with any number of them: the parts are.

So do products: BLAS's own threads stand aside (``blas.py``).
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import cache
from typing import TypeVar

from .operands import quiet

VARIABLE = "MLXFORMER_THREADS"
Part = TypeVar("Part")
_inside = threading.local()  # whether this thread is one of ours: it shares nothing out again


def limit() -> int:
    """How many threads work at most, this one among them. A value that is no whole number from 1 on is none."""
    given = os.environ.get(VARIABLE, "")
    if given.isdecimal() and int(given) > 0:
        return int(given)
    return _cores()


@cache
def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@quiet
def each(work: Callable[[Part], object], parts: Sequence[Part], fewest: int = 2) -> None:
    """``work(part)`` for each of ``parts``, which must not touch each other's results. What it raises, this raises.

    Like all that computes here it is ``quiet``, in each thread: a thread does not take that over from another.
    They are shared out where they are at least ``fewest``: less would be done before another thread has begun.
    """
    workers = min(limit(), len(parts)) if len(parts) >= fewest else 1
    if workers < 2 or getattr(_inside, "working", False):
        for part in parts:
            work(part)
        return
    left = iter(parts)  # taken one by one: a core that is busy elsewhere takes fewer
    lock = threading.Lock()

    @quiet
    def take() -> None:
        _inside.working = True
        try:
            while True:
                with lock:
                    part = next(left, None)
                if part is None:
                    return
                work(part)
        finally:
            _inside.working = False

    others: list[Future[None]] = []
    with suppress(RuntimeError):  # no more threads may be started here: then those that there are do it
        others.extend(_pool(workers - 1).submit(take) for _ in range(workers - 1))
    try:
        take()
    finally:
        # They write to our arrays: wait, whatever happened here. One that has not begun yet would find nothing left.
        errors = [None if other.cancel() else other.exception() for other in others]
    for error in errors:
        if error is not None:
            raise error


BLOCK = 65536  # float32s: a few arrays of them stay in a core's cache, and are worth a thread's while


def chunks(size: int, width: int = 1) -> list[slice]:
    """The rows 0 to ``size``, each of ``width`` numbers, in slices of at most about ``BLOCK`` numbers.

    Where they are several they are alike and even in number: two cores have done their halves at the same time.
    """
    count = -(-size * width // BLOCK)
    rows = -(-size // max(count + count % 2, 1)) if count > 1 else size
    return [slice(start, min(start + rows, size)) for start in range(0, size, max(rows, 1))]


@cache
def _pool(workers: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(workers, "mlxformer")


def _begin_in_a_child() -> None:
    """A process that was forked off has none of the threads."""
    _pool.cache_clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_in_a_child)
