"""The heatmap as a person uses it: keys, mouse, stages, heads, pin, colors, and what leaves it."""

from __future__ import annotations

import numpy as np
import pytest
from rich.cells import cell_len

from tests.tui.figures.examples import attention, by_hand, large
from tests.tui.widgets.harness import Harness
from tui.figures.data import Heatmap, Stage
from tui.figures.heatmap_paint import Painter
from tui.widgets.figures.heatmap_view import HeatmapView
from tui.widgets.figures.messages import SaveWanted, TokenChosen


def started(figure: Heatmap, **options: object) -> tuple[Harness, HeatmapView]:
    view = HeatmapView(figure, **options)  # type: ignore[arg-type]
    return Harness(view), view


@pytest.mark.parametrize(
    ("keys", "cursor"),
    [
        ("down right", (1, 1)),
        ("j l l", (1, 2)),
        ("j j k l h", (1, 0)),
        ("up left", (0, 0)),
        ("down down down down down end", (2, 2)),
        ("ctrl+end home", (2, 0)),
        ("ctrl+end ctrl+home", (0, 0)),
        ("pagedown", (2, 0)),
    ],
)
async def test_keys_move_the_cursor(keys: str, cursor: tuple[int, int]) -> None:
    app, view = started(attention())
    async with app.run_test(size=(80, 24)) as pilot:
        view.canvas.focus()
        await pilot.press(*keys.split())
        await pilot.pause()
        assert view.cursor == cursor
        if cursor != (0, 0):
            assert app.of(TokenChosen)[-1].token == view.figure.rows[cursor[0]]


async def test_the_cell_under_the_cursor_is_explained_below_the_map() -> None:
    app, view = started(by_hand(), language="en")
    async with app.run_test(size=(100, 24)) as pilot:
        view.canvas.focus()
        await pilot.press("right")
        await pilot.pause()
        assert "query 我 → key 见: score 4, scaled 2, masked no, weight 0.5, rank 1 of 2" in app.text


async def test_the_mouse_points_and_clicks() -> None:
    app, view = started(attention())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        frame = view.canvas._frame
        place = (frame.label_width + frame.cell_width + 1, frame.header_height + 3 * view.canvas._tall - 1)
        await pilot.hover(view.canvas, offset=place)
        await pilot.pause()
        assert view.cursor == (0, 0)
        assert view.picture.explain(2, 1, "zh") in app.text
        await pilot.click(view.canvas, offset=place)
        await pilot.pause()
        assert view.cursor == (2, 1)
        await pilot.click(view.canvas, offset=(0, 0))  # a label is no cell
        assert view.cursor == (2, 1)


async def test_stages_are_switched_by_keys_and_by_clicks() -> None:
    app, view = started(attention())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert "[权重]" in app.text  # what the stages lead to is shown first
        view.canvas.focus()
        await pilot.press("s")
        assert view.picture.stage.name == "scores"
        await pilot.press("s", "s")
        await pilot.pause()
        assert view.picture.stage.name == "masked"
        assert "[掩码]" in app.text
        await pilot.click(view.tabs, offset=(view.tabs._places[0][1] - 1, 0))
        await pilot.pause()
        assert view.picture.stage.name == "scores"


async def test_heads_side_by_side_enter_opens_and_escape_returns() -> None:
    app, view = started(attention(4), language="en")
    async with app.run_test(size=(80, 24)) as pilot:
        view.canvas.focus()
        await pilot.press("g")
        await pilot.pause()
        assert all(f"head {head}" in app.text for head in range(4))
        await pilot.press("right", "right", "enter")
        await pilot.pause()
        assert (view.showing, view.picture.head) == ("map", 2)
        assert "self-attention · head 2" in app.text
        assert view.canvas.has_focus
        await pilot.press("escape")
        await pilot.pause()
        assert view.showing == "grid" and view.grid.has_focus
        view.update_figure(attention(1))  # the next figure has one head, and no key that would leave a grid
        await pilot.pause()
        assert view.showing == "map" and view.canvas.has_focus
        view.update_figure(attention(4))
        await pilot.press("g")
        await pilot.pause()
        await pilot.click(view.grid, offset=(1, 1))
        await pilot.pause()
        assert (view.showing, view.picture.head) == ("map", 0)


async def test_the_heads_of_a_narrow_screen_are_reached_by_scrolling() -> None:
    app, view = started(attention(8))
    async with app.run_test(size=(20, 10)) as pilot:
        view.grid.styles.max_height = 6
        view.canvas.focus()
        await pilot.press("g", *["down"] * 7, "right")
        await pilot.pause()
        assert view.grid.chosen == 7
        assert "头 7" in app.text


async def test_next_head_and_mean() -> None:
    app, view = started(attention(3), language="en")
    async with app.run_test(size=(80, 24)) as pilot:
        view.canvas.focus()
        await pilot.press("]")
        assert view.picture.head == 1
        await pilot.press("[", "[")
        await pilot.pause()
        assert view.picture.head is None  # the mean stands between the last and the first
        assert "mean of 3 heads" in app.text
        await pilot.press("[")
        assert view.picture.head == 2
        await pilot.press("]", "]")
        assert view.picture.head == 0


