"""Whether a run takes what was measured beforehand, and whether it did. Needs neither NumPy nor mlxformer.

The screen opens an experiment with numbers that lie on file (``kept``), says so, and measures them now when it is asked
to run again. Commands always measure.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator


class _State(threading.local):
    asked = False
    taken = False


_state = _State()


@contextlib.contextmanager
def measuring_afresh() -> Iterator[None]:
    """Inside, this thread takes nothing from a file."""
    before, _state.asked = _state.asked, True
    try:
        yield
    finally:
        _state.asked = before


def is_asked() -> bool:
    """Whether everything is to be measured now."""
    return _state.asked


def begin() -> None:
    """A run begins: of it ``was_taken`` speaks."""
    _state.taken = False


def note_taken() -> None:
    """A number of this run was measured beforehand."""
    _state.taken = True


def was_taken() -> bool:
    """Whether the run took a number that was measured beforehand."""
    return _state.taken
