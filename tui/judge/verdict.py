"""What the judge says of a file: plain data, its words in both languages, and its JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from questions.bilingual import Bilingual, Language
from tui.judge.contract import Mistake
from tui.language.words import words


@dataclass(frozen=True)
class StageReport:
    """The values that a person's code had looked at, against those on the way of the reference."""

    right: tuple[str, ...]
    wrong: str | None
    unknown: tuple[str, ...]
    known: tuple[str, ...]
    expected: Any = None
    got: Any = None


@dataclass(frozen=True)
class Failure:
    """The first case that fails. ``kind`` names its words; the arrays are of the first output that is wrong."""

    kind: str
    case: str
    title: Bilingual
    line: int | None = None
    text: str = ""  # the line itself
    fields: dict[str, Any] = field(default_factory=dict)
    output: str = ""
    calls: str = ""  # how the function was called
    axes: tuple[str, ...] = ()
    expected: Any = None
    got: Any = None
    cell: tuple[int, ...] | None = None
    stage: StageReport | None = None

    def say(self, language: Language) -> str:
        """One or two sentences: what is wrong, where, and by how much."""
        said = words(f"code.{self.kind}", language, **{"output": self.output, **self.fields, **self._shown()})
        if self.line is not None:
            said += words("code.at-line", language, line=self.line, text=_visible(self.text))
        return said

    def _shown(self) -> dict[str, Any]:
        if self.kind == "shape":
            return {"expected": _shape(self.expected, self.axes), "got": _shape(self.got, self.axes)}
        if self.cell is not None:
            return {
                "where": _place(self.cell, self.axes),
                "expected": _number(self.expected[self.cell]),
                "got": _number(self.got[self.cell]),
            }
        if self.kind == "data":
            return {"expected": _short(self.expected), "got": _short(self.got)}
        return {}


@dataclass(frozen=True)
class Verdict:
    """Passed or not, of how many cases, and why."""

    task: str
    framework: str
    passed_cases: int
    failed_cases: int
    failure: Failure | None = None
    mistakes: Sequence[Mistake] = ()
    printed: str = ""
    cut: bool = False

    @property
    def passed(self) -> bool:
        return self.failure is None and not self.failed_cases

    def as_data(self, language: Language) -> dict[str, Any]:
        """What ``--json`` writes."""
        return {
            "task": self.task,
            "framework": self.framework,
            "passed": self.passed,
            "cases": {"passed": self.passed_cases, "failed": self.failed_cases},
            "first_failure": None if self.failure is None else _failure_data(self.failure, language),
            "mistakes": [mistake.name for mistake in self.mistakes],
        }


def _failure_data(failure: Failure, language: Language) -> dict[str, Any]:
    data: dict[str, Any] = {
        "case": failure.case,
        "kind": failure.kind,
        "message": failure.say(language),
        "line": failure.line,
        "call": failure.calls or None,
        "output": failure.output or None,
    }
    for name in ("expected", "got"):
        value = getattr(failure, name)
        if value is not None and failure.kind in ("values", "nan", "shape"):
            data[name] = {"shape": list(value.shape), "axes": list(axis_names(failure.axes, value.ndim))}
            data[name]["values"] = _plain(value.tolist()) if value.size <= 4096 else None
        elif value is not None:
            data[name] = _plain(value)
    if failure.cell is not None:
        data["cell"] = {
            "index": list(failure.cell),
            "expected": _plain(float(failure.expected[failure.cell])),
            "got": _plain(float(failure.got[failure.cell])),
        }
    if failure.stage is not None:
        data["stages"] = {
            "right": list(failure.stage.right),
            "first_wrong": failure.stage.wrong,
            "unknown": list(failure.stage.unknown),
        }
    return data


def _plain(value: Any) -> Any:
    """What JSON can say: NaN and infinity as texts, Python's own things as they are written."""
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value if value is None or isinstance(value, int | str) else repr(value)


def axis_names(axes: Sequence[str], count: int) -> tuple[str, ...]:
    """Names for ``count`` axes, of which the last are known."""
    known = list(axes)[-count:] if count else []
    return (*(f"axis{place}" for place in range(count - len(known))), *known)


def _place(cell: tuple[int, ...], axes: Sequence[str]) -> str:
    if not cell or not axes:
        return str(list(cell))
    return " ".join(f"{name} {index}" for name, index in zip(axis_names(axes, len(cell)), cell, strict=True))


def _shape(value: Any, axes: Sequence[str]) -> str:
    if not axes or value.ndim < len(axes):
        return "[" + ", ".join(map(str, value.shape)) + "]"
    names = axis_names(axes, value.ndim)
    return "[" + ", ".join(f"{name} {size}" for name, size in zip(names, value.shape, strict=True)) + "]"


def _number(value: Any) -> str:
    return f"{float(value):.7g}"


def _short(value: Any) -> str:
    text = repr(value)
    return _visible(text if len(text) <= 300 else text[:299] + "…")


def _visible(text: str) -> str:
    from questions.errors import shown

    return shown(text.strip()[:200])
