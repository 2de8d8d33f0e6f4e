"""``list``: the questions, a line each."""

from __future__ import annotations

import argparse

from questions.topics import topic_title
from tui.bank import load_bank
from tui.commands.context import Context
from tui.commands.notices import tell_problems
from tui.commands.output import width, write, write_json
from tui.text.layout import fit, pad
from tui.text.plain_text import as_title

GAP = "  "


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true")


def run(context: Context, options: argparse.Namespace) -> int:
    bank = load_bank(context.questions)
    tell_problems(bank.problems, context.language)
    if options.json:
        write_json(
            [
                {
                    "id": question.id,
                    "source": list(question.source),
                    "topic": question.topic,
                    "level": question.level,
                    "question": {"zh": question.question.zh, "en": question.question.en},
                    "experiment": question.experiment.run if question.experiment else None,
                    "checks": list(question.checks),
                }
                for question in bank.questions
            ]
        )
        return 0
    rows = [
        (
            question.id,
            topic_title(question.topic).say(context.language),
            "*" * question.level,
            as_title(question.question.say(context.language)),
        )
        for question in bank.questions
    ]
    widths = [max((_cells(row[column]) for row in rows), default=0) for column in range(3)]
    columns = width()
    for row in rows:
        line = GAP.join([*(pad(cell, wide) for cell, wide in zip(row, widths, strict=False)), row[3]])
        write(line if columns is None else fit(line, columns))
    return 0


def _cells(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)
