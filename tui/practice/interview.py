"""A mock interview, without a screen: what is asked, how the answer was, what is asked next, and when it is over.

A question is asked, the person types an answer or says it aloud, and its key points are marked: a typed answer by its
words (``questions.marking``), a spoken one by the person; either can be mended before going on. Then comes a follow-up
of the question, deeper (``when: good``) where the answer was good and aside (``when: thin``) where it was thin, and
then the next question.

The clock counts the time of answering, not that of reading the marks afterwards. It presses: with less left than half
of what the other questions would take there are no more follow-ups, and with nothing left there is no next question.
But it cuts no word: an answer that was begun is taken to its end.

A question counts for the schedule (FSRS) where that is fair:

- rated is what was asked as a question of its own, once in an interview. An inline follow-up is no card.
- It is rated by its key points: "again" below a third or with the misconception said, "hard" below ``GOOD``, else
  "good"; never "easy", which nobody can tell from outside. To give up is "again".
- Not rated is what was rated already today and is not due: its answer was seen a moment ago. Nor what has no key
  points, or was left without going on.

Everything is in the store after each step: a kill at any moment loses what was typed since the last ``type``.
"""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any

from questions.bilingual import LANGUAGES, Language
from questions.marking import Status, mark
from questions.model import FollowUp, Question, See
from tui.judge.catalogue import FRAMEWORKS, Framework, is_installed
from tui.judge.telling import lines_of
from tui.practice.interview_choice import choose, unsaid, weights
from tui.practice.interview_turn import GOOD, Kind, Turn, marked_points, read_turn
from tui.practice.selection import Selection
from tui.practice.written import draft_path, framework_of, marks_of, skeleton, task_of
from tui.progress.agenda import Calendar
from tui.progress.errors import ProgressError
from tui.progress.preferences import read_preferences
from tui.progress.records import RATINGS, Answer, Clock, Rating, utc_now
from tui.progress.salvage import UNREADABLE

if TYPE_CHECKING:
    from tui.judge.verdict import Verdict
    from tui.progress.store import ProgressStore

MODE = "interview"
VERSION = 1
QUESTIONS, MINUTES = 6, 30
MOST_QUESTIONS, MOST_MINUTES = 50, 240
LEAST_WITH_CODE = 3  # questions of an interview that ends with code


@dataclass(frozen=True)
class Wishes:
    """What a person asks of an interview."""

    questions: int = QUESTIONS
    minutes: int = MINUTES
    selection: Selection = Selection()  # noqa: RUF009 (it cannot be changed)


@dataclass(frozen=True)
class Pace:
    """The clock: seconds left (below zero: over), and whether it presses."""

    left: float
    late: bool

    @property
    def over(self) -> bool:
        return self.left <= 0


