"""What a run that takes long shows before it has ended. Needs neither NumPy nor mlxformer.

A body offers a figure of what it has so far (``Experiment.meanwhile``); it is drawn only where somebody waits for it:
the thread that runs experiments for the screen (``compute``) takes one now and then, a command none.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator

from tui.figures.data import Figure

Taker = Callable[[Callable[[], Figure]], object]


class _State(threading.local):
    taker: Taker | None = None


_state = _State()


@contextlib.contextmanager
def taken_by(taker: Taker) -> Iterator[None]:
    """Inside, what this thread offers goes to ``taker``: a function that draws the figure, if it is wanted."""
    before, _state.taker = _state.taker, taker
    try:
        yield
    finally:
        _state.taker = before


def offer(draw: Callable[[], Figure]) -> None:
    """``draw()`` is the figure as far as it is."""
    if _state.taker is not None:
        _state.taker(draw)


def nobody(*so_far: object) -> None:
    """Who is told how far a training is where nobody asked."""
