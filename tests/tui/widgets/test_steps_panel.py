"""Walking through a trace."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from rich.cells import cell_len

import mlxformer as mf
import tui.widgets.step_list as step_list
from mlxformer.backend import mx
from questions.bilingual import say
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


@pytest.mark.parametrize(("width", "named"), [(200, True), (116, False), (90, False)])
async def test_the_axes_are_named_on_every_line_or_on_none(width: int, named: bool) -> None:
    long = Step("scores", np.zeros((2, 3, 4, 4), np.float32), ("batch", "head", "query", "key"))
    app = Harness(StepsPanel([*trace(), long], language="en"))
    async with app.run_test(size=(width, 20)) as pilot:
        await pilot.pause()
        lines = [line for line in app.text.splitlines() if "float32" in line and "()" not in line]
        assert len(lines) == 5 and [bool(re.search(r"\([a-z]", line)) for line in lines] == [named] * 5


async def test_angles_walk_along_the_list_too() -> None:
    panel = StepsPanel(trace(), language="en")
    async with Harness(panel).run_test(size=(80, 24)) as pilot:
        panel.list.focus()
        await pilot.press("greater_than_sign", "greater_than_sign", "less_than_sign")
        assert panel.list.chosen == 1 and not panel.is_open
        await pilot.press(*["greater_than_sign"] * 9)
        assert panel.list.chosen == len(panel.trail) - 1


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


# A cell, opened into the sum that made it

WORDS = {"query": ["we", "see"], "key": ["we", "see"]}


def attention(seed: int = 0) -> mf.Trace:
    """Two heads of width 2 over two tokens, after a norm that is no step of its own."""
    generator = np.random.default_rng(seed)
    q, k, v = (mx.array(generator.normal(size=(1, 2, 2, 2)).astype("float32")) for _ in range(3))
    with mf.trace() as steps:
        q = mf.tap("queries", q, axes=("batch", "head", "query", "dim"))
        k = mf.tap("keys", k, axes=("batch", "head", "key", "dim"))
        mf.scaled_dot_product_attention(q, k, v)
    return steps


async def opened(pilot: Any, panel: StepsPanel, name: str) -> None:
    """Open the stop ``name`` and put the focus on its numbers."""
    panel.list.focus()
    panel.list.chosen = next(at for at, stop in enumerate(panel.trail) if say(stop.name, "en") == name)
    await pilot.press("enter")
    await pilot.pause()


async def test_a_cell_opens_into_its_sum_and_a_term_leads_to_its_step_and_back() -> None:
    steps = attention()
    panel = StepsPanel(language="en")
    app = Harness(panel)
    async with app.run_test(size=(90, 24)) as pilot:
        panel.show(list(steps), WORDS, {"sentence": "we see"})
        await opened(pilot, panel, "weights")
        await pilot.press("right_square_bracket", "down", "enter")  # the second head, its second query
        await pilot.pause()
        assert panel.sum is not None and panel.sum.cell.index == (0, 1, 1, 0)
        lines = app.text.splitlines()
        assert lines[0].startswith("weights [head 1, query 1 see, key 0 we] = ")
        assert "2 terms, added again in float64" in app.text and "✓" in app.text
        await pilot.press("down", "down", "enter")  # the second key's score
        await pilot.pause()
        assert panel.sum is None and say(panel.trail[panel.list.chosen].name, "en") == "scaled"
        assert panel.detail is not None and panel.detail.numbers is not None
        assert panel.detail.numbers.picture.head == 1 and panel.detail.numbers.cursor == (1, 1)
        await pilot.press("enter", "enter")  # opened too, and on to q kᵀ
        await pilot.pause()
        assert say(panel.trail[panel.list.chosen].name, "en") == "scores"
        await pilot.press("enter")
        await pilot.pause()
        assert "Σ" not in app.text.splitlines()[1]  # two terms are written out
        await pilot.press("right", "right", "right", "enter")  # the second factor: a key
        await pilot.pause()
        assert say(panel.trail[panel.list.chosen].name, "en") == "keys" and panel.detail.numbers.cursor == (1, 0)
        seen = []
        for _ in range(7):
            name = say(panel.trail[panel.list.chosen].name, "en")
            seen.append((name if panel.is_open else "list", panel.sum is not None))
            await pilot.press("escape")
            await pilot.pause()
        assert seen == [
            ("keys", False), ("scores", True), ("scores", False), ("scaled", True), ("scaled", False),
            ("weights", True), ("weights", False),
        ]  # fmt: skip
        assert not panel.is_open and panel.list.has_focus


async def test_an_input_a_parameter_and_a_mean_over_heads_lead_nowhere_and_say_so() -> None:
    panel = StepsPanel(language="en")
    app = Harness(panel)
    async with app.run_test(size=(90, 24)) as pilot:
        panel.show(list(attention()), WORDS)
        await opened(pilot, panel, "queries")
        await pilot.press("enter")
        assert panel.sum is None and "an input" in list(app._notifications)[-1].message
        await pilot.press("escape")
        await opened(pilot, panel, "heads")
        await pilot.press("left_square_bracket", "enter")  # the mean stands before the first head
        assert panel.sum is None and "no one sum" in list(app._notifications)[-1].message
        await pilot.press("right_square_bracket", "enter")
        await pilot.pause()
        await pilot.press("right", "right", "right", "enter")  # V, which no tap marked
        assert panel.sum is not None and "V[0, 0, 0, 0] is a parameter" in list(app._notifications)[-1].message


async def test_the_path_begins_with_the_text_and_ends_with_what_the_model_says() -> None:
    logits = np.zeros((1, 2, 3), np.float32)
    logits[0, 1, 2] = np.log(2)
    steps = [*attention(), Step("head.logits", logits, ("batch", "time", "vocab"))]
    panel = StepsPanel(language="en")
    app = Harness(panel)
    async with app.run_test(size=(90, 24)) as pilot:
        panel.show(steps, {**WORDS, "vocab": ["a", "b", "c"]}, {"sentence": "we see"})
        await pilot.pause()
        lines = app.text.splitlines()
        assert lines[0].split() == ["text", "we", "see"] and lines[1].split() == ["tokens", "we/see"]
        assert "c 0.500  a 0.250  b 0.250" in app.text
        panel.list.focus()
        await pilot.press("end", "enter")
        await pilot.pause()
        assert "next token: softmax(logits)" in app.text and panel.detail is None
        await pilot.press("less_than_sign")
        await pilot.pause()
        assert panel.detail is not None and "head.logits" in app.text.splitlines()[0]
        assert " logits  › next token" in app.text  # the path, at the bottom
        await pilot.press("escape")
        await pilot.pause()
        assert panel.list.has_focus


async def test_an_open_cell_stays_open_with_the_numbers_of_another_run() -> None:
    panel = StepsPanel(language="en")
    app = Harness(panel)
    async with app.run_test(size=(90, 24)) as pilot:
        panel.show(list(attention()), WORDS)
        await opened(pilot, panel, "scaled")
        await pilot.press("enter")
        await pilot.pause()
        assert panel.sum is not None
        before = panel.sum.cell.total
        panel.show(list(attention(seed=1)), WORDS)
        await pilot.pause()
        await pilot.pause()  # the focus is given after the refresh
        assert panel.sum is not None and panel.sum.cell.agrees and panel.sum.cell.total != before
        assert f"= {panel.sum.cell.total:.3f}"[:5] in app.text and panel.sum.table.has_focus
        panel.show([Step("another", np.zeros(2), ("dim",))])
        await pilot.pause()
        assert panel.sum is None and panel.detail is not None and "another" in app.text
        await pilot.press("right")
        assert panel.detail.numbers is not None and panel.detail.numbers.cursor == (0, 1)
