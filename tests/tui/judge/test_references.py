"""What the judge holds to be right, on both backends: mlxformer's component and the plain formula agree."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tui.judge.catalogue import NAMES, load_task
from tui.judge.comparing import near
from tui.judge.contract import Case, Task
from tui.judge.running import run_plainly


@pytest.mark.parametrize("name", NAMES)
def test_the_plain_formula_is_mlxformers_component(name: str) -> None:
    """Two independent ways to the same numbers; where they differ one of them is no reference."""
    task = load_task(name)
    for case in task.cases:
        component = run_plainly(task, case, task.component)
        exact = run_plainly(task, case, task.exact, wide=True)
        assert component is not None and exact is not None, case.name
        for place, output, mine, right in outputs(task, case, component, exact):
            if output.kind == "data":
                assert mine == right, case.name
            else:
                assert np.shape(mine) == np.shape(right), (case.name, place)
                assert near(mine, right, case.dtype).all(), (case.name, output.name)


def outputs(task: Task, case: Case, one: Any, other: Any) -> Any:
    for place, call in enumerate(case.calls):
        for output, mine, right in zip(task.function(call.function).outputs, one[place], other[place], strict=True):
            if output.kind != "opaque":
                yield place, output, mine, right
