"""The sentence under a figure says what was measured, in numbers that are the figure's own."""

from __future__ import annotations

import math

import numpy as np
import pytest

from questions.bilingual import Bilingual
from tui.figures.bars_text import bars_reading
from tui.figures.caption import caption, measured
from tui.figures.data import Bars, Curve, Figure, Heatmap, Series, Stage, Table, TokenRow, Tokens

MAP = Heatmap("t", [Stage("scores", "s", np.array([[[1.0, -3.0], [-1e38, math.inf]]]), "signed")], "ab", "cd")
LINES = [Series("one", [0.0, 1.0, 2.0], [5.0, 6.0, 7.0]), Series("gap", [0.0, 1.0, 2.0], [1.0, math.nan, 3.0])]


@pytest.mark.parametrize(
    ("figure", "said"),
    [
        (MAP, "the largest -3: query a → key d"),  # what a mask put in is not a score
        (Heatmap("t", [Stage("m", "m", [[[True, False]]], "mask")], "a", "cd"), "50 % of the cells are set"),
        (Curve("t", "step", "y", LINES), "step 2: one 7 · gap 3"),
        (Curve("t", "step", "y", LINES, marks=[(0.0, "here")]), "step 0: one 5 · gap 1"),
        (Bars("t", ["x", "y"], [2.0, 2.0]), "all 2"),
        (Table("t", ["who", "what", "n"], [["a", "u", 1.0], ["b", "v", 4.0]]), "n: the most: b (4) · the least: a (1)"),
        (Table("t", ["who"], [["a"], ["b"]]), "2 rows"),
        (Tokens("t", [TokenRow("row", ["p", "q"], [0.1, 0.9])]), "row: the strongest is q"),
        (Curve("t", "step", "y", []), ""),
        (Bars("t", ["x", "y", "z"], [2.0, 1.0, 2.0]), "the most: 2 of 3 (2) · the least: y (1)"),
        (Curve("t", "step", "y", [Series("K = 3", [0.0], [5.0])]), "step 0: K = 3: 5"),
        (Table("t", ["h", "n"], [[1, 1.0], [2, 4.0]]), "n: the most: h 2 (4) · the least: h 1 (1)"),
        (  # of what a view begins with, though a mask comes after it
            Heatmap("t", [Stage("s", "s", [[[1.0, 2.0]]]), Stage("m", "m", [[[1, 0]]], "mask")], "a", "cd"),
            "the largest 2: query a → key d",
        ),
    ],
)
def test_each_kind_is_said(figure: Figure, said: str) -> None:
    assert measured(figure, "en") == said


def test_quantities_are_not_compared_and_a_rank_is_no_name() -> None:
    unlike = Table("t", [Bilingual("量", "quantity"), "a", "b 2"], [["rows, %", 68.0, 0], ["entropy", 0.04, 0.9]])
    assert measured(unlike, "en") == "rows, %: a 68 · b 2: 0"
    ranked = Table("t", ["#", "token", "p"], [[1, "cat", 0.7], [2, "dog", 0.3]])
    assert measured(ranked, "en") == "p: the most: cat (0.7) · the least: dog (0.3)"
    assert measured(Table("t", ["a", "b"], [["x", "y"]]), "en") == "1 row"


def test_a_caption_ends_with_what_is_random_and_what_trained() -> None:
    made = Bilingual("随机", "random")
    assert caption(Bars("t", ["x"], [1.0], made=made), "zh") == "都是 1；随机。"
    assert caption(Curve("t", "x", "y", [], made=made), "en") == "random."
    assert caption(Curve("t", "x", "y", []), "en") == ""


def test_what_does_not_fit_ends_with_a_whole_part() -> None:
    curve = Curve(
        "t", "step", "y", [Series(name, [1.0], [0.5]) for name in ("first", "second", "third")], made="random"
    )
    assert caption(curve, "en", 45) == "step 1: first 0.5 · second 0.5⋯; random."
    assert caption(curve, "en", 34) == "step 1: first 0.5⋯; random."


def test_two_lines_hold_more_and_a_comma_in_a_name_parts_nothing() -> None:
    names = ("rows, no cache", "rows, cached")
    curve = Curve("t", "step", "y", [Series(name, [1.0], [0.5]) for name in names], made="random")
    assert caption(curve, "en", 40) == "step 1: rows, no cache 0.5⋯; random."
    assert caption(curve, "en", 40, 2).replace("\n", " ") == "step 1: rows, no cache 0.5 · rows, cached 0.5; random."
    assert all(len(line) <= 30 for line in caption(curve, "en", 30, 2).splitlines())


@pytest.mark.parametrize(("label", "unit"), [("dates right, %", " %"), ("MiB", " MiB"), ("weight", ""), ("", "")])
def test_a_unit_stands_behind_its_number(label: str, unit: str) -> None:
    bars = Bars("t", ["x", "y"], [2.0, 0.5], label)
    assert measured(bars, "en") == f"the most: x (2{unit}) · the least: y (0.5{unit})"
    assert bars_reading(bars, 0, "en").split(", rank")[0].endswith(f" 2{unit}")


def test_a_map_says_its_cell_without_its_axes_before_it_is_cut() -> None:
    figure = Heatmap("t", [Stage("w", "w", [[[0.25, 0.5]]])], ["the"], ["cat", "sat"], made="random weights")
    assert caption(figure, "en", 60) == "the largest 0.5: query the → key sat; random weights."
    assert caption(figure, "en", 45) == "the largest 0.5: the → sat; random weights."
