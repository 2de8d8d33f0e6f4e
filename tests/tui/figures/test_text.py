"""Every kind of figure as text: in both languages, at any width, with and without color, in ASCII."""

from __future__ import annotations

import io
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console

from questions.bilingual import Language
from tests.tui.figures.examples import ALL, BARS, CURVE, TABLE, TENSOR, TOKEN_STRIPS, attention, odd
from tui.figures.curve_plot import CurvePlot
from tui.figures.data import Bars, Curve, Figure, Heatmap, Series, Stage, Table, Tensor, TokenRow, Tokens
from tui.figures.look import ASCII, PLAIN, Look
from tui.figures.table_text import table_lines
from tui.figures.text import draw, figure_lines
from tui.figures.tokens_text import tokens_lines, tokens_reading


def printed(figure: Figure, language: Language = "zh", width: int = 60, **options: object) -> str:
    file = io.StringIO()
    Console(file=file, width=width, color_system=None).print(draw(figure, language, **options))  # type: ignore[arg-type]
    return file.getvalue()


EMPTY: list[Figure] = [
    Heatmap("t", [Stage("s", "s", [])], [], []),
    Curve("t", "x", "y", []),
    Curve("t", "x", "y", [Series("a", [1], [math.nan])]),
    Bars("t", [], []),
    Table("t", [], []),
    Table("t", ["a"], []),
    Tokens("t", []),
    Tensor("t", (), np.float32(2)),
    Tensor("t", ("a", "b"), np.zeros((0, 3))),
    Tensor("t", ("a",), []),
]


@pytest.mark.parametrize("figure", [*ALL, *EMPTY], ids=lambda figure: figure.kind)
@pytest.mark.parametrize("look", [Look(), PLAIN, Look(color=False, glyphs=ASCII)], ids=["color", "plain", "ascii"])
def test_no_line_is_wider_than_asked(figure: Figure, look: Look) -> None:
    for language in ("zh", "en"):
        for width in (1, 2, 3, 5, 8, 13, 20, 37, 80, 200):
            for line in figure_lines(figure, language, width, look):  # type: ignore[arg-type]
                assert cell_len(line.plain) <= width, (width, line.plain)


@pytest.mark.parametrize("figure", ALL, ids=lambda figure: figure.kind)
def test_ascii_needs_no_other_sign_than_the_words(figure: Figure) -> None:
    drawn = "".join(line.plain for line in figure_lines(figure, "en", 70, Look(color=False, glyphs=ASCII)))
    words = set("我看见猫画蛇遮Kᵀ±")  # tokens and formulas are the figure's own
    assert {sign for sign in drawn if ord(sign) > 126} <= words


@pytest.mark.parametrize("figure", ALL, ids=lambda figure: figure.kind)
def test_color_is_written_only_where_the_console_has_it(figure: Figure) -> None:
    file = io.StringIO()
    Console(file=file, width=60, force_terminal=True, color_system="truecolor").print(draw(figure, "zh"))
    assert "\x1b[" in file.getvalue()
    file = io.StringIO()
    Console(file=file, width=60, force_terminal=True, color_system="truecolor", no_color=True).print(draw(figure, "zh"))
    assert "\x1b[3" not in file.getvalue() and "\x1b[4" not in file.getvalue()


def test_a_heatmap_shows_its_numbers_labels_and_masks() -> None:
    figure = attention(1)
    lines = printed(figure).splitlines()
    weights = figure.stages[3].values[0]
    assert lines[0] == "自注意力 · 权重（查询 × 键）"
    assert lines[1].split() == ["我", "看见", "猫"]
    for row, label in enumerate(figure.rows):
        words = lines[2 + row].split()
        assert words[0] == label
        shown = [f"{weights[row, column]:.3f}" if column <= row else "x" for column in range(3)]
        assert words[1:] == shown
    assert lines[-1].startswith("0 ") and lines[-1].endswith("x 掩码")


def test_columns_of_numbers_stand_under_their_labels() -> None:
    lines = printed(attention(1)).splitlines()
    ends = [cell_len(lines[1][: lines[1].index(label) + len(label)]) for label in ("我", "看见", "猫")]
    starts = [cell_len(lines[4][: lines[4].index(number)]) for number in lines[4].split()[1:]]
    for start, end in zip(starts, ends, strict=True):
        assert start < end <= start + 7


def test_heads_stand_side_by_side_where_there_is_room() -> None:
    wide, narrow = printed(attention(2), width=80), printed(attention(2), width=24)
    assert any("头 0" in line and "头 1" in line for line in wide.splitlines())
    assert not any("头 0" in line and "头 1" in line for line in narrow.splitlines())
    assert "另有 3 个头未画" in printed(attention(7))


