"""What the practice screen knows, without a screen: which question is asked, what was answered, what undo brings back.

A question goes asked -> revealed -> rated. Each rating is on the disk before the next question is chosen, and the
place (question, typed text, choice, revealed or not) is saved on leaving, so that a person comes back where they were.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from questions.bilingual import Language
from questions.marking import Marking, mark
from tui.progress.records import Answer, Clock, Place, Rating, utc_now
from tui.progress.schedule import next_due, queue

if TYPE_CHECKING:
    from questions.model import Question
    from tui.progress.store import ProgressStore
    from tui.progress.undo import Undone

MODE = "practice"
LEARN_AHEAD = timedelta(minutes=20)  # with nothing else left, a card due this soon is asked at once


@dataclass
class Attempt:
    """One question as it is being answered."""

    question: Question
    typed: str = ""
    choice: str | None = None
    revealed: bool = False
    marking: Marking | None = None
    seconds: float = 0.0  # spent before this sitting
    _since: float = field(default_factory=time.monotonic)

    @property
    def elapsed(self) -> float:
        return self.seconds + (time.monotonic() - self._since)

    @property
    def predicted_right(self) -> bool | None:
        """Whether the predicted outcome came; None where nothing was predicted."""
        predict = self.question.predict
        return None if predict is None or self.choice is None else self.choice == predict.answer


class Practice:
    """A sitting. ``order`` fixes the questions to ask (a search result, say); None asks what the schedule says."""

    def __init__(
        self,
        questions: Sequence[Question],
        store: ProgressStore,
        *,
        seed: int | None = None,
        order: Sequence[str] | None = None,
        clock: Clock = utc_now,
    ) -> None:
        self._questions = {question.id: question for question in questions}
        self._store = store
        self._seed = seed
        self._order = order
        self._clock = clock
        self._skipped: list[str] = []
        self._rated: list[Attempt] = []
        self.attempt: Attempt | None = None

    # --- where we are ------------------------------------------------------------------------------------------

    @property
    def done(self) -> int:
        """How many questions were rated in this sitting."""
        return len(self._rated)

    @property
    def remaining(self) -> int:
        """How many are left to ask, the present one among them."""
        waiting = [name for name in self._waiting() if self.attempt is None or name != self.attempt.question.id]
        return len(waiting) + (self.attempt is not None)

    @property
    def next_due(self) -> datetime | None:
        return next_due(self._questions, self._store.cards(), self._store.suspended())

    def intervals(self) -> dict[Rating, timedelta]:
        """The interval that each rating would give the present question."""
        assert self.attempt is not None
        return self._store.schedule.intervals(self._store.card(self.attempt.question.id), self._clock())

    # --- asking ------------------------------------------------------------------------------------------------

    def start(self, question_id: str | None = None) -> Attempt | None:
        """Ask ``question_id``, else the question that was left in the middle, else the next one."""
        if question_id is not None:
            return self._ask(question_id)
        place = self._store.place(MODE) if self._order is None else None
        if place is not None and place.question_id in self._questions:
            attempt = Attempt(
                self._questions[place.question_id],
                place.typed,
                place.choice,
                seconds=place.seconds,
            )
            self.attempt = attempt
            if place.revealed:
                self.reveal()
            return attempt
        return self.next()

    def next(self) -> Attempt | None:
        """Ask the next question; None when there is none left for now."""
        waiting = self._waiting()
        if waiting:
            return self._ask(waiting[0])
        self.attempt = None
        return None

    def skip(self) -> Attempt | None:
        """Put the present question off to the end of this sitting."""
        if self.attempt is not None:
            name = self.attempt.question.id
            self._skipped = [other for other in self._skipped if other != name] + [name]
        return self.next()

    # --- answering ---------------------------------------------------------------------------------------------

    def reveal(self) -> Attempt:
        """Show the answer, and mark what was typed."""
        attempt = self._present()
        attempt.revealed = True
        question = attempt.question
        typed = bool(attempt.typed.strip())
        attempt.marking = mark(attempt.typed, question.key_points, question.misconception) if typed else None
        return attempt

    def rate(self, rating: Rating, language: Language) -> Attempt | None:
        """Write the rating, and ask the next question."""
        attempt = self._present()
        marks = [] if attempt.marking is None else list(enumerate(attempt.marking.points))
        found, unsure, missed = (
            [number for number, point in marks if point.status == status] for status in ("found", "unsure", "missed")
        )
        answer = Answer(attempt.typed, attempt.choice, found, unsure, missed, round(attempt.elapsed, 1), MODE)
        self._store.rate(attempt.question.id, rating, language, answer)
        self._rated.append(attempt)
        self._skipped = [name for name in self._skipped if name != attempt.question.id]
        return self.next()

    def undo(self) -> Undone | None:
        """Take back the last change; a rating brings its question back as it was, revealed and ready to rate."""
        undone = self._store.undo()
        if undone is None or undone.kind != "rate" or undone.question_id not in self._questions:
            return undone
        if self._rated and self._rated[-1].question.id == undone.question_id:
            self.attempt = self._rated.pop()
            self.attempt._since = time.monotonic()
        else:  # a rating of an earlier sitting: its text is in the reviews, not in this session
            self._ask(undone.question_id)
            self.reveal()
        return undone

    def suspend(self) -> Attempt | None:
        """Leave the present question out from now on, and ask the next."""
        self._store.suspend(self._present().question.id)
        return self.next()

    def flag(self, note: str, language: Language) -> None:
        self._store.flag(self._present().question.id, note, language)

    def leave(self) -> None:
        """Remember the place."""
        if self._order is not None:
            return
        attempt = self.attempt
        if attempt is None:
            self._store.save_place(MODE, None)
            return
        place = Place(attempt.question.id, attempt.typed, attempt.choice, attempt.revealed, round(attempt.elapsed, 1))
        self._store.save_place(MODE, place)

    # --- inside ------------------------------------------------------------------------------------------------

    def _waiting(self) -> list[str]:
        """What is still to be asked, in order; what was skipped comes last."""
        if self._order is not None:
            rated = {attempt.question.id for attempt in self._rated}
            names = [name for name in self._order if name not in rated]
        else:
            cards, suspended, now = self._store.cards(), self._store.suspended(), self._clock()
            names = list(queue(list(self._questions), cards, now, suspended=suspended, seed=self._seed).order)
            if not names:
                ahead = queue(list(self._questions), cards, now + LEARN_AHEAD, suspended=suspended)
                names = list(ahead.due)
        late = [name for name in self._skipped if name in names]
        return [name for name in names if name not in late] + late

    def _ask(self, question_id: str) -> Attempt:
        self.attempt = Attempt(self._questions[question_id])
        return self.attempt

    def _present(self) -> Attempt:
        assert self.attempt is not None, "no question is being asked"
        return self.attempt
