"""``interview``: a mock interview, line by line, with a report at its end."""

from __future__ import annotations

import argparse
import contextlib
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

from questions.bank import Bank
from questions.marking import Mark, Marking
from questions.model import CodeQuestion
from tui.commands.context import Context
from tui.commands.conversation import END_OF_ANSWER, LONGEST_ANSWER, Conversation, Left, command, more_is_coming
from tui.commands.drawing import draw_figures
from tui.commands.notices import tell_notices, tell_problems
from tui.commands.output import paragraphs, tell, width, write
from tui.commands.pages import first_figures
from tui.commands.question_text import QuestionText
from tui.commands.selecting import add_selection, refuse_unknown_topics
from tui.commands.writing import refuse_to_overwrite, write_file
from tui.judge.catalogue import Framework
from tui.language.durations import say_duration
from tui.language.usage import UsageError
from tui.language.words import say_error, words
from tui.practice.interview import (
    MINUTES,
    MOST_MINUTES,
    MOST_QUESTIONS,
    QUESTIONS,
    Interview,
    Wishes,
    begin,
    left_open,
)
from tui.practice.interview_turn import Turn
from tui.practice.page import page
from tui.practice.report import Report, report
from tui.practice.report_text import as_markdown, sections
from tui.practice.written import draft_text, everything, keep_draft
from tui.progress.errors import ProgressError
from tui.progress.paths import typed_path
from tui.progress.store import ProgressStore

REPORTS = (".md", ".html")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--minutes")
    parser.add_argument("--report")
    parser.add_argument("--force", action="store_true")
    parser.add_argument("--new", action="store_true")
    parser.add_argument("--last", action="store_true")
    add_selection(parser)


def run(context: Context, options: argparse.Namespace) -> int:
    path = None if options.report is None else typed_path(options.report)
    if path is not None:
        if path.suffix.lower() not in REPORTS:
            raise UsageError("unknown-suffix", given=path, known=REPORTS, nearest=None)
        refuse_to_overwrite(path, force=options.force)  # now, and not after half an hour
    wishes = Wishes(
        _number("--questions", options.count[-1] if options.count else None, QUESTIONS, MOST_QUESTIONS),
        _number("--minutes", options.minutes, MINUTES, MOST_MINUTES),
        context.selection,
    )
    bank = context.load_bank()
    tell_problems(bank.problems, context.language)
    refuse_unknown_topics(context.selection, bank.topics)
    with context.read_store() if options.last else context.open_store() as store:
        tell_notices(store.notices, context.language)
        if options.last:
            kept = next((each for each in store.interviews() if each["ended_at"] is not None), None)
            if kept is None:
                raise UsageError("no-interview")
        else:
            if context.language_given:
                store.set_setting("language", context.language)
            interview = _open(context, bank, store, wishes, new=options.new)
            if interview is None:
                write(words("interview.none", context.language))
                return 0
            _Asking(context, bank, store, interview).run()
            if interview.ended_at is None:
                write(words("interview.left", context.language))
                return 0
            kept = next(each for each in store.interviews() if each["started_at"] == interview.started_at)
        told = report(kept, store.interviews(), everything(bank))
    _tell_report(told, context, path, force=options.force)
    return 0


def _number(option: str, given: str | None, usual: int, most: int) -> int:
    if given is None:
        return usual
    if not given.isdecimal() or not 1 <= int(given) <= most:
        raise UsageError("not-between", option=option, given=given[:40], least=1, most=most)
    return int(given)


def _open(context: Context, bank: Bank, store: ProgressStore, wishes: Wishes, *, new: bool) -> Interview | None:
    """The interview that was left, unless another is wanted; else a new one."""
    left = left_open(everything(bank), store)
    if left is not None and not new:
        write(words("interview.resumed", context.language))
        return left
    if left is not None:
        left.end()
        tell(words("interview.abandoned", context.language))
    return begin(everything(bank), store, wishes, context.language, seed=context.seed)


def _tell_report(told: Report, context: Context, path: Path | None, *, force: bool) -> None:
    """The report in the file, and what is in short of it here."""
    language = context.language
    for section in sections(told, language):
        if section.number:
            break  # question by question it stands in the file; here they have just been read
        write()
        write(section.title)
        for line in section.markdown.splitlines():
            for row in paragraphs(line, width(), hang="  "):
                write(row)
    if path is None:
        return
    if path.suffix.lower() == ".md":
        text = as_markdown(told, language)
    else:
        title = words("interview.title", language)
        text = page(title, sections(told, language, anchors=True), language, first_figures(language))
    write_file(path, text, force=force)
    tell(words("interview.saved", language, path=path))


