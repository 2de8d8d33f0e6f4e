"""A figure's caption stands under it; in a short window on the line of messages, while the figure is seen."""

from __future__ import annotations

import pytest

from tests.tui.screens.conftest import Open, shown, until
from tui.screens.live_panel import LivePanel

MADE = "random weights, nothing trained."


@pytest.mark.parametrize("size", [(80, 24), (120, 40)])
async def test_the_caption_is_seen_with_its_figure_and_not_without(opened: Open, size: tuple[int, int]) -> None:
    async with opened(size=size, only="attention-formula") as pilot:
        assert MADE not in shown(pilot)
        await pilot.press("space")
        await until(pilot, lambda: bool(pilot.app.screen.query(LivePanel)))
        panel = pilot.app.screen.query_one(LivePanel)
        await until(pilot, lambda: panel.measured is not None)
        if size[0] < 100:
            assert MADE not in shown(pilot)  # the answer is in front
            await pilot.press("x")
        await until(pilot, lambda: MADE in shown(pilot))
        line = next(number for number, text in enumerate(shown(pilot).splitlines()) if MADE in text)
        assert line >= size[1] - 5
        if size[0] < 100:
            await pilot.press("x")
            await until(pilot, lambda: MADE not in shown(pilot))
