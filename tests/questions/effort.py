"""How much work a call is, counted and not timed: the lines of Python that it runs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import FrameType
from typing import Any


def lines_run(function: Callable[..., Any], *arguments: Any) -> int:
    """The lines that ``function(*arguments)`` runs, in all that it calls."""
    count = 0

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        nonlocal count
        count += event == "line"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        function(*arguments)
    finally:
        sys.settrace(before)
    return count


def is_linear(function: Callable[[str], Any], piece: str, times: int = 200) -> bool:
    """Whether five times the text takes about five times the work (where it is quadratic: twenty-five times)."""
    return lines_run(function, piece * (5 * times)) <= 6 * lines_run(function, piece * times) + 500