class Interview:
    """One interview, new or taken up again; ``begin`` and ``left_open`` make one."""

    def __init__(
        self,
        questions: Mapping[str, Question],
        store: ProgressStore,
        language: Language,
        started_at: datetime,
        minutes: int,
        queue: Sequence[str],
        *,
        clock: Clock = utc_now,
        timer: Callable[[], float] = time.monotonic,
        zone: tzinfo | None = None,
    ) -> None:
        self._questions = questions
        self._store = store
        self._clock, self._timer, self._zone = clock, timer, zone
        self.language = language
        self.started_at = started_at
        self.ended_at: datetime | None = None
        self.minutes = minutes
        self.queue = list(queue)
        self.turns: list[Turn] = []  # those that are over
        self.turn: Turn | None = None
        self._since: float | None = None  # the clock runs from here

    # --- where we are ------------------------------------------------------------------------------------------

    @property
    def number(self) -> int:
        """Which question of the plan this is, from 1; a follow-up belongs to its question."""
        return sum(turn.kind == "main" for turn in self._all())

    @property
    def of(self) -> int:
        """How many questions were planned."""
        return len(self.queue)

    def pace(self) -> Pace:
        """How the time stands at this moment."""
        left = self.minutes * 60 - self._spent()
        remaining = self.of - self.number + (self.turn is not None and not self.turn.revealed)
        return Pace(left, late=left < self.minutes * 60 / max(1, self.of) * remaining / 2)

    # --- answering ---------------------------------------------------------------------------------------------

    def type(self, text: str) -> None:
        """The answer typed so far: on the disk when this returns."""
        self._present().typed = text
        self._save()

    def answer(self, *, spoken: bool = False, verdict: Verdict | None = None) -> Turn:
        """The answer is given: stop the clock and mark it.

        ``spoken`` aloud, it is marked by the person; written as code, by the judge's ``verdict``.
        """
        turn = self._present()
        self._stop_clock()
        turn.spoken, turn.revealed = spoken, True
        turn.marks = ["missed"] * len(turn.key_points)
        task = turn.task
        if task is not None:
            if verdict is not None:
                turn.marks = marks_of(verdict, turn.seconds, task.minutes)
                turn.judged = {language: lines_of(verdict, language) for language in LANGUAGES}
        elif not spoken and turn.typed.strip():
            marking = mark(turn.typed, turn.key_points, turn.misconception)
            turn.marks = [point.status for point in marking.points]
            wrong = marking.misconception
            turn.said_misconception = wrong is not None and wrong.status == "found"
        self._save()
        return turn

    def mark_point(self, number: int, status: Status) -> None:
        """Mend the mark of key point ``number``, from 0, or give it, where the answer was spoken."""
        self._present().marks[number] = status
        self._save()

    def mark_misconception(self, said: bool) -> None:
        self._present().said_misconception = said
        self._save()

    def go_on(self) -> Turn | None:
        """Close the turn, rate it where that is fair, and ask what comes next; None where the interview is over."""
        turn = self._present()
        assert turn.revealed, "there is no answer to go on from"
        pace = self.pace()
        turn.rating = self._rate(turn)
        follow_up = None if pace.late or pace.over or turn.kind != "main" else self._follow_up(turn)
        self.turns.append(turn)
        self.turn = None
        if follow_up is not None:
            self._ask(follow_up)
        elif not pace.over and self.number < self.of:
            self._ask(Turn(self._questions[self.queue[self.number]]))
        else:
            self.end()
        return self.turn

    def end(self) -> None:
        """The interview is over, also before its last question; a turn without an answer does not count."""
        if self.turn is not None and self.turn.revealed:
            self.turn.rating = self._rate(self.turn)
            self.turns.append(self.turn)
        self.turn, self._since = None, None
        self.ended_at = self._clock()
        with contextlib.suppress(ProgressError):
            self._store.claim(None)
        self.save()

    def pause(self) -> None:
        """The person leaves, to come back. Raises ``ProgressError`` where it cannot be written."""
        self._stop_clock()
        if self.ended_at is None:
            self.save()

    def resume(self) -> None:
        """The person is there (again): the clock runs while a question waits for its answer."""
        if self.turn is not None and not self.turn.revealed and self._since is None:
            self._since = self._timer()

    def renew(self, questions: Sequence[Question]) -> None:
        """Ask what comes from ``questions`` as their files are now; what was asked stays as it was asked."""
        self._questions = {**self._questions, **{question.id: question for question in questions}}

    # --- code --------------------------------------------------------------------------------------------------

    @property
    def framework(self) -> Framework:
        """What the present piece of code is written in; where that is not installed any more, what was chosen last."""
        kept = self._present().framework
        return kept if kept in FRAMEWORKS and is_installed(kept) else framework_of(self._store)

    def write_in(self, framework: Framework) -> None:
        """Write it in another framework from here on; what was begun in each is kept, and the choice remembered."""
        turn, before = self._present(), self.framework
        assert turn.task is not None, "no code is asked for"
        turn.others[before] = turn.typed
        turn.framework = framework
        turn.typed = turn.others.pop(framework, "") or skeleton(turn.task, framework)
        with contextlib.suppress(ProgressError):
            self._store.set_setting("framework", framework)
        self._save()

    @property
    def code_path(self) -> Path:
        """The file for an editor: one of this interview's own, as what was practiced before is no answer."""
        task = self._present().task
        assert task is not None, "no code is asked for"
        own = draft_path(self._store.path, task, self.framework)
        return own.with_name(f"interview_{self.started_at:%Y%m%d-%H%M%S}_{own.name}")

    # --- keeping -----------------------------------------------------------------------------------------------

    def record(self) -> dict[str, Any]:
        """The whole interview as JSON takes it."""
        turns = [turn.plain() for turn in self.turns]
        present = None if self.turn is None else {**self.turn.plain(), "seconds": round(self._seconds(), 1)}
        return {
            "version": VERSION, "minutes": self.minutes, "queue": self.queue, "turns": turns, "present": present
        }  # fmt: skip

    def save(self) -> None:
        """Write where the interview is. Raises ``ProgressError``."""
        self._store.save_interview(self.record(), self.language, self.started_at, self.ended_at)

    # --- inside ------------------------------------------------------------------------------------------------

    def _save(self) -> None:
        with contextlib.suppress(ProgressError):  # the interview goes on; ``pause`` says so at its end
            self.save()

    def _ask(self, turn: Turn) -> None:
        self.turn, self._since = turn, None
        if turn.task is not None and not turn.typed:
            turn.framework = framework_of(self._store)
            turn.typed = skeleton(turn.task, turn.framework)
        with contextlib.suppress(ProgressError):
            self._store.claim(turn.question.id)
        self.resume()
        self._save()

    def _follow_up(self, turn: Turn) -> Turn | None:
        """What an interviewer asks after this answer; None where the question has nothing of the kind.

        Where an author did not say when, an own question of a follow-up goes deeper and a reference leads aside.
        """
        wanted: Kind = "deeper" if turn.share >= GOOD and not turn.said_misconception else "aside"
        asked = {other.question.id for other in self._all()} | set(self.queue)
        fitting: list[tuple[bool, Turn]] = []
        for number, each in enumerate(turn.question.follow_ups):
            kind = {"good": "deeper", "thin": "aside", None: "deeper" if isinstance(each, FollowUp) else "aside"}
            if kind[each.when] != wanted:
                continue
            if isinstance(each, See):
                if each.id in self._questions and each.id not in asked:
                    fitting.append((each.when is None, Turn(self._questions[each.id], kind=wanted)))
            else:
                fitting.append((each.when is None, Turn(turn.question, number, wanted)))
        said = [one for unsaid, one in fitting if not unsaid] or [one for _, one in fitting]
        chance = random.Random(f"{self.started_at.isoformat()}/{turn.question.id}")  # the same after a break
        return chance.choice(said) if said else None

    def _rate(self, turn: Turn) -> Rating | None:
        """Write the rating, where it is fair to give one."""
        question, now = turn.question, self._clock()
        rating = turn.fair_rating
        if rating is None:
            return None
        for review in self._store.reviews(question.id, self.started_at):  # a kill may have come before the next turn
            if review.answer.mode == MODE:
                return RATINGS[review.rating - 1]
        calendar = Calendar(read_preferences(self._store), self._zone)
        card = self._store.card(question.id)
        if card is not None and card.last_review is not None:
            today = calendar.day(card.last_review) == calendar.day(now)
            if today and not calendar.is_due(question.id, card, now):
                return None
        answer = Answer(turn.typed, None, *marked_points(turn.key_points, turn.marks), round(turn.seconds, 1), MODE)
        self._store.rate(question.id, rating, self.language, answer)
        return rating

    def _stop_clock(self) -> None:
        if self.turn is not None and self._since is not None:
            self.turn.seconds += self._timer() - self._since
        self._since = None

    def _seconds(self) -> float:
        running = 0.0 if self._since is None else self._timer() - self._since
        return 0.0 if self.turn is None else self.turn.seconds + running

    def _spent(self) -> float:
        return sum(turn.seconds for turn in self.turns) + self._seconds()

    def _all(self) -> list[Turn]:
        return self.turns if self.turn is None else [*self.turns, self.turn]

    def _present(self) -> Turn:
        assert self.turn is not None, "no question is being asked"
        return self.turn


