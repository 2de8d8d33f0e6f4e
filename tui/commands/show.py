"""``show``: one question with its answer, key points, misconception, follow-ups and sources."""

from __future__ import annotations

import argparse

from questions.bank import Bank
from questions.model import CodeQuestion
from tui.commands.arguments import need
from tui.commands.context import Context
from tui.commands.notices import tell_problems
from tui.commands.output import write, write_json
from tui.commands.question_text import QuestionText
from tui.commands.task_text import TaskText


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", nargs="?")
    parser.add_argument("--json", action="store_true")


def run(context: Context, options: argparse.Namespace) -> int:
    name = need(options.id, "show", "ID")
    bank = context.load_bank()
    tell_problems(bank.problems, context.language)
    question = bank.item(name)
    if isinstance(question, CodeQuestion):
        return _show_task(question, bank, context, options.json)
    if options.json:
        from questions.item import as_data

        write_json(as_data(question))
        return 0
    text = QuestionText(question, context.language)
    for part in (
        text.heading(),
        text.question(),
        text.brief(),
        text.answer(),
        text.key_points(),
        text.misconception(),
        text.prediction() + text.outcome(),
        text.follow_ups(bank),
        text.sources(),
        text.experiment(),
    ):
        for line in part:
            write(line)
        if part:
            write()
    return 0


def _show_task(task: CodeQuestion, bank: Bank, context: Context, as_json: bool) -> int:
    if as_json:
        from questions.task import as_data

        write_json(as_data(task))
        return 0
    text = TaskText(task, context.language)
    for part in (*text.statement(), text.hints(), text.solution(), text.follow_ups(bank), text.sources()):
        for line in part:
            write(line)
        if part:
            write()
    return 0
