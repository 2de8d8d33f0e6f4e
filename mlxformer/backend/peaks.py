"""The most memory that was held while something ran, by what a backend's allocator says."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import NamedTuple

_measuring = threading.RLock()  # an allocator has one peak for all threads
_before = 0  # the peak of a measurement around the one that runs, until that began


class Allocator(NamedTuple):
    """What is asked of a backend.

    Args:
        held: bytes now.
        most: bytes at most since ``forget``.
        forget: begins anew.
        measuring: what has to be while it measures.

    >>> from contextlib import nullcontext
    >>> Allocator(lambda: 0, lambda: 8, lambda: None, nullcontext).most()
    8
    """

    held: Callable[[], int]
    most: Callable[[], int]
    forget: Callable[[], object]
    measuring: Callable[[], AbstractContextManager[None]]


def peak_of(run: Callable[[], object], allocator: Allocator) -> int:
    """How much more than before was held at most while ``run`` ran, its result among it.

    Args:
        run: what takes memory.
        allocator: says how much.

    Returns:
        Bytes.

    >>> from contextlib import nullcontext
    >>> peak_of(list, Allocator(lambda: 2, lambda: 10, lambda: None, nullcontext))
    8
    """
    global _before
    with _measuring, allocator.measuring():
        around, _before = max(_before, allocator.most()), 0
        allocator.forget()
        before = allocator.held()
        try:
            _ = run()  # held until the peak was asked for
            return max(_before, allocator.most()) - before
        finally:
            _before = max(around, _before, allocator.most())
