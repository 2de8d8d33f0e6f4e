"""A progress bar on stderr."""

from __future__ import annotations

import sys
import time


class ProgressBar:
    """A line on stderr: ``bar(fraction, text)`` redraws it, at most twice a second, and at the end.

    Args:
        name: what stands before it.
        begun: the fraction that an earlier run had done, which says nothing about the speed of this one.

    >>> from mlxformer.pretrained.progress import ProgressBar
    >>> ProgressBar("training")(1.0)
    """

    WIDTH = 24
    EVERY = 0.5

    def __init__(self, name: str, begun: float = 0.0) -> None:
        self.name, self.begun = name, begun
        self._started = time.monotonic()
        self._drawn = 0.0

    def __call__(self, fraction: float, text: str = "") -> None:
        """Redraw, unless it was drawn a moment ago.

        Args:
            fraction: done, 0 to 1.
            text: what stands behind the bar.
        """
        now = time.monotonic()
        if now - self._drawn < self.EVERY and fraction < 1:
            return
        self._drawn = now
        filled = round(self.WIDTH * fraction)
        spent = now - self._started
        done = fraction - self.begun
        left = spent / done * (1 - fraction) if done > 0 else 0.0
        bar = "#" * filled + "-" * (self.WIDTH - filled)
        line = f"\r{self.name} [{bar}] {text}  {_clock(spent)} < {_clock(left)}  "
        print(line, end="\n" if fraction >= 1 else "", file=sys.stderr, flush=True)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}:{rest:02d}"