async def test_the_colors_span_all_heads_or_one() -> None:
    app, view = started(attention(3), language="en")
    async with app.run_test(size=(80, 24)) as pilot:
        view.canvas.focus()
        view.choose_stage(0)
        shared = view.picture.span
        await pilot.press("S")
        own = view.picture.span
        values = view.figure.stages[0].values
        assert own[1] == max(float(abs(values[0]).max()), 0.0)
        assert own[1] - own[0] <= shared[1] - shared[0]
        await pilot.press("S")
        assert view.picture.span == shared


async def test_values_are_written_in_the_cells_or_not() -> None:
    app, view = started(attention())
    async with app.run_test(size=(80, 24)) as pilot:
        view.canvas.focus()
        await pilot.pause()
        number = f"{view.picture.value(1, 1):.3f}"
        assert number in app.text
        await pilot.press("v")
        await pilot.pause()
        assert number not in app.text.split("查询", 1)[0]
        await pilot.press("v")
        await pilot.pause()
        assert number in app.text


async def test_a_map_fills_the_room_that_it_has() -> None:
    app, view = started(attention())
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        assert view.canvas.size.height >= 22
        await pilot.resize_terminal(200, 50)
        await pilot.pause()
        assert view.canvas.size.height >= 35
        row = view.canvas._tall * 2 + view.canvas._frame.header_height
        assert view.canvas.cell_at(view.canvas._frame.label_width + 1, row) == (2, 0)


async def test_a_pinned_picture_is_compared_with_the_next() -> None:
    before, after = attention(seed=1), attention(seed=2)
    app, view = started(before, language="en")
    async with app.run_test(size=(100, 24)) as pilot:
        view.canvas.focus()
        await pilot.press("down", "right", "p")
        await pilot.pause()
        assert app.text.startswith("pinned · ")  # first: a title is cut at its end
        view.update_figure(after)
        await pilot.pause()
        assert "difference from the pinned picture" in app.text
        change = float(after.stages[3].values[0, 1, 1]) - float(before.stages[3].values[0, 1, 1])
        assert f"difference {change:+.4g}" in app.text
        await pilot.press("p")
        await pilot.pause()
        assert not view.picture.comparing and "pinned" not in app.text


async def test_turning_a_knob_moves_nothing_else() -> None:
    app, view = started(large(200))
    async with app.run_test(size=(60, 20)) as pilot:
        view.canvas.focus()
        view.canvas.styles.max_height = 10
        await pilot.pause()
        view.canvas.cursor = (150, 120)
        await pilot.press("+", "m")
        await pilot.pause()
        scroll, width = view.canvas.scroll_offset, view.canvas.cell_width
        view.update_figure(large(200))
        await pilot.pause()
        assert view.canvas.scroll_offset == scroll and scroll.y > 0 and scroll.x > 0
        assert (view.cursor, view.canvas.cell_width, view.map_name) == ((150, 120), width, "cividis")
        view.update_figure(large(100))  # a smaller figure: the cursor goes to its corner
        await pilot.pause()
        assert view.cursor == (99, 99)


async def test_labels_stay_when_the_cells_scroll() -> None:
    app, view = started(large())
    async with app.run_test(size=(60, 20)) as pilot:
        view.canvas.focus()
        view.canvas.styles.max_height = 14
        await pilot.pause()
        view.canvas.cursor = (300, 400)
        await pilot.pause()
        canvas = view.canvas
        top = canvas.region.y
        shown = app.lines[top : top + canvas.room.height]
        header = canvas._frame.header_height
        rows = [line.split()[0] for line in shown[header:]]
        first = canvas.scroll_offset.y
        assert rows == [f"词{row}" for row in range(first, first + len(rows))]
        assert "词300" in rows
        columns = "".join(shown[header - 1 - line][:59] for line in range(1))
        assert columns.startswith(" " * canvas._frame.label_width)
        assert all(cell_len(line) == 60 for line in app.lines)


async def test_only_what_is_on_the_screen_is_painted(monkeypatch: pytest.MonkeyPatch) -> None:
    painted = 0
    cell = Painter.cell

    def counted(self: Painter, value: float, masked: bool = False) -> object:
        nonlocal painted
        painted += 1
        return cell(self, value, masked)

    monkeypatch.setattr(Painter, "cell", counted)
    app, view = started(large())
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        canvas, columns = view.canvas, view.canvas.room.width // view.canvas._frame.cell_width
        for y in range(canvas.room.height):
            canvas.render_line(y)
        painted = 0
        canvas.cursor = (1, 0)
        for y in range(canvas.room.height):
            canvas.render_line(y)
        assert 0 < painted <= 2 * columns  # the row that the cursor left and the one that it came to
        painted = 0
        canvas.focus()
        await pilot.press("ctrl+end")
        await pilot.pause()
        assert 0 < painted <= 4 * 80 * 24  # a few screens, of 262,144 cells


