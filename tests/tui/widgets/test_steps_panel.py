"""Walking through a trace."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from rich.cells import cell_len

import tui.widgets.step_list as step_list
from tests.tui.widgets.harness import Harness
from tui.figures.sums import step_name
from tui.widgets.step_list import fit_end
from tui.widgets.steps_panel import StepsPanel


@dataclass
class Step:
    path: str
    value: Any
    axes: tuple[str, ...] = ("query", "key")
    formula: str = ""
    call: int = 0
    seen: list[int] = field(default_factory=list)


def trace(factor: float = 1.0) -> list[Step]:
    cells = np.arange(6, dtype=np.float32).reshape(2, 3) * np.float32(factor)
    return [
        Step("encoder.layers.0.self_attention.scores", cells, formula="Q Kᵀ"),
        Step("encoder.layers.0.self_attention.weights", cells / 10, formula="softmax"),
        Step("encoder.layers.0.self_attention.weights", cells / 5, call=1),
        Step("loss", np.float32(2.5), ()),
        Step("logits", np.array([np.nan, 1.0], np.float32), ("vocab",)),
    ]


async def test_each_step_is_a_line_with_its_summary() -> None:
    app = Harness(StepsPanel(trace(), language="en"))
    async with app.run_test(size=(110, 20)) as pilot:
        await pilot.pause()
        lines = app.text.splitlines()
        assert lines[0].split("  ")[0].strip() == "encoder.layers.0.self_attention.scores"
        assert "(query 2, key 3) float32  2.5 ± 1.708  [0, 5]  1 zeros" in lines[0]
        assert "weights #1" in lines[2]
        assert lines[3].split() == ["loss", "()", "float32", "2.5"]
        assert "1 NaN" in lines[4]


async def test_a_narrow_list_keeps_the_end_of_the_path_and_drops_the_axes() -> None:
    app = Harness(StepsPanel(trace(), language="en"))
    async with app.run_test(size=(50, 20)) as pilot:
        await pilot.pause()
        lines = app.text.splitlines()
        assert lines[0].startswith("⋯") and "attention.scores  (2, 3) float32" in lines[0]
        assert all(cell_len(line) == 50 for line in app.lines)


async def test_enter_opens_a_step_angles_walk_arrows_read_escape_returns() -> None:
    panel = StepsPanel(trace(), language="en")
    app = Harness(panel)
    async with app.run_test(size=(80, 24)) as pilot:
        panel.list.focus()
        await pilot.press("enter")
        await pilot.pause()
        assert app.text.startswith("1/5  encoder.layers.0.self_attention.scores   Q Kᵀ")
        await pilot.press("greater_than_sign", "greater_than_sign")
        await pilot.pause()
        assert app.text.startswith("3/5  encoder.layers.0.self_attention.weights #1")
        await pilot.press("less_than_sign", "right")  # an arrow moves the cursor in the numbers
        await pilot.pause()
        assert "query 0 → key 1: softmax 0.1" in app.text
        await pilot.press("escape")
        await pilot.pause()
        assert panel.detail is None and panel.list.has_focus and panel.list.chosen == 1


async def test_another_trace_stays_at_the_step_looked_at() -> None:
    panel = StepsPanel(trace(), language="en")
    app = Harness(panel)
    async with app.run_test(size=(80, 24)) as pilot:
        panel.list.focus()
        await pilot.press("down", "enter")
        await pilot.pause()
        panel.show([Step("embedding", np.float32(0), ()), *trace(2.0)])
        await pilot.pause()
        assert app.text.startswith("3/6  encoder.layers.0.self_attention.weights   softmax")
        assert "[0, 1]" in app.text
        panel.show([])
        await pilot.pause()
        assert "no step was recorded" in app.text


async def test_statistics_are_computed_for_the_lines_on_the_screen(monkeypatch: pytest.MonkeyPatch) -> None:
    counted = []
    stats = step_list.tensor_stats
    monkeypatch.setattr(step_list, "tensor_stats", lambda value: counted.append(value) or stats(value))
    app = Harness(StepsPanel([Step(f"s{index}", np.float32(index), ()) for index in range(500)]))
    async with app.run_test(size=(60, 10)) as pilot:
        await pilot.pause()
        assert 0 < len(counted) <= 24


async def test_the_language_and_the_mouse() -> None:
    panel = StepsPanel(trace())
    app = Harness(panel)
    async with app.run_test(size=(90, 20)) as pilot:
        await pilot.pause()
        assert "1 个零" in app.text
        panel.language = "en"
        await pilot.pause()
        assert "1 zeros" in app.text
        await pilot.click(panel.list, offset=(3, 3))
        await pilot.pause()
        assert app.text.startswith("4/5  loss")


def test_names() -> None:
    assert step_name(Step("a", 0)) == "a"
    assert step_name(Step("a", 0, call=2)) == "a #2"
    fitted = [fit_end("layers.层.scores", width, "⋯") for width in (16, 10, 9, 1, 0)]
    assert fitted == ["layers.层.scores", "⋯层.scores", "⋯.scores", "⋯", ""]
