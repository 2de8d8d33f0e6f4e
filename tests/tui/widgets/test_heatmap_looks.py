"""The heatmap on every size of screen, in every theme, with colors and without."""

from __future__ import annotations

import math

import pytest
from rich.cells import cell_len

from tests.tui.figures.examples import attention, by_hand, large, odd
from tests.tui.widgets.harness import Harness
from tui.figures.data import Heatmap, Stage
from tui.widgets.figures.heatmap_view import HeatmapView


def started(figure: Heatmap, **options: object) -> tuple[Harness, HeatmapView]:
    view = HeatmapView(figure, **options)  # type: ignore[arg-type]
    return Harness(view), view


@pytest.mark.parametrize(
    ("size", "figure"),
    [
        ((20, 5), attention()),
        ((8, 3), odd()),
        ((200, 60), large()),
        ((3, 2), large()),
        ((3, 2), by_hand()),
        ((1, 1), odd()),
    ],
)
async def test_no_size_of_screen_breaks_it(size: tuple[int, int], figure: Heatmap) -> None:
    app, view = started(figure)
    async with app.run_test(size=size) as pilot:
        view.canvas.focus()
        await pilot.press("right", "down", "g", "enter", "s", "p", "m", "+")
        await pilot.resize_terminal(40, 12)
        await pilot.press("end", "pagedown")
        await pilot.resize_terminal(size[0], size[1])
        await pilot.pause()
        assert all(cell_len(line) == size[0] for line in app.lines)


async def test_an_empty_map_says_so() -> None:
    app, view = started(Heatmap("t", [Stage("s", "s", [])], [], []))
    async with app.run_test(size=(40, 10)) as pilot:
        view.canvas.focus()
        await pilot.press("down", "right", "end", "y", "+", "p", "v")
        await pilot.pause()
        assert "（空）" in app.text


@pytest.mark.parametrize("theme", ["textual-dark", "textual-light", "ansi-dark", "ansi-light", "nord"])
async def test_themes(theme: str) -> None:
    app, view = started(attention())
    async with app.run_test(size=(60, 16)) as pilot:
        app.theme = theme
        await pilot.pause()
        assert view.look.dark == app.current_theme.dark
        hole = view.canvas.painter.hole_style.bgcolor
        assert hole is not None and hole.triplet is not None
        assert (hole.triplet.red < 128) == app.current_theme.dark
        assert "x" in app.text


@pytest.mark.parametrize(("theme", "stripped"), [("textual-dark", False), ("ansi-dark", True)])
async def test_without_color_the_cells_are_read_by_their_shade(
    theme: str, stripped: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """NO_COLOR turns colors to gray, and in the ANSI themes takes them away, those of blanks too."""
    monkeypatch.setenv("NO_COLOR", "1")
    app, view = started(attention(), language="en")
    async with app.run_test(size=(60, 16)) as pilot:
        app.theme = theme
        await pilot.pause()
        view.canvas.cell_width = 3
        await pilot.pause()
        assert app.no_color and ("@@@" in app.text or "[@]" in app.text) == stripped
        assert " x " in app.text


async def test_nan_is_shown_and_said() -> None:
    app, view = started(odd(), language="en")
    async with app.run_test(size=(70, 12)) as pilot:
        view.canvas.focus()
        await pilot.pause()
        assert "a → key a: s NaN" in app.text.replace("query ", "")
        assert "? NaN" in app.text and "^ +inf" in app.text and "x masked" in app.text
        assert math.isnan(view.picture.value(0, 0))


async def test_a_map_larger_than_its_pane_leaves_room_for_what_is_said_of_it() -> None:
    app, view = started(large(100), language="en")
    async with app.run_test(size=(60, 20)) as pilot:
        await pilot.pause()
        assert view.region.height == 20
        assert app.lines[0].startswith("large") and "query 词0 → key 词0: weight" in app.text
        await pilot.resize_terminal(60, 12)
        await pilot.pause()
        assert view.region.height == 12 and "query 词0 → key 词0: weight" in app.text


async def test_what_is_said_has_its_lines_from_the_start_and_more_on_a_narrow_screen() -> None:
    app, view = started(attention())
    async with app.run_test(size=(24, 20)) as pilot:
        await pilot.pause()
        narrow = view.query_one("#heatmap-says").region.height
        await pilot.resize_terminal(100, 20)
        await pilot.pause()
        assert narrow > 2 == view.query_one("#heatmap-says").region.height