async def test_zoom_and_color_maps() -> None:
    app, view = started(attention())
    async with app.run_test(size=(80, 24)) as pilot:
        view.canvas.focus()
        await pilot.pause()
        fitted = view.canvas._frame.cell_width
        await pilot.press("-")
        assert view.canvas._frame.cell_width < fitted
        view.canvas.cell_width = 2
        await pilot.press("-", "-")
        assert view.canvas._frame.cell_width == 1
        await pilot.press("+")
        assert view.canvas._frame.cell_width == 2
        view.canvas.cell_width = 10
        await pilot.press("+", "+")
        assert view.canvas._frame.cell_width == 12
        await pilot.press("0")
        assert view.canvas._frame.cell_width == fitted
        assert view.map_name == "viridis"
        await pilot.press("m", "m")
        assert view.map_name == "grey" == view.canvas.map_name == view.grid.map_name
        await pilot.press("m")
        assert view.map_name == "viridis"


async def test_a_row_is_copied_and_pictures_are_asked_to_be_saved() -> None:
    figure = attention(2)
    app, view = started(figure, language="en")
    async with app.run_test(size=(80, 24)) as pilot:
        view.canvas.focus()
        await pilot.press("down", "y", "]", "w")
        await pilot.pause()
        copied = [line.split("\t") for line in app.clipboard.split("\n")]
        assert copied[0] == ["query", *figure.columns] and copied[1][0] == figure.rows[1]
        assert np.array_equal(np.float32(copied[1][1:]), figure.stages[3].values[0][1])
        assert app.of(HeatmapView.RowCopied)[0].row == 1
        (wanted,) = app.of(SaveWanted)
        assert wanted.stem == "attention-weights-head1"
        assert wanted.contents("svg").startswith("<svg")
        assert wanted.contents("csv").splitlines()[1].split(",")[1] == f"{figure.stages[3].values[1][0][0]:.9g}"


async def test_the_language_switches_at_once() -> None:
    app, view = started(attention(2))
    async with app.run_test(size=(80, 24)) as pilot:
        view.canvas.focus()
        await pilot.pause()
        assert "头 0" in app.text and "查询 我 → 键 我" in app.text
        described = {key: active.binding.description for key, active in app.screen.active_bindings.items()}
        assert described["p"] == "钉住"
        view.language = "en"
        await pilot.pause()
        assert "head 0" in app.text and "query 我 → key 我" in app.text and "头 0" not in app.text
        described = {key: active.binding.description for key, active in app.screen.active_bindings.items()}
        assert described["p"] == "pin"


async def test_keys_that_do_nothing_are_not_offered() -> None:
    app, view = started(large(4))
    async with app.run_test(size=(80, 24)) as pilot:
        view.canvas.focus()
        await pilot.pause()
        offered = {active.binding.id for active in app.screen.active_bindings.values() if active.enabled}
        assert offered.isdisjoint({"heatmap.grid", "heatmap.mean", "heatmap.stage-next", "heatmap.back"})
        assert {"heatmap.pin", "heatmap.up", "heatmap.copy-row"} <= offered


STAGES = ("how far a head looks back", "the weight on the first token", "what becomes of the prediction without it")


async def test_a_title_and_its_stages_take_lines_that_the_cells_leave_and_the_present_stage_is_always_seen() -> None:
    stages = [Stage(f"s{number}", name, [[[0.5, 0.2]] * 3]) for number, name in enumerate(STAGES)]
    app, view = started(Heatmap("A title of several words, random weights", stages, list("abc"), list("xy")))
    async with app.run_test(size=(70, 24)) as pilot:
        await pilot.pause()
        assert "random weights" in app.lines[0] and f"[{STAGES[2]}]" in app.lines[1] and STAGES[0] not in app.lines[1]
        view.choose_stage(0)
        await pilot.pause()
        assert f"[{STAGES[0]}]" in app.lines[1]
        first, last = view.tabs._places[1]
        await pilot.click(view.tabs, offset=((first + last) // 2, 1))
        assert view.picture.stage_index == 1
        await pilot.resize_terminal(70, 8)  # no line to spare: a title keeps a third, the present stage the rest
        await pilot.pause()
        assert app.lines[0].startswith("A title") and f"[{STAGES[1]}]" in app.lines[0]


async def test_few_long_rows_are_seen_from_end_to_end() -> None:
    row = [float(column == 59) for column in range(60)]
    columns = [str(column) for column in range(60)]
    app, view = started(Heatmap("t", [Stage("s", "s", [[row] * 4])], list("abcd"), columns))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert view.canvas._frame.cell_width == 1 and view.canvas.max_scroll_x == 0 and view.canvas._tall == 2
        square = [str(number) for number in range(60)]
        view.update_figure(Heatmap("t", [Stage("s", "s", [[row] * 60])], square, columns))
        await pilot.pause()
        assert view.canvas._frame.cell_width == 2
