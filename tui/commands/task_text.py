"""A task to write by hand as lines of plain text, for ``code`` and ``show``."""

from __future__ import annotations

from typing import Any

from questions.bank import Bank
from questions.bilingual import Bilingual, Language, say
from questions.model import CodeQuestion
from tui.commands.output import paragraphs, width
from tui.commands.question_text import INDENT, QuestionText
from tui.language.words import words
from tui.text.plain_text import plain_text, written


class TaskText:
    """The parts of one task; each a list of lines, empty where it has none."""

    def __init__(self, task: CodeQuestion, language: Language) -> None:
        self._task = task
        self._language = language
        self._columns = width()
        shared: Any = task  # it has the parts of a question that are asked for here
        self._as_question = QuestionText(shared, language)

    def statement(self) -> list[list[str]]:
        """The heading, what is to be written, its signature and its example."""
        (heading,) = self._as_question.heading()
        minutes = words("code.minutes", self._language, minutes=self._task.minutes)
        return [
            [f"{heading}  {minutes}"],
            self._text(self._task.question),
            [words("code.signature-is", self._language), *self._code(self._task.signature)],
            [words("code.example", self._language), *self._code(say(self._task.example, self._language))],
        ]

    def hints(self) -> list[str]:
        lines: list[str] = []
        for number, hint in enumerate(self._task.hints, 1):
            lines += self._text(hint, words("code.hint", self._language, number=number))
        return lines

    def solution(self, framework: str = "numpy") -> list[str]:
        code = self._task.solution.of(framework) or self._task.solution.numpy
        return [words("code.solution", self._language, framework=framework), *self._code(code)]

    def follow_ups(self, bank: Bank) -> list[str]:
        return self._as_question.follow_ups(bank)

    def sources(self) -> list[str]:
        return self._as_question.sources()

    def _text(self, text: Bilingual, first: str = "") -> list[str]:
        said = first + plain_text(text.say(self._language), written)
        return [line for paragraph in said.split("\n") for line in paragraphs(paragraph, self._columns)]

    def _code(self, text: str) -> list[str]:
        return [(INDENT + line).rstrip() for line in text.split("\n")]
