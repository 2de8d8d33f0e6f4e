"""The quiz line by line: without a terminal, for screen readers (``--plain``), and for ``ask``.

Everything is plain lines: no color, no cursor, nothing drawn with boxes. End of input ends it cleanly. What was typed
is saved line by line and each rating at once, so that leaving at any moment loses nothing.
"""

from __future__ import annotations

from functools import partial

from questions.bank import Bank
from tui.bank import in_order
from tui.commands.context import Context
from tui.commands.conversation import END_OF_ANSWER, LONGEST_ANSWER, Conversation, Left, command, more_is_coming
from tui.commands.drawing import draw_figures
from tui.commands.notices import tell_notices, tell_problems
from tui.commands.output import tell, write
from tui.commands.question_text import QuestionText
from tui.commands.selecting import refuse_unknown_topics
from tui.language.durations import say_duration
from tui.language.words import say_error, words
from tui.practice.plan import say_plan, say_summary
from tui.practice.session import Practice
from tui.practice.written import draft_path, everything, framework_of, in_framework, task_of
from tui.progress.errors import ProgressError
from tui.progress.records import RATINGS
from tui.progress.store import ProgressStore


def run(context: Context, question_id: str | None = None, *, once: bool = False) -> int:
    """Ask until nothing is left, or (``once``) one question: ``question_id``, or what the schedule says."""
    bank = context.load_bank()
    tell_problems(bank.problems, context.language)
    refuse_unknown_topics(context.selection, bank.topics)
    if question_id is not None:
        question_id = bank.item(question_id).id
    with context.open_store() as store:
        tell_notices(store.notices, context.language)
        if context.language_given:
            store.set_setting("language", context.language)
        return _Quiz(context, bank, store, question_id).run(question_id, once=once)


class _Quiz(Conversation):
    def __init__(self, context: Context, bank: Bank, store: ProgressStore, question_id: str | None) -> None:
        super().__init__(context, store)
        self._bank = bank
        # One question by name is asked beside the sitting, whose place is then left as it is.
        order = None if question_id is None else [question_id]
        questions = everything(bank, in_order(bank))
        self._practice = Practice(questions, store, seed=context.seed, order=order, selection=context.selection)

    def run(self, question_id: str | None, *, once: bool) -> int:
        if not self._bank.questions and not self._bank.tasks:
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
        except Left:
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
        task = task_of(attempt.question)
        if task is not None:
            write()
            framework = framework_of(self._store)
            try:
                self._write_by_hand(task, partial(draft_path, self._store.path, task), framework)
            except OSError as error:
                path = error.filename or draft_path(self._store.path, task, framework)  # a full disk names none
                tell(words("code.unreadable-draft", self._language, path=path, reason=error))
            return True
        text = QuestionText(attempt.question, self._language)
        write()
        self._write(text.heading(), text.question())
        if attempt.typed:
            self._write(attempt.typed.rstrip("\n").split("\n"))
        lines = attempt.typed.rstrip("\n").split("\n") if attempt.typed else []
        while True:
            line = self._read("prompt")
            if not lines and (given := command(line)) in ("u", "s", "q"):
                if given == "q":
                    raise Left
                self._undo() if given == "u" else self._practice.skip()
                return False
            if line.strip() in ("", END_OF_ANSWER) and not more_is_coming():
                break  # an empty line within a text that is being pasted ends nothing
            lines.append(line.rstrip("\n"))  # with bracketed paste several lines come at once
            self._practice.type("\n".join(lines)[:LONGEST_ANSWER])  # on the disk from here on
        if attempt.question.predict is not None and attempt.choice is None:
            attempt.choice = self._choose(text, list(attempt.question.predict.choices))
        return True

    def _choose(self, text: QuestionText, letters: list[str]) -> str | None:
        self._write(text.prediction())
        while True:
            given = command(self._read("choose", letters="/".join(letters)))
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
        question = in_framework(attempt.question, framework_of(self._store))
        text = QuestionText(question, self._language, shown.checks, shown.predict_checks)
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
            draw_figures(shown.result.figures, self._context)

    def _rate(self) -> bool:
        """Take a rating; False where something else is to be shown next."""
        attempt = self._practice.attempt
        assert attempt is not None
        waits = {rating: say_duration(wait, self._language) for rating, wait in self._practice.intervals().items()}
        self._put("rate", again=waits[1], hard=waits[2], good=waits[3], easy=waits[4])
        self._put("rate-more")
        while True:
            self._drop_what_came_early()
            given = command(self._read("rate-prompt"))
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
                raise Left
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
            self._put("part-empty" if self._practice.has_none else "nothing")
        else:
            self._put("all-done", interval=say_duration(wait, self._language))
