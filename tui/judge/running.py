"""Functions that are trusted (the component, the plain formula, the mistakes) on a case, in this process."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np

from tui.judge.catalogue import load_task
from tui.judge.comparing import outputs_of
from tui.judge.contract import Call, Case, Earlier, Functions, Mistake, Task
from tui.judge.stages import looking


def run_plainly(task: Task, case: Case, functions: Functions, wide: bool = False) -> list[list[Any]] | None:
    """What each call of the case returns, one for each output; None where one raises. ``wide``: in float64."""
    returned: list[list[Any]] = []
    for call in case.calls:
        arguments, options = _given(call, returned, wide)
        try:
            with warnings.catch_warnings(), np.errstate(all="ignore"):
                warnings.simplefilter("ignore")
                result = functions[call.function](*arguments, **options)
        except Exception:
            return None
        outputs = outputs_of(task.function(call.function), result)
        if outputs is None:
            return None
        returned.append(outputs)
    return returned


def right_answers(task: Task, case: Case) -> list[list[Any]]:
    """What is right: mlxformer's component in float32; the plain formula in float64 where the case is of float16."""
    half = case.dtype == "float16"
    found = run_plainly(task, case, task.exact if half else task.component, wide=half)
    assert found is not None, f"{task.name}: the reference fails on {case.name}"
    return found


@cache
def expected(name: str) -> tuple[list[list[Any]], ...]:
    """What is right for each case of a task."""
    task = load_task(name)
    return tuple(right_answers(task, case) for case in task.cases)


@cache
def mistaken(name: str) -> dict[str, list[list[list[Any]] | None]]:
    """What each mistake of a task gives on each case, by its name; None where it fails."""
    task = load_task(name)
    return {each.name: [run_plainly(task, case, variant(task, each)) for case in task.cases] for each in task.mistakes}


def variant(task: Task, mistake: Mistake) -> Functions:
    """The functions of a mistake: the right ones, but for those that it gets wrong."""
    return {**task.exact, **mistake.functions}


def stages(task: Task, case: Case) -> list[tuple[str, np.ndarray]]:
    """The values on the way, in order: those of mlxformer's trace, then those that only the plain formula names."""
    import mlxformer as mf

    found: list[tuple[str, np.ndarray]] = []
    try:
        with mf.trace() as steps:
            run_plainly(task, case, task.component)
        found = [(step.path.rpartition(".")[2], np.asarray(step.value)) for step in steps]
    except mf.TraceError:  # a component without steps
        found = []
    traced = {name for name, _ in found}
    with looking() as looks:
        run_plainly(task, case, task.exact, wide=True)
    return found + [(name, np.asarray(value)) for name, value in looks if name not in traced]


def _given(call: Call, returned: list[list[Any]], wide: bool) -> tuple[list[Any], Mapping[str, Any]]:
    def given(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return value.astype(np.float64) if wide and value.dtype.kind == "f" else value.copy()
        if isinstance(value, Earlier):
            return returned[value.call][value.output]
        if type(value) in (list, tuple):
            return type(value)(given(each) for each in value)
        return {name: given(each) for name, each in value.items()} if type(value) is dict else value

    return [given(each) for each in call.arguments], {name: given(each) for name, each in call.options.items()}
