"""What a row of the table is: two things to measure, and the aim for one beside the other; and what was found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

Sample = Callable[[], float]
"""Does the work once and says what it cost: seconds, mostly; bytes where a row is about memory."""

# ratio: ours / peer; more: ours - peer, in seconds; seconds: ours, and there is no peer.
Kind = Literal["ratio", "more", "seconds"]


class Sides(NamedTuple):
    """``peer`` is None where there is none, or where it is not installed."""

    ours: Sample
    peer: Sample | None = None


@dataclass(frozen=True)
class Row:
    """One line of the table.

    ``prepare(with_peer)`` makes both sides, so that nothing of the making is measured; it imports what it needs
    itself, for the table is drawn without it. ``needs`` are the packages of the peer. ``threads`` is a number where the
    row fixes it, None where it is what ``--threads`` says, and 0 where the program that is started chooses itself.
    ``work`` is how many times as much ours has to do as the peer: the ratio is divided by it. ``once`` is for what
    takes long: it is not done beforehand to warm up, and measured a single time. ``unit`` is what its samples
    count, seconds or bytes.
    """

    name: str
    what: str
    aim: float
    prepare: Callable[[bool], Sides]
    against: str = ""
    kind: Kind = "ratio"
    needs: tuple[str, ...] = ()
    backend: Literal["numpy", "mlx"] = "numpy"
    threads: int | None = None
    work: float = 1.0
    once: bool = False
    unit: Literal["s", "B"] = "s"


@dataclass(frozen=True)
class Result:
    """What a row came to, as JSON has it.

    ``value`` is the median over the rounds and ``low`` to ``high`` the middle half of them, of what ``kind`` says;
    ``ours`` and ``peer`` are the medians of either side. They are None where they were not measured: ``missing`` names
    the packages of the peer that are not installed, ``failed`` says what went wrong.
    """

    name: str
    what: str
    against: str
    kind: Kind
    aim: float
    backend: str
    threads: int
    unit: str = "s"
    rounds: int = 0
    value: float | None = None
    low: float | None = None
    high: float | None = None
    ours: float | None = None
    peer: float | None = None
    missing: tuple[str, ...] = ()
    failed: str = ""

    @property
    def reached(self) -> bool | None:
        return None if self.value is None else self.value <= self.aim
