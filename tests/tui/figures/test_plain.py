"""Figures as strict JSON, and what was not finite."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from questions.bilingual import Bilingual
from tests.tui.figures.examples import ALL, CURVE, TENSOR, attention, odd
from tui.figures.data import FIGURE_KINDS, Figure, Heatmap, Stage
from tui.figures.plain import figure_to_plain, strict


@pytest.mark.parametrize("figure", ALL, ids=lambda figure: figure.kind)
def test_every_kind_is_strict_json(figure: Figure) -> None:
    plain = figure_to_plain(figure)
    read = json.loads(json.dumps(plain, allow_nan=False))
    assert read == plain
    assert read["kind"] == figure.kind
    assert set(read) >= {"title", "nonfinite"}


def test_every_kind_is_among_them() -> None:
    assert {type(figure) for figure in ALL} == set(FIGURE_KINDS)


def test_labels_in_two_languages() -> None:
    plain = figure_to_plain(CURVE)
    assert (plain["title"], plain["x_label"]) == ({"zh": "熵", "en": "entropy"}, "d_k")
    assert plain["marks"] == [[16, {"zh": "现在", "en": "now"}]]


def test_what_is_not_finite_is_null_and_named() -> None:
    plain = figure_to_plain(odd())
    assert plain["stages"][0]["values"][0][0][:3] == [None, None, None]
    assert plain["nonfinite"] == {
        "stages[0].values[0][0][0]": "nan",
        "stages[0].values[0][0][1]": "inf",
        "stages[0].values[0][0][2]": "-inf",
    }
    assert figure_to_plain(CURVE)["nonfinite"] == {"series[0].y[2]": "nan", "series[1].y[4]": "inf"}


def test_arrays_and_lists_give_the_same() -> None:
    from_array, from_list = figure_to_plain(attention()), figure_to_plain(attention(arrays=False))
    cells = [[stage["values"] for stage in plain["stages"]] for plain in (from_array, from_list)]
    assert np.array_equal(np.float32(cells[0]), np.float32(cells[1]))


@given(st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False), min_size=1, max_size=20))
def test_a_float32_comes_back_from_its_digits(values: list[float]) -> None:
    cells = np.array([[values]], np.float32)
    figure = Heatmap("t", [Stage("s", "s", cells)], ["q"], ["k"] * len(values))
    back = json.loads(json.dumps(figure_to_plain(figure)))["stages"][0]["values"]
    assert np.array_equal(np.array(back, np.float32), cells)


def test_a_float32_is_not_written_with_the_digits_of_its_double() -> None:
    assert strict(np.array([0.1], np.float32))[0] == [0.1]


def test_a_tensor_has_its_statistics() -> None:
    stats = figure_to_plain(TENSOR)["stats"]
    assert (stats["shape"], stats["zeros"], stats["nan"], stats["plus_infinity"]) == ([2, 3], 1, 1, 1)
    assert stats["mean"] == 0.0 and stats["low"] == -4.0


def test_scalars_of_every_kind() -> None:
    given = {"a": np.float32(0.5), "b": np.int64(3), "c": np.bool_(True), "d": (None, "x"), "e": -math.inf}
    assert strict(given) == ({"a": 0.5, "b": 3, "c": True, "d": [None, "x"], "e": None}, {"e": "-inf"})
    assert strict(Bilingual("一", None)) == ({"zh": "一", "en": None}, {})


def test_what_has_no_plain_form_is_refused_by_its_place() -> None:
    with pytest.raises(TypeError, match=r"steps\[0\] is a object"):
        strict({"steps": [object()]})
    with pytest.raises(TypeError, match="a int is no figure"):
        figure_to_plain(3)  # type: ignore[arg-type]
