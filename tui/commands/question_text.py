"""A question as lines of plain text, for ``show``, ``ask`` and ``--plain``.

Without a run the numbers stand as they are written. With the checks of a run each measured number is followed by its
``✓``, or by what was measured instead.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from questions.bank import Bank
from questions.bilingual import Bilingual, Language, say
from questions.errors import UnknownQuestionError
from questions.model import KeyPoint, Question, See
from questions.spans import NumberSpan
from questions.topics import topic_title
from tui.commands.output import glyph, paragraphs, width
from tui.experiments.contract import Check
from tui.language.words import words
from tui.proof.checks_text import expected_words, measured_words
from tui.proof.evidence import evidence
from tui.text.plain_text import as_title, plain_text, written

if TYPE_CHECKING:
    from questions.marking import Marking

INDENT = "  "
_MARKER = re.compile(r"(?:[-*+]|\d{1,3}[.)]) +")


class QuestionText:
    """The parts of one question. A part that the question lacks is an empty list."""

    def __init__(
        self,
        question: Question,
        language: Language,
        checks: Mapping[str, Check] | None = None,
        predict_checks: Mapping[str, Check] | None = None,
    ) -> None:
        self._question = question
        self._language = language
        self._checks = checks or {}
        self._predict_checks = predict_checks or {}
        self._columns = width()

    def heading(self) -> list[str]:
        question = self._question
        topic = topic_title(question.topic).say(self._language)
        return [f"{question.id}  {topic}  " + words("quiz.level", self._language, level=question.level)]

    def question(self) -> list[str]:
        return self._text(self._question.question)

    def brief(self) -> list[str]:
        """What to say in a minute."""
        brief = self._question.brief
        return [words("quiz.brief", self._language), *self._text(brief, INDENT)] if brief else []

    def answer(self) -> list[str]:
        """The reference answer; beside a brief it is what stands behind it."""
        title = "quiz.deeper" if self._question.brief else "quiz.answer"
        return [words(title, self._language), *self._text(self._question.answer, INDENT)]

    def key_points(self) -> list[str]:
        """What a good answer contains."""
        lines = [words("quiz.key-points", self._language)]
        for point in self._question.key_points:
            lines += self._item("- ", point)
        return lines

    def marked(self, marking: Marking, *, numbered: bool = False) -> list[str]:
        """The key points, each found in the person's answer, unsure, or missed; ``numbered`` from 1."""
        lines = [
            words("quiz.marked", self._language, found=marking.found, of=len(marking.points)),
        ]
        signs = {"found": glyph("✓", "v"), "unsure": "?", "missed": glyph("✗", "x")}
        for number, (mark, point) in enumerate(zip(marking.points, self._question.key_points, strict=True), 1):
            status = words(f"quiz.{mark.status}", self._language)
            lines += self._item(f"{number} " * numbered + f"{signs[mark.status]} {status}", point)
        if marking.misconception is not None and marking.misconception.status == "found":
            lines += self._wrap(words("quiz.said-misconception", self._language), INDENT)
        return lines

    def misconception(self) -> list[str]:
        misconception = self._question.misconception
        if misconception is None:
            return []
        lines = [words("quiz.misconception", self._language), *self._text(misconception.text, INDENT)]
        return lines + self._proof(misconception.check)

    def prediction(self) -> list[str]:
        """The predict item: what will happen, and the choices."""
        predict = self._question.predict
        if predict is None:
            return []
        lines = [words("quiz.predict", self._language), *self._text(predict.question, INDENT)]
        for letter, text in predict.choices.items():
            lines += self._text(text, f"{INDENT}{letter}. ", INDENT + "   ")
        return lines

    def outcome(self, choice: str | None = None) -> list[str]:
        """What came of the predict item, whether ``choice`` was it, and why."""
        predict = self._question.predict
        if predict is None:
            return []
        outcome = "quiz.predicted" if choice is None else "quiz.right" if choice == predict.answer else "quiz.wrong"
        answer = f"{predict.answer}. {predict.choices[predict.answer].say(self._language)}"
        lines = self._wrap(words(outcome, self._language, choice=choice, answer=answer))
        return lines + self._text(predict.why, INDENT, checks=self._predict_checks)

    def follow_ups(self, bank: Bank) -> list[str]:
        """What an interviewer asks next; one that is a question of its own by its id."""
        if not self._question.follow_ups:
            return []
        lines = [words("quiz.follow-ups", self._language)]
        for follow_up in self._question.follow_ups:
            if isinstance(follow_up, See):
                lines += self._wrap(f"- {_asked(bank, follow_up.id, self._language)} ({follow_up.id})", INDENT)
                continue
            lines += self._text(follow_up.question, INDENT + "- ", INDENT + "  ")
            lines += self._text(follow_up.answer, INDENT + "  ")
        return lines

    def sources(self) -> list[str]:
        """The papers, numbered as the numbers in the texts refer to them."""
        lines = [words("quiz.sources", self._language)]
        for number, source in enumerate(self._question.sources, 1):
            where = f", {say(source.where, self._language)}" if source.where is not None else ""
            url = f"  {source.url}" if source.url else ""
            title = as_title(say(source.title, self._language))
            lines += self._wrap(f"[{number}] {title}{where}{url}", INDENT, INDENT + "    ")
        return lines if self._question.sources else []

    def experiment(self) -> list[str]:
        """The experiment that proves the answer, and the command that runs it."""
        use = self._question.experiment
        if use is None:
            return []
        settings = "".join(f" --set {name}={_shell(value)}" for name, value in use.settings.items())
        return [words("quiz.experiment", self._language), f"{INDENT}tformer-quiz lab {use.run}{settings}"]

    def _item(self, sign: str, point: KeyPoint) -> list[str]:
        return self._text(point.text, INDENT + sign, INDENT * 2) + self._proof(point.check)

    def _proof(self, name: str | None) -> list[str]:
        """The check that a point rests on, where it was measured."""
        check = self._checks.get(name or "")
        if check is None or check.holds is None:
            return []
        sign = glyph("✓", "v") if check.holds else glyph("✗", "x")
        measured, expected = measured_words(check), expected_words(check, self._language)
        fields = {"sign": sign, "claim": check.claim, "measured": measured, "expected": expected}
        proof = words("quiz.measured", self._language, **fields)
        return self._wrap(proof, INDENT * 2, INDENT * 3)

    def _text(
        self,
        text: Bilingual,
        indent: str = "",
        hang: str | None = None,
        checks: Mapping[str, Check] | None = None,
    ) -> list[str]:
        """A text of the bank; one that is not written in this language says so."""
        found = self._checks if checks is None else checks
        said = plain_text(text.say(self._language), lambda span: self._number(span, found))
        if text.missing(self._language):
            said += words("quiz.other-language", self._language)
        hang = indent if hang is None else hang
        lines: list[str] = []
        for number, paragraph in enumerate(said.split("\n")):
            lines += self._wrap(paragraph, indent if number == 0 else hang, hang)
        return lines

    def _number(self, span: NumberSpan, checks: Mapping[str, Check]) -> str:
        found = evidence(span, checks)
        if found.agrees is None:
            return written(span)
        if found.proven:
            return f"{span.written} {glyph('✓', '(v)')}"
        return words("quiz.live-number", self._language, written=span.written, live=found.live)

    def _wrap(self, text: str, indent: str = "", hang: str | None = None) -> list[str]:
        if text.startswith("    "):  # code keeps its lines
            return [indent + text]
        marker = _MARKER.match(text)
        hang = (indent if hang is None else hang) + " " * (marker.end() if marker else 0)
        return [line.rstrip() for line in paragraphs(text, self._columns, indent, hang)]


def _asked(bank: Bank, name: str, language: Language) -> str:
    try:
        return bank[name].question.say(language)
    except UnknownQuestionError:  # it is in a file with faults, which have been told
        return name


def _shell(value: object) -> str:
    import shlex

    return shlex.quote(str(value).lower() if isinstance(value, bool) else str(value))
