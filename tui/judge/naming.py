"""Which known mistake has these numbers: a person's results against those of the catalogue, row by row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

import numpy as np

from tui.judge.catalogue import load_task
from tui.judge.comparing import agreement
from tui.judge.contract import Mistake, Task
from tui.judge.running import expected, mistaken

MOST = 3  # mistakes in one file
ENOUGH = 0.5  # of the wrong rows, for a mistake that does not explain them all


def name_mistakes(task: Task, results: Sequence[Sequence[Any] | None]) -> list[Mistake]:
    """The mistakes whose numbers these are.

    results: for each case what its calls returned, None where it failed. One mistake that agrees everywhere comes
    first; else up to three that together explain every wrong row; else one that explains most of them.
    """
    right = expected(task.name)
    ok = _rows(task, results, right, right)
    wrong = ~ok
    if not wrong.any():
        return []
    numbers = mistaken(task.name)
    exact = [each for each in task.mistakes if _agrees(task, results, right, numbers[each.name])]
    if exact:
        return exact
    explained = {name: _rows(task, results, right, theirs) for name, theirs in numbers.items()}
    own = _wrong_rows(task.name)
    likely = [each for each in task.mistakes if _share(explained[each.name], own[each.name]) >= 0.5]
    chosen: list[Mistake] = []
    left = wrong.copy()
    while left.any() and len(chosen) < MOST and likely:
        best = max(likely, key=lambda each: int((explained[each.name] & left).sum()))
        if not (explained[best.name] & left).any():
            break
        chosen.append(best)
        left &= ~explained[best.name]
    if not left.any():
        return chosen
    near = [
        each
        for each in likely
        if _share(explained[each.name], wrong) >= ENOUGH and _share(explained[each.name], own[each.name]) >= ENOUGH
    ]
    return sorted(near, key=lambda each: -int((explained[each.name] & wrong).sum()))[:1]


@cache
def _wrong_rows(name: str) -> dict[str, np.ndarray]:
    """For each mistake of a task the rows that it gets wrong."""
    task, right = load_task(name), expected(name)
    return {each: ~_rows(task, _as_results(theirs), right, right) for each, theirs in mistaken(name).items()}


def _share(rows: np.ndarray, among: np.ndarray) -> float:
    return float((rows & among).sum() / among.sum()) if among.any() else 0.0


def _rows(task: Task, results: Sequence[Any], right: Sequence[Any], other: Sequence[Any]) -> np.ndarray:
    return np.concatenate(list(_parts(task, results, right, other)))


def _agrees(task: Task, results: Sequence[Any], right: Sequence[Any], other: Sequence[Any]) -> bool:
    return all(rows.all() for rows in _parts(task, results, right, other))


def _parts(task: Task, results: Sequence[Any], right: Sequence[Any], other: Sequence[Any]) -> Iterator[np.ndarray]:
    for case, mine, good, theirs in zip(task.cases, results, right, other, strict=True):
        for place, call in enumerate(case.calls):
            function = task.function(call.function)
            result = None if mine is None or place >= len(mine) else mine[place]
            against = None if theirs is None else theirs[place]
            yield agreement(function, result, good[place], against, case.dtype)


def _as_results(outputs: Sequence[Any]) -> list[Any]:
    """Outputs of each call as a call would have returned them."""
    return [None if each is None else [call[0] if len(call) == 1 else tuple(call) for call in each] for each in outputs]
