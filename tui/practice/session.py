"""What the practice screen knows, without a screen: which question is asked, what was answered, what undo brings back.

A question goes asked -> revealed -> rated. Each rating is on the disk before the next question is chosen, what is
typed is on the disk as it is typed (a draft for each question), and so is the question being asked: a person comes
back where they were, whatever way the program ended.
"""

from __future__ import annotations

import contextlib
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from typing import TYPE_CHECKING

from questions.bilingual import Language
from tui.practice.learning_order import learning_order
from tui.practice.plan import Plan, Summary, minutes_for
from tui.practice.selection import Selection
from tui.progress.agenda import LEARN_AHEAD, Agenda, Calendar, agenda
from tui.progress.errors import ProgressError
from tui.progress.preferences import read_preferences
from tui.progress.records import LONGEST, RATINGS, Answer, Clock, Place, Rating, Undone, utc_now

if TYPE_CHECKING:
    from questions.marking import Marking
    from questions.model import Question
    from tui.progress.store import ProgressStore

MODE = "practice"


@dataclass
class Attempt:
    """One question as it is being answered."""

    question: Question
    typed: str = ""
    choice: str | None = None
    revealed: bool = False
    marking: Marking | None = None
    seconds: float = 0.0  # spent before this sitting
    rating: Rating | None = None  # once it has been rated: what, whether it was new, and how long it took
    was_new: bool = False
    spent: float = 0.0
    asked_at: datetime | None = None
    _since: float = field(default_factory=time.monotonic)

    @property
    def elapsed(self) -> float:
        """Seconds spent, at most ``LONGEST``: a card left open overnight was not thought about all night."""
        return min(LONGEST, self.seconds + (time.monotonic() - self._since))

    def resume(self) -> None:
        """Count the time again from now: what passed since the rating was not spent on it."""
        self._since = time.monotonic()

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
        selection: Selection | None = None,
        clock: Clock = utc_now,
        zone: tzinfo | None = None,
    ) -> None:
        self._questions = {question.id: question for question in questions}
        self._store = store
        self._seed = seed
        self._order = order
        self._clock = clock
        self._zone = zone
        self._selection = selection
        self._study(questions)
        with contextlib.suppress(ProgressError):  # they are named the next time
            old = set(store.unnamed())
            store.name_points(
                {each.id: [point.id for point in each.key_points] for each in questions if each.id in old}
            )
        self._skipped: list[str] = []
        self._rated: list[Attempt] = []
        self._ahead = timedelta(0)
        self._unlimited = False
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
        """When the next question comes that is not to be asked yet: the moment at which ``next`` has one again."""
        buried, now = self._store.buried(self._today()), self._clock()
        cards, calendar = self._store.cards(), self._calendar()
        left_out = self._store.suspended() | buried
        active = [name for name in self._studied if name in cards and name not in left_out]
        moments = [calendar.due_at(name, cards[name]) for name in active]
        tomorrow = calendar.begins(self._today() + timedelta(days=1))
        kept = self._agenda()
        if kept.due_left or kept.new_left or any(name in self._studied for name in buried):
            moments.append(tomorrow)
        return min((moment for moment in moments if moment > now), default=None)

    @property
    def next_wait(self) -> timedelta | None:
        """How long until then, as it is said: whole days where another day begins then, not within the hour."""
        due, now, calendar = self.next_due, self._clock(), self._calendar()
        if due is None:
            return None
        days = (calendar.day(due) - calendar.day(now)).days
        by_day = days and calendar.begins(calendar.day(due)) == due and due - now > timedelta(hours=1)
        return timedelta(days=days) if by_day else due - now

    def intervals(self) -> dict[Rating, timedelta]:
        """The interval that each rating would give the present question."""
        name, now = self._present().question.id, self._clock()
        calendar, card = self._calendar(), self._store.card(name)
        after = {rating: self._store.schedule.rate(card, rating, now) for rating in RATINGS}
        return {rating: calendar.interval(name, state, now) for rating, state in after.items()}

    @property
    def has_none(self) -> bool:
        """Whether the part of the bank that is studied holds no question at all."""
        return not self._studied

    def plan(self) -> Plan:
        """What there is to do now, and about how long it takes this person."""
        agenda, calendar = self._agenda(), self._calendar()
        left = calendar.days_left(self._clock())
        return Plan(
            due=len(agenda.due),
            new=len(agenda.new),
            minutes=minutes_for(len(agenda.due), len(agenda.new), *self._store.seconds()),
            due_left=agenda.due_left,
            new_left=agenda.new_left,
            interview_on=None if left is None else calendar.preferences.interview_on,
            days_left=left,
        )

    def summary(self) -> Summary:
        """What was done in this sitting."""
        ratings: Counter[int] = Counter(attempt.rating for attempt in self._rated if attempt.rating is not None)
        new = sum(attempt.was_new for attempt in self._rated)
        return Summary(ratings, sum(attempt.spent for attempt in self._rated), new)

    # --- more than today ---------------------------------------------------------------------------------------

    def study_ahead(self, days: int = 1) -> Attempt | None:
        """Ask what is due within ``days`` days too, soonest first."""
        self._ahead = timedelta(days=days)
        return self.attempt or self.next()

    def lift_limits(self) -> Attempt | None:
        """Ask for the rest of this sitting what the limits of a day keep for other days."""
        self._unlimited = True
        return self.attempt or self.next()

    # --- asking ------------------------------------------------------------------------------------------------

    def start(self, question_id: str | None = None) -> Attempt | None:
        """Ask ``question_id``, else the question that was left in the middle if it is studied, else the next one."""
        if question_id is not None:
            return self._ask(question_id)
        place = self._store.place(MODE) if self._order is None else None
        if place is None or place.question_id not in self._studied or place.question_id in self._store.claimed():
            return self.next()
        attempt = self._ask(place.question_id, keep=False)
        attempt.typed = attempt.typed or place.typed
        attempt.choice, attempt.seconds = place.choice, place.seconds
        if place.revealed:
            self._reveal()
        return attempt

    def next(self) -> Attempt | None:
        """Ask the next question; None when there is none left for now."""
        waiting = self._waiting()
        if waiting:
            return self._ask(waiting[0])
        self.attempt = None
        self._keep()
        return None

    def skip(self) -> Attempt | None:
        """Put the present question off to the end of this sitting."""
        if self.attempt is not None:
            name = self.attempt.question.id
            self._store.skip(name)
            self._skipped = [other for other in self._skipped if other != name] + [name]
        return self.next()

    def bury(self) -> Attempt | None:
        """Put the present question off until tomorrow, and ask the next."""
        self._store.bury(self._present().question.id, self._today())
        return self.next()

    def suspend(self) -> Attempt | None:
        """Leave the present question out from now on, and ask the next."""
        self._store.suspend(self._present().question.id)
        return self.next()

    def flag(self, note: str, language: Language) -> None:
        """Report the present question as wrong."""
        self._store.flag(self._present().question.id, note, language)

    def unflag(self) -> None:
        """Withdraw the report on the present question."""
        self._store.unflag(self._present().question.id)

    @property
    def flagged(self) -> bool:
        """Whether the present question has been reported as wrong."""
        return self.attempt is not None and self.attempt.question.id in self._store.flags()

    # --- answering ---------------------------------------------------------------------------------------------

    def type(self, text: str) -> None:
        """The answer typed so far: on the disk when this returns."""
        attempt = self._present()
        attempt.typed = text
        self._store.set_draft(attempt.question.id, text)

    def choose(self, letter: str | None) -> None:
        """The outcome that the person predicts; None takes it back."""
        self._present().choice = letter
        self._keep()

    def reveal(self) -> Attempt:
        """Show the answer, and mark what was typed."""
        self._keep_draft()
        return self._reveal()

    def rate(self, rating: Rating, language: Language) -> Attempt | None:
        """Write the rating, and ask the next question."""
        from tui.practice.interview_turn import marked_points  # the first question needs nothing of an interview

        attempt = self._present()
        statuses = [] if attempt.marking is None else [point.status for point in attempt.marking.points]
        found, unsure, missed = marked_points(attempt.question.key_points, statuses)
        answer = Answer(attempt.typed, attempt.choice, found, unsure, missed, round(attempt.elapsed, 1), MODE)
        was_new = self._store.card(attempt.question.id) is None
        self._store.rate(attempt.question.id, rating, language, answer)
        attempt.rating, attempt.was_new, attempt.spent = rating, was_new, answer.seconds or 0.0
        self._rated.append(attempt)
        self._skipped = [name for name in self._skipped if name != attempt.question.id]
        return self.next()

    def rated_by_hand(self) -> bool:
        """Go on where the present question was written, judged and rated elsewhere since it was asked; whether so."""
        attempt = self.attempt
        if attempt is None or attempt.question.kind != "code" or attempt.asked_at is None:
            return False
        reviews = self._store.reviews(attempt.question.id, attempt.asked_at)
        if not reviews:
            return False
        last = reviews[-1]
        attempt.rating, attempt.was_new = RATINGS[last.rating - 1], last.before is None
        attempt.spent = last.answer.seconds or 0.0
        self._rated.append(attempt)
        self.next()
        return True

    def undo(self) -> Undone | None:
        """Take back this person's last action (a rating, a skip, burying, suspending, a flag), of this sitting or not.

        The session goes back to its question: after a rating revealed and ready to rate, with what was answered.
        Where the question is in no file that is open now, it is taken back all the same and the session stays.
        """
        self._keep_draft()
        undone = self._store.undo()
        if undone is None or undone.question_id not in self._questions:
            return undone
        name = undone.question_id
        if undone.kind == "skip":
            self._skipped = [other for other in self._skipped if other != name]
        if undone.kind == "rate":
            answer = undone.answer or Answer()
            rated = next((attempt for attempt in reversed(self._rated) if attempt.question.id == name), None)
            if rated is not None:
                self._rated.remove(rated)
                rated.resume()
                self.attempt = rated
                self._claim(name)
            else:
                attempt = self._ask(name, keep=False)
                attempt.typed, attempt.choice, attempt.seconds = answer.text, answer.choice, answer.seconds or 0.0
            self._reveal()  # a draft that was typed to it since stays as it is
        elif self.attempt is None or self.attempt.question.id != name:
            self._ask(name)
        return undone

    def leave(self) -> None:
        """Remember the place. Raises ``ProgressError`` where it cannot be written."""
        attempt = self.attempt
        if attempt is not None and not attempt.revealed:
            self._store.set_draft(attempt.question.id, attempt.typed)
        if self._order is not None:
            return
        if attempt is None:
            if self._store.place(MODE) is not None:
                self._store.save_place(MODE, None)
            return
        place = Place(attempt.question.id, attempt.typed, attempt.choice, attempt.revealed, round(attempt.elapsed, 1))
        self._store.save_place(MODE, place)

    def study(self, selection: Selection) -> Attempt | None:
        """Ask of this part of the bank from now on; the present question stays where it is in it."""
        self._selection = selection
        self._study(list(self._questions.values()))
        if self.attempt is not None and self.attempt.question.id in self._studied:
            return self.attempt
        return self.next()

    def renew(self, questions: Sequence[Question]) -> None:
        """Go on with ``questions`` as their files are now. The present one stays until it is rated, also without one.

        Progress hangs on ids: it is kept.
        """
        self._questions = {question.id: question for question in questions}
        self._study(questions)
        present = [] if self.attempt is None else [self.attempt]
        for attempt in [*self._rated, *present]:
            now = self._questions.setdefault(attempt.question.id, attempt.question)
            if now == attempt.question:
                continue
            attempt.question = now
            if attempt.choice is not None and (now.predict is None or attempt.choice not in now.predict.choices):
                attempt.choice = None
            if attempt in present and attempt.revealed:
                self._reveal()

    # --- inside ------------------------------------------------------------------------------------------------

    def _study(self, questions: Sequence[Question]) -> None:
        selected = questions if not self._selection else self._selection.of(questions, self._store.flags())
        self._studied = learning_order(selected)

    def _waiting(self) -> list[str]:
        """What is still to be asked, in order; what was skipped comes last."""
        if self._order is not None:
            rated = {attempt.question.id for attempt in self._rated}
            names = [name for name in self._order if name not in rated]
        else:
            names = list(self._agenda().order) or list(self._agenda(LEARN_AHEAD).learning)
        late = [name for name in self._skipped if name in names]
        return [name for name in names if name not in late] + late

    def _agenda(self, ahead: timedelta = timedelta(0)) -> Agenda:
        calendar, now = self._calendar(), self._clock()
        today = calendar.day(now)
        introduced, reviewed = self._store.rated_between(
            calendar.begins(today), calendar.begins(today + timedelta(days=1))
        )
        return agenda(
            self._studied,
            self._store.cards(),
            now,
            calendar,
            introduced=introduced,
            reviewed=reviewed,
            left_out=self._store.suspended() | self._store.buried(today) | self._store.claimed(),
            seed=self._seed,
            ahead=max(ahead, self._ahead),
            unlimited=self._unlimited,
        )

    def _calendar(self) -> Calendar:
        return Calendar(read_preferences(self._store), self._zone)

    def _ask(self, question_id: str, *, keep: bool = True) -> Attempt:
        self._keep_draft()
        question = self._questions[question_id]
        self.attempt = Attempt(question, typed=self._store.draft(question_id), asked_at=self._clock())
        self._claim(question_id)
        if keep:
            self._keep()
        return self.attempt

    def _reveal(self) -> Attempt:
        attempt = self._present()
        attempt.revealed = True
        question = attempt.question
        attempt.marking = None
        if attempt.typed.strip():
            from questions.marking import (
                mark,  # its words and patterns take a tenth of a start, which needs none of them
            )

            attempt.marking = mark(attempt.typed, question.key_points, question.misconception)
        self._keep()
        return attempt

    def _keep_draft(self) -> None:
        """What is typed to the present question; what cannot be written is not kept from the person."""
        attempt = self.attempt
        if attempt is not None and not attempt.revealed:
            with contextlib.suppress(ProgressError):
                self._store.set_draft(attempt.question.id, attempt.typed)

    def _claim(self, question_id: str) -> None:
        with contextlib.suppress(ProgressError):  # another copy may then ask the same: that loses nothing
            self._store.claim(question_id)

    def _keep(self) -> None:
        """Remember the place; where it cannot be written the sitting goes on, and ``leave`` says so at its end."""
        with contextlib.suppress(ProgressError):
            self.leave()

    def _today(self) -> date:
        return self._calendar().day(self._clock())

    def _present(self) -> Attempt:
        assert self.attempt is not None, "no question is being asked"
        return self.attempt
