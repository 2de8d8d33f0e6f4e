"""What a figure tells those around it, whatever its kind."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from textual.message import Message


@dataclass
class TokenChosen(Message):
    """The reader looks at a token: wherever it stands in other figures it is to be lit; "" for none."""

    token: str


@dataclass
class SaveWanted(Message):
    """The reader wants the figure in a file. ``contents(format)`` gives it as ``svg``, ``png``, ``csv`` or ``html``."""

    stem: str
    contents: Callable[[str], str | bytes]
