"""The reading of one item: what it is read against, and where its problems go."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, Final

from questions.catalogue import Catalogue, ExperimentFacts
from questions.errors import Problem
from questions.nodes import Node, Place


class Broken:
    """Stands for what could not be read; why has been reported."""


BROKEN: Final = Broken()


def line_starts(text: str) -> list[int]:
    """Where each line of a text begins; one more for the line after the last."""
    return [0, *accumulate(len(line) + 1 for line in text.split("\n"))]


@dataclass
class Reading:
    """One item on its way from nodes to a ``Question``.

    ``complete`` holds the shipped bank to more than a user's file: both languages, and every part. The lists collect
    what can only be judged when the whole item has been read.
    """

    file: str
    text: str  # of the file
    lines: Sequence[int]  # where each of its lines begins
    complete: bool
    catalogue: Catalogue | None
    report: Callable[[Problem], None]
    item: str = ""  # the item's id, once known
    experiment: ExperimentFacts | None = None
    texts: list[tuple[str, Node]] = field(default_factory=list)
    checks: list[tuple[str, Node]] = field(default_factory=list)
    sees: list[tuple[str, Node]] = field(default_factory=list)
    labels: dict[str, int] = field(default_factory=dict)  # of key points, and the line of each
    reported: bool = False

    def problem(self, code: str, message: str, at: Node | Place, key: str, **fields: Any) -> None:
        """Report what is wrong at a node, or at a place given as line and column from 0."""
        line, column = at.start if isinstance(at, Node) else at
        self.reported = True
        where = f"{self.item}: {key}" if self.item and key else self.item or key
        self.report(Problem(self.file, line + 1, column + 1, where, code, message, fields))

    def place_of(self, node: Node, written: str) -> Place:
        """Where ``written`` stands within a scalar's source: its own place where it was written as it reads."""
        start, stop = (self.lines[line] + column for line, column in (node.start, node.end))
        found = self.text.find(written, start, stop)
        if found < 0:
            return node.start
        line = bisect_right(self.lines, found) - 1
        return line, found - self.lines[line]