def begin(
    questions: Sequence[Question],
    store: ProgressStore,
    wishes: Wishes,
    language: Language,
    *,
    seed: int | None = None,
    clock: Clock = utc_now,
    timer: Callable[[], float] = time.monotonic,
    zone: tzinfo | None = None,
) -> Interview | None:
    """Draw the questions and ask the first; None where there is nothing to ask."""
    now = clock()
    left_out = store.suspended() | store.claimed()
    studied = [each for each in wishes.selection.of(questions, store.flags()) if each.id not in left_out]
    calendar = Calendar(read_preferences(store), zone)
    last = next(iter(store.interviews()), None)
    asked_last = [turn["question"] for turn in last["record"].get("turns", ())] if last else []
    weight = weights(studied, store.cards(), unsaid(store, studied), calendar, store.schedule, now, asked_last)
    queue = [question.id for question in _drawn(studied, weight, wishes, seed)]
    if not queue:
        return None
    by_id = {question.id: question for question in questions}
    interview = Interview(
        by_id, store, language, now, wishes.minutes, queue, clock=clock, timer=timer, zone=zone
    )  # fmt: skip
    interview._ask(Turn(by_id[queue[0]]))
    return interview


def _drawn(
    studied: Sequence[Question], weight: Mapping[str, float], wishes: Wishes, seed: int | None
) -> list[Question]:
    """What is asked. Of both kinds, one piece of code comes last, where it leaves half of the time to the rest.

    Where code alone is studied, code is asked.
    """
    words = [question for question in studied if question.kind == "open"]
    if not words:
        return choose(studied, weight, wishes.questions, seed)
    code = [q for q in studied if (task := task_of(q)) is not None and task.minutes <= wishes.minutes / 2]
    if not code or wishes.questions < LEAST_WITH_CODE:
        return choose(words, weight, wishes.questions, seed)
    return [*choose(words, weight, wishes.questions - 1, seed), *choose(code, weight, 1, seed)]


