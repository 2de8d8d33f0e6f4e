"""Which sittings are running: each holds a lock that ends with its process, however that ends.

A row in the file cannot tell: a program that was killed never came to write that it had ended. The operating system
gives a lock up when the process is gone, so what is locked is running and everything else has ended.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

_PREFIX = "progress.running-"


class Running:
    """The lock of one sitting. ``folder`` is None for a store in memory, which nobody else can see."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._descriptor: int | None = None
        self._path: Path | None = None

    def begin(self, session: int) -> None:
        """Say that ``session`` is running, from now until ``end`` or the end of the process."""
        if self._folder is None or self._descriptor is not None:
            return
        path = self._folder / f"{_PREFIX}{session}"
        with contextlib.suppress(OSError):  # where it cannot be made, nobody can tell that this one is running
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            if not lock(descriptor):
                os.close(descriptor)
                return
            self._descriptor, self._path = descriptor, path

    def end(self) -> None:
        if self._descriptor is None or self._path is None:
            return
        with contextlib.suppress(OSError):
            self._path.unlink()
        with contextlib.suppress(OSError):
            os.close(self._descriptor)
        self._descriptor = self._path = None

    def others(self) -> set[int]:
        """The other sessions that are running at this moment. What a killed one left behind is cleared away."""
        if self._folder is None:
            return set()
        found = set()
        for path in self._folder.glob(f"{_PREFIX}*"):
            number = path.name.removeprefix(_PREFIX)
            if path == self._path or not number.isdecimal():
                continue
            if is_held(path):
                found.add(int(number))
            else:
                with contextlib.suppress(OSError):
                    path.unlink()
        return found


def count_running(folder: Path) -> int:
    """How many sittings are running on ``folder`` at this moment; nothing is made or cleared away."""
    return sum(is_held(path) for path in folder.glob(f"{_PREFIX}*")) if os.path.isdir(folder) else 0


def is_held(path: Path) -> bool:
    """Whether a process that is running holds the lock of ``path``."""
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError:
        return path.exists()
    try:
        return not lock(descriptor)
    finally:
        os.close(descriptor)


def lock(descriptor: int) -> bool:
    """Whether the lock could be had. Where the system has none (Windows), an open file cannot be removed instead."""
    try:
        import fcntl
    except ImportError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a network drive that knows no locks
        return True
    return True
