"""The quiz line by line: without a terminal, for screen readers (``--plain``), and for ``ask``.

Everything is plain lines: no color, no cursor, nothing drawn with boxes. End of input ends it cleanly. What was typed
is saved line by line and each rating at once, so that leaving at any moment loses nothing.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import select
import sys
import unicodedata
from dataclasses import dataclass, field

from questions.loader import Bank
from questions.model import Question
from tui.bank import load_bank
from tui.commands.context import Context
from tui.commands.lab import draw_figures
from tui.commands.notices import tell_notices, tell_problems
from tui.commands.output import OutputError, paragraphs, tell, width, write
from tui.commands.progress_line import ProgressLine
from tui.commands.question_text import QuestionText
from tui.commands.selecting import refuse_unknown_topics
from tui.experiments.contract import Check, Result
from tui.language.durations import say_duration
from tui.language.words import say_error, words
from tui.practice.plan import say_plan, say_summary
from tui.practice.session import Practice
from tui.progress.errors import ProgressError
from tui.progress.records import RATINGS
from tui.progress.store import ProgressStore
from tui.proof.evidence import by_name
from tui.proof.runs import Runs

END_OF_ANSWER = "."
LONGEST_ANSWER = 100_000  # characters
PASTING = 0.05  # seconds within which the next line of a pasted text is there


class _Left(Exception):
    """The person leaves, or the input ends."""


@dataclass
class _Shown:
    """What ran for the question being answered."""

    result: Result | None = None
    checks: dict[str, Check] = field(default_factory=dict)
    predict_checks: dict[str, Check] = field(default_factory=dict)


def run(context: Context, question_id: str | None = None, *, once: bool = False) -> int:
    """Ask until nothing is left, or (``once``) one question: ``question_id``, or what the schedule says."""
    bank = load_bank(context.questions)
    tell_problems(bank.problems, context.language)
    refuse_unknown_topics(context.selection, {question.topic for question in bank.questions})
    if question_id is not None:
        question_id = bank[question_id].id
    with context.open_store() as store:
        tell_notices(store.notices, context.language)
        if context.language_given:
            store.set_setting("language", context.language)
        return _Quiz(context, bank, store, question_id).run(question_id, once=once)


class _Quiz:
    def __init__(self, context: Context, bank: Bank, store: ProgressStore, question_id: str | None) -> None:
        self._context = context
        self._language = context.language
        self._bank = bank
        self._store = store
        # One question by name is asked beside the sitting, whose place is then left as it is.
        order = None if question_id is None else [question_id]
        self._practice = Practice(bank.questions, store, seed=context.seed, order=order, selection=context.selection)
        self._runs = Runs()
        self._columns = width()
        self._shown = _Shown()
        self._waited_for: str | None = None
        if sys.stdin is not None and sys.stdin.isatty():
            with contextlib.suppress(ImportError):  # so that a line can be edited, Chinese too
                importlib.import_module("readline")

    def run(self, question_id: str | None, *, once: bool) -> int:
        if not self._bank.questions:
            self._put("nothing")
            return 0
        if not once:
            for line in say_plan(self._practice.plan(), self._language):
                write(line)
        attempt = self._practice.start(question_id)
        if attempt is None:
            self._say_nothing_left()
            return 0
        if attempt.typed or attempt.revealed:
            self._put("place-kept")
        self._put("how")
        try:
            while self._practice.attempt is not None:
                if not self._practice.attempt.revealed and not self._ask():
                    continue
                self._reveal()
                if self._rate() and once:
                    break
        except _Left:
            write()
        finally:
            self._practice.leave()
        self._farewell(once)
        return 0

    # --- asking ------------------------------------------------------------------------------------------------

    def _ask(self) -> bool:
        """Show the question and take an answer; False where another question is to be shown instead."""
        attempt = self._practice.attempt
        assert attempt is not None
        text = QuestionText(attempt.question, self._language)
        write()
        self._write(text.heading(), text.question())
        if attempt.typed:
            self._write(attempt.typed.rstrip("\n").split("\n"))
        lines = attempt.typed.rstrip("\n").split("\n") if attempt.typed else []
        while True:
            line = self._read("prompt")
            if not lines and (command := _command(line)) in ("u", "s", "q"):
                if command == "q":
                    raise _Left
                self._undo() if command == "u" else self._practice.skip()
                return False
            if line.strip() in ("", END_OF_ANSWER) and not _more_is_coming():
                break  # an empty line within a text that is being pasted ends nothing
            lines.append(line.rstrip("\n"))  # with bracketed paste several lines come at once
            self._practice.type("\n".join(lines)[:LONGEST_ANSWER])  # on the disk from here on
        if attempt.question.predict is not None and attempt.choice is None:
            attempt.choice = self._choose(text, list(attempt.question.predict.choices))
        return True

    def _choose(self, text: QuestionText, letters: list[str]) -> str | None:
        self._write(text.prediction())
        while True:
            given = _command(self._read("choose", letters="/".join(letters)))
            if given in letters:
                return given
            if not given:
                return None
            self._put("choose-one-of", letters=letters)

    # --- the answer --------------------------------------------------------------------------------------------

    def _reveal(self) -> None:
        """Run the experiment, then show how the answer was marked and what a good one says."""
        attempt = self._practice.reveal()
        self._practice.leave()
        shown = self._run_experiment(attempt.question)
        text = QuestionText(attempt.question, self._language, shown.checks, shown.predict_checks)
        write()
        self._write(
            text.marked(attempt.marking) if attempt.marking is not None else text.key_points(),
            text.brief(),
            text.answer(),
            text.misconception(),
            text.outcome(attempt.choice),
            text.follow_ups(self._bank),
            text.sources(),
            text.experiment(),
        )
        self._shown = shown
        if shown.result is not None and not self._context.plain:
            draw_figures(shown.result, self._context)

    def _run_experiment(self, question: Question) -> _Shown:
        if question.experiment is None:
            return _Shown()
        name = question.experiment.run
        try:
            with ProgressLine() as report:
                result = self._runs.run(name, question.settings, report).result
                predicted = result
                if question.predict:
                    predicted = self._runs.run(name, question.predict_settings, report).result
        except Exception as error:  # the question can be learned without its experiment; what failed is said
            tell(words("quiz.experiment-failed", self._language, reason=say_error(error, self._language)))
            return _Shown()
        return _Shown(result, by_name(result.checks), by_name(predicted.checks))

    def _rate(self) -> bool:
        """Take a rating; False where something else is to be shown next."""
        attempt = self._practice.attempt
        assert attempt is not None
        waits = {rating: say_duration(wait, self._language) for rating, wait in self._practice.intervals().items()}
        self._put("rate", again=waits[1], hard=waits[2], good=waits[3], easy=waits[4])
        self._put("rate-more")
        while True:
            self._drop_what_came_early()
            given = _command(self._read("rate-prompt"))
            if given in ("1", "2", "3", "4"):
                rating = RATINGS[int(given) - 1]
                try:
                    self._practice.rate(rating, self._language)
                except ProgressError as error:  # a full disk, a locked file: the person may mend it and rate again
                    tell(say_error(error, self._language))
                    continue
                self._put("rated", interval=waits[rating])
                return True
            if given == "q":
                raise _Left
            if given == "u":
                if self._undo():
                    return False
            elif given == "v":
                self._draw()
            elif given == "f" and self._practice.flagged:
                self._practice.unflag()
                self._put("unflagged")
            elif given == "f":
                self._practice.flag(self._read("flag-note").strip(), self._language)
                self._put("flagged")
            elif given == "b":
                self._practice.bury()
                self._put("buried")
                return False
            elif given == "p":
                self._practice.suspend()
                self._put("suspended")
                return False
            else:
                self._put("rate-one-of")

    def _drop_what_came_early(self) -> None:
        """At a terminal a rating is only what is typed after its prompt: the rest of a pasted text must not rate."""
        dropped = False
        while _more_is_coming():
            sys.stdin.readline()
            dropped = True
        if dropped:
            self._put("early-lines")

    def _undo(self) -> bool:
        """Take back the last change; whether a question has come back."""
        try:
            undone = self._practice.undo()
        except ProgressError as error:
            tell(say_error(error, self._language))
            return False
        if undone is None:
            self._put("nothing-to-undo")
            return False
        self._put(f"undone-{undone.kind}", question=undone.question_id, rating=undone.rating)
        return undone.question_id is not None

    def _draw(self) -> None:
        if self._shown.result is None or not self._shown.result.figures:
            self._put("no-figures")
        else:
            draw_figures(self._shown.result, self._context)

    def _farewell(self, once: bool) -> None:
        if once:
            return
        if self._practice.attempt is None:
            self._say_nothing_left()
        self._put("goodbye" if self._store.kept else "goodbye-unkept", count=self._practice.done)
        if self._practice.done:
            write(say_summary(self._practice.summary(), self._language))

    def _say_nothing_left(self) -> None:
        wait = self._practice.next_wait
        if wait is None:
            self._put("nothing")
        else:
            self._put("all-done", interval=say_duration(wait, self._language))

    def _tell_waiting(self) -> None:
        """Once for each reason, what the store waits for before it can write."""
        self._store.retry()
        tell_notices(self._store.news(), self._language)
        waiting = self._store.waiting
        reason = None if waiting is None else str(waiting.fields["reason"])
        if waiting is not None and reason != self._waited_for:
            tell_notices([waiting], self._language)
        self._waited_for = reason

    # --- lines in and out --------------------------------------------------------------------------------------

    def _put(self, name: str, **fields: object) -> None:
        for line in paragraphs(words(f"quiz.{name}", self._language, **fields), self._columns):
            write(line)

    def _write(self, *parts: list[str]) -> None:
        for part in parts:
            for line in part:
                write(line)
            if part:
                write()

    def _read(self, prompt: str, **fields: object) -> str:
        """A line that the person types. The end of the input is leaving."""
        self._tell_waiting()
        said = words(f"quiz.{prompt}", self._language, **fields)
        try:
            line = input(said)
        except (EOFError, RuntimeError):  # the second: stdin or stdout was closed before the program began
            raise _Left from None
        except BrokenPipeError:
            raise
        except OSError as error:  # the terminal is gone, or the output can take no more
            raise OutputError(error) from error
        if sys.stdin is not None and not sys.stdin.isatty():
            write()  # no terminal has echoed the line's end
        return line


def _more_is_coming() -> bool:
    """Whether, at a terminal, another line has been typed or pasted already."""
    if sys.stdin is None or not sys.stdin.isatty() or os.name != "posix":
        return False
    return bool(select.select([sys.stdin], [], [], PASTING)[0])


def _command(line: str) -> str:
    """A typed letter or digit, whichever way the input method gave it: ``１``, ``Ｕ``, `` u ``."""
    return unicodedata.normalize("NFKC", line).strip().lower()
