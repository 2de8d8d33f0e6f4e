"""Lines in and out for what is asked line by line: the quiz and the mock interview.

Everything is plain lines: no color, no cursor, nothing drawn with boxes. A pasted text is one answer, and nothing that
came before a prompt answers it.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import select
import sys
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from questions.model import CodeQuestion, Question
from tui.commands.context import Context
from tui.commands.drawing import draw_figures
from tui.commands.notices import tell_notices
from tui.commands.output import OutputError, paragraphs, tell, width, write
from tui.commands.progress_line import ProgressLine
from tui.commands.task_text import TaskText
from tui.experiments.contract import Check, Result
from tui.judge.catalogue import Framework
from tui.judge.telling import lines_of
from tui.judge.verdict import Verdict
from tui.language.harmless import harmless
from tui.language.words import say_error, words
from tui.practice.editor import EditorError, edit
from tui.practice.written import begin_draft, next_framework, read_draft
from tui.progress.errors import ProgressError
from tui.progress.store import ProgressStore
from tui.proof.evidence import by_name
from tui.proof.runs import Runs

END_OF_ANSWER = "."
LONGEST_ANSWER = 100_000  # characters
PASTING = 0.05  # seconds within which the next line of a pasted text is there


class Left(Exception):
    """The person leaves, or the input ends."""


@dataclass
class Shown:
    """What ran for the question being answered."""

    result: Result | None = None
    checks: dict[str, Check] = field(default_factory=dict)
    predict_checks: dict[str, Check] = field(default_factory=dict)


class Conversation:
    """A person at the other end of stdin and stdout, and the experiments that are shown to them."""

    def __init__(self, context: Context, store: ProgressStore) -> None:
        self._context = context
        self._language = context.language
        self._store = store
        self._runs = Runs()
        self._columns = width()
        self._shown = Shown()
        self._waited_for: str | None = None
        if sys.stdin is not None and sys.stdin.isatty():
            with contextlib.suppress(ImportError):  # so that a line can be edited, Chinese too
                importlib.import_module("readline")

    def _run_experiment(self, question: Question) -> Shown:
        if question.experiment is None:
            return Shown()
        name = question.experiment.run
        try:
            with ProgressLine() as report:
                result = self._runs.run(name, question.settings, report).result
                predicted = result
                if question.predict:
                    predicted = self._runs.run(name, question.predict_settings, report).result
        except Exception as error:  # the question can be learned without its experiment; what failed is said
            tell(words("quiz.experiment-failed", self._language, reason=say_error(error, self._language)))
            return Shown()
        return Shown(result, by_name(result.checks), by_name(predicted.checks))

    def _draw(self) -> None:
        if self._shown.result is None or not self._shown.result.figures:
            self._put("no-figures")
        else:
            draw_figures(self._shown.result.figures, self._context)

    def _drop_what_came_early(self) -> None:
        """At a terminal a rating is only what is typed after its prompt: the rest of a pasted text must not rate."""
        dropped = False
        while more_is_coming():
            sys.stdin.readline()
            dropped = True
        if dropped:
            self._put("early-lines")

    def _tell_waiting(self) -> None:
        """Once for each reason, what the store waits for before it can write."""
        self._store.retry()
        self._store.settle()
        tell_notices(self._store.news(), self._language)
        waiting = self._store.waiting
        reason = None if waiting is None else str(waiting.fields["reason"])
        if waiting is not None and reason != self._waited_for:
            tell_notices([waiting], self._language)
        self._waited_for = reason

    def _write_by_hand(
        self, task: CodeQuestion, file: Callable[[Framework], Path], framework: Framework, *, final: bool = False
    ) -> Verdict | None:
        """Let the person write ``task`` into ``file(framework)``; the verdict, None where they give up or end it.

        ``final``: what is handed in first counts. Else they go on until it passes. Raises ``OSError`` where the file
        cannot be made.
        """
        from tui.judge.judging import judge

        text = TaskText(task, self._language)
        self._write(*text.statement())
        path = self._begin(task, file, framework)
        hints = 0
        while True:
            given = command(self._read("final-prompt" if final else "file-prompt", "code", framework=framework))
            if given == "q":
                raise Left
            if given == ("e" if final else "s"):
                return None
            if given == "h" and not final:
                hints += 1
                self._write(text.hints()[:hints] or [], [])
                continue
            if given == "f":
                framework = next_framework(framework)
                with contextlib.suppress(ProgressError):
                    self._store.set_setting("framework", framework)
                path = self._begin(task, file, framework)
                continue
            if given == "v":
                self._edit(path)
                continue
            if given:
                tell(words("code.one-of", self._language))
                continue
            try:
                verdict = judge(task.task, read_draft(path), path.name, framework)
            except OSError as error:
                tell(words("code.unreadable-draft", self._language, path=path, reason=error))
                continue
            self._write(lines_of(verdict, self._language))
            if verdict.passed or final:
                return verdict

    def _begin(self, task: CodeQuestion, file: Callable[[Framework], Path], framework: Framework) -> Path:
        path = file(framework)
        begin_draft(path, task, framework)
        write(words("code.write-into", self._language, path=path))
        return path

    def _edit(self, path: Path) -> None:
        try:
            if sys.stdin is None or not sys.stdin.isatty():  # which an editor needs
                raise EditorError("no-editor", path=path)
            edit(path)
        except EditorError as error:
            tell(say_error(error, self._language))

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

    def _read(self, prompt: str, table: str = "quiz", **fields: object) -> str:
        """A line that the person types. The end of the input is leaving."""
        self._tell_waiting()
        said = harmless(words(f"{table}.{prompt}", self._language, **fields))
        try:
            line = input(said)
        except (EOFError, RuntimeError):  # the second: stdin or stdout was closed before the program began
            raise Left from None
        except BrokenPipeError:
            raise
        except OSError as error:  # the terminal is gone, or the output can take no more
            raise OutputError(error) from error
        if sys.stdin is not None and not sys.stdin.isatty():
            write()  # no terminal has echoed the line's end
        return line


def more_is_coming() -> bool:
    """Whether, at a terminal, another line has been typed or pasted already."""
    if sys.stdin is None or not sys.stdin.isatty() or os.name != "posix":
        return False
    return bool(select.select([sys.stdin], [], [], PASTING)[0])


def command(line: str) -> str:
    """A typed letter or digit, whichever way the input method gave it: ``１``, ``Ｕ``, `` u ``."""
    return unicodedata.normalize("NFKC", line).strip().lower()
