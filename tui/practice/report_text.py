"""The report of an interview as Markdown, and as sections of a page (``tui.practice.page``) with figures."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any

from questions.bilingual import Bilingual, Language
from questions.model import KeyPoint, Question
from questions.topics import topic_title
from tui.language.durations import say_duration
from tui.language.words import words
from tui.practice.interview_turn import Turn
from tui.practice.page import Section
from tui.practice.report import Count, Report
from tui.progress.export import quote
from tui.text.plain_text import as_title, readable

SIGNS = {"found": "✓", "unsure": "◐", "missed": "✗"}
EARLIER = 5  # interviews in the comparison


def as_markdown(report: Report, language: Language) -> str:
    """The whole report, its questions linked from what is to be studied."""
    lines = [f"# {_say('title', language)}"]
    for section in sections(report, language):
        lines += ["", f"## {section.title}", "", section.markdown.strip("\n")]
    return "\n".join(lines) + "\n"


def sections(report: Report, language: Language, *, anchors: bool = False) -> list[Section]:
    """The parts of the report in order; ``anchors`` links within the page, else by what the command line takes."""
    found = [
        Section(_say("summary", language), "\n".join(_summary(report, language))),
        Section(_say("next", language), "\n".join(_next(report, language, anchors))),
    ]
    if report.misconceptions:
        said = [
            f"- {_link(turn.question, language, anchors)}\n  - {_inline(turn.misconception.text, language)}"
            for turn in report.misconceptions
            if turn.misconception is not None
        ]
        found.append(Section(_say("misconceptions", language), "\n".join(said)))
    found.append(Section(_say("topics", language), "\n".join(_topics(report, language))))
    if report.earlier:
        found.append(Section(_say("earlier", language), "\n".join(_earlier(report, language, anchors))))
    number = 0
    linked: set[str] = set()
    for turn in report.turns:
        number += turn.kind == "main"
        use = turn.question.experiment if turn.follow_up is None else None
        anchor = "" if turn.question.id in linked else turn.question.id
        linked.add(turn.question.id)
        found.append(Section(_heading(turn, number, language), "\n".join(_turn(turn, language)), anchor, use, number))
    return found


def _summary(report: Report, language: Language) -> list[str]:
    share = report.count.share
    spent = say_duration(timedelta(seconds=report.seconds), language)
    day = report.started_at.astimezone().strftime("%Y-%m-%d %H:%M")
    lines = [_say("when", language, day=day, spent=spent, minutes=report.minutes)]
    follow_ups = len(report.turns) - report.questions
    lines.append(_say("asked", language, asked=report.questions, planned=report.planned, more=follow_ups))
    if share is not None:
        lines.append(_say("share", language, share=f"{share:.0%}", **_counts(report.count)))
    rated = sum(turn.rating is not None for turn in report.turns)
    lines.append(_say("rated", language, rated=rated))
    return ["- " + line for line in lines]


def _next(report: Report, language: Language, anchors: bool) -> list[str]:
    if not report.to_study:
        return [_say("nothing-to-study", language)]
    lines = []
    for number, each in enumerate(report.to_study, 1):
        lines.append(f"{number}. {_link(each.question, language, anchors)}")
        lines += [f"   - {_inline(point.text, language)}" for point in each.unsaid]
        if each.said_misconception:
            lines.append(f"   - {_say('said-it', language)}")
        if each.question.experiment is not None:
            lines.append(f"   - {_say('run-it', language)} `tformer-quiz lab {each.question.experiment.run}`")
    return lines


def _topics(report: Report, language: Language) -> list[str]:
    head = _say("topic-columns", language).split("|")
    lines = [_row(head), _row(["---"] * len(head))]
    for topic, found in report.topics.items():
        before = next((e.topics[topic].share for e in report.earlier if topic in e.topics), None)
        shares = [_percent(found.share), _percent(before)]
        lines.append(_row([topic_title(topic).say(language), *map(str, _counts(found).values()), *shares]))
    return lines


def _earlier(report: Report, language: Language, anchors: bool) -> list[str]:
    head = _say("earlier-columns", language).split("|")
    lines = [_row(head), _row(["---"] * len(head))]
    for each in report.earlier[:EARLIER]:
        day = each.started_at.astimezone().strftime("%Y-%m-%d %H:%M")
        lines.append(_row([day, *map(str, _counts(each.count).values()), _percent(each.count.share)]))
    lines.append(
        _row([_say("this-one", language), *map(str, _counts(report.count).values()), _percent(report.count.share)])
    )
    for name, points in (("gained", report.gained), ("lost", report.lost)):
        if points:
            lines += ["", _say(name, language), ""]
        for question, group in groupby(points, key=itemgetter(0)):
            lines.append(f"- {_link(question, language, anchors)}")
            lines += [f"  - {_inline(point.text, language)}" for _, point in group]
    return lines


def _heading(turn: Turn, number: int, language: Language) -> str:
    asked = as_title(turn.asked.say(language))
    name = {"main": "question", "deeper": "deeper", "aside": "aside"}[turn.kind]
    return _say(name, language, number=number, asked=asked)


def _turn(turn: Turn, language: Language) -> list[str]:
    seconds = say_duration(timedelta(seconds=turn.seconds), language)
    how = "spoken" if turn.spoken else "typed" if turn.answered else "given-up"
    lines = [_say(how, language, time=seconds)]
    if turn.task is not None and turn.typed.strip():
        lines += ["", *fenced(turn.typed), "", *quote("\n".join(turn.judged.get(language, ())))]
    elif turn.typed.strip():
        lines += ["", *quote(turn.typed)]
    lines += ["", *_points(turn.key_points, turn, language)]
    if turn.said_misconception and turn.misconception is not None:
        lines += ["", f"**{words('quiz.misconception', language)}** {_inline(turn.misconception.text, language)}"]
    lines += ["", f"**{words('quiz.answer', language)}**", "", readable(turn.reference.say(language)).strip()]
    lines += ["", f"`tformer-quiz show {turn.question.id}`"]
    return lines


def fenced(code: str) -> list[str]:
    """``code`` as a block of Markdown, whatever it holds."""
    fence = "```"
    while fence in code:
        fence += "`"
    return [f"{fence}python", code.strip("\n"), fence]


def _points(points: Iterable[KeyPoint], turn: Turn, language: Language) -> list[str]:
    return [
        f"- {SIGNS[status]} {words(f'quiz.{status}', language)}{_inline(point.text, language)}"
        for point, status in zip(points, turn.marks, strict=True)
    ]


def _link(question: Question, language: Language, anchors: bool) -> str:
    title = _inline(question.question, language)
    if anchors:
        return f"[{title}](#{question.id})"
    command = f"`tformer-quiz ask {question.id}`"
    return f"{title}（{command}）" if language == "zh" else f"{title} ({command})"


def _counts(found: Count) -> dict[str, int]:
    return {"said": found.said, "half": found.half, "missed": found.missed}


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.0%}"


def _inline(text: Bilingual, language: Language) -> str:
    return " ".join(readable(text.say(language)).split())


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _say(name: str, language: Language, **fields: Any) -> str:
    return words(f"interview.{name}", language, **fields)
