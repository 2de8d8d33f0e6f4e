"""One turn of an interview: what was asked, what was said to it, and how that was."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from questions.bilingual import Bilingual
from questions.model import CodeQuestion, FollowUp, KeyPoint, Misconception, Question
from tui.practice.written import in_framework, task_of
from tui.progress.records import RATINGS, Marks, PointName, Rating

if TYPE_CHECKING:
    from questions.marking import Status

Kind = Literal["main", "deeper", "aside"]
KINDS: tuple[Kind, ...] = ("main", "deeper", "aside")
STATUSES: tuple[Status, ...] = ("found", "unsure", "missed")
WORTH: Mapping[Status, float] = {"found": 1.0, "unsure": 0.5, "missed": 0.0}
GOOD, POOR = 0.6, 1 / 3  # share of the key points from which an answer is good, and below which it is "again"


@dataclass
class Turn:
    """``follow_up`` is the number of the inline follow-up that is asked; None asks the question itself."""

    question: Question
    follow_up: int | None = None
    kind: Kind = "main"
    typed: str = ""
    spoken: bool = False
    revealed: bool = False
    marks: list[Status] = field(default_factory=list)  # once it is revealed: one for each key point
    said_misconception: bool = False
    seconds: float = 0.0
    rating: Rating | None = None
    judged: Mapping[str, Sequence[str]] = field(default_factory=dict)  # of code: what the judge said, by language
    framework: str = ""  # of code: what it is written in
    others: dict[str, str] = field(default_factory=dict)  # of code: what was begun in the other frameworks

    @property
    def _inline(self) -> FollowUp | None:
        if self.follow_up is None:
            return None
        found = self.question.follow_ups[self.follow_up]
        assert isinstance(found, FollowUp)
        return found

    @property
    def task(self) -> CodeQuestion | None:
        """What is to be written, where the answer is code."""
        return task_of(self.question) if self.follow_up is None else None

    def as_question(self) -> Question:
        """What is asked, as a question: an inline follow-up with its own answer and key points."""
        inline = self._inline
        if inline is None:
            return in_framework(self.question, self.framework or "numpy")
        return replace(
            self.question, question=inline.question, brief=None, answer=inline.answer, key_points=inline.key_points,
            misconception=None, predict=None, follow_ups=(),
        )  # fmt: skip

    @property
    def asked(self) -> Bilingual:
        return self.question.question if self._inline is None else self._inline.question

    @property
    def reference(self) -> Bilingual:
        """What is shown after the answer: what to say in a minute, where there is one."""
        if self._inline is not None:
            return self._inline.answer
        return self.question.brief or self.as_question().answer

    @property
    def key_points(self) -> Sequence[KeyPoint]:
        return self.question.key_points if self._inline is None else self._inline.key_points

    @property
    def misconception(self) -> Misconception | None:
        return self.question.misconception if self._inline is None else None

    @property
    def answered(self) -> bool:
        return self.spoken or bool(self.typed.strip())

    @property
    def share(self) -> float:
        """How much of the key points was said, a half for what was half said; 1 where there is none to say."""
        return sum(WORTH[status] for status in self.marks) / len(self.marks) if self.marks else float(self.answered)

    @property
    def fair_rating(self) -> Rating | None:
        """The rating by key points; None for an inline follow-up, and where there is nothing to tell it by."""
        if self._inline is not None or not self.key_points or not self.revealed:
            return None
        if not self.answered or self.said_misconception or self.share < POOR:
            return 1
        return 3 if self.share >= GOOD else 2

    def plain(self) -> dict[str, Any]:
        """As JSON takes it. Key points go by their ids, which stay when others are added."""
        return {
            "question": self.question.id,
            "follow_up": self.follow_up,
            "kind": self.kind,
            "typed": self.typed,
            "spoken": self.spoken,
            "revealed": self.revealed,
            "points": {point_name(p, n): s for n, (p, s) in enumerate(zip(self.key_points, self.marks, strict=False))},
            "misconception": self.said_misconception,
            "seconds": round(self.seconds, 1),
            "rating": self.rating,
            **({"judged": self.judged} if self.judged else {}),
            **({"framework": self.framework, "others": self.others} if self.task is not None else {}),
        }


def point_name(point: KeyPoint, number: int) -> str:
    return point.id or str(number)


def marked_points(points: Sequence[KeyPoint], marks: Sequence[Status]) -> Marks:
    """The key points that were said, half said and missed, as a rating keeps them: by id, or else by number."""
    names: list[PointName] = [number if point.id is None else point.id for number, point in enumerate(points)]
    marked = list(zip(names, marks, strict=bool(marks)))
    said, half, missed = ([name for name, mark in marked if mark == status] for status in STATUSES)
    return said, half, missed


def read_turn(plain: Mapping[str, Any], questions: Mapping[str, Question]) -> Turn:
    """What ``plain`` says. Raises what ``tui.progress.salvage.UNREADABLE`` lists, or ``IndexError``, where it cannot
    be: a record may come from a stranger's export."""
    turn = Turn(
        questions[plain["question"]],
        plain["follow_up"],
        KINDS[KINDS.index(plain["kind"])],
        _text(plain["typed"]),
        bool(plain["spoken"]),
        bool(plain["revealed"]),
        said_misconception=bool(plain["misconception"]),
        seconds=float(plain["seconds"]),
        rating=plain["rating"],
        judged={str(name): [str(line) for line in lines] for name, lines in plain.get("judged", {}).items()},
        framework=str(plain.get("framework", "")),
        others={_text(name): _text(text) for name, text in plain.get("others", {}).items()},
    )
    if turn.rating is not None and turn.rating not in RATINGS:
        raise ValueError("no rating")
    if not 0 <= turn.seconds < math.inf:
        raise ValueError("no time that an answer took")
    if turn.follow_up is not None and not isinstance(turn.question.follow_ups[turn.follow_up], FollowUp):
        raise ValueError("the follow-up has become another")
    if turn.revealed:
        said = plain["points"]
        marks = [said.get(point_name(point, number), "missed") for number, point in enumerate(turn.key_points)]
        turn.marks = [STATUSES[STATUSES.index(status)] for status in marks]
    return turn


def _text(value: Any) -> str:
    """``value`` as text that can be written. Raises ``ValueError`` where half a character is in it."""
    text = str(value)
    text.encode()
    return text
