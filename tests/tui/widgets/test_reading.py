"""Every kind of figure answers: a cursor says the value, a token is lit elsewhere, p pins, w saves."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import pytest

from tests.tui.figures.examples import ALL, BARS, CURVE, TABLE, TOKEN_STRIPS, attention
from tests.tui.widgets.harness import Harness
from tui.figures.data import Bars, Figure, Table, TokenRow, Tokens
from tui.figures.saving import contents_of, contents_of_all
from tui.widgets.figures.bars_view import BarsView
from tui.widgets.figures.curve_view import CurveView
from tui.widgets.figures.figure_view import FigureView
from tui.widgets.figures.heatmap_view import HeatmapView
from tui.widgets.figures.messages import SaveWanted, TokenChosen
from tui.widgets.figures.table_view import TableView
from tui.widgets.figures.text_view import said_lines
from tui.widgets.figures.tokens_view import TokensView


async def test_bars_say_value_rank_and_reference_and_keep_to_the_pinned_ones() -> None:
    view = BarsView(Bars("t", ["我", "猫", "鼠"], [0.1, 0.6, 0.3], "weight", (0.25, "uniform")), language="en")
    app = Harness(view)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "猫: weight 0.6, rank 1 of 3, 2.4 times uniform (0.25)" in app.text  # the largest, before anybody asks
        view.focus()
        await pilot.press("end")
        assert "鼠: weight 0.3, rank 2 of 3, 50% of the largest" in app.text
        assert app.of(TokenChosen)[-1].token == "鼠"
        await pilot.press("p")
        assert "pinned" in app.text
        view.update_figure(Bars("t", ["猫", "鼠"], [0.5, 0.5], "weight"))
        await pilot.pause()
        assert view.cursor == (1, 0) and "pinned 0.3, difference +0.2" in app.text  # by its label, not by its place
        await pilot.press("p")
        assert "pinned" not in app.text


async def test_what_is_out_of_sight_has_a_sign_and_no_number_is_cut_in_two() -> None:
    """The sign stands at the end of the reading, on the side where more lines are; a reading is cut at a break."""
    view = BarsView(Bars("t", [f"day {day}" for day in range(40)], [1.0] * 40, "questions"), language="en")
    app = Harness(view)
    async with app.run_test(size=(40, 14)) as pilot:
        view.focus()
        for key, sign in (("home", " ▾"), ("end", "▴ "), ("home", " ▾")):
            await pilot.press(key)
            said = next(line for line in app.lines if "rank 1 of 40" in line or "questions 1" in line)
            assert said[: view.size.width].endswith(sign), (key, said)
        await pilot.resize_terminal(40, 60)
        await pilot.pause()
        assert "▾" not in app.text and "▴" not in app.text
    (line,) = said_lines("a 1 · b 2.975e-7 · c 1.997e-7", 27, 1, "")
    assert line.plain == "a 1 · b 2.975e-7 · c⋯"


async def test_a_table_says_a_cell_with_all_its_digits() -> None:
    table = Table("t", ["part", "count", "share"], [["FFN", 2, 0.123456789], ["attention", 5, 0.9]])
    view = TableView(table, language="en")
    app = Harness(view)
    async with app.run_test(size=(80, 24)) as pilot:
        view.focus()
        await pilot.press("right", "right", "right")
        assert "FFN · share: 0.1234568, rank 2 of 2 in its column" in app.text
        await pilot.press("down", "p")
        view.update_figure(replace(table, rows=[["attention", 5, 0.8], ["FFN", 2, 0.2]]))
        await pilot.press("up")
        assert "attention · share: 0.8, pinned 0.9, difference -0.1" in app.text
        assert "0.8*" in app.text and "0.2*" in app.text and "5*" not in app.text  # what changed has a sign
        await pilot.click(view, offset=(1, 4))
        assert view.cursor == (1, 0)


async def test_tokens_are_walked_and_say_their_value() -> None:
    view = TokensView(
        Tokens("t", [TokenRow("x", ["a", "b"], [0.25, 0.75]), TokenRow("y", ["c"], None, ["m"])]), language="en"
    )
    app = Harness(view)
    async with app.run_test(size=(80, 24)) as pilot:
        view.focus()
        await pilot.press("right", "right")
        assert "b (x · 2 of 2): value 0.75, rank 1 of 2" in app.text and "[b]" in app.text.replace(" ", "")
        await pilot.press("down")
        assert view.cursor == (1, 0) and "c (y · 1 of 1): m" in app.text


async def test_a_pinned_curve_is_compared_with() -> None:
    view = CurveView(CURVE, language="en")
    app = Harness(view)
    async with app.run_test(size=(80, 24)) as pilot:
        view.focus()
        await pilot.press("home", "p")
        lines = [replace(series, y=[2 * y for y in series.y]) for series in CURVE.series]
        view.update_figure(replace(CURVE, series=lines))
        await pilot.pause()
        assert "(pinned 3, difference +3)" in " ".join(app.text.split())


async def test_what_is_longer_than_the_box_scrolls_below_its_heading_and_its_reading_stays() -> None:
    view = TableView(Table("title", ["n"], [[number] for number in range(99)]), language="en")
    app = Harness(view)
    async with app.run_test(size=(40, 12)) as pilot:
        view.focus()
        await pilot.press("end")
        await pilot.pause()
        assert "title" in app.text and "n: 98" in app.text and view.region.height <= 12
        assert app.lines[10].strip() == "98"


async def test_a_token_that_is_chosen_is_lit_in_another_figure() -> None:
    heatmap, strips = attention(1), TokensView(TOKEN_STRIPS)
    app = Harness(FigureView(heatmap))
    async with app.run_test(size=(80, 24)) as pilot:
        view = app.query_one(HeatmapView)
        view.canvas.focus()
        await pilot.press("down")
        assert app.of(TokenChosen)[-1].token == heatmap.rows[1]
        app.query_one(FigureView).light(heatmap.rows[2])
        assert view.canvas.lit == heatmap.rows[2]
        lit = view.canvas.get_component_rich_style("heatmap--lit")
        label = next(iter(view.canvas.render_line(view.canvas._frame.header_height + 2 * view.canvas._tall)))
        middle = view.canvas.render_line(view.canvas._frame.header_height + 2 * view.canvas._tall)
        assert lit in {segment.style for segment in middle} or label.style == lit
    assert strips.token(0, 0) == TOKEN_STRIPS.strips[0].tokens[0]


@pytest.mark.parametrize("figure", ALL, ids=lambda figure: figure.kind)
async def test_every_kind_can_be_saved(figure: Figure) -> None:
    view = FigureView(figure, language="en")
    app = Harness(view)
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        await pilot.press("tab")
        if figure.kind == "tensor":
            await pilot.press("enter")
            await pilot.pause()
        await pilot.press("w")
        await pilot.pause()
        (wanted,) = app.of(SaveWanted)
        assert "<svg" in wanted.contents("svg") and wanted.contents("html").startswith("<!doctype html>")
        assert len(list(csv.reader(io.StringIO(wanted.contents("csv"))))) > 1


@pytest.mark.parametrize("figure", ALL, ids=lambda figure: figure.kind)
def test_a_page_holds_what_is_in_the_figure_and_fetches_nothing(figure: Figure) -> None:
    page = str(contents_of_all([figure], "html", "zh", "<script>alert(1)</script>"))
    assert "<script>alert" not in page and "http" not in page
    assert json.loads(str(contents_of_all([figure], "json", "en")))[0]["kind"] == figure.kind


def test_csv_of_every_kind_has_its_numbers() -> None:
    def rows(figure: Figure) -> list[list[str]]:
        return list(csv.reader(io.StringIO(str(contents_of(figure, "csv", "en")))))

    assert rows(BARS)[1:][0][1:] == [f"{BARS.values[0]:g}"]
    first = CURVE.series[0]
    assert [float(cell) for cell in rows(CURVE)[1][1:]] == [first.x[0], first.y[0]]
    assert rows(TABLE)[1][:2] == ["FFN", "2099712"]
    assert [row[2] for row in rows(TOKEN_STRIPS)[1:3]] == list(TOKEN_STRIPS.strips[0].tokens[:2])


async def test_in_a_small_box_a_long_title_takes_one_line_and_a_click_finds_its_row() -> None:
    title = "a title that is far longer than the few cells of this narrow box can hold in one line"
    view = BarsView(Bars(title, list("abcdefgh"), [8.0, 7, 6, 5, 4, 3, 2, 1], "weight"), language="en")
    app = Harness(view)
    async with app.run_test(size=(40, 11)) as pilot:
        await pilot.pause()
        assert "⋯" in app.lines[0] and app.lines[1].startswith("weight") and "a: weight 8" in app.text
        await pilot.click(view, offset=(1, 3))
        assert view.cursor == (1, 0)
        await pilot.resize_terminal(40, 30)
        await pilot.pause()
        assert "of this narrow box" in " ".join(app.text.split())


async def test_what_is_saved_is_what_is_seen_the_difference_and_the_pinned_lines() -> None:
    before, after = attention(seed=1), attention(seed=2)
    view = HeatmapView(before, language="en")
    app = Harness(view)
    async with app.run_test(size=(90, 24)) as pilot:
        view.canvas.focus()
        await pilot.press("p")
        view.update_figure(after)
        await pilot.press("w")
        await pilot.pause()
        wanted = app.of(SaveWanted)[-1]
        assert wanted.stem.endswith("-difference") and "difference from the pinned" in str(wanted.contents("html"))
        rows = list(csv.reader(io.StringIO(str(wanted.contents("csv")))))
        change = float(after.stages[3].values[0, 1, 1]) - float(before.stages[3].values[0, 1, 1])
        assert float(rows[2][2]) == pytest.approx(change, abs=1e-6)
    curve = CurveView(CURVE, language="en")
    app = Harness(curve)
    async with app.run_test(size=(80, 24)) as pilot:
        curve.focus()
        await pilot.press("p")
        curve.update_figure(replace(CURVE, series=[replace(line, y=[2 * y for y in line.y]) for line in CURVE.series]))
        await pilot.press("w")
        await pilot.pause()
        assert str(app.of(SaveWanted)[-1].contents("csv")).count("(pinned)") == sum(
            len(line.x) for line in CURVE.series
        )
