"""Packed documents against a loop over pairs, and a model's numbers against those of each document alone."""

from __future__ import annotations

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.backend import mx, to_numpy
from mlxformer.errors import ArgumentError
from mlxformer.training.packing import pack
from tests.mlxformer.comparing import assert_close, numbers
from tests.mlxformer.observing import filled


def test_every_document_is_whole_once_and_rows_are_few() -> None:
    generator = np.random.default_rng(0)
    documents = [generator.integers(1, 99, size) for size in (3, 9, 4, 1, 6, 7, 2)]
    packed = pack(documents, 10)
    assert packed.ids.shape == (4, 10)  # 32 tokens: 9 + 1, 7 + 3, 6 + 4, 2
    for document, (row, start) in zip(documents, packed.places, strict=True):
        here = slice(start, start + len(document))
        assert packed.ids[row, here].tolist() == document.tolist()
        assert packed.positions[row, here].tolist() == list(range(len(document)))
        assert len(set(packed.segments[row, here])) == 1
    assert (packed.segments > 0).sum() == sum(map(len, documents))
    assert (packed.ids[packed.segments == 0] == 0).all()
    assert pack([], 10).ids.shape == (0, 10)


def test_the_mask_by_a_loop() -> None:
    segments = np.array([[1, 1, 2, 2, 0], [1, 0, 0, 0, 0]], np.int32)
    found = to_numpy(mf.masks.documents(mx.array(segments)))
    for b, t, s in np.ndindex(2, 5, 5):
        assert found[b, 0, t, s] == (s <= t and segments[b, s] == segments[b, t] != 0)


def test_packed_equals_alone() -> None:
    stack = filled(mf.CausalStack(2, 16, 2, 32))
    lengths, x = (4, 3), numbers(1, 7, 16)
    whole = stack(mx.array(x), mf.masks.documents(mx.array([[1] * 4 + [2] * 3])))
    alone = [stack(mx.array(part)) for part in np.split(x, [lengths[0]], axis=1)]
    assert_close(whole, np.concatenate([to_numpy(each) for each in alone], axis=1))


@pytest.mark.parametrize("document", [np.array([], np.int32), np.arange(4), np.zeros((1, 2), np.int32)])
def test_a_document_that_does_not_fit_is_refused(document: np.ndarray) -> None:
    with pytest.raises(ArgumentError, match="document 1"):
        pack([np.array([1]), document], 3)
