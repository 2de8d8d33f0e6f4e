"""Programs started as a person starts them: how long until they have ended, or until a word stands on their screen."""

from __future__ import annotations

import contextlib
import os
import select
import struct
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.row import Sample
from tui.commands.context import BLAS_THREADS

# What bounds the threads of the rows here, and what keeps Python from compiling once: a person's environment has
# neither.
_OURS_ALONE = (*BLAS_THREADS, "MLXFORMER_THREADS", "PYTHONDONTWRITEBYTECODE")
ROOT = Path(__file__).parents[1]
LINES, COLUMNS = 40, 120
PATIENCE = 120.0  # seconds for the word to appear


def program(*arguments: str) -> list[str]:
    """The command line of ``tformer-quiz`` with ``arguments``, in this Python."""
    return [sys.executable, "-m", "tui.cli", *arguments]


def ended(command: Sequence[str]) -> Sample:
    """Seconds from the start of ``command`` to its end. Raises ``CalledProcessError`` where it fails."""

    def sample() -> float:
        started = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=ROOT, env=environment())
        return time.perf_counter() - started

    return sample


def shown(command: Sequence[str], word: str) -> Sample:
    """Seconds from the start of ``command`` in a terminal of 120 × 40 until ``word`` is written there."""

    def sample() -> float:
        import fcntl  # of a POSIX system; the other rows need none
        import pty
        import termios

        master, terminal = pty.openpty()
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        started = time.perf_counter()
        process = subprocess.Popen(
            command, stdin=terminal, stdout=terminal, stderr=terminal, cwd=ROOT, env=environment(),
            start_new_session=True,
        )  # fmt: skip
        os.close(terminal)
        try:
            _read_until(master, word.encode(), time.monotonic() + PATIENCE)
            return time.perf_counter() - started
        finally:
            process.kill()
            process.wait()
            os.close(master)

    return sample


def environment() -> dict[str, str]:
    """As a person's, with a terminal that can do everything."""
    kept = {name: value for name, value in os.environ.items() if name not in _OURS_ALONE}
    return kept | {"PYTHONPATH": str(ROOT), "TERM": "xterm-256color", "COLORTERM": "truecolor", "LC_ALL": "C.UTF-8"}


def _read_until(master: int, word: bytes, deadline: float) -> None:
    seen = b""
    while word not in seen:
        ready, _, _ = select.select([master], [], [], max(0.0, deadline - time.monotonic()))
        read = b""
        if ready:
            with contextlib.suppress(OSError):  # Linux says so where the other end is closed
                read = os.read(master, 65536)
        if not read:
            raise TimeoutError(f"{word.decode()!r} was not shown; the terminal got: {seen[-300:]!r}")
        seen += read
