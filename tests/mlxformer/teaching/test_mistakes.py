"""Each wrong recipe is wrong in exactly the way that it is named for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.backend import mx, to_numpy
from mlxformer.teaching import mistakes
from tests.mlxformer.comparing import assert_bit_equal, assert_close, numbers

WRONG: list[Callable[..., Any]] = [
    mistakes.softmax_over_queries,
    mistakes.mask_after_softmax,
    mistakes.softmax_without_max,
]


def arrays(batch: int = 2, heads: int = 3, time: int = 5, dim: int = 4, scale: float = 1.0) -> list[Any]:
    return [mx.array(numbers(batch, heads, time, dim, seed=seed, scale=scale)) for seed in range(3)]


def softmax(x: np.ndarray, axis: int) -> np.ndarray:
    powers = np.exp(x.astype(np.float64) - x.max(axis, keepdims=True))
    return powers / powers.sum(axis, keepdims=True)


def weights_of(recipe: Callable[..., Any], *qkv: Any, **how: Any) -> np.ndarray:
    with mf.trace() as steps:
        recipe(*qkv, **how)
    return steps["weights"].value


@pytest.mark.parametrize("recipe", WRONG)
@pytest.mark.parametrize("mask", [None, "causal"])
def test_shape_and_taps_are_those_of_the_right_thing(recipe: Callable[..., Any], mask: str | None) -> None:
    q, k, v = arrays()
    with mf.trace() as right:
        wanted = mf.scaled_dot_product_attention(q, k, v, mask=mask)
    with mf.trace() as wrong:
        got = recipe(q, k, v, mask=mask)
    assert tuple(got.shape) == tuple(wanted.shape)
    assert set(right.paths) - {"masked"} <= set(wrong.paths)
    assert_close(wrong["scaled"].value, right["scaled"].value, 1e-6)


def test_softmax_over_queries() -> None:
    q, k, v = arrays()
    expected = softmax(to_numpy(q) @ to_numpy(k).swapaxes(-1, -2) / 2, axis=-2)
    got = weights_of(mistakes.softmax_over_queries, q, k, v)
    assert_close(got, expected.astype(np.float32))
    np.testing.assert_allclose(got.sum(-2), 1, atol=1e-6)
    assert np.abs(got.sum(-1) - 1).max() > 0.1
    assert_close(mistakes.softmax_over_queries(q, k, v), (expected @ to_numpy(v)).astype(np.float32))


def test_softmax_over_queries_keeps_to_the_mask() -> None:
    q, k, v = arrays()
    got = weights_of(mistakes.softmax_over_queries, q, k, v, mask="causal")
    assert np.triu(got, 1).max() == 0
    np.testing.assert_allclose(got.sum(-2), 1, atol=1e-6)


def test_mask_after_softmax_throws_weight_away() -> None:
    q, k, v = arrays()
    everything = softmax(to_numpy(q) @ to_numpy(k).swapaxes(-1, -2) / 2, axis=-1)
    got = weights_of(mistakes.mask_after_softmax, q, k, v, mask="causal")
    assert_close(got, np.tril(everything).astype(np.float32))
    assert got.sum(-1)[..., :-1].max() < 1
    right = to_numpy(mf.scaled_dot_product_attention(q, k, v, mask="causal"))
    assert np.abs(to_numpy(mistakes.mask_after_softmax(q, k, v, mask="causal")) - right).max() > 0.3


def test_mask_after_softmax_lets_the_future_leak() -> None:
    """The last key is hidden from the first query, and yet changes its output, through the denominator."""
    q, k, v = arrays()
    changed = mx.array(np.concatenate([to_numpy(k)[:, :, :-1], 3 * to_numpy(k)[:, :, -1:]], axis=2))
    for recipe, leaks in ((mistakes.mask_after_softmax, True), (mf.scaled_dot_product_attention, False)):
        before, after = (to_numpy(recipe(q, keys, v, mask="causal"))[:, :, 0] for keys in (k, changed))
        assert bool(np.abs(before - after).max() > 0.01) is leaks


def test_mask_after_softmax_is_right_without_a_mask() -> None:
    q, k, v = arrays()
    assert_close(mistakes.mask_after_softmax(q, k, v), mf.scaled_dot_product_attention(q, k, v))


def test_softmax_without_max_is_right_while_scores_are_small_and_nan_when_large() -> None:
    small, large = arrays(), arrays(scale=6.0)
    right = to_numpy(mf.scaled_dot_product_attention(*small))
    got = mistakes.softmax_without_max(*small)
    assert got.dtype == mx.float16
    assert np.abs(to_numpy(got).astype(np.float32) - right).max() < 5e-3
    with mf.trace() as steps:
        mistakes.softmax_without_max(*large)
    overflowed = (steps["scaled"].value > np.log(65520)).any(-1)
    assert overflowed.any() and not overflowed.all()
    np.testing.assert_array_equal(np.isnan(steps["weights"].value).any(-1), overflowed)
    assert np.isfinite(to_numpy(mf.scaled_dot_product_attention(*large))).all()


def test_softmax_without_max_keeps_to_the_mask() -> None:
    got = weights_of(mistakes.softmax_without_max, *arrays(), mask="causal")
    assert np.triu(got, 1).max() == 0
    np.testing.assert_allclose(got.astype(np.float64).sum(-1), 1, atol=3e-3)


def test_float16_exponentials_are_infinite_from_twelve_on() -> None:
    powers = to_numpy(mistakes.exponentials_in_float16(mx.array([0.0, 11.0, 11.08, 11.1, 12.0])))
    assert powers.dtype == np.float16
    np.testing.assert_array_equal(np.isinf(powers), [False, False, False, True, True])
    assert float(powers[1]) == pytest.approx(59874, rel=1e-3)


def layers(dims: int, heads: int) -> tuple[Any, Any]:
    right = mf.MultiHeadAttention(dims, heads)
    wrong = mistakes.MultiHeadAttentionWithoutTranspose(dims, heads)
    wrong.update(right.parameters())
    return right, wrong


def test_without_the_transpose_a_head_gets_some_tokens_whole() -> None:
    right, wrong = layers(6, 3)
    x = mx.array(numbers(1, 4, 6))
    with mf.trace() as steps:
        got = wrong(x, x, x)
    projected = to_numpy(wrong.query_proj(x))[0]  # [4, 6]
    np.testing.assert_array_equal(steps["queries"].value[0], projected.reshape(3, 4, 2))
    assert np.abs(to_numpy(got) - to_numpy(right(x, x, x))).max() > 1e-2


@pytest.mark.parametrize(("heads", "time"), [(1, 4), (3, 1)])
def test_with_one_head_or_one_token_the_transpose_changes_nothing(heads: int, time: int) -> None:
    right, wrong = layers(6, heads)
    x = mx.array(numbers(2, time, 6))
    assert_bit_equal(wrong(x, x, x), right(x, x, x))


@pytest.mark.parametrize("recipe", WRONG)
def test_wrong_shapes_are_still_an_error(recipe: Callable[..., Any]) -> None:
    q, k, v = arrays()
    with pytest.raises(mf.ArgumentError, match="k must have shape"):
        recipe(q, k[..., :3], v)
    with pytest.raises(mf.ArgumentError, match="v must have shape"):
        recipe(q, k, v[:, :, :3])
