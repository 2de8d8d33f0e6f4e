"""``list``: the questions, a line each; of a search, the most relevant first."""

from __future__ import annotations

import argparse

from questions.bank import Bank
from questions.model import CodeQuestion, Question
from questions.topics import topic_title
from tui.commands.context import Context
from tui.commands.notices import tell_notices, tell_problems
from tui.commands.output import tell, width, write, write_json
from tui.commands.selecting import add_selection, refuse_unknown_topics
from tui.language.words import words
from tui.text.layout import fit, pad
from tui.text.plain_text import as_title

GAP = "  "


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true")
    add_selection(parser)


def run(context: Context, options: argparse.Namespace) -> int:
    bank = context.load_bank()
    tell_problems(bank.problems, context.language)
    questions = selected(context, bank)
    if context.selection.search:
        questions = by_relevance(questions, bank, context)
    if not questions:
        tell(words("quiz.part-empty", context.language))
    if options.json:
        write_json(
            [
                {
                    "id": question.id,
                    "kind": question.kind,
                    "source": list(question.source),
                    "topic": question.topic,
                    "level": question.level,
                    "question": {"zh": question.question.zh, "en": question.question.en},
                    "experiment": question.experiment.run if question.experiment else None,
                    "checks": list(question.checks),
                }
                for question in questions
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
        for question in questions
    ]
    widths = [max((_cells(row[column]) for row in rows), default=0) for column in range(3)]
    columns = width()
    for row in rows:
        line = GAP.join([*(pad(cell, wide) for cell, wide in zip(row, widths, strict=False)), row[3]])
        write(line if columns is None else fit(line, columns))
    return 0


def selected(context: Context, bank: Bank) -> list[Question | CodeQuestion]:
    """The questions and tasks that the options select. Raises ``UsageError`` where a topic is none of the bank's."""
    selection = context.selection
    every: list[Question | CodeQuestion] = [*bank.questions, *bank.tasks]
    refuse_unknown_topics(selection, {question.topic for question in every})
    if not selection.flagged:
        return selection.of(every)
    with context.read_store() as store:
        tell_notices(store.notices, context.language)
        return selection.of(every, store.flags())


def by_relevance(
    questions: list[Question | CodeQuestion], bank: Bank, context: Context
) -> list[Question | CodeQuestion]:
    """``questions`` in the order in which the screen's search finds them."""
    from tui.practice.finding import find, question_entries
    from tui.practice.written import everything

    found = find(question_entries(everything(bank)), context.selection.search, context.language)
    order = {one.entry.name: number for number, one in enumerate(found)}
    return sorted(questions, key=lambda question: order.get(question.id, len(order)))


def _cells(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)
