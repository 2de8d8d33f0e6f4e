"""Work on several cores: parts that write to places of their own, while BLAS keeps to one thread.

NumPy lets go of the interpreter's lock while it computes, so that threads run at once on what is no matrix product:
GELU, norms, softmax, the blocks of attention. ``MLXFORMER_THREADS`` bounds them; else they are as many as the cores
that this process may use. What is computed is the same with any number of them: the parts are.

BLAS has threads of its own, which wait by spinning: with a second busy process a small product takes a hundred times
as long. While our threads multiply, it gets one.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cache
from typing import Any, TypeVar

VARIABLE = "MLXFORMER_THREADS"
Part = TypeVar("Part")
_inside = threading.local()  # whether this thread is one of ours: it shares nothing out again


def limit() -> int:
    """How many threads work at most, this one among them. A value that is no whole number from 1 on is none."""
    given = os.environ.get(VARIABLE, "")
    if given.isdecimal() and int(given) > 0:
        return int(given)
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def each(work: Callable[[Part], object], parts: Sequence[Part]) -> None:
    """``work(part)`` for each of ``parts``, which must not touch each other's results. What it raises, this raises."""
    workers = min(limit(), len(parts))
    if workers < 2 or getattr(_inside, "working", False):
        for part in parts:
            work(part)
        return
    left = iter(parts)  # taken one by one: a core that is busy elsewhere takes fewer
    lock = threading.Lock()

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


BLOCK = 32768  # float32s: a few arrays of them stay in a core's cache, and are worth a thread's while


def chunks(size: int, width: int = 1) -> list[slice]:
    """The rows 0 to ``size``, each of ``width`` numbers, in slices of about ``BLOCK`` numbers."""
    rows = max(BLOCK // max(width, 1), 1)
    return [slice(start, min(start + rows, size)) for start in range(0, size, rows)]


@cache
def _pool(workers: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(workers, "mlxformer")


# --- BLAS's own threads ------------------------------------------------------------------------------------------

_multiplying = 0  # how many are in `one_blas_thread`
_before = 1
_lock = threading.Lock()


def each_product(work: Callable[[Part], object], parts: Sequence[Part]) -> None:
    """``each`` for work that multiplies matrices; in turn where BLAS cannot be told to keep to one thread."""
    if len(parts) < 2 or limit() < 2 or _openblas() is None:
        for part in parts:
            work(part)
        return
    with one_blas_thread():
        each(work, parts)


@contextmanager
def one_blas_thread() -> Iterator[None]:
    """OpenBLAS with one thread."""
    global _multiplying, _before
    functions = _openblas()
    assert functions is not None
    threads, set_threads = functions
    with _lock:
        if _multiplying == 0:
            _before = threads()
            set_threads(1)
        _multiplying += 1
    try:
        yield
    finally:
        with _lock:
            _multiplying -= 1
            if _multiplying == 0:
                set_threads(_before)


@cache
def _openblas() -> tuple[Any, Any] | None:
    """What tells and sets the threads of the OpenBLAS that NumPy was linked with; None for another BLAS."""
    try:
        library = ctypes.CDLL(importlib.import_module("numpy._core._multiarray_umath").__file__)
    except (ImportError, OSError):
        return None
    for name in ("scipy_openblas_{}_num_threads64_", "openblas_{}_num_threads64_", "openblas_{}_num_threads"):
        functions = [getattr(library, name.format(verb), None) for verb in ("get", "set")]
        if None not in functions:
            return functions[0], functions[1]
    return None


def _begin_in_a_child() -> None:
    """A process that was forked off has none of the threads, and no one to release a lock."""
    global _lock, _multiplying
    _pool.cache_clear()
    _lock, _multiplying = threading.Lock(), 0


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_in_a_child)
