"""Normalized queries and keys, and capped scores: against a float64 loop, with a cache, and at their bounds."""

from __future__ import annotations

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.backend import mx, to_numpy, tree_flatten
from mlxformer.errors import ArgumentError
from tests.mlxformer.comparing import assert_close, assert_gradients, numbers
from tests.mlxformer.observing import filled

T, C, H, D = 6, 12, 3, 4


def by_hand(layer: mf.MultiHeadAttention, x: np.ndarray, qk_norm: bool, cap: float | None) -> np.ndarray:
    """One row, head by head and query by query, causal."""
    w = {path: to_numpy(value).astype(np.float64) for path, value in tree_flatten(layer.parameters())}

    def project(name: str, norm: str) -> np.ndarray:
        y = (x @ w[f"{name}_proj.weight"].T).reshape(T, H, D)
        return y / np.sqrt((y**2).mean(-1, keepdims=True) + 1e-5) * w[f"{norm}.weight"] if qk_norm and norm else y

    q, k, v = project("query", "query_norm"), project("key", "key_norm"), project("value", "")
    heads = np.zeros((T, H, D))
    for h, i in np.ndindex(H, T):
        scores = np.array([q[i, h] @ k[j, h] / np.sqrt(D) for j in range(i + 1)])
        scores = cap * np.tanh(scores / cap) if cap else scores
        powers = np.exp(scores - scores.max())
        heads[i, h] = powers / powers.sum() @ v[: i + 1, h]
    return heads.reshape(T, C) @ w["out_proj.weight"].T


@pytest.mark.parametrize(("qk_norm", "cap"), [(True, None), (False, 0.5), (True, 1.5)])
def test_against_a_loop_and_with_a_cache(qk_norm: bool, cap: float | None) -> None:
    layer = filled(mf.MultiHeadAttention(C, H, bias=False, qk_norm=qk_norm, softcap=cap))
    x = numbers(1, T, C, seed=1, scale=3.0)
    wanted, given, cache = by_hand(layer, x[0].astype(np.float64), qk_norm, cap), mx.array(x), mf.KVCache()
    assert_close(layer(given, given, given, "causal")[0], wanted)
    parts = [layer(*[given[:, t : t + 1]] * 3, "causal", cache=cache) for t in range(T)]
    assert_close(mx.concatenate(parts, axis=1)[0], wanted)


def test_however_large_the_projections_the_scores_stay_bounded() -> None:
    x = mx.array(numbers(1, T, C, seed=2))
    for options, bound in (({"qk_norm": True}, D**0.5), ({"softcap": 2.0}, 2.0)):
        layer = filled(mf.MultiHeadAttention(C, H, bias=False, **options))
        for name in ("query_proj", "key_proj", *(("query_norm", "key_norm") if "qk_norm" in options else ())):
            ones = mx.ones_like(layer[name].weight)
            layer[name].weight = ones if name.endswith("norm") else layer[name].weight * 100.0
        with mf.trace(layer) as steps:
            layer(x, x, x)
        scores = steps["capped" if "softcap" in options else "scaled"].value
        assert 0.9 * bound < np.abs(scores).max() <= bound * (1 + 1e-6)


def test_gradients_by_finite_differences() -> None:
    layer = filled(mf.MultiHeadAttention(8, 2, bias=False, qk_norm=True, softcap=1.0))
    paths, values = zip(*sorted(tree_flatten(layer.parameters())), strict=True)

    def loss(x, *parameters):
        layer.load_weights(list(zip(paths, parameters, strict=True)))
        return mx.sum(mx.square(layer(x, x, x, "causal")))

    assert_gradients(loss, [numbers(1, 4, 8), *map(to_numpy, values)])


@pytest.mark.parametrize("cap", [0.0, -1.0, float("nan"), "50"])
def test_a_cap_that_is_none_is_refused(cap: object) -> None:
    with pytest.raises(ArgumentError, match="softcap"):
        mf.MultiHeadAttention(C, H, softcap=cap)
