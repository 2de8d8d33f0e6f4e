"""``mark``: an answer from stdin against a question's key points, with the words and the phrase that said each."""

from __future__ import annotations

import argparse
import sys
from typing import Any

from questions.bilingual import LANGUAGES, Bilingual, Language
from questions.marking import Mark, Marking, Status, mark
from questions.model import Question
from tui.commands.arguments import need
from tui.commands.context import Context
from tui.commands.notices import tell_problems
from tui.commands.output import glyph, paragraphs, tell, width, write, write_json
from tui.language.usage import UsageError
from tui.language.words import words
from tui.text.layout import visible
from tui.text.plain_text import plain_text, written

LONGEST = 100_000  # bytes of an answer: half an hour of speech
STATES: dict[Status, str] = {"found": "said", "unsure": "half", "missed": "missed"}
INDENT = "    "


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("id", nargs="?")
    parser.add_argument("--json", action="store_true")


def run(context: Context, options: argparse.Namespace) -> int:
    name = need(options.id, "mark", "ID")
    bank = context.load_bank()
    tell_problems(bank.problems, context.language)
    question = bank[name]
    answer = _read_answer(context.language)
    marking = mark(answer, question.key_points, question.misconception)
    if options.json:
        write_json(_as_data(question, marking))
    else:
        for line in _as_text(question, answer, marking, context.language):
            write(line)
    return 0


def _read_answer(language: Language) -> str:
    """The text on stdin. Raises ``UsageError``; of what is too long no more is read than tells so."""
    if sys.stdin is None:
        raise UsageError("answer-empty")
    if sys.stdin.isatty():
        tell(words("quiz.type-to-mark", language))
    data = sys.stdin.buffer.read(LONGEST + 1)
    if len(data) > LONGEST:
        raise UsageError("answer-too-long", limit=LONGEST)
    try:
        answer = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError("answer-not-utf-8", byte=f"0x{data[error.start]:02x}", place=error.start + 1) from error
    if not answer.strip():
        raise UsageError("answer-empty")
    return answer


def _as_data(question: Question, marking: Marking) -> dict[str, Any]:
    points = [
        {"id": point.id, "text": _both(point.text), "state": STATES[each.status], "where": _where(each)}
        for point, each in zip(question.key_points, marking.points, strict=True)
    ]
    wrong = marking.misconception
    return {
        "points": points,
        "misconception": None if wrong is None else {"state": STATES[wrong.status], "where": _where(wrong)},
    }


def _both(text: Bilingual) -> dict[str, str | None]:
    return {language: None if text.missing(language) else text.say(language) for language in LANGUAGES}


def _where(each: Mark) -> list[list[int]]:
    return [list(span) for span in each.spans]


def _as_text(question: Question, answer: str, marking: Marking, language: Language) -> list[str]:
    columns = width()
    lines = [words("quiz.marked", language, found=marking.found, of=len(marking.points))]
    for point, each in zip(question.key_points, marking.points, strict=True):
        label = f"{point.id}: " if point.id else ""
        lines += paragraphs(_sign(each.status, language) + label + _plain(point.text, language), columns, "", INDENT)
        lines += paragraphs(_matched(each, answer, language), columns, INDENT) if each.spans else []
    if question.misconception is not None and marking.misconception is not None:
        said = marking.misconception
        state = words(f"quiz.misconception-{STATES[said.status]}", language)
        lines += ["", *paragraphs(state + _plain(question.misconception.text, language), columns, "", INDENT)]
        lines += paragraphs(_matched(said, answer, language), columns, INDENT) if said.spans else []
    return lines


def _sign(status: Status, language: Language) -> str:
    signs = {"found": glyph("✓", "v"), "unsure": "?", "missed": glyph("✗", "x")}
    return f"{signs[status]} {words(f'quiz.{status}', language)}"


def _plain(text: Bilingual, language: Language) -> str:
    return plain_text(text.say(language), written)


def _matched(each: Mark, answer: str, language: Language) -> str:
    """The words of the answer, where they stand, and the phrase of the bank that they are."""
    said = ", ".join(f"“{visible(answer[start:stop])}” {start}–{stop}" for start, stop in each.spans)
    phrase = each.phrase if isinstance(each.phrase, str) else f"[{', '.join(each.phrase)}]"
    return words("quiz.matched", language, said=said, phrase=phrase)
