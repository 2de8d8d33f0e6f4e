"""A verdict in words, line by line: for ``code`` and for the screen."""

from __future__ import annotations

from questions.bilingual import Language
from tui.judge.verdict import StageReport, Verdict
from tui.language.words import listing, words


def lines_of(verdict: Verdict, language: Language) -> list[str]:
    """Passed or not, the first failure, where it first went wrong, and the mistakes by name."""
    if verdict.passed:
        return [words("code.passed", language, count=verdict.passed_cases)]
    lines = [words("code.failed", language, failed=verdict.failed_cases, passed=verdict.passed_cases)]
    for mistake in verdict.mistakes:
        title = _spaced(mistake.title.say(language)) if language == "zh" else mistake.title.say(language)
        lines.append(words("code.mistake", language, title=title, name=mistake.name))
        if mistake.question is not None and mistake.experiment is not None:
            fields = {"question": mistake.question, "experiment": mistake.experiment}
            lines.append("  " + words("code.see", language, **fields))
        elif mistake.question is not None:
            lines.append("  " + words("code.see-question", language, question=mistake.question))
    failure = verdict.failure
    if failure is not None:
        if failure.case:
            lines.append(words("code.case", language, name=failure.case, title=failure.title))
            lines += ["  " + line for line in failure.calls.split("\n")]
        lines.append(failure.say(language))
        lines += _stages(failure.stage, language) if failure.stage is not None else []
    return lines


def _spaced(title: str) -> str:
    """``title`` between Chinese characters, with a blank where it begins or ends in others."""
    return (" " if title[:1].isascii() else "") + title + (" " if title[-1:].isascii() else "")


def _stages(stage: StageReport, language: Language) -> list[str]:
    right = listing(stage.right, language) or words("code.nothing", language)
    lines = []
    if stage.wrong is not None:
        lines.append(words("code.stage-wrong", language, name=stage.wrong, right=right))
    elif stage.right:
        lines.append(words("code.stages-right", language, right=right))
    if stage.unknown:
        lines.append(words("code.stages-unknown", language, unknown=stage.unknown, known=stage.known))
    return lines
