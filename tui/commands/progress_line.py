"""A line on stderr that says how far a long run has come, and is gone when it ends."""

from __future__ import annotations

import os
import sys
import time
from types import TracebackType
from typing import TYPE_CHECKING

from tui.text.layout import fit

if TYPE_CHECKING:
    from tui.experiments.contract import Report

PATIENCE = 0.5  # seconds: a run that is shorter leaves the terminal alone
EVERY = 0.1


class ProgressLine:
    """``with ProgressLine() as report:``; silent where stderr is no terminal."""

    def __init__(self) -> None:
        self._terminal = sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        self._next = 0.0
        self._shown = False

    def __enter__(self) -> Report:
        self._next = time.monotonic() + PATIENCE
        return self._report

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shown:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)

    def _report(self, fraction: float, text: str) -> None:
        if self._terminal and time.monotonic() >= self._next:
            self._next = time.monotonic() + EVERY
            self._shown = True
            print(f"\r\x1b[K{fraction:4.0%}  {fit(text, 70)}", end="", file=sys.stderr, flush=True)
