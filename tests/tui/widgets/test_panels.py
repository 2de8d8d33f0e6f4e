"""Checks, Markdown, and what all widgets promise about their keys."""

from __future__ import annotations

from dataclasses import replace

import pytest

from questions.bilingual import Bilingual
from tests.tui.figures.examples import attention
from tests.tui.widgets.harness import Harness
from tui.experiments.contract import Check
from tui.widgets.checks_panel import ChecksPanel
from tui.widgets.choice import ChoiceRow, SwitchRow
from tui.widgets.figures.curve_view import CurveView
from tui.widgets.figures.head_grid import HeadGrid
from tui.widgets.figures.heatmap_canvas import HeatmapCanvas
from tui.widgets.figures.heatmap_view import HeatmapView
from tui.widgets.figures.tensor_view import TensorView
from tui.widgets.knob_panel import KnobPanel
from tui.widgets.markdown_view import MarkdownView
from tui.widgets.slider import SliderRow
from tui.widgets.speaking import SpeakingWidget
from tui.widgets.steps_panel import StepList, StepsPanel

WITH_KEYS: list[type[SpeakingWidget]] = [
    HeatmapView,
    HeatmapCanvas,
    HeadGrid,
    CurveView,
    TensorView,
    StepList,
    StepsPanel,
    SliderRow,
    ChoiceRow,
    SwitchRow,
    KnobPanel,
]
# Keys of the screens: Enter and i type, space reveals, a to d choose, 1 to 4 rate, and those with names of their own.
TAKEN = set("iabcduLfqPEB?nztxrD") | {"space", "comma", "full_stop"}

HOLDS = Check("a", Bilingual("方差等于 d_k", "the variance is d_k"), 511.2, "==", 512.0, 51.2, True)
FAILS = replace(HOLDS, name="b", claim=Bilingual("[/] 行", "[/] saturated rows"), measured=61.0, holds=False, unit="%")


async def test_checks_are_shown_in_the_language() -> None:
    panel = ChecksPanel([HOLDS])
    app = Harness(panel)
    async with app.run_test(size=(60, 12)) as pilot:
        await pilot.pause()
        assert app.text.splitlines()[:2] == ["✓ 方差等于 d_k", "  511.2   应为 512 ± 10 %"]
        panel.show([FAILS, replace(HOLDS, holds=None, measured=None)])
        panel.language = "en"
        await pilot.pause()
        lines = app.text.splitlines()
        assert lines[0] == "✗ [/] saturated rows" and lines[2].startswith("– the variance") and panel.checks[0] is FAILS


async def test_markdown_wraps_chinese() -> None:
    view = MarkdownView("**结论。**有 61 % ✓ 的行饱和，[/] 不是标记。")
    app = Harness(view)
    async with app.run_test(size=(20, 10)) as pilot:
        await pilot.pause()
        lines = app.text.splitlines()
        assert lines[:2] == ["结论。有 61 % ✓ 的行", "饱和，[/] 不是标记。"]
        view.show("换了")
        await pilot.pause()
        assert app.text.strip() == "换了"


@pytest.mark.parametrize("widget", WITH_KEYS, ids=lambda widget: widget.__name__)
def test_every_key_has_an_id_a_tip_and_both_languages(widget: type[SpeakingWidget]) -> None:
    for key in widget.KEYS:
        assert key.id and all(text.count("|") == 1 for text in (key.name, key.tip, key.group or "|"))
        assert all(part.strip() for part in (*key.name.split("|"), *key.tip.split("|")))
        assert TAKEN.isdisjoint(key.keys.split(",")) or (widget is SwitchRow and key.action == "flip")
    bound = {binding.id for binding in widget.BINDINGS}  # type: ignore[union-attr]
    assert bound == {key.id for key in widget.KEYS}
    assert all(binding.tooltip for binding in widget.BINDINGS)  # type: ignore[union-attr]


def test_no_two_keys_share_an_id() -> None:
    ids = [key.id for widget in WITH_KEYS for key in widget.KEYS]
    assert len(ids) == len(set(ids))


async def test_help_tells_the_keys_of_the_focused_thing_and_of_what_is_round_it() -> None:
    view = HeatmapView(attention())
    app = Harness(view)
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.pause()
        told = dict(view.canvas.help_keys("zh"))
        assert told["↓ j"] == "下移一行" and told["y"] == "把这一行复制到剪贴板"
        assert dict(view.canvas.help_keys("en"))["y"] == "copy this row to the clipboard"
