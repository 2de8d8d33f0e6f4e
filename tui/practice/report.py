"""What came of a mock interview: by key point, by topic, what to study next, and how it stands to earlier ones.

Everything is counted from the record that the store keeps, so that any interview, also one of last week, can be told
again. A key point that was half said counts a half. What is in no question file any more is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from questions.bilingual import Language
from questions.model import KeyPoint, Question
from tui.practice.interview_turn import WORTH, Turn, read_turn

NEXT = 3  # things to study
SAYING_THE_MISCONCEPTION = 2.0  # counts as so many missed key points when those are chosen


@dataclass(frozen=True)
class Count:
    """How many key points were said, half said and missed."""

    said: int = 0
    half: int = 0
    missed: int = 0

    @property
    def points(self) -> int:
        return self.said + self.half + self.missed

    @property
    def share(self) -> float | None:
        """None where there was no key point to say."""
        return (self.said * WORTH["found"] + self.half * WORTH["unsure"]) / self.points if self.points else None


@dataclass(frozen=True)
class ToStudy:
    """A question to go back to, the key points of it that were not said, and whether its misconception was."""

    question: Question
    unsaid: tuple[KeyPoint, ...]
    said_misconception: bool


@dataclass(frozen=True)
class Earlier:
    """An interview before this one, and what it gave by topic."""

    started_at: datetime
    count: Count
    topics: Mapping[str, Count]


@dataclass(frozen=True)
class Report:
    """``gained`` are key points that were not said when they were last asked and are now; ``lost`` the reverse."""

    started_at: datetime
    ended_at: datetime | None
    language: Language
    minutes: int
    seconds: float
    planned: int
    turns: tuple[Turn, ...]
    count: Count
    topics: Mapping[str, Count]
    to_study: tuple[ToStudy, ...]
    earlier: tuple[Earlier, ...]  # the newest first
    gained: tuple[tuple[Question, KeyPoint], ...]
    lost: tuple[tuple[Question, KeyPoint], ...]

    @property
    def questions(self) -> int:
        """How many of the planned questions were answered."""
        return sum(turn.kind == "main" for turn in self.turns)

    @property
    def misconceptions(self) -> list[Turn]:
        """The turns in which the misconception in circulation was said."""
        return [turn for turn in self.turns if turn.said_misconception]


def report(kept: Mapping[str, Any], interviews: Iterable[Mapping[str, Any]], questions: Sequence[Question]) -> Report:
    """Tell of ``kept``, one of ``ProgressStore.interviews``; ``interviews`` are all of them."""
    by_id = {question.id: question for question in questions}
    record = kept["record"]
    turns = _turns(record, by_id)
    before = [
        (other, _turns(other["record"], by_id))
        for other in sorted(interviews, key=lambda each: each["started_at"], reverse=True)
        if other["started_at"] < kept["started_at"] and other["ended_at"] is not None
    ]
    gained, lost = _changes(turns, [said for _, said in before])
    return Report(
        started_at=kept["started_at"],
        ended_at=kept["ended_at"],
        language=kept["language"],
        minutes=int(record.get("minutes", 0)),
        seconds=sum(turn.seconds for turn in turns),
        planned=len(record.get("queue", ())),
        turns=tuple(turns),
        count=count(turns),
        topics=_by_topic(turns),
        to_study=_to_study(turns),
        earlier=tuple(Earlier(other["started_at"], count(said), _by_topic(said)) for other, said in before if said),
        gained=gained,
        lost=lost,
    )


def count(turns: Iterable[Turn]) -> Count:
    marks = [status for turn in turns for status in turn.marks]
    return Count(marks.count("found"), marks.count("unsure"), marks.count("missed"))


def _turns(record: Mapping[str, Any], questions: Mapping[str, Question]) -> list[Turn]:
    """The answered turns of a record, as far as they can be read."""
    found = []
    for plain in record.get("turns", ()):
        try:
            turn = read_turn(plain, questions)
        except (KeyError, TypeError, ValueError, IndexError):
            continue
        if turn.revealed:
            found.append(turn)
    return found


def _by_topic(turns: Sequence[Turn]) -> dict[str, Count]:
    topics = dict.fromkeys(turn.question.topic for turn in turns)
    return {topic: count(turn for turn in turns if turn.question.topic == topic) for topic in topics}


def _to_study(turns: Sequence[Turn]) -> tuple[ToStudy, ...]:
    """The questions with the most that was not said, the worst first; what was all said is none to study."""
    lacking: dict[str, float] = {}
    unsaid: dict[str, list[KeyPoint]] = {}
    wrong: set[str] = set()
    for turn in turns:
        name = turn.question.id
        pairs = list(zip(turn.key_points, turn.marks, strict=True))
        lacking[name] = lacking.get(name, 0.0) + sum(1 - WORTH[status] for _, status in pairs)
        unsaid.setdefault(name, []).extend(point for point, status in pairs if status != "found")
        if turn.said_misconception:
            lacking[name] += SAYING_THE_MISCONCEPTION
            wrong.add(name)
    by_id = {turn.question.id: turn.question for turn in turns}
    worst = sorted((name for name in lacking if lacking[name] > 0), key=lambda name: -lacking[name])
    return tuple(ToStudy(by_id[name], tuple(unsaid[name]), name in wrong) for name in worst[:NEXT])


def _changes(
    turns: Sequence[Turn], before: Sequence[Sequence[Turn]]
) -> tuple[tuple[tuple[Question, KeyPoint], ...], tuple[tuple[Question, KeyPoint], ...]]:
    gained, lost = [], []
    for turn in turns:
        asked = [each for said in before for each in said if _same(each, turn)]
        if not asked:
            continue
        for point, then, now in zip(turn.key_points, asked[0].marks, turn.marks, strict=True):
            if WORTH[now] > WORTH[then]:
                gained.append((turn.question, point))
            elif WORTH[now] < WORTH[then]:
                lost.append((turn.question, point))
    return tuple(gained), tuple(lost)


def _same(one: Turn, other: Turn) -> bool:
    return one.question.id == other.question.id and one.follow_up == other.follow_up
