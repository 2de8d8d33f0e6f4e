"""Ticks, places and dots."""

from __future__ import annotations

import itertools
import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from tui.figures.axes import Axis
from tui.figures.bars_text import bars_lines, bars_reading
from tui.figures.braille import Braille
from tui.figures.curve_plot import CurvePlot
from tui.figures.data import Bars, Curve, Series
from tui.figures.look import Look

numbers = st.floats(min_value=-1e6, max_value=1e6, allow_nan=False)


@pytest.mark.parametrize(
    ("axis", "most", "ticks"),
    [
        (Axis(0, 10), 6, ["0", "2", "4", "6", "8", "10"]),
        (Axis(0, 3.45), 3, ["0", "2"]),
        (Axis(-1, 1), 5, ["-1", "-0.5", "0", "0.5", "1"]),
        (Axis(4, 1024, True), 8, ["5", "10", "20", "50", "100", "200", "500", "1000"]),
        (Axis(4, 1024, True), 4, ["10", "100", "1000"]),
        (Axis(1e-5, 1, True), 3, ["1e-5", "0.001", "0.1"]),
        (Axis.over([0, 1]), 5, ["0", "1"]),  # counts: no fraction of one
        (Axis.over([0, 7, 12]), 5, ["0", "5", "10"]),  # nor steps of 2.5
        (Axis.over([0, 7, 12.5]), 6, ["0", "2.5", "5", "7.5", "10", "12.5"]),
    ],
)
def test_ticks_are_round(axis: Axis, most: int, ticks: list[str]) -> None:
    assert [text for _, text in axis.ticks(most)] == ticks


@given(numbers, numbers, st.integers(min_value=2, max_value=12))
def test_ticks_lie_on_the_axis_and_are_not_too_many(one: float, other: float, most: int) -> None:
    assume(abs(one - other) > 1e-3)
    axis = Axis(min(one, other), max(one, other))
    ticks = axis.ticks(most)
    assert len(ticks) <= most
    assert all(-1e-6 <= axis.place(value) <= 1 + 1e-6 for value, _ in ticks)  # type: ignore[operator]


@pytest.mark.parametrize(
    ("values", "log", "ends"),
    [
        ([1.0, 10.0, math.nan, math.inf], False, (0.0, 10.0)),
        ([8.0, 10.0], False, (8.0, 10.0)),  # not reaching down to zero: it is not forced in
        ([-10.0, -1.0], False, (-10.0, 0.0)),
        ([5.0, 5.0], False, (2.5, 7.5)),
        ([0.999999, 1.0], False, (0.4999995, 1.4999995)),  # too near to be told apart by their ticks
        ([0.0], False, (-1.0, 1.0)),
        ([], False, (0.5, 1.5)),
        ([-1.0, 0.0, 2.0, 8.0], True, (2.0, 8.0)),
        ([4.0], True, (2.0, 8.0)),
    ],
)
def test_an_axis_spans_what_can_be_drawn(values: list[float], log: bool, ends: tuple[float, float]) -> None:
    axis = Axis.over(values, log=log)
    assert (axis.low, axis.high) == ends


def test_bars_of_counts_have_whole_ticks_and_where_all_are_alike_no_rank() -> None:
    empty = Bars("due", ["Mon", "Tue"], [0.0, 0.0], "questions")
    drawn = [line.plain for line in bars_lines(empty, "en", 80, Look())]
    assert drawn[-1].split() == ["0", "1"]
    assert bars_reading(empty, 0, "en") == "Mon: questions 0"
    assert "rank 2 of 2" in bars_reading(Bars("due", ["Mon", "Tue"], [0.0, 3.0], "questions"), 0, "en")


def test_an_axis_whose_quantity_has_ends_shows_them() -> None:
    curve = Curve("t", "step", "p", [Series("", [0, 1], [0.9999991, 1.0])], y_ends=(0.0, 1.0))
    labels = [line.plain.partition("┤") for line in CurvePlot(curve, "en", 60, Look(), 10).rows()]
    assert [label.strip() for label, tick, _ in labels if tick] == ["1", "0.5", "0"]


def test_places() -> None:
    assert Axis(0, 10).place(2.5) == 0.25
    assert Axis(1, 100, True).place(10) == pytest.approx(0.5)
    assert [Axis(1, 100, True).place(value) for value in (0.0, -1.0, math.nan, math.inf)] == [None] * 4


@pytest.mark.parametrize(
    ("x", "y", "sign"), [(0, 0, "⠁"), (1, 0, "⠈"), (0, 3, "⡀"), (1, 3, "⢀"), (0, 1, "⠂"), (1, 2, "⠠")]
)
def test_dots_are_where_braille_has_them(x: int, y: int, sign: str) -> None:
    drawing = Braille(1, 1)
    drawing.dot(x, y, 0)
    assert drawing.sign(0, 0) == sign


def test_dots_outside_are_not_drawn() -> None:
    drawing = Braille(2, 2)
    for x, y in ((-1, 0), (0, -1), (4, 0), (0, 8)):
        drawing.dot(x, y, 0)
    assert all(drawing.sign(column, row) == " " for column in range(2) for row in range(2))


places = st.tuples(st.integers(min_value=0, max_value=19), st.integers(min_value=0, max_value=19))


@given(places, places)
def test_a_line_joins_its_ends_without_a_gap(start: tuple[int, int], end: tuple[int, int]) -> None:
    dots: list[tuple[int, int]] = []

    class Recorded(Braille):
        def dot(self, x: int, y: int, owner: int) -> None:
            dots.append((x, y))

    Recorded(10, 5).line(start, end, 0)
    assert (dots[0], dots[-1]) == (start, end)
    steps = itertools.pairwise(dots)
    assert all(max(abs(a[0] - b[0]), abs(a[1] - b[1])) == 1 for a, b in steps)
    assert len(dots) == max(abs(start[0] - end[0]), abs(start[1] - end[1])) + 1