def left_open(
    questions: Sequence[Question],
    store: ProgressStore,
    *,
    clock: Clock = utc_now,
    timer: Callable[[], float] = time.monotonic,
    zone: tzinfo | None = None,
) -> Interview | None:
    """The interview that was left before its end, its clock standing until ``resume``; None where there is none.

    One whose question is asked by another running copy of the program at this moment is not taken up, nor one of which
    a question is in no file that is open now.
    """
    by_id = {question.id: question for question in questions}
    for kept in store.interviews():
        if kept["ended_at"] is not None:
            continue
        record = kept["record"]
        try:
            turns = [read_turn(plain, by_id) for plain in record["turns"]]
            turn = None if record["present"] is None else read_turn(record["present"], by_id)
            queue, minutes = [by_id[name].id for name in record["queue"]], int(record["minutes"])
            if not 0 < minutes <= MOST_MINUTES:
                continue
        except (*UNREADABLE, IndexError):
            continue
        if turn is None or turn.question.id in store.claimed() or kept["language"] not in LANGUAGES:
            continue
        interview = Interview(
            by_id, store, kept["language"], kept["started_at"], minutes, queue, clock=clock, timer=timer, zone=zone
        )  # fmt: skip
        interview.turns, interview.turn = turns, turn
        with contextlib.suppress(ProgressError):
            store.claim(turn.question.id)
        return interview
    return None