def test_a_stage_and_a_head_can_be_chosen() -> None:
    figure = attention(3)
    drawn = printed(figure, "en", stage="scores", head=2)
    assert "scores" in drawn and f"{figure.stages[0].values[2][2][2]:.2f}" in drawn
    assert "mean of 3 heads" in printed(figure, "en", head="mean")


def test_a_large_map_is_drawn_in_blocks_and_says_so() -> None:
    count = 300
    figure = Heatmap("t", [Stage("s", "s", np.eye(count)[None])], ["r"] * count, ["c"] * count)
    drawn = printed(figure, "en", width=80)
    assert len(drawn.splitlines()) < 50
    assert "300 × 300 is too large: each cell is the largest value of a block" in drawn


def test_odd_values_are_named() -> None:
    assert printed(odd(), "en", width=60).splitlines()[2].split() == ["a", "?", "^", "v", "x", "-2.00", "1.00"]


def test_bars_are_as_long_as_their_values() -> None:
    lines = printed(BARS, "en", width=60, color=False).splitlines()
    bars = {line.split()[0]: line.count("#") + line.count("|") for line in lines[2:6]}
    assert bars["zero"] == pytest.approx(2 * bars["b"], abs=2)
    assert lines[4].index("#") < lines[2].index("#")  # a negative bar goes left of zero
    assert lines[5].endswith("NaN") and "#" not in lines[5]
    assert lines[-1] == "| uniform = 1"


def test_the_bars_of_a_log_scale_grow_by_decades() -> None:
    lines = printed(Bars("t", ["a", "b", "c"], [1.0, 100.0, 10000.0], log=True), "en", width=60).splitlines()
    assert lines[1] == "(log axis)" and lines[-1].split() == ["0.1", "10", "1000"]
    lengths = [line.count("#") for line in lines[2:5]]
    assert lengths[2] - lengths[1] == pytest.approx(lengths[1] - lengths[0], abs=1)


def test_a_curve_has_a_gap_at_nan_a_sign_at_infinity_and_a_letter_for_each_line() -> None:
    lines = printed(CURVE, "zh", width=60, color=False).splitlines()
    assert lines[0] == "熵" and lines[1] == "奈特   : 现在 16"
    plot = lines[2:14]
    wide = CurvePlot(CURVE, "zh", 60, PLAIN, 12).field_width
    field = [line[2 : 2 + wide] for line in plot]
    assert field[0].endswith("^")
    names = [line[2 + wide :].strip() for line in plot]
    assert "a 不缩放 (1 NaN)" in names and "b 缩放 (1 inf)" in names
    columns = [{row for row, line in enumerate(field) if at < len(line) and line[at] == "a"} for at in range(wide)]
    x_of_16 = round((math.log(16) - math.log(4)) / (math.log(64) - math.log(4)) * (wide - 1))
    assert not any(columns[at] for at in range(x_of_16 - 6, x_of_16 + 6))
    assert "".join(line[x_of_16] for line in field if x_of_16 < len(line)).count(":") >= 8


def test_a_single_curve_is_drawn_in_braille_along_its_values() -> None:
    line = Curve("t", "x", "y", [Series("", [0, 1, 2], [0, 1, 2])])
    rows = printed(line, width=44).splitlines()[2:10]
    tops = [min(row for row in range(8) if rows[row][at : at + 1] not in ("", " ")) for at in range(3, 43)]
    assert tops == sorted(tops, reverse=True)
    assert all(0x2800 < ord(sign) < 0x2900 for row in rows for sign in row[2:] if sign not in " ")


def test_a_table_says_labels_and_aligns_numbers() -> None:
    lines = printed(TABLE, "zh").splitlines()
    assert lines[1].split() == ["模块", "个数", "x"]
    assert lines[3].split() == ["FFN", "2,099,712", "0.1235"]
    assert lines[4].split() == ["嵌入", "-", "+inf"]
    assert lines[5].split() == ["[/]", "7", "是"]
    ends = [cell_len(line[: line.index(number)]) + len(number) for line, number in ((lines[3], "712"), (lines[5], "7"))]
    assert ends[0] == ends[1]


def test_tokens_have_their_marks_below_them() -> None:
    lines = printed(TOKEN_STRIPS, "zh").splitlines()
    tokens, marks, values = lines[1:4]
    assert tokens.split() == ["输入", "[CLS]", "画", "蛇", "\\n"]
    assert cell_len(tokens[: tokens.index("画")]) == cell_len(marks[: marks.index("遮")])
    assert values.split() == ["0", "0.5", "1", "NaN"]


