"""What is typed is written soon: once the keys rest, and within a second however long the typing goes on."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Any

from textual.screen import Screen
from textual.timer import Timer

WRITE_AFTER, AT_LATEST = 0.3, 0.9  # seconds after the last key, and after the first that is not written


class WriteSoon:
    """Calls ``write``, which says ``done`` as it begins: it is called from elsewhere too, as on leaving."""

    def __init__(self, screen: Screen[Any], write: Callable[[], None]) -> None:
        self._screen, self._write = screen, write
        self._timer: Timer | None = None
        self._since = 0.0

    @property
    def waits(self) -> bool:
        """Whether something is typed and not written."""
        return self._timer is not None

    def typed(self) -> None:
        now = monotonic()
        if self._timer is None:
            self._since = now
        else:
            self._timer.stop()
        self.again(max(min(WRITE_AFTER, self._since + AT_LATEST - now), 0.01))

    def again(self, seconds: float) -> None:
        """Write in so many seconds."""
        self._timer = self._screen.set_timer(seconds, self._write)

    def done(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
