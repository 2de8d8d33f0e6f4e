"""Masks: who may attend to whom, cell by cell, and what is refused."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlxformer.attention import masks
from mlxformer.backend import mx, to_numpy
from mlxformer.errors import ArgumentError
from tests.mlxformer.comparing import booleans

LENGTHS = st.integers(1, 12)


def test_causal_by_hand():
    assert to_numpy(masks.causal(3, 3)).tolist() == [[True, False, False], [True, True, False], [True, True, True]]
    assert to_numpy(masks.causal(1, 3)).tolist() == [[True, True, True]]  # a cache: the last query sees all
    assert to_numpy(masks.causal(3, 2)).tolist() == [[False, False], [True, False], [True, True]]


@settings(max_examples=60, deadline=None)
@given(queries=LENGTHS, keys=LENGTHS, left=st.integers(0, 14), right=st.integers(0, 14))
def test_every_cell_of_causal_and_sliding_window(queries, keys, left, right):
    causal, window = masks.causal(queries, keys), masks.sliding_window(queries, keys, left, right)
    assert causal.dtype == window.dtype == mx.bool_
    causal, window = to_numpy(causal), to_numpy(window)
    for i in range(queries):
        for j in range(keys):
            ahead = j - (i + keys - queries)
            assert causal[i, j] == (ahead <= 0)
            assert window[i, j] == (-left <= ahead <= right)


@settings(max_examples=30, deadline=None)
@given(queries=LENGTHS, keys=LENGTHS, reach=st.integers(0, 30))
def test_windows_grow_into_the_masks_they_tend_to(queries, keys, reach):
    wide = queries + keys
    causal = to_numpy(masks.causal(queries, keys))
    np.testing.assert_array_equal(to_numpy(masks.sliding_window(queries, keys, wide, 0)), causal)
    assert to_numpy(masks.sliding_window(queries, keys, wide, wide)).all()
    narrower, wider = (to_numpy(masks.sliding_window(queries, keys, r, r)) for r in (reach, reach + 1))
    assert (wider | ~narrower).all()


@settings(max_examples=40, deadline=None)
@given(queries=LENGTHS, keys=LENGTHS, length=st.integers(0, 14))
def test_every_cell_of_prefix(queries, keys, length):
    mask = masks.prefix(queries, keys, length)
    assert mask.dtype == mx.bool_ and mask.shape == (queries, keys)
    for i, j in np.ndindex(queries, keys):
        assert to_numpy(mask)[i, j] == (j < length or j <= i + keys - queries)


@settings(max_examples=20, deadline=None)
@given(length=st.integers(2, 12), split=st.integers(1, 11))
def test_with_a_cache_the_mask_is_the_lower_part_of_the_whole(length, split):
    split = min(split, length - 1)
    whole = to_numpy(masks.causal(length, length))
    np.testing.assert_array_equal(to_numpy(masks.causal(length - split, length)), whole[split:])


def test_padding_gives_every_query_of_every_head_its_sequences_keys():
    valid = booleans(3, 5)
    mask = masks.padding(mx.array(valid))
    assert mask.shape == (3, 1, 1, 5)
    np.testing.assert_array_equal(to_numpy(mask)[:, 0, 0], valid)


@pytest.mark.parametrize("kind", [np.bool_, np.int32, np.float32, np.uint8])
def test_hugging_faces_attention_mask_takes_zero_and_one(kind):
    given = np.array([[1, 1, 0], [1, 0, 0]]).astype(kind)
    mask = masks.from_attention_mask(mx.array(given), (2, 3))
    assert mask.dtype == mx.bool_
    np.testing.assert_array_equal(to_numpy(mask), given.astype(bool))


def test_combine_is_logical_and_over_broadcast_shapes():
    valid, window = booleans(2, 6, seed=1), to_numpy(masks.sliding_window(4, 6, 2, 0))
    combined = masks.combine(None, masks.padding(mx.array(valid)), mx.array(window), None)
    assert combined.shape == (2, 1, 4, 6)
    np.testing.assert_array_equal(to_numpy(combined)[:, 0], valid[:, None] & window[None])
    assert masks.combine() is None and masks.combine(None, None) is None
    assert masks.combine(mx.array(window)).shape == (4, 6)


@pytest.mark.parametrize(
    ("call", "code", "says"),
    [
        (lambda: masks.causal(0, 3), "not-positive", "query_length"),
        (lambda: masks.causal(3, -1), "not-positive", "key_length"),
        (lambda: masks.causal(3.0, 3), "not-positive", "3.0"),
        (lambda: masks.sliding_window(3, 3, -1, 0), "window-negative", "left"),
        (lambda: masks.sliding_window(3, 3, 0, -2), "window-negative", "right"),
        (lambda: masks.prefix(3, 3, -1), "prefix-negative", "-1"),
        (lambda: masks.prefix(3, 3, 1.5), "prefix-negative", "1.5"),
        (lambda: masks.padding(mx.array([[1, 0]])), "mask-not-boolean", "valid != 0"),
        (lambda: masks.padding(mx.array([True, False])), "wrong-shape", "[batch, key]"),
        (lambda: masks.padding(np.array([[True]])), "not-an-array", "numpy.ndarray"),
        (lambda: masks.padding([[True]]), "not-an-array", "list"),
        (lambda: masks.padding(mx.zeros((2, 0), dtype=mx.bool_)), "empty-axis", "axis key"),
        (lambda: masks.combine(mx.array([[1]])), "mask-not-boolean", "mask != 0"),
        (lambda: masks.combine(mx.ones((2, 3, 4), dtype=mx.bool_)), "mask-rank", "mf.masks.padding"),
        (lambda: masks.combine("causal", None), "mask-string-combined", "mf.masks.causal(Tq, Tk)"),
        (
            lambda: masks.combine(mx.ones((3, 3), dtype=mx.bool_), mx.ones((4, 4), dtype=mx.bool_)),
            "masks-do-not-combine",
            "[3, 3] and [4, 4]",
        ),
        (lambda: masks.from_attention_mask(mx.array([[2, 1]]), (1, 2)), "attention-mask-values", "holds 2"),
        (lambda: masks.from_attention_mask(mx.array([[-1.0, 1.0]]), (1, 2)), "attention-mask-values", "holds -1"),
        (lambda: masks.from_attention_mask(mx.array([[np.nan]]), (1, 1)), "attention-mask-values", "nan"),
        (lambda: masks.from_attention_mask(mx.array([[0.5, 1.0]]), (1, 2)), "attention-mask-values", "0.5"),
        (lambda: masks.from_attention_mask(mx.array([[1, 1]]), (1, 3)), "wrong-shape", "time=3"),
        (lambda: masks.from_attention_mask(np.array([[1, 1]]), (1, 2)), "not-an-array", "attention_mask"),
    ],
)
def test_bad_input_is_named_with_its_cure(call, code, says):
    with pytest.raises(ArgumentError) as caught:
        call()
    assert caught.value.code == code
    assert says in str(caught.value)
