"""The statistics of a tensor against NumPy's in float64, and its numbers as a map."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from questions.bilingual import say
from tests.tui.figures.examples import FLOAT32_MIN
from tui.figures.data import Tensor
from tui.figures.heatmap import Picture
from tui.figures.heatmap_cells import FILL
from tui.figures.look import Look
from tui.figures.tensor_stats import summary, tensor_stats
from tui.figures.tensor_text import as_heatmap, corner

SHAPES = arrays.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=4)


@given(arrays.arrays(np.float32, SHAPES, elements=st.floats(width=32)))
def test_arrays_and_lists_have_the_same_statistics(values: np.ndarray) -> None:
    of_array, of_lists = tensor_stats(values), tensor_stats(values.tolist())
    finite = values[(values > FILL) & (values < np.inf)].astype(np.float64)
    for stats in (of_array, of_lists):
        assert (stats.size, stats.zeros, stats.nan) == (values.size, (values == 0).sum(), np.isnan(values).sum())
        assert (stats.plus_infinity, stats.minus_infinity) == ((values == np.inf).sum(), (values == -np.inf).sum())
        assert stats.size == finite.size + stats.nan + stats.plus_infinity + stats.minus_infinity + stats.fill
        if finite.size:
            assert (stats.low, stats.high) == (finite.min(), finite.max())
            assert stats.mean == pytest.approx(finite.mean(), rel=1e-6, abs=1e-6 * abs(finite).max())
            assert stats.std == pytest.approx(finite.std(), rel=1e-5, abs=1e-6 * abs(finite).max())
        else:
            assert stats.mean is stats.std is stats.low is stats.high is None
    assert of_array.shape == values.shape


@pytest.mark.parametrize("dtype", ["float16", "int32", "bool", "float64"])
def test_other_dtypes(dtype: str) -> None:
    stats = tensor_stats(np.array([[0, 1], [1, 1]], dtype))
    assert (stats.dtype, stats.mean, stats.low, stats.high, stats.zeros) == (dtype, 0.75, 0.0, 1.0, 1)


def test_float16_does_not_overflow() -> None:
    assert tensor_stats(np.full(100, 60000, np.float16)).mean == 60000


def test_fills_of_a_mask_are_counted_and_left_out() -> None:
    stats = tensor_stats(np.array([1.0, 3.0, FLOAT32_MIN], np.float32))
    assert (stats.mean, stats.low, stats.fill) == (2.0, 1.0, 1)
    assert summary(("key",), stats, "en") == "(key 3) float32  2 ± 1  [1, 3]  1 mask fills"


def test_summaries() -> None:
    assert summary((), tensor_stats(np.float32(2.5)), "en") == "() float32  2.5"
    assert summary(("a", "b"), tensor_stats(np.zeros((0, 3), np.float32)), "zh") == "(a 0, b 3) float32"
    assert summary(("x",), tensor_stats([math.nan, 1.0]), "zh") == "(x 2)  1 ± 0  [1, 1]  1 NaN"


@pytest.mark.parametrize("as_array", [True, False])
@pytest.mark.parametrize("shape", [(5,), (2, 3), (4, 2, 3), (2, 4, 2, 3)])
def test_every_number_is_somewhere_on_the_map(shape: tuple[int, ...], as_array: bool) -> None:
    values = np.arange(math.prod(shape), dtype=np.float32).reshape(shape)
    axes = ("batch", "head", "query", "key")[-len(shape) :]
    heatmap = as_heatmap(Tensor("t", axes, values if as_array else values.tolist()))
    assert heatmap is not None
    pictures = [Picture(heatmap, head=head) for head in range(len(heatmap.heads))]
    read = [picture.plane().row(row) for picture in pictures for row in range(picture.rows)]
    assert np.array_equal(np.array(read, np.float32).reshape(shape), values)


def test_places_on_the_leading_axes_are_named() -> None:
    heatmap = as_heatmap(Tensor("t", ("batch", "head", "query", "key"), np.zeros((1, 2, 3, 4))))
    assert heatmap is not None
    assert [say(head, "en") for head in heatmap.heads] == ["batch 0, head 0", "batch 0, head 1"]
    assert say(heatmap.heads[1], "zh") == "批 0, 头 1"
    assert (say(heatmap.row_axis, "en"), say(heatmap.column_axis, "en")) == ("query", "key")


@pytest.mark.parametrize("values", [np.float32(1), np.zeros((0, 3)), []])
def test_what_has_no_numbers_to_walk_has_no_map(values: object) -> None:
    assert as_heatmap(Tensor("t", (), values)) is None
    assert corner(values, 40, Look()) == []


def test_a_corner_says_that_there_is_more() -> None:
    lines = corner(np.arange(100.0).reshape(10, 10), 36, Look())
    assert lines[0].split() == ["0", "1", "2", "⋯"]
    assert lines[-1].strip() == "⋯" and len(lines) == 7
