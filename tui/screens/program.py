"""The program as a screen sees it: the questions, the store, the compute thread and the language that all share."""

from __future__ import annotations

import asyncio
import os
import sys
import unicodedata
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from textual import events
from textual._time import get_time
from textual.actions import parse
from textual.app import App
from textual.css.query import NoMatches
from textual.keys import _character_to_key
from textual.notifications import SeverityLevel
from textual.reactive import reactive
from textual.widget import MountError
from textual.widgets import Input, TextArea

from questions.bilingual import Language
from questions.topics import topic_title
from tui.bank import OwnFiles, in_order
from tui.language.durations import say_duration
from tui.language.harmless import harmless
from tui.language.words import say_code, say_error, say_place, say_problem, words
from tui.practice.editor import EditorError
from tui.practice.selection import Selection
from tui.practice.written import everything
from tui.progress.errors import ProgressError
from tui.screens import editing
from tui.screens.guard import guarded
from tui.text.plain_text import as_title
from tui.widgets.holding import stands

if TYPE_CHECKING:
    from rich.console import RenderableType
    from textual.screen import Screen

    from questions.model import CodeQuestion, Question
    from tui.experiments.compute import ComputeThread
    from tui.experiments.contract import Experiment
    from tui.judge.thread import JudgeThread
    from tui.progress.records import Undone
    from tui.progress.store import ProgressStore


HELD = 0.25  # seconds: the same key again this soon is a key that is held down
ONCE = ("rate", "skip", "bury", "suspend", "flag", "undo")  # actions that a held key does not repeat
SAY_EVERY = 0.5  # seconds between two messages of how far something has come
LASTS = 5.0  # seconds that a message stays
READ = 1.0  # seconds after which the next key takes a message away that only tells: its occasion is over


@dataclass(frozen=True)
class Said:
    """A message that was just given; ``severity`` as Textual's ``notify`` has it."""

    text: str
    severity: str = "information"

    def __post_init__(self) -> None:
        object.__setattr__(self, "text", harmless(self.text))


