"""The blockwise recurrence equals the softmax of whole rows, whatever the blocks, the mask or the size of scores."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.backend import mx, to_numpy
from mlxformer.teaching.online_softmax import blockwise_attention
from tests.mlxformer.comparing import assert_close, assert_gradients, booleans, numbers


def arrays(queries: int = 7, keys: int = 9, dim: int = 8) -> list[Any]:
    lengths = (queries, keys, keys)
    return [mx.array(numbers(2, 3, length, dim, seed=seed)) for seed, length in enumerate(lengths)]


@pytest.mark.parametrize("block_size", [1, 2, 4, 9, 64])
@pytest.mark.parametrize("mask", [None, "causal"])
@pytest.mark.parametrize("scale", [None, 0.0, 5.0])
def test_equals_the_full_softmax(block_size: int, mask: str | None, scale: float | None) -> None:
    q, k, v = arrays()
    got = blockwise_attention(q, k, v, scale=scale, mask=mask, block_size=block_size)
    assert got.dtype == mx.float32
    factor = 8**-0.5 if scale is None else scale
    scores = factor * to_numpy(q).astype(np.float64) @ to_numpy(k).swapaxes(-1, -2)
    if mask:
        scores = np.where(np.tri(7, 9, 2, dtype=bool), scores, -np.inf)
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    assert_close(got, (weights @ to_numpy(v)).astype(np.float32), 1e-5)


@pytest.mark.parametrize("shape", [(7, 9), (2, 3, 7, 9), (2, 1, 1, 9), (2, 1, 7, 1)])
def test_any_mask_and_rows_with_nothing_to_attend_to(shape: tuple[int, ...]) -> None:
    q, k, v = arrays()
    allowed = booleans(*shape, share=0.5)
    allowed[..., 0, :] = False  # such a query gives zeros, as everywhere in this package
    mask = mx.array(allowed)
    got = blockwise_attention(q, k, v, mask=mask, block_size=2)
    assert_close(got, mf.scaled_dot_product_attention(q, k, v, mask=mask), 1e-6)


def test_scores_of_a_thousand_do_not_overflow() -> None:
    q, k, v = arrays()
    got = to_numpy(blockwise_attention(q, k, v, scale=1000.0, block_size=2))
    assert np.isfinite(got).all()
    best = (to_numpy(q) @ to_numpy(k).swapaxes(-1, -2)).argmax(-1)
    np.testing.assert_allclose(got, np.take_along_axis(to_numpy(v), best[..., None], axis=2), atol=1e-5)


def test_the_trace_shows_the_running_maximum_sum_and_output() -> None:
    q, k, v = arrays()
    with mf.trace() as steps:
        output = blockwise_attention(q, k, v, block_size=4)
    scores = np.concatenate([step.value for step in steps.all("block_scores")], axis=-1)
    assert scores.shape == (2, 3, 7, 9)
    for step, seen in zip(steps.all("running_max"), (4, 8, 9), strict=True):
        np.testing.assert_array_equal(step.value[..., 0], scores[..., :seen].max(-1))
    last = steps.all("accumulated")[-1].value / steps.all("running_sum")[-1].value
    np.testing.assert_allclose(last, to_numpy(output), rtol=1e-6)


def test_gradients() -> None:
    weights = mx.array(numbers(2, 3, 7, 8, seed=9))
    raw = [to_numpy(x) for x in arrays()]
    assert_gradients(lambda q, k, v: mx.sum(weights * blockwise_attention(q, k, v, mask="causal", block_size=4)), raw)


def test_wrong_arguments() -> None:
    q, k, v = arrays()
    with pytest.raises(mf.ArgumentError, match="block_size must be a whole number of at least 1; got 0"):
        blockwise_attention(q, k, v, block_size=0)
    with pytest.raises(mf.ArgumentError, match="v must have shape"):
        blockwise_attention(q, k, v[:, :, :3])
