"""One file against one task: run it, compare, tell the first case that fails and the mistakes that it has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from questions.bilingual import Bilingual
from questions.errors import shown
from tui.judge.calling import Fault
from tui.judge.catalogue import load_task
from tui.judge.comparing import compare, near
from tui.judge.contract import Case, Task
from tui.judge.naming import name_mistakes
from tui.judge.process import Run, Runner
from tui.judge.running import expected, stages
from tui.judge.verdict import Failure, StageReport, Verdict
from tui.judge.wire import Array

_THE_FILE = Bilingual("整个文件", "the file as a whole")


def judge(name: str, source: bytes, file: str, framework: str = "numpy", runner: Runner | None = None) -> Verdict:
    """Run ``source`` in its own process and judge what it returns.

    file: what its lines are said to be of. runner: one that was started ahead; it is used up. Raises ``RunnerError``
    where the framework does not load.
    """
    task = load_task(name)
    with runner if runner is not None else Runner(framework) as process:
        expected(name)  # while the process imports its framework
        run = process.run(source, file, task.cases)
    return verdict(task, run, framework, source.decode("utf-8", "replace").splitlines())


def verdict(task: Task, run: Run, framework: str, lines: Sequence[str]) -> Verdict:
    """What to say of a run."""
    count = len(task.cases)
    printed = shown_output(run.printed)
    if run.fault is not None:
        fault = _of_fault(run.fault, "", _THE_FILE, task, lines, None)
        return Verdict(task.name, framework, 0, count, fault, (), printed, run.cut)
    right = expected(task.name)
    first: Failure | None = None
    passed = 0
    results: list[Sequence[Any] | None] = []
    for place, case in enumerate(task.cases):
        if place >= len(run.cases):
            results.append(None)
            continue
        result = run.cases[place]
        failure = _judge_case(task, case, result, right[place], framework, lines, run.returns, first is None)
        results.append(result["values"] if result["fault"] is None else None)
        if failure is None:
            passed += 1
        elif first is None:
            first = failure
    # By its numbers: code that gives none may fail in the same cases as a mistake, and is not that mistake.
    has_numbers = any(value is not None for values in results if values is not None for value in values)
    mistakes = []
    if first is not None and len(run.cases) == count and has_numbers:
        mistakes = name_mistakes(task, results)
    return Verdict(task.name, framework, passed, count - passed, first, mistakes, printed, run.cut)


def _judge_case(
    task: Task,
    case: Case,
    result: Mapping[str, Any],
    right: Sequence[Sequence[Any]],
    framework: str,
    lines: Sequence[str],
    returns: Mapping[str, int],
    is_shown: bool,
) -> Failure | None:
    """What is wrong with one case; the stages on its way are compared only where it is the one that is shown."""
    calls = "\n".join(_call_text(case, place, task) for place in range(len(case.calls)))
    if result["fault"] is not None:
        failed = min(len(result["values"]), len(case.calls) - 1)
        return _of_fault(result["fault"], case.name, case.title, task, lines, (case, failed), calls)
    for place, call in enumerate(case.calls):
        function = task.function(call.function)
        wrong = compare(function, place, result["values"][place], right[place], framework, case.dtype)
        if wrong is None:
            continue
        line = result["nan"] if wrong.kind == "nan" and result["nan"] else returns.get(call.function)
        return Failure(
            wrong.kind,
            case.name,
            case.title,
            line,
            _line(lines, line),
            wrong.fields,
            wrong.output,
            calls,
            wrong.axes,
            wrong.expected,
            wrong.got,
            wrong.cell,
            _stage_report(task, case, result["looks"]) if is_shown else None,
        )
    return None


def _of_fault(
    fault: Fault,
    case: str,
    title: Bilingual,
    task: Task,
    lines: Sequence[str],
    at: tuple[Case, int] | None,
    calls: str = "",
) -> Failure:
    name = fault.name
    if fault.kind == "changed" and at is not None and name.isdigit():
        function = task.function(at[0].calls[at[1]].function)
        name = function.parameters[int(name) - 1]
    fields = {"text": shown(fault.text), "name": shown(name), "wanted": ""}
    if fault.kind in ("missing", "signature") and fault.name:
        function = task.function(fault.name)
        fields["wanted"] = f"{function.name}({', '.join(function.parameters)})"
    return Failure(fault.kind, case, title, fault.line, _line(lines, fault.line), fields, calls=calls)


def _line(lines: Sequence[str], number: int | None) -> str:
    return lines[number - 1] if number is not None and 0 < number <= len(lines) else ""


def _stage_report(task: Task, case: Case, looks: Sequence[tuple[str, Any]]) -> StageReport | None:
    if not looks:
        return None
    known = stages(task, case)
    names = tuple(dict.fromkeys(name for name, _ in known))
    right: list[str] = []
    unknown: list[str] = []
    seen: dict[str, int] = {}
    for name, value in looks:
        if name not in names:
            unknown.append(name)
            continue
        occurrences = [each for each_name, each in known if each_name == name]
        place = seen[name] = seen.get(name, -1) + 1
        if place >= len(occurrences) or not isinstance(value, Array):
            continue
        if not _same_stage(value.values, occurrences[place], case.dtype):
            return StageReport(tuple(right), name, tuple(unknown), names, occurrences[place], value.values)
        right.append(name)
    return StageReport(tuple(dict.fromkeys(right)), None, tuple(dict.fromkeys(unknown)), names)


def _same_stage(value: np.ndarray, right: np.ndarray, dtype: str) -> bool:
    """Whether a stage is the reference's. A score that is masked may be any large negative number."""
    if value.shape != right.shape or value.dtype.kind not in "fiub":
        return False
    if right.dtype.kind != "f":
        return bool((value == right).all())
    masked = right <= -6e4
    if masked.any() and not (value[masked] <= -1e4).all():
        return False
    return bool(near(np.where(masked, 0, value), np.where(masked, 0, right), dtype).all())


def _call_text(case: Case, place: int, task: Task) -> str:
    """How a function was called: small values whole, arrays by shape."""
    call = case.calls[place]
    parameters = task.function(call.function).parameters
    given = [f"{name}={_value_text(value)}" for name, value in zip(parameters, call.arguments, strict=False)]
    given += [f"{name}={_value_text(value)}" for name, value in call.options.items()]
    return f"{call.function}({', '.join(given)})"


def _value_text(value: Any) -> str:
    if isinstance(value, np.ndarray):
        if value.size <= 6:
            return np.array2string(value, separator=", ", threshold=10, max_line_width=1000)
        return f"{value.dtype} [{', '.join(map(str, value.shape))}]"
    if isinstance(value, dict) and any(isinstance(each, np.ndarray) for each in value.values()):
        return "{" + ", ".join(f"{name!r}: {_value_text(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list | tuple) and any(isinstance(each, np.ndarray) for each in value):
        return "[" + ", ".join(map(_value_text, value)) + "]"
    text = repr(value)
    return text if len(text) <= 80 else text[:79] + "…"


def shown_output(text: str) -> str:
    """What a person's code printed, its control characters spelled out but for line ends."""
    return "\n".join(shown(line.expandtabs()) for line in text.split("\n"))
