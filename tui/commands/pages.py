"""Experiments run for a page or a deck: the figure that stands beside what it shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from questions.bilingual import Language
from questions.model import ExperimentUse, Question
from questions.topics import TOPICS, topic_title
from tui.commands.output import tell
from tui.commands.progress_line import ProgressLine
from tui.figures.data import Figure
from tui.language.words import say_error, words
from tui.practice.page import Section, page
from tui.proof.runs import Runs
from tui.text.plain_text import as_title, readable


def first_figures(language: Language) -> Callable[[ExperimentUse], Sequence[Figure]]:
    """Runs an experiment and gives its first figure; what does not run is told, and left out."""
    runs = Runs()

    def figures(use: ExperimentUse) -> Sequence[Figure]:
        try:
            with ProgressLine() as progress:
                return runs.run(use.run, use.settings, progress).result.figures[:1]
        except Exception as error:
            tell(words("interview.figure-failed", language, name=use.run, reason=say_error(error, language)))
            return ()

    return figures


def briefs_page(questions: Sequence[Question], language: Language) -> str:
    """Every question by topic with what one says in a minute (the answer, where it has no such text), to print."""
    order = {name: number for number, name in enumerate(TOPICS)}
    sections = []
    for question in sorted(questions, key=lambda each: order.get(each.topic, len(order))):
        title = f"{topic_title(question.topic).say(language)} · {as_title(question.question.say(language))}"
        text = readable((question.brief or question.answer).say(language))
        sections.append(Section(title, text, question.id, question.experiment))
    return page(words("stats.briefs", language), sections, language, first_figures(language))
