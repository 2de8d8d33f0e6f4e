"""The program as a screen sees it: the questions, the store, the compute thread and the language that all share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from textual.app import App
from textual.reactive import reactive
from textual.widgets import Input, TextArea

from questions.bilingual import Language
from questions.topics import topic_title
from tui.experiments.compute import ComputeThread
from tui.language.durations import say_duration
from tui.language.words import say_code, say_error, words
from tui.practice.selection import Selection
from tui.progress.errors import ProgressError
from tui.screens.dialogs import ConfirmDialog

if TYPE_CHECKING:
    from questions.model import Question
    from tui.experiments.contract import Experiment
    from tui.progress.store import ProgressStore


class Program(App[int]):
    """What ``self.app`` is to every screen and widget here; ``tui.app.QuizApp`` adds the places and the keys."""

    language: reactive[Language] = reactive[Language]("zh", init=False)

    def __init__(
        self, questions: Sequence[Question], store: ProgressStore, *, language: Language, seed: int | None
    ) -> None:
        super().__init__()
        self.questions = tuple(questions)
        self.store = store
        self.seed = seed
        self.selection = Selection()  # the part of the bank that is studied
        self._waited_for: str | None = None
        self.compute = ComputeThread()
        self.set_reactive(Program.language, language)

    async def ask(self, question_id: str) -> None:
        """Go to Practice and ask ``question_id`` there."""
        raise NotImplementedError

    async def experiment(self, name: str) -> None:
        """Go to the experiments and open ``name`` there."""
        raise NotImplementedError

    def say(self, name: str, **fields: object) -> str:
        """The words ``name`` (``screens.reveal``) in the present language."""
        return words(name, self.language, **fields)

    @property
    def is_typing(self) -> bool:
        """Whether a text field has the focus."""
        return isinstance(self.focused, Input | TextArea)

    def interval(self, duration: timedelta) -> str:
        return say_duration(duration, self.language)

    def topic(self, topic: str) -> str:
        return topic_title(topic).say(self.language)

    def experiment_of(self, question: Question) -> Experiment | None:
        """The experiment that shows the answer to ``question``."""
        from tui.experiments.catalogue import catalogue

        return None if question.experiment is None else catalogue().get(question.experiment.run)

    def error_text(self, error: BaseException) -> str:
        """``error`` in the present language. What nobody foresaw is named; its traceback goes to Textual's console."""
        if getattr(error, "code", None) is None:
            self.log.error(error)
            return f"{type(error).__name__}: {error}"
        return say_error(error, self.language)

    def remember(self, name: str, value: str) -> None:
        """Keep a setting for the next time; where it cannot be written, say so and go on."""
        try:
            self.store.set_setting(name, value)
        except ProgressError as error:
            self.say_error(error)

    def watch_progress(self) -> None:
        """Write what had to wait, if it can be had now; say once what is waited for, and what became of the file."""
        self.store.retry()
        waiting = self.store.waiting
        reason = None if waiting is None else str(waiting.fields["reason"])
        notices = self.store.news()
        if waiting is not None and reason != self._waited_for:
            notices.append(waiting)
        self._waited_for = reason
        for notice in notices:
            text = say_code(notice.code, notice.fields, notice.code, self.language)
            self.notify(text, severity="warning", timeout=10, markup=False)

    def say_error(self, error: BaseException) -> None:
        self.notify(self.error_text(error), severity="error", timeout=10, markup=False)

    def reset(self, question_id: str | None, done: Callable[[], None]) -> None:
        """Reset one question, or all, once the person has said so twice; then ``done()``."""
        if question_id is None:
            title = self.say("screens.reset-all-title", count=len(self.store.cards()))
        else:
            title = self.say("screens.reset-title")
        hint = self.say("screens.confirm-hint")

        def first(sure: bool | None) -> None:
            if sure:
                self.push_screen(ConfirmDialog(self.say("screens.reset-again"), hint), second)

        def second(sure: bool | None) -> None:
            if not sure:
                return
            try:
                count = self.store.reset(question_id)
            except ProgressError as error:
                self.say_error(error)
                return
            name = "screens.reset-done" if count else "screens.reset-nothing"
            self.notify(self.say(name, count=count), markup=False)
            done()

        self.push_screen(ConfirmDialog(title, hint), first)
