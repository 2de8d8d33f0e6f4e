"""What a heatmap says of a cell, and the ranges of its colors: by hand, and against float64 loops."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest

from tests.tui.figures.examples import FLOAT32_MIN, attention, by_hand, odd
from tui.figures.data import Heatmap, Stage
from tui.figures.heatmap import FigureError, Picture


def test_a_cell_says_how_it_came_to_be() -> None:
    picture = Picture(by_hand())
    assert picture.explain(0, 1, "en") == ("query 我 → key 见: score 4, scaled 2, masked no, weight 0.5, rank 1 of 2")
    said = picture.explain(0, 1, "en", shown_first=True)  # where not all of it has room
    assert said == "query 我 → key 见: weight 0.5, score 4, scaled 2, masked no, rank 1 of 2"
    assert picture.explain(0, 0, "zh") == "查询 我 → 键 看：得分 2，缩放后 1，掩码 否，权重 0.25，排名 2/2"


def test_a_masked_cell_has_no_rank() -> None:
    assert Picture(by_hand()).explain(0, 2, "en") == "query 我 → key 猫: score 8, scaled 4, masked yes, weight 0"


def test_the_present_stage_has_all_the_digits_of_a_float32() -> None:
    figure = attention()
    value = float(figure.stages[3].values[1, 2, 0])
    assert f"weight {value:.7g}" in Picture(figure, head=1).explain(2, 0, "en")
    assert f"weight {value:.4g}," in Picture(figure, stage=0, head=1).explain(2, 0, "en")


def test_ranks_count_what_may_be_attended_to_and_ties_share_theirs() -> None:
    figure = Heatmap("t", [Stage("weights", "w", [[[0.4, 0.2, 0.4]]])], ["q"], list("abc"))
    said = [Picture(figure).explain(0, column, "en").rsplit(", ", 1)[1] for column in range(3)]
    assert said == ["rank 1 of 3", "rank 3 of 3", "rank 1 of 3"]


@pytest.mark.parametrize("arrays", [True, False])
def test_the_mean_over_heads_is_the_float64_mean(arrays: bool) -> None:
    figure = attention(3, arrays=arrays)
    picture = Picture(figure, head=None)
    wanted = sum(np.asarray(figure.stages[3].values[head], np.float64) for head in range(3)) / 3
    np.testing.assert_allclose([picture.plane().row(row) for row in range(3)], wanted, rtol=1e-12)
    assert picture.head_name("zh") == "3 个头的平均"


@pytest.mark.parametrize("arrays", [True, False])
def test_a_pinned_picture_shows_what_changed(arrays: bool) -> None:
    before, after = attention(seed=1, arrays=arrays), attention(seed=2, arrays=arrays)
    picture = Picture(before)
    picture.pin(before)
    assert not picture.comparing  # the pinned picture itself
    picture.update(after)
    assert picture.comparing and picture.scale == "signed"
    wanted = np.asarray(after.stages[3].values, np.float64) - np.asarray(before.stages[3].values, np.float64)
    np.testing.assert_allclose([picture.plane().row(row) for row in range(3)], wanted[0], rtol=1e-12, atol=0)
    reach = np.abs(wanted).max()
    np.testing.assert_allclose(picture.span, (-reach, reach), rtol=1e-6)
    then, change = before.stages[3].values[0][2][1], wanted[0, 2, 1]
    assert f"pinned {then:.4g}, difference {change:+.4g}" in picture.explain(2, 1, "en")
    picture.update(replace(after, columns=["another", "sentence", "here"]))
    assert f"pinned {after.rows[2]} → {after.columns[1]} {then:.4g}, difference" in picture.explain(2, 1, "en")


def test_equal_infinities_do_not_differ() -> None:
    picture = Picture(odd())
    picture.pin(picture.figure)
    picture.update(odd())
    row = picture.plane().row(0)
    assert math.isnan(row[0]) and row[1:] == [0.0] * 5


def test_another_shape_is_not_compared() -> None:
    picture = Picture(attention())
    picture.pin(picture.figure)
    picture.update(attention(tokens=("a", "b", "c", "d")))
    assert not picture.comparing and picture.scale == "attention"


@pytest.mark.parametrize("arrays", [True, False])
def test_the_range_leaves_out_fills_and_is_one_for_all_heads(arrays: bool) -> None:
    figure = attention(4, arrays=arrays)
    masked = np.asarray(figure.stages[2].values)
    reach = np.abs(masked[masked > FLOAT32_MIN]).max()
    for head in range(4):
        np.testing.assert_allclose(Picture(figure, stage=2, head=head).span, (-reach, reach), rtol=1e-6)
    assert Picture(figure, stage=3).span == (0.0, 1.0)  # a causal first row puts weight 1 on itself


@pytest.mark.parametrize("as_array", [True, False])
def test_the_range_leaves_out_what_a_mask_stage_hides(as_array: bool) -> None:
    convert = np.asarray if as_array else list
    stages = [
        Stage("mask", "m", convert([[[True, False]]]), "mask"),
        Stage("masked", "x", convert([[[2.0, -1e9]]]), "signed"),
    ]
    assert Picture(Heatmap("t", stages, ["q"], ["a", "b"])).span == (-2.0, 2.0)


@pytest.mark.parametrize(
    ("values", "scale", "span"),
    [
        ([0.3, 0.6], "attention", (0.0, 0.6)),  # from 0 upward, so that lengths of color are honest
        ([-1.0, 3.0], "attention", (-1.0, 3.0)),
        ([-1.0, 3.0], "signed", (-3.0, 3.0)),
        ([0.0, 0.0], "signed", (-1.0, 1.0)),
        ([0.0, 0.0], "attention", (0.0, 1.0)),
        ([math.nan, math.inf], "attention", (0.0, 1.0)),
        ([0.0, 1.0], "mask", (0.0, 1.0)),
    ],
)
def test_ranges_by_hand(values: list[float], scale: str, span: tuple[float, float]) -> None:
    for cells in ([[values]], np.array([[values]])):
        figure = Heatmap("t", [Stage("s", "s", cells, scale)], ["q"], ["a", "b"])  # type: ignore[arg-type]
        assert Picture(figure).span == span


def test_float16_is_read_without_overflow() -> None:
    cells = np.array([[[-65504.0, 2.0]]], np.float16)
    assert Picture(Heatmap("t", [Stage("s", "s", cells, "signed")], ["q"], ["a", "b"])).span == (-65504.0, 65504.0)


def test_masks_hold_from_their_stage_on() -> None:
    picture = Picture(by_hand())
    known = []
    for stage in range(4):
        picture.stage_index = stage
        known.append(picture.masked(0))
    assert known == [None, None, None, [False, False, True]]


def test_blocks_are_said_by_their_largest_value() -> None:
    values = np.arange(30, dtype=float).reshape(1, 5, 6) - 14
    picture = Picture(Heatmap("t", [Stage("s", "s", values, "signed")], "abcde", "abcdef"))
    largest = [[max(values[0, r : r + 2, c : c + 4].flat) for c in (0, 4)] for r in (0, 2, 4)]
    assert picture.plane().pooled(2, 4, False) == largest
    by_size = [[max(values[0, r : r + 2, c : c + 4].flat, key=abs) for c in (0, 4)] for r in (0, 2, 4)]
    assert picture.plane().pooled(2, 4, True) == by_size


def test_a_block_with_nan_says_so() -> None:
    values = [[[1.0, math.nan], [2.0, 3.0]]]
    picture = Picture(Heatmap("t", [Stage("s", "s", values)], "ab", "ab"))
    pooled = picture.plane().pooled(2, 1, False)
    assert pooled[0][0] == 2.0 and math.isnan(pooled[0][1])


def test_another_figure_keeps_stage_and_head() -> None:
    picture = Picture(attention(4), stage=1, head=3)
    picture.update(attention(2, seed=5))
    assert (picture.stage.name, picture.head) == ("scaled", 1)
    picture.update(Heatmap("t", [Stage("other", "o", [[[1.0]]])], ["a"], ["b"]))
    assert (picture.stage.name, picture.head) == ("other", 0)


@pytest.mark.parametrize("cells", [np.zeros((2, 3, 2)), [[[0, 0], [0, 0, 0], [0, 0, 0]]] * 2, np.zeros((3, 3))])
def test_cells_of_another_shape_are_refused_by_name(cells: object) -> None:
    figure = attention()
    figure = replace(figure, stages=[Stage("scores", "s", cells)])
    said = "heatmap 'attention': stage 'scores' has cells .* 2 heads, 3 row labels and 3 column labels"
    with pytest.raises(FigureError, match=said):
        Picture(figure)


def test_a_heatmap_without_a_stage_is_refused() -> None:
    with pytest.raises(FigureError, match="has no stage"):
        Picture(Heatmap("t", [], ["a"], ["b"]))


def test_a_row_as_text_goes_into_a_spreadsheet() -> None:
    assert Picture(by_hand()).row_as_text(0) == "query\t看\t见\t猫\n我\t0.25\t0.5\t0"


def test_a_stage_of_yes_and_no_says_its_own_and_only_a_mask_says_masked() -> None:
    seen = [[[True, False]]]
    two = Heatmap(
        "t", [Stage("block", "in a block", seen, "mask"), Stage("near", "near", [[[False, True]]], "mask")], "a", "bc"
    )
    assert Picture(two).explain(0, 0, "en") == "query a → key b: in a block yes, near no"
    assert Picture(two).explain(0, 1, "en") == "query a → key c: in a block no, near yes"
    mask = Heatmap("t", [Stage("mask", "may see", seen, "mask")], "a", "bc")
    assert Picture(mask).explain(0, 1, "en") == "query a → key c: masked yes"