class _Asking(Conversation):
    def __init__(self, context: Context, bank: Bank, store: ProgressStore, interview: Interview) -> None:
        super().__init__(context, store)
        self._bank = bank
        self._interview = interview

    def run(self) -> None:
        interview = self._interview
        self._tell("plan", questions=interview.of, minutes=interview.minutes)
        self._tell("how")
        try:
            while (turn := interview.turn) is not None:
                if not turn.revealed and not self._ask(turn):
                    interview.end()
                    return
                self._reveal(turn)
                if not self._mend(turn):
                    interview.end()
                    return
                self._go_on()
        except Left:
            write()
        finally:
            interview.pause()

    def _ask(self, turn: Turn) -> bool:
        """Ask and take the answer; False where the person ends the interview."""
        write()
        self._say_clock()
        name = {"main": "question", "deeper": "deeper", "aside": "aside"}[turn.kind]
        text = QuestionText(turn.as_question(), self._language).question()
        self._tell(name, number=self._interview.number, asked="")
        if turn.task is not None:
            return self._code(turn, turn.task)
        self._write(text)
        lines = turn.typed.rstrip("\n").split("\n") if turn.typed else []
        self._write(lines)
        self._interview.resume()
        while True:
            line = self._read("prompt")
            if not lines and (given := command(line)) in ("s", "e", "q"):
                if given == "q":
                    raise Left
                if given == "s":
                    self._interview.answer(spoken=True)
                return given == "s"
            if line.strip() in ("", END_OF_ANSWER) and not more_is_coming():
                self._interview.answer()
                return True
            lines.append(line.rstrip("\n"))
            self._interview.type("\n".join(lines)[:LONGEST_ANSWER])  # on the disk from here on

    def _code(self, turn: Turn, task: CodeQuestion) -> bool:
        """Let it be written in a file of this interview's own: what was practiced before is no answer."""
        interview = self._interview

        def keep() -> None:
            with contextlib.suppress(OSError, UnicodeDecodeError):
                interview.type(draft_text(interview.code_path)[:LONGEST_ANSWER])

        def file(framework: Framework) -> Path:
            if framework != interview.framework:
                keep()
                interview.write_in(framework)
            path = interview.code_path
            if not path.exists():  # else it was left, or killed, and is taken up again
                keep_draft(path, turn.typed)
            return path

        interview.resume()
        verdict = None
        try:
            verdict = self._write_by_hand(task, file, interview.framework, final=True)
        except OSError as error:
            tell(words("code.unreadable-draft", self._language, path=interview.code_path, reason=error))
        finally:
            keep()
        if verdict is None:
            return False
        self._interview.answer(verdict=verdict)
        return True

    def _reveal(self, turn: Turn) -> None:
        """The marks, what one says in a minute, and the experiment as evidence."""
        question = turn.as_question()
        self._shown = self._run_experiment(turn.question)
        text = QuestionText(question, self._language, self._shown.checks)
        write()
        self._write(
            self._marks(turn, text),
            text.brief() or text.answer(),
            text.misconception(),
            text.experiment() if turn.follow_up is None else [],
        )
        if turn.follow_up is None and self._shown.result is not None and not self._context.plain:
            draw_figures(self._shown.result.figures, self._context)

    def _marks(self, turn: Turn, text: QuestionText) -> list[str]:
        if not turn.marks:
            return []
        wrong = Mark("found") if turn.said_misconception else None
        lines = text.marked(Marking(tuple(Mark(status) for status in turn.marks), wrong), numbered=True)
        return [words("interview.say-aloud", self._language), *lines] if turn.spoken else lines

    def _mend(self, turn: Turn) -> bool:
        """Let the marks be mended; False where the person ends the interview."""
        self._tell("mend" if turn.marks else "mend-none")
        while True:
            self._drop_what_came_early()
            given = command(self._read("mend-prompt", "interview"))
            if not given:
                return True
            if given == "e":
                return False
            if given == "q":
                raise Left
            if given == "v":
                self._draw()
            elif given == "m" and turn.misconception is not None:
                self._interview.mark_misconception(not turn.said_misconception)
                self._write(self._marks(turn, QuestionText(turn.as_question(), self._language)))
            elif marks := read_marks(given, len(turn.marks)):
                for number, status in marks.items():
                    self._interview.mark_point(number, status)
                self._write(self._marks(turn, QuestionText(turn.as_question(), self._language)))
            else:
                self._tell("mend-one-of" if turn.marks else "mend-none", most=len(turn.marks))

    def _go_on(self) -> None:
        while True:
            try:
                self._interview.go_on()
                return
            except ProgressError as error:  # a full disk: the person may mend it and go on
                tell(say_error(error, self._language))
                if self._read("mend-prompt", "interview").strip() == "q":
                    raise Left from error

    def _say_clock(self) -> None:
        interview, pace = self._interview, self._interview.pace()
        fields = {"number": interview.number, "of": interview.of}
        if pace.over:
            self._tell("clock-over", **fields)
            return
        left = say_duration(timedelta(seconds=pace.left), self._language)
        late = words("interview.clock-late", self._language) if pace.late else ""
        for line in paragraphs(words("interview.clock", self._language, left=left, **fields) + late, self._columns):
            write(line)

    def _tell(self, name: str, **fields: object) -> None:
        for line in paragraphs(words(f"interview.{name}", self._language, **fields), self._columns):
            write(line)


def read_marks(typed: str, points: int) -> Mapping[int, Any]:
    """``1 3, 2? 4-`` as the marks of points from 0; empty where it is anything else."""
    signs = {"?": "unsure", "-": "missed"}
    found = {}
    for word in typed.replace(",", " ").replace("、", " ").split():
        number, status = (word[:-1], signs[word[-1]]) if word[-1] in signs else (word, "found")
        if not (number.isascii() and number.isdecimal() and 1 <= int(number) <= points):
            return {}
        found[int(number) - 1] = status
    return found
