"""``code``: the tasks to write by hand; one task; a file judged against it."""

from __future__ import annotations

import argparse
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from questions.bank import PREFIX, Bank
from questions.model import CodeQuestion
from questions.topics import topic_title
from tui.bank import in_order
from tui.commands.arguments import one_of
from tui.commands.context import Context
from tui.commands.notices import tell_problems
from tui.commands.output import paragraphs, width, write, write_json
from tui.commands.task_text import TaskText
from tui.judge.catalogue import FRAMEWORKS, NAMES, is_installed
from tui.language.usage import UsageError, unknown
from tui.language.words import words
from tui.progress.paths import typed_path
from tui.text.layout import fit, pad
from tui.text.plain_text import as_title

if TYPE_CHECKING:
    from tui.judge.verdict import Verdict

PASSED, FAILED = 0, 1
MOST_LINES = 20  # of what the code printed
LARGEST = 4 << 20  # bytes of a file


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("task", nargs="?")
    parser.add_argument("file", nargs="?")
    parser.add_argument("--framework")
    parser.add_argument("--json", action="store_true")


def run(context: Context, options: argparse.Namespace) -> int:
    bank = context.load_bank()
    framework = one_of("--framework", options.framework or "numpy", FRAMEWORKS)
    if options.task is None:
        tell_problems(bank.problems, context.language)
        return _list(bank, context, options.json)
    name = options.task.removeprefix(PREFIX)
    if name not in NAMES:
        raise unknown("unknown-task", options.task, NAMES)
    if not is_installed(framework):  # type: ignore[arg-type]
        raise UsageError("framework-not-installed", framework=framework)
    if options.file is None:
        return _show(bank.task(name), context, options.json)
    return _judge(name, options.file, framework, context, options.json)


def _list(bank: Bank, context: Context, as_json: bool) -> int:
    tasks = in_order(bank)
    if as_json:
        write_json([{"id": task.id, "task": task.task, "level": task.level, "minutes": task.minutes} for task in tasks])
        return 0
    language = context.language
    rows = [
        (
            task.task,
            topic_title(task.topic).say(language),
            "*" * task.level,
            words("code.minutes", language, minutes=task.minutes),
            as_title(task.question.say(language)),
        )
        for task in tasks
    ]
    widths = [max((_cells(row[column]) for row in rows), default=0) for column in range(4)]
    columns = width()
    for row in rows:
        line = "  ".join([*(pad(cell, wide) for cell, wide in zip(row, widths, strict=False)), row[4]])
        write(line if columns is None else fit(line, columns))
    return 0


def _show(task: CodeQuestion, context: Context, as_json: bool) -> int:
    if as_json:
        from questions.task import as_data

        write_json(as_data(task))
        return 0
    text = TaskText(task, context.language)
    judge_it = words("code.judge-it", context.language, task=task.task)
    for part in (*text.statement(), text.hints(), [judge_it]):
        for line in part:
            write(line)
        write()
    return 0


def _judge(name: str, given: str, framework: str, context: Context, as_json: bool) -> int:
    source = _read(given)
    from tui.judge.judging import judge

    verdict = judge(name, source, _shown_name(given), framework)
    if as_json:
        write_json(verdict.as_data(context.language))
    else:
        _write(verdict, context)
    return PASSED if verdict.passed else FAILED


def _read(given: str) -> bytes:
    """The bytes of a file. A pipe or a device is never opened: it might not end. Raises ``UsageError``."""
    path = typed_path(given)
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise UsageError("code-not-a-file", path=given)
        with path.open("rb") as file:
            source = file.read(LARGEST + 1)
    except (OSError, ValueError) as error:
        raise UsageError("code-unreadable", path=given, reason=error) from error
    if len(source) > LARGEST:
        raise UsageError("code-too-long", path=given, limit=LARGEST)
    return source


def _shown_name(given: str) -> str:
    return Path(given).name


def _write(verdict: Verdict, context: Context) -> None:
    from tui.judge.figures import heatmap
    from tui.judge.telling import lines_of

    columns = width()
    for line in lines_of(verdict, context.language):
        for row in paragraphs(line, columns, hang="  "):
            write(row)
    figure = heatmap(verdict.failure) if verdict.failure is not None else None
    if figure is not None:
        from tui.commands.drawing import draw_figures

        write()
        draw_figures([figure], context)
    if verdict.printed:
        write(words("code.printed-this", context.language))
        lines = verdict.printed.rstrip("\n").split("\n")
        for line in lines[:MOST_LINES]:
            write("  | " + line[:300])  # marked, so that it cannot say anything in our name
        if verdict.cut or len(lines) > MOST_LINES:
            write(words("code.printed-cut", context.language))


def _cells(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)
