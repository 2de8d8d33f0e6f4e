"""The cells of a heatmap as text: their widths, their signs, their shades, their labels."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.style import Style

from tests.tui.figures.examples import FLOAT32_MIN
from tui.figures.colors import VIRIDIS
from tui.figures.heatmap_paint import Painter, column_header, fitting_cell_width, frame_for, legend, row_label, signs_in
from tui.figures.look import PLAIN, Look

LOOK = Look()


def texts(painter: Painter, values: list[float], masked: list[bool] | None = None) -> list[str]:
    return [painter.cell(value, bool(masked and masked[at]))[0] for at, value in enumerate(values)]


@given(
    st.lists(st.floats(width=32), min_size=1, max_size=9),
    st.sampled_from(["attention", "signed", "mask"]),
    st.sampled_from([LOOK, PLAIN]),
    st.integers(min_value=1, max_value=12),
)
def test_every_cell_is_as_wide_as_asked(values: list[float], scale: str, look: Look, width: int) -> None:
    finite = [abs(value) for value in values if abs(value) < 1e37]
    painter = Painter(scale, (-max(finite, default=1.0), max(finite, default=1.0)), look, width)
    for cursor in range(-1, len(values)):
        row = "".join(segment.text for segment in painter.row(values, None, cursor))
        assert cell_len(row) == width * len(values)


def test_what_has_no_value_has_a_sign() -> None:
    painter = Painter("attention", (0.0, 1.0), LOOK, 1)
    values = [math.nan, math.inf, -math.inf, FLOAT32_MIN, 0.5]
    assert texts(painter, values) == ["?", "^", "v", "x", " "]
    assert texts(painter, [0.5], [True]) == ["x"]
    assert signs_in(values, None) == {"?", "^", "v", "x"}
    assert signs_in([0.5], [True]) == {"x"}
    assert signs_in([0.5], None) == set()


def test_colors_are_those_of_the_map() -> None:
    painter = Painter("attention", (0.0, 2.0), LOOK, 2)
    for value in (0.0, 0.5, 1.0, 2.0, 9.0):
        background = painter.cell(value)[1].bgcolor
        assert background is not None and background.triplet == VIRIDIS.at(value / 2)


def test_a_negative_cell_has_a_minus_where_color_would_not_be_seen() -> None:
    painter = Painter("signed", (-1.0, 1.0), LOOK, 3)
    assert texts(painter, [-1.0, -0.001, 0.0, 1.0]) == [" - ", "   ", "   ", "   "]


def test_without_color_a_shade_says_the_value() -> None:
    painter = Painter("attention", (0.0, 1.0), PLAIN, 1)
    assert "".join(texts(painter, [index / 8 for index in range(9)])) == " .:=+*#%@"
    signed = Painter("signed", (-1.0, 1.0), PLAIN, 2)
    assert texts(signed, [-1.0, -0.5, 0.0, 0.5, 1.0]) == ["-@", "-+", "  ", "++", "@@"]
    assert all(style == Style() for _, style in map(painter.cell, [0.0, 1.0]))


def test_in_16_colors_a_shade_says_the_value_too() -> None:
    painter = Painter("attention", (0.0, 1.0), Look(few=True), 2)
    assert [painter.cell(value)[0] for value in (0.0, 0.5, 1.0)] == ["  ", "++", "@@"]
    assert painter.cell(0.0)[1] != painter.cell(1.0)[1]


def test_numbers_have_the_same_decimals_in_a_map() -> None:
    assert texts(Painter("attention", (0.0, 1.0), LOOK, 6), [0.12345, 1.0, 0.0]) == ["0.123 ", "1.000 ", "0.000 "]
    assert texts(Painter("signed", (-12.0, 12.0), LOOK, 6), [-11.96, 0.04, -0.001]) == ["-12.0 ", "  0.0 ", "  0.0 "]
    assert texts(Painter("signed", (-2e5, 2e5), LOOK, 6), [123456.0, -3e-9]) == ["  1e5 ", "-3e-9 "]


@pytest.mark.parametrize(
    ("width", "value", "shown"),
    [(1, 0.2, "+"), (2, 0.2, "[]"), (3, 0.2, "[ ]"), (6, 0.25, "[0.25]"), (5, 0.25, "[.25]"), (6, math.nan, "[ ?  ]")],
)
def test_the_cursor_stands_in_brackets(width: int, value: float, shown: str) -> None:
    painter = Painter("attention", (0.0, 1.0), LOOK, width)
    assert painter.row([value], None, 0)[0].text == shown
    assert painter.row([value], None, 0)[0].style.reverse  # type: ignore[union-attr]


def test_equal_neighbors_are_one_run() -> None:
    assert len(Painter("attention", (0.0, 1.0), LOOK, 2).row([0.0] * 100)) == 1


@pytest.mark.parametrize(
    ("columns", "available", "width"),
    [
        (["a"] * 7, 70, 6),  # room for numbers
        (["attention"] * 4, 70, 10),  # room for the labels
        (["a"] * 20, 70, 3),
        (["a"] * 60, 70, 2),  # never below 2: a square, and room for an ideograph
        ([], 10, 2),
    ],
)
def test_cells_are_as_wide_as_is_useful(columns: list[str], available: int, width: int) -> None:
    assert fitting_cell_width(columns, available) == width


@given(
    st.lists(st.text(alphabet="猫abc[#]é的👩", max_size=8), min_size=1, max_size=6),
    st.integers(min_value=3, max_value=80),
    st.sampled_from([None, 1, 2, 3, 5, 8]),
)
def test_labels_stand_over_their_columns(labels: list[str], available: int, cell_width: int | None) -> None:
    frame = frame_for(labels, labels, available, cell_width, LOOK)
    for line in frame.header:
        assert len(line) == len(labels)
        assert all(cell_len(text) == frame.cell_width for text in line)
    assert all(cell_len(row_label(label, frame.label_width, LOOK)) == frame.label_width for label in labels)


def test_headers_by_hand() -> None:
    assert column_header(["我", "看见"], 5, LOOK) == ((" 我  ", "看见 "),)
    assert column_header(["我", "看见"], 2, LOOK) == (("  ", "看"), ("我", "见"))
    assert column_header(["the", "a"], 2, LOOK) == (("t ", "  "), ("h ", "  "), ("e ", "a "))
    assert column_header(["k0", "k12"], 2, LOOK) == (("  ", "1 "), ("0 ", "2 "))  # the letter tells them not apart
    assert column_header(["[CLS]", "a"], 2, LOOK) == (("C ", "  "), ("L ", "  "), ("S ", "a "))
    assert column_header(["[CLS]", "k1"], 6, LOOK) == (("[CLS] ", "  k1  "),)
    assert column_header(["attention"], 6, LOOK) == (("atten ",), (" tion ",))
    assert column_header(["x"] * 12, 1, LOOK) == (tuple("0         10"),)


def test_the_legend_names_both_ends_and_the_signs_that_occur() -> None:
    painter = Painter("attention", (0.0, 0.75), LOOK, 2)
    said = "".join(text for text, _ in legend(painter, "zh", 60, ["x", "?"]))
    assert said == "0 " + " " * 24 + " 0.75  x 掩码  ? NaN"
    for width in range(1, 60):
        assert sum(cell_len(text) for text, _ in legend(painter, "zh", width, ["x", "?"])) <= width