class Program(App[int]):
    """What ``self.app`` is to every screen and widget here; ``tui.app.QuizApp`` adds the places and the keys."""

    language: reactive[Language] = reactive[Language]("zh", init=False)
    said: reactive[Said | None] = reactive[Said | None](None, init=False)

    def __init__(
        self,
        questions: Sequence[Question],
        store: ProgressStore,
        *,
        language: Language,
        seed: int | None,
        tasks: Sequence[CodeQuestion] = (),
    ) -> None:
        if os.environ.get("NO_COLOR") == "":
            del os.environ["NO_COLOR"]  # set to nothing means not set (no-color.org); Textual asks only whether it is
        super().__init__()
        self.crash: BaseException | None = None
        self.farewell = ""  # what is said once the screen is closed
        self.notices: deque[Said] = deque()
        self._said_at = 0.0
        self._silence = 0  # counts the messages, so that an old one's end does not end a newer one
        self._key, self._key_at = "", -HELD
        self._carried: events.Key | None = None  # the key that was last sent on into a text
        self.questions = tuple(questions)
        self.tasks = tuple(tasks)
        self.store = store
        self.seed = seed
        self.own: OwnFiles | None = None  # the person's own question files, where there are any
        self.selection = Selection()  # the part of the bank that is studied
        self._reading = asyncio.Lock()  # one reading of the person's own questions at a time
        self._look_again_at = 0.0
        self._waited_for: str | None = None
        self.set_reactive(Program.language, language)

    @cached_property
    def compute(self) -> ComputeThread:
        """The thread that runs experiments; the first question needs none."""
        from tui.experiments.compute import ComputeThread

        return ComputeThread()

    @cached_property
    def judging(self) -> JudgeThread:
        """The thread that judges code."""
        from tui.judge.thread import JudgeThread

        return JudgeThread()

    async def ask(self, question_id: str) -> None:
        """Go to Practice and ask ``question_id`` there."""
        raise NotImplementedError

    async def study(self, selection: Selection) -> None:
        """Go to Practice and ask of ``selection`` alone from now on; of everything where it is empty."""
        raise NotImplementedError

    async def write(self, task_id: str, *, typing: bool = False) -> None:
        """Go to what is written by hand, and take up ``task_id`` there; ``typing``: with the cursor in the text."""
        raise NotImplementedError

    def is_asked(self, question_id: str) -> bool:
        """Whether Practice, from which one came here, asks ``question_id``."""
        raise NotImplementedError

    async def experiment(self, name: str, settings: Mapping[str, object] | None = None) -> None:
        """Go to the experiments and open ``name`` there, its knobs at ``settings``."""
        raise NotImplementedError

    async def go(self, mode: str) -> None:
        """Go to a place, or back from it where that is where we are."""
        raise NotImplementedError

    async def go_back(self) -> None:
        """Back to the place that this one was entered from."""
        raise NotImplementedError

    # --- keys --------------------------------------------------------------------------------------------------

    async def on_event(self, event: events.Event) -> None:
        """Full-width digits, letters and ``？`` act as their half-width twins, except where text is typed.

        What is pasted is taken with its control characters written out. What comes while the program is being left
        finds no screen, and goes nowhere.
        """
        if isinstance(event, events.Key | events.Paste) and not self.screen_stack:
            return
        if isinstance(event, events.Key) and not event.is_forwarded:
            if not self.is_typing:
                event = half_width(event)
            held = event.key == self._key and event.time - self._key_at < HELD
            self._key, self._key_at = event.key, event.time
            helps = event.key == "f1" or (event.key == "question_mark" and not self.is_typing)
            if event.time - self._said_at > READ and not helps:  # which shows all of it
                self.fall_silent()
            if held and self._acts_once(event.key):
                return
            if self.focused is not None and not stands(self.focused):
                self.screen.set_focus(None)  # Textual still has it on a widget that is going: keys would reach nothing
        if isinstance(event, events.Paste) and not event.is_forwarded:
            lines = event.text.replace("\r\n", "\n").replace("\r", "\n")  # terminals end them either way
            event.text = harmless(lines)
        await super().on_event(event)

    async def _on_key(self, event: events.Key) -> None:
        """A key comes here that nothing has taken. What came in one burst with the key that began the typing was sent
        to what had the focus before: it belongs into the text."""
        taken = event.is_printable or (event.key == "enter" and isinstance(self.focused, TextArea))
        if self.is_typing and self.focused is not None and taken and event is not self._carried:
            event.prevent_default()
            self._carried = events.Key(event.key, event.character)
            self.focused._forward_event(self._carried)

    def _acts_once(self, key: str) -> bool:
        """Whether a key that is held down must not act again: it rates, puts away or takes back."""
        active = None if self.is_typing else self.screen.active_bindings.get(key)
        return active is not None and parse(active.binding.action)[1] in ONCE

    # --- messages ----------------------------------------------------------------------------------------------

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = True,
    ) -> None:
        """Say ``message`` on the message line, as it is: Textual's toasts cover what is to be pressed."""
        self._silence += 1
        self._said_at = get_time()
        self.said = Said(message, severity)
        self.set_timer(timeout or LASTS, lambda number=self._silence: self._fall_silent(number))

    def _fall_silent(self, number: int) -> None:
        if number == self._silence:
            self.said = None
            self.next_notice()

    def fall_silent(self, over: Said | None = None) -> None:
        """Take a message away whose occasion is over; a warning or an error, but ``over``, stays for its time."""
        if self.said is not None and (self.said.severity == "information" or self.said is over):
            self._silence += 1
            self.said = None
            self.next_notice()

    def next_notice(self) -> None:
        """Say what was found at the start, one after another."""
        if self.notices:
            notice = self.notices.popleft()
            self.notify(notice.text, severity="warning", timeout=8)

    def save_figure(self, stem: str, contents: Callable[[str], str | bytes]) -> None:
        """Ask in which format, and write what ``contents(format)`` gives."""
        from tui.figures.png import SaveError
        from tui.screens.saving import SaveDialog

        def write(format: str | None) -> None:
            if format is None:
                return
            try:
                made = contents(format)
            except SaveError as error:
                self.say_error(error)
            else:
                self.save_beside(f"{stem}.{format}", made)

        self.push_screen(SaveDialog(self.say), write)

    def save_beside(self, name: str, contents: str | bytes) -> None:
        """Write into the folder that the program was started in, never over another file, and say where."""
        path = Path(name)
        encoding = "utf-8-sig" if path.suffix == ".csv" else "utf-8"  # by its mark a spreadsheet reads Chinese
        try:
            path = unused(Path.cwd() / name)  # a folder that may be gone
            made = harmless(contents).encode(encoding) if isinstance(contents, str) else contents
            # The person's alone, and not over a file that was made at this moment either.
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(made)
        except OSError as error:
            self.notify(self.say("screens.save-failed", path=path, reason=error), severity="error")
            return
        self.notify(self.say("screens.saved-to", path=path))

    def say_unreadable(self) -> None:
        self.notify(self.say("screens.unreadable-input"), severity="warning")

    # --- the terminal ------------------------------------------------------------------------------------------

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        super()._display(screen, guarded(renderable))

    # --- what nobody foresaw -----------------------------------------------------------------------------------

    def _handle_exception(self, error: Exception) -> None:
        """A screen that is still being built when the program is left finds no parts any more: that is no error."""
        if not (self._exit and isinstance(error, MountError | NoMatches)):
            super()._handle_exception(error)

    def _fatal_error(self) -> None:
        """Close without Textual's traceback, which shows what was typed: ``run`` raises ``crash`` for the log."""
        self.crash = self._exception or sys.exception()
        self._close_messages_no_wait()

    def say(self, name: str, /, **fields: object) -> str:
        """The words ``name`` (``screens.reveal``) in the present language."""
        return words(name, self.language, **fields)

    @property
    def is_typing(self) -> bool:
        """Whether a text field has the focus, or a knob into which a number is being typed."""
        return isinstance(self.focused, Input | TextArea) or getattr(self.focused, "is_typing", False)

    def interval(self, duration: timedelta) -> str:
        return say_duration(duration, self.language)

    def topic(self, topic: str) -> str:
        return topic_title(topic).say(self.language)

    def has_experiment(self, question: Question) -> bool:
        """Whether an experiment shows the answer to ``question``; what it declares is not read for that."""
        from tui.experiments.catalogue import NAMES

        return question.experiment is not None and question.experiment.run in NAMES

    def experiment_of(self, question: Question) -> Experiment | None:
        """The experiment that shows the answer to ``question``."""
        from tui.experiments.catalogue import declared

        named = question.experiment
        return None if named is None or not self.has_experiment(question) else declared(named.run)

    def error_text(self, error: BaseException) -> str:
        """``error`` in the present language. What nobody foresaw is named; its traceback goes to Textual's console."""
        if getattr(error, "code", None) is None and not isinstance(error, OSError):
            self.log.error(error)
            return f"{type(error).__name__}: {error}"
        return say_error(error, self.language)

    def remember(self, name: str, value: str | bool | list[str]) -> None:
        """Keep a setting for the next time; where it cannot be written, say so and go on."""
        try:
            self.store.set_setting(name, value)
        except ProgressError as error:
            self.say_error(error)

    def watch_progress(self) -> None:
        """Write what had to wait, if it can be had now; say once what is waited for, and what became of the file."""
        self.store.retry()
        self.store.settle()
        waiting = self.store.waiting
        reason = None if waiting is None else str(waiting.fields["reason"])
        notices = self.store.news()
        if waiting is not None and reason != self._waited_for:
            notices.append(waiting)
        self._waited_for = reason
        for notice in notices:
            text = say_code(notice.code, notice.fields, notice.code, self.language)
            self.notify(text, severity="warning", timeout=10, markup=False)

    async def watch_questions(self) -> None:
        """Read the person's own questions again where a file of them was saved.

        A folder may hold very much: it is looked through beside the screen, and for a twentieth of the time at most.
        """
        began = get_time()
        if self.own is None or began < self._look_again_at:
            return
        changed = await asyncio.to_thread(self.own.have_changed)
        self._look_again_at = get_time() + 20 * (get_time() - began)
        if changed:
            await self.read_questions_again()

    async def read_questions_again(self) -> None:
        """Check the person's own questions and take them; what is faulty is said with its line, and stays as it was.

        While it goes on everything else does, and the message line says how far it has come.
        """
        if self.own is None:
            return
        async with self._reading:
            said_at = get_time()

            def report(fraction: float, file: str) -> None:
                nonlocal said_at
                if get_time() - said_at > SAY_EVERY:
                    said_at = get_time()
                    self.call_later(self.notify, self.say("screens.questions-reading", share=f"{fraction:.0%}"))

            bank = await asyncio.to_thread(self.own.read_again, report)
        self.tasks = tuple(in_order(bank))
        self.questions = everything(bank, self.tasks)
        for screen in (screen for stack in self._screen_stacks.values() for screen in stack):
            changed = getattr(screen, "questions_changed", None)
            if changed is not None and screen.is_mounted:
                changed()
        if bank.problems:
            first = bank.problems[0]
            said = say_place(first) + say_problem(first, self.language)
            more = len(bank.problems) - 1
            text = self.say(f"screens.questions-faulty{'-more' if more else ''}", problem=said, more=more)
            self.notify(text, severity="error", timeout=15)
        else:
            count = sum(not each.shipped for each in self.questions)
            self.notify(self.say("screens.questions-read-again", count=count))

    def edit(self, path: Path, line: int | None = None) -> bool:
        """Let the person edit a file until their editor ends; False, and that said, where none does as it should."""
        try:
            editing.edit(self, path, line)
        except EditorError as error:
            self.say_error(error)
            return False
        return True

    def edit_question(self, question: Question | CodeQuestion) -> None:
        """Open the file of ``question`` in the person's editor, at its line; it is checked when they come back."""
        if question.shipped:
            self.notify(self.say("screens.edit-shipped"), severity="warning")
        elif self.edit(Path(question.file), question.line):
            self.run_worker(self.read_questions_again())

    def say_error(self, error: BaseException) -> None:
        self.notify(self.error_text(error), severity="error", timeout=10)

    def say_undone(self, undone: Undone | None) -> None:
        """What was undone, and of which question."""
        if undone is None:
            self.notify(self.say("screens.nothing-to-undo"))
            return
        said = self.say(f"screens.undone-{undone.kind}")
        question = next((each for each in self.questions if each.id == undone.question_id), None)
        name = as_title(question.question.say(self.language)) if question is not None else undone.question_id
        self.notify(self.say("screens.undone-of", what=said, question=name) if name else said)

    def reset(self, question_id: str | None, done: Callable[[], None]) -> None:
        """Reset one question, or all, once the person has said so twice; then ``done()``."""
        from tui.screens.dialogs import ConfirmDialog

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
            self.notify(self.say(name, count=count))
            done()

        self.push_screen(ConfirmDialog(title, hint), first)


# What a Chinese input method makes of keys that act here, where it is not a full-width twin of theirs.
_OF_INPUT_METHODS = {"\u3000": " ", "。": ".", "、": "/", "【": "[", "】": "]", "《": "<", "》": ">"}


def half_width(event: events.Key) -> events.Key:
    """``event`` with a full-width or Chinese character (１, Ｌ, ？, 。) made half-width; any other event unchanged."""
    character = event.character
    if character is None or not (character in _OF_INPUT_METHODS or "\uff01" <= character <= "\uff5e"):
        return event
    narrow = _OF_INPUT_METHODS.get(character) or unicodedata.normalize("NFKC", character)
    changed = events.Key(_character_to_key(narrow), narrow)
    changed.time = event.time
    return changed


def unused(path: Path) -> Path:
    """``path``, or the first of ``name-2``, ``name-3``, … that does not exist."""
    number, free = 1, path
    while os.path.lexists(free):
        number += 1
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return free
