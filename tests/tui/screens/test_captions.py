"""A figure's caption stands under it; in a short window on the line of messages, while the figure is seen."""

from __future__ import annotations

import numpy as np
import pytest
from textual.widgets import Static

from tests.tui.screens.conftest import Open, shown, until
from tui.figures.data import Heatmap
from tui.screens.live_panel import LivePanel
from tui.widgets.figures.heatmap_view import HeatmapView
from tui.widgets.knob_panel import KnobPanel

MADE = "random weights, nothing trained."


async def test_the_caption_is_seen_with_its_figure_and_not_without(opened: Open) -> None:
    async with opened(size=(80, 24), only="attention-formula") as pilot:
        assert MADE not in shown(pilot)
        await pilot.press("space")
        await until(pilot, lambda: bool(pilot.app.screen.query(LivePanel)))
        panel = pilot.app.screen.query_one(LivePanel)
        await until(pilot, lambda: panel.measured is not None)
        assert MADE not in shown(pilot)  # the answer is in front
        for size in ((80, 24), (120, 40)):  # with the figure in front, then beside the answer
            await pilot.resize_terminal(*size)
            if size[0] < 100:
                await pilot.press("x")
            await until(pilot, lambda: MADE in shown(pilot))
            line = next(number for number, text in enumerate(shown(pilot).splitlines()) if MADE in text)
            assert line >= size[1] - 5, size
            if size[0] < 100:
                await pilot.press("x")
                await until(pilot, lambda: MADE not in shown(pilot))


async def test_the_caption_is_of_the_stage_that_is_seen_and_of_the_difference_from_a_pinned_map(opened: Open) -> None:
    async with opened(size=(120, 40)) as pilot:
        await pilot.press("E")
        await pilot.app.experiment("attention-steps")
        panel = pilot.app.screen.query_one(LivePanel)
        await until(pilot, lambda: panel.measured is not None and bool(panel.query(HeatmapView)))

        def largest() -> float:
            return float(str(panel.query_one("#caption", Static).content).split("largest ")[1].split(":")[0])

        def stage(name: str) -> np.ndarray:
            figure = panel.figure_named("attention")
            assert isinstance(figure, Heatmap)
            return np.asarray(next(one.values for one in figure.stages if one.name == name)[0])

        view = panel.query_one(HeatmapView)
        await until(pilot, lambda: "largest" in str(panel.query_one("#caption", Static).content))
        before = stage("weights")
        assert largest() == pytest.approx(before.max(), rel=1e-3)
        view.action_stage(1)
        await pilot.pause()
        scores = stage("scores")
        assert largest() == pytest.approx(scores.flat[np.abs(scores).argmax()], rel=1e-3)
        view.action_stage(-1)
        view.action_pin()
        panel.query_one(KnobPanel).row("temperature").turn_to(2.0)
        await until(pilot, lambda: view.picture.comparing)
        await pilot.pause()
        change = stage("weights") - before
        assert largest() == pytest.approx(change.flat[np.abs(change).argmax()], rel=1e-2)
