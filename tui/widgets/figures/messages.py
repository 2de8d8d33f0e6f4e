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
class SeenAnew(Message):
    """Something else of the same figure is in front: another stage or head, or the difference from the pinned one."""


@dataclass
class SaveWanted(Message):
    """The reader wants the figure in a file. ``contents(format)`` gives it as ``svg``, ``png``, ``csv`` or ``html``."""

    stem: str
    contents: Callable[[str], str | bytes]


@dataclass
class HeadWanted(Message):
    """The reader wants another layer or head, so many further on."""

    layers: int
    heads: int


@dataclass
class HeadChosen(Message):
    """The reader wants the head that stands at a row and column of a map of heads."""

    row: int
    column: int


@dataclass
class PairChosen(Message):
    """The reader wants to know where the score of a query and a key comes from."""

    query: int
    key: int
