"""What the store gives and takes: plain records, and the one way in which their times and lists are written."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

Rating = Literal[1, 2, 3, 4]  # again, hard, good, easy: the digits that hands know
RATINGS: tuple[Rating, ...] = (1, 2, 3, 4)
RATING_NAMES: dict[int, str] = {1: "again", 2: "hard", 3: "good", 4: "easy"}
ActionKind = Literal["rate", "skip", "bury", "unbury", "suspend", "resume", "flag", "unflag", "reset"]
PointName = str | int
Marks = tuple[Sequence[PointName], Sequence[PointName], Sequence[PointName]]  # said, half said, missed
Clock = Callable[[], datetime]

LEARNING, REVIEW, RELEARNING = 1, 2, 3  # FSRS's own numbers for a card's state
NEW = 0  # of a card that had none
LONGEST = 300.0  # seconds that one answer may count: a card left open was not thought about all night
STATE_NAMES: dict[int, str] = {LEARNING: "learning", REVIEW: "review", RELEARNING: "relearning"}


LATEST = datetime(9800, 1, 1, tzinfo=UTC)  # of a clock set to the year 9999: FSRS adds up to a hundred years to it


def utc_now() -> datetime:
    """The present, in the only time zone that FSRS takes."""
    return min(datetime.now(UTC), LATEST)


def write_time(moment: datetime) -> str:
    """``moment`` in UTC, always with microseconds: text then sorts as time does."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def read_time(text: str) -> datetime:
    """The moment that ``write_time`` wrote. Raises ``ValueError``."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None or not 2 <= moment.year <= 9998:
        raise ValueError(f"no moment in UTC: {text}")
    return moment.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class CardState:
    """What FSRS keeps of one question, unrounded: rounding ``stability`` or losing ``step`` breaks the schedule."""

    state: int
    step: int | None
    stability: float | None
    difficulty: float | None
    due: datetime
    last_review: datetime | None

    def plain(self) -> dict[str, Any]:
        """As JSON takes it; ``read_card`` gives back an equal state."""
        return {
            "state": self.state,
            "step": self.step,
            "stability": self.stability,
            "difficulty": self.difficulty,
            "due": write_time(self.due),
            "last_review": None if self.last_review is None else write_time(self.last_review),
        }


def read_card(plain: Mapping[str, Any]) -> CardState:
    last_review = plain["last_review"]
    return CardState(
        plain["state"],
        plain["step"],
        plain["stability"],
        plain["difficulty"],
        read_time(plain["due"]),
        None if last_review is None else read_time(last_review),
    )


@dataclass(frozen=True)
class Answer:
    """What a person answered before rating: typed text, or the outcome they predicted, and how it was marked.

    ``found``, ``unsure`` and ``missed`` are key points: each by its id, which stays when its question is changed; one
    that has none by its number, from 0, in the order of the bank.
    """

    text: str = ""
    choice: str | None = None
    found: Sequence[PointName] = ()
    unsure: Sequence[PointName] = ()
    missed: Sequence[PointName] = ()
    seconds: float | None = None
    mode: str = "practice"


@dataclass(frozen=True)
class Review:
    """One rating that counts. ``before`` is None where the question was new."""

    question_id: str
    rating: int
    reviewed_at: datetime
    language: str
    answer: Answer
    before: CardState | None
    after: CardState


@dataclass(frozen=True, slots=True)
class Flag:
    """A question that a person reported as wrong."""

    question_id: str
    note: str
    language: str
    flagged_at: datetime


@dataclass(frozen=True, slots=True)
class Undone:
    """What an undo took back. ``question_id`` is None where every question had been reset.

    ``rating`` and ``answer`` are those of a rating that was taken back.
    """

    kind: ActionKind
    question_id: str | None
    at: datetime
    rating: int | None = None
    answer: Answer | None = None


@dataclass(frozen=True)
class Place:
    """Where a person left a mode: the question, what was typed or chosen, whether the answer was shown."""

    question_id: str | None = None
    typed: str = ""
    choice: str | None = None
    revealed: bool = False
    seconds: float = 0.0
    more: Mapping[str, Any] = field(default_factory=dict)  # a screen's own: scroll, tab, knobs


def read_points(plain: Any) -> list[PointName]:
    """Names of key points. Raises ``ValueError`` where one is none."""
    points = list(plain)
    for point in points:
        if isinstance(point, bool) or not (isinstance(point, int) or (isinstance(point, str) and len(point) > 1)):
            raise ValueError(f"no key point: {point!r}"[:100])
    return points


def to_json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
