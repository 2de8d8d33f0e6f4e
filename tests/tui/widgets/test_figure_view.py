"""The widget of each kind, kept while the figure changes."""

from __future__ import annotations

from dataclasses import replace

import pytest
from rich.cells import cell_len

from questions.bilingual import say
from tests.tui.figures.examples import ALL, BARS, CURVE, TABLE, TENSOR, TOKEN_STRIPS, attention
from tests.tui.widgets.harness import Harness
from tui.figures.curve_plot import CurvePlot
from tui.figures.data import FIGURE_KINDS, Curve, Figure, Series
from tui.widgets.figures.curve_view import CurveView
from tui.widgets.figures.figure_view import VIEWS, FigureList, FigureView
from tui.widgets.figures.tensor_view import TensorView


def test_every_kind_has_a_widget() -> None:
    assert set(VIEWS) == set(FIGURE_KINDS)


@pytest.mark.parametrize("figure", ALL, ids=lambda figure: figure.kind)
async def test_every_kind_is_shown_in_both_languages(figure: Figure) -> None:
    view = FigureView(figure)
    app = Harness(view)
    async with app.run_test(size=(70, 30)) as pilot:
        await pilot.pause()
        assert say(figure.title, "zh") in app.text
        view.language = "en"
        await pilot.pause()
        assert say(figure.title, "en") in app.text
        await pilot.resize_terminal(9, 4)
        await pilot.pause()
        assert all(cell_len(line) == 9 for line in app.lines)


async def test_the_same_kind_keeps_its_widget_and_another_kind_gets_its_own() -> None:
    view = FigureView()
    app = Harness(view)
    async with app.run_test(size=(70, 30)) as pilot:
        view.show(CURVE)
        await pilot.pause()
        first = view.view
        view.show(replace(CURVE, title="again"))
        await pilot.pause()
        assert view.view is first and "again" in app.text
        view.show(TABLE)
        await pilot.pause()
        assert view.view is not first and "again" not in app.text and "FFN" in app.text
        view.show(None)
        await pilot.pause()
        assert app.text.strip() == ""


async def test_a_list_keeps_the_views_whose_kind_stays() -> None:
    views = FigureList([attention(), CURVE])
    app = Harness(views)
    async with app.run_test(size=(70, 60)) as pilot:
        heatmap = views.views[0].view
        views.show([attention(seed=3), BARS, TOKEN_STRIPS])
        await pilot.pause()
        assert views.views[0].view is heatmap
        assert [type(view.figure).__name__ for view in views.views] == ["Heatmap", "Bars", "Tokens"]
        assert "均匀 = 1" in app.text and "[CLS]" in app.text
        views.show([attention(seed=4)])
        await pilot.pause()
        assert len(views.query(FigureView)) == 1 and "均匀" not in app.text


async def test_a_curve_is_read_by_keys_and_by_the_mouse() -> None:
    view = CurveView(CURVE, language="en")
    app = Harness(view)
    async with app.run_test(size=(60, 24)) as pilot:
        view.focus()
        await pilot.press("right", "right")
        await pilot.pause()
        assert view.cursor == 8
        assert "d_k 8 · a not scaled 2 · b scaled 3" in app.text
        await pilot.press("right")
        await pilot.pause()
        assert "d_k 16 · a not scaled NaN · b scaled 3" in app.text
        await pilot.press("end", "right")
        await pilot.pause()
        assert view.cursor == 64 and "b scaled +inf" in app.text
        await pilot.press("home", "left")
        assert view.cursor == 4
        plot = CurvePlot(CURVE, "en", 60, view.look, view._rows)
        await pilot.click(view, offset=(plot.label_width + plot.field_width, 5))
        assert view.cursor == 64
        view.update_figure(Curve("t", "d_k", "y", [Series("", [1, 60, 90], [1, 2, 3])]))
        await pilot.pause()
        assert view.cursor == 60  # the nearest that there is


async def test_a_curve_fits_its_pane_with_axis_legend_and_reading() -> None:
    view = CurveView(CURVE, language="en")
    app = Harness(view)
    async with app.run_test(size=(100, 16)) as pilot:
        view.focus()
        await pilot.press("right")
        await pilot.pause()
        assert view.region.height == 16
        assert "a not scaled (1 NaN)" in app.text and "d_k 4 · a not scaled 3 · b scaled 3" in app.text
        await pilot.resize_terminal(100, 40)
        await pilot.pause()
        assert view.region.height > 16


async def test_a_tensor_opens_into_its_numbers_and_closes() -> None:
    view = TensorView(TENSOR, language="en")
    app = Harness(view)
    async with app.run_test(size=(70, 24)) as pilot:
        view.summary.focus()
        await pilot.press("enter")
        await pilot.pause()
        assert view.is_open and view.numbers is not None and view.numbers.canvas.has_focus
        await pilot.press("right", "right")
        await pilot.pause()
        assert "head 0 → query 2: Q Kᵀ 3" in app.text
        view.update_figure(replace(TENSOR, values=[[1.0, 0.0, 5.0], [2.0, 2.0, 2.0]]))
        await pilot.pause()
        assert "head 0 → query 2: Q Kᵀ 5" in app.text
        await pilot.press("escape")
        await pilot.pause()
        assert not view.is_open and view.summary.has_focus
        view.update_figure(replace(TENSOR, axes=(), values=2.5))
        await pilot.press("enter")  # a scalar has no numbers to open
        await pilot.pause()
        assert not view.is_open and "2.5" in app.text