def test_a_tensor_says_its_statistics_and_shows_a_corner() -> None:
    lines = printed(TENSOR, "zh", width=80).splitlines()
    finite = np.array([1, 0, 3, -4], np.float64)
    assert lines[0] == "权重   Q Kᵀ"
    assert lines[1] == (
        f"(头 2, 查询 3) float32  {finite.mean():.4g} ± {finite.std():.4g}  [-4, 3]  1 个零  1 NaN  1 +inf"
    )
    assert [line.split() for line in lines[2:]] == [["1", "0", "3"], ["NaN", "+inf", "-4"]]


@settings(max_examples=40, deadline=None)
@given(
    st.lists(st.floats(width=32), min_size=1, max_size=12),
    st.booleans(),
    st.integers(min_value=1, max_value=60),
)
def test_any_numbers_can_be_drawn(values: list[float], log: bool, width: int) -> None:
    labels = [str(at) for at in range(len(values))]
    x = list(range(len(values)))
    figures: list[Figure] = [
        Curve("t", "x", "y", [Series("a", x, values), Series("b", values, x)], log_x=log, log_y=log),
        Bars("t", labels, values, log=log, reference=(values[0], "r")),
        Tensor("t", ("x",), values),
        Heatmap("t", [Stage("s", "s", [[values]], "signed")], ["q"], labels),
    ]
    for figure in figures:
        for look in (Look(), PLAIN):
            assert all(cell_len(line.plain) <= width for line in figure_lines(figure, "zh", width, look))


def test_a_token_of_a_strip_without_a_label_says_where_it_stands() -> None:
    row = Tokens("t", [TokenRow("", ["我", "们"])])
    assert tokens_reading(row, 0, 0, "zh") == "我（第 1 个，共 2）"
    assert tokens_reading(row, 0, 1, "en") == "们 (2 of 2)"
    assert tokens_reading(Tokens("t", [TokenRow("x", ["我"])]), 0, 0, "zh") == "我（x · 第 1 个，共 1）"


def test_a_line_of_one_point_is_its_letter_and_without_hues_every_line_has_letters_along_it() -> None:
    x = [float(number) for number in range(40)]
    lines = [Series("up", x, x), Series("down", x, x[::-1]), Series("measured", [20.0], [33.0])]
    curve = Curve("t", "step", "loss", lines)

    def letters(look: Look) -> str:
        """In the field alone: the names stand right of it, the axis and its numbers below."""
        field = CurvePlot(curve, "en", 70, look, 12)
        rows = field.rows()[: field.height]
        return "".join(sign for row in rows for sign in row.plain[: 70 - field.names_width] if sign in "abc")

    assert letters(Look()) == "c"
    gray = letters(Look(hues=False))
    assert gray.count("a") > 2 and gray.count("b") > 2


def test_the_words_of_a_heading_stay_whole_where_numbers_can_give_way() -> None:
    table = Table("t", ["layer", "probability", "p"], [["a", 0.5, 0.001234567]])
    lines = [text.plain for text in table_lines(table, "en", 27, PLAIN)]
    assert lines[1].split() == ["layer", "probability", "p"] and lines[3].split() == ["a", "0.5", "0.00123"]
    assert table_lines(table, "en", 28, PLAIN)[3].plain.split()[2] == "0.001235"
    chinese = replace(table, columns=["层", "饱和的行数", "p"])
    assert "饱和" in table_lines(chinese, "zh", 18, PLAIN)[1].plain


def test_degrees_of_color_have_a_legend_and_words_under_tokens_do_without() -> None:
    graded = Tokens("t", [TokenRow("weights", ["p", "q"], [0.1, 0.9])])
    assert tokens_lines(graded, "en", 60, Look())[-1].plain.strip().startswith("0 ")
    assert len(tokens_lines(graded, "en", 60, PLAIN)) == 3  # the numbers themselves
    marked = Tokens("t", [TokenRow("weights", ["p", "q"], [0.1, 0.9], ["0.1", "0.9"])])
    assert len(tokens_lines(marked, "en", 60, Look())) == 3


def test_the_same_tokens_stand_one_under_another() -> None:
    """Whatever is marked under them: two strips of them are compared token by token."""
    words = ["2", "0", "[EOS]"]
    both = Tokens("t", [TokenRow("before", words, marks=["100"] * 3), TokenRow("after", words, marks=["8", "0", "1"])])
    lines = [line.plain for line in tokens_lines(both, "en", 60, PLAIN)]
    assert lines[1].replace("before", " after") == lines[3]


def test_a_word_of_the_field_is_not_parted_where_headings_can_give_way() -> None:
    columns = ["topic", "seen", "recalled now", "came back, 30 days", "retention", "points said"]
    rows = [["self-attention", "0/4", "0%", 0, None, None], ["cross-attention", "0/4", "0%", 0, None, None]]
    lines = [line.plain for line in table_lines(Table("t", columns, rows), "en", 70, PLAIN)]
    assert [line.split()[0] for line in lines[-2:]] == ["self-attention", "cross-attention"]
