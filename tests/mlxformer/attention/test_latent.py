"""Latent attention: both forms against a float64 loop, with the cache, and in their gradients."""

from __future__ import annotations

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.attention import masks
from mlxformer.backend import mx, to_numpy, tree_flatten
from mlxformer.errors import ArgumentError
from tests.mlxformer.comparing import assert_bit_equal, assert_close, assert_gradients, booleans, is_float32, numbers
from tests.mlxformer.observing import batch, filled
from tests.mlxformer.references import attention_loop, causal_loop

B, T, C, H, L = 2, 6, 16, 4, 5


def by_heads(layer: mf.LatentAttention, queries: np.ndarray, source: np.ndarray, mask: np.ndarray | None) -> np.ndarray:
    """Every token's latent expanded by each head's own rows, then a loop over heads, queries and keys: float64."""

    def linear(projection, x):
        y = x.astype(np.float64) @ to_numpy(projection.weight).astype(np.float64).T
        return y + to_numpy(projection.bias) if "bias" in projection else y

    def split(x):
        return np.stack([x[:, :, h * layer.head_dim : (h + 1) * layer.head_dim] for h in range(H)], axis=1)

    latents = linear(layer.latent_proj, source)
    keys, values = split(linear(layer.key_up, latents)), split(linear(layer.value_up, latents))
    heads, _ = attention_loop(split(linear(layer.query_proj, queries)), keys, values, mask=mask)
    return linear(layer.out_proj, np.concatenate(list(heads.swapaxes(0, 1)), axis=-1))


@pytest.mark.parametrize("absorbed", [False, True])
@pytest.mark.parametrize("options", [{}, {"bias": True}, {"head_dim": 3}])
@pytest.mark.parametrize("kind", ["none", "causal", "blind"])
def test_both_forms_against_a_loop(absorbed, options, kind):
    layer = filled(mf.LatentAttention(C, H, L, **options))
    queries, source = numbers(B, T, C, seed=1), numbers(B, T + 2, C, seed=2)
    allowed = {"none": None, "causal": causal_loop(T, T + 2), "blind": booleans(B, 1, T, T + 2, seed=3)}[kind]
    if kind == "blind":
        allowed[0, :, 1] = False  # a query that may see nothing
    mask = {"none": None, "causal": "causal"}.get(kind, None if allowed is None else mx.array(allowed))
    y = layer(mx.array(queries), mx.array(source), mask, absorbed=absorbed)
    with mf.trace(layer) as steps:
        traced = layer(mx.array(queries), mx.array(source), mask, absorbed=absorbed)
    wanted = by_heads(layer, queries, source, allowed)
    assert is_float32(y, traced)
    assert_close(y, wanted)
    assert_close(traced, wanted)
    assert steps["latents"].value.shape == (B, T + 2, L)


def rotated_by_hand(x: np.ndarray) -> np.ndarray:
    """[H, T, R] turned pair by pair, base 10,000."""
    y = x.astype(np.float64)
    for place in range(x.shape[1]):
        for pair in range(x.shape[2] // 2):
            angle = place * 10_000.0 ** (-2 * pair / x.shape[2])
            turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
            y[:, place, 2 * pair : 2 * pair + 2] = y[:, place, 2 * pair : 2 * pair + 2] @ turn
    return y


@pytest.mark.parametrize("absorbed", [False, True])
def test_the_decoupled_part_against_a_loop(absorbed):
    layer, x = filled(mf.LatentAttention(C, H, L, rope=mf.RotaryEmbedding(6))), numbers(1, T, C, seed=1)
    weights = {path: to_numpy(value).astype(np.float64) for path, value in tree_flatten(layer.parameters())}
    latents = x[0] @ weights["latent_proj.weight"].T
    shared = rotated_by_hand((x[0] @ weights["key_rope_proj.weight"].T)[None])[0]
    heads, D = [], layer.head_dim
    for h in range(H):
        rows, turned = slice(h * D, (h + 1) * D), slice(h * 6, (h + 1) * 6)
        q = x[0] @ weights["query_proj.weight"][rows].T
        q_turned = rotated_by_hand((x[0] @ weights["query_rope_proj.weight"][turned].T)[None])[0]
        k = latents @ weights["key_up.weight"][rows].T
        scores = (q @ k.T + q_turned @ shared.T) / np.sqrt(D + 6)
        scores[~causal_loop(T, T)] = -np.inf
        powers = np.exp(scores - scores.max(-1, keepdims=True))
        heads.append(powers / powers.sum(-1, keepdims=True) @ (latents @ weights["value_up.weight"][rows].T))
    wanted = np.concatenate(heads, axis=-1) @ weights["out_proj.weight"].T
    y = layer(mx.array(x), mx.array(x), "causal", absorbed=absorbed)
    assert_close(y[0], wanted)
    cache = mf.KVCache()
    parts = [layer(mx.array(x[:, t : t + 1]), mx.array(x[:, t : t + 1]), "causal", cache=cache, absorbed=absorbed)
             for t in range(T)]  # fmt: skip
    assert_close(mx.concatenate(parts, axis=1)[0], wanted)
    assert [part.shape for part in cache.fetch()] == [(1, 1, T, L), (1, 1, T, 6)]


@pytest.mark.parametrize("latents", [1, 5, 16, 40])
def test_absorbed_is_expanded_without_keys_and_values(latents):
    layer, x = filled(mf.LatentAttention(C, H, latents)), batch(B, T, C)
    with mf.trace(layer) as steps:
        expanded = layer(x, x, "causal")
    with mf.trace(layer) as absorbed_steps:
        absorbed = layer(x, x, "causal", absorbed=True)
    assert_close(absorbed, expanded)
    assert_close(absorbed_steps["weights"].value, steps["weights"].value)
    assert {"keys", "values"} <= {step.path for step in steps}
    assert not {"keys", "values"} & {step.path for step in absorbed_steps}


def test_a_latent_as_wide_as_the_keys_can_be_any_multi_head_attention():
    """With W_DKV the identity nothing is compressed, and what remains is ``MultiHeadAttention``."""
    layer, full, x = filled(mf.LatentAttention(C, H, C)), mf.MultiHeadAttention(C, H, bias=False), batch(B, T, C)
    layer.load_weights([("latent_proj.weight", mx.array(np.eye(C, dtype=np.float32)))], strict=False)
    names = {"query_proj": "query_proj", "key_up": "key_proj", "value_up": "value_proj", "out_proj": "out_proj"}
    full.load_weights([(f"{theirs}.weight", layer[ours].weight) for ours, theirs in names.items()])
    assert_close(layer(x, x, "causal", absorbed=True), full(x, x, x, "causal"))


@pytest.mark.parametrize("absorbed", [False, True])
@pytest.mark.parametrize("sizes", [[1] * T, [4, 2], [1, 3, 2]])
def test_with_a_cache_as_in_one_pass(absorbed, sizes):
    layer, x, cache = filled(mf.LatentAttention(C, H, L, bias=True)), batch(B, T, C), mf.KVCache()
    parts, start = [], 0
    for size in sizes:
        piece = x[:, start : start + size]
        parts.append(layer(piece, piece, "causal", cache=cache, absorbed=absorbed))
        start += size
    assert_close(mx.concatenate(parts, axis=1), layer(x, x, "causal"))
    assert [part.shape for part in cache.fetch()] == [(B, 1, T, L)] and len(cache) == T


@pytest.mark.parametrize("absorbed", [False, True])
def test_gradients_agree_with_finite_differences(absorbed):
    layer = filled(mf.LatentAttention(8, 2, 3, bias=True))
    paths, values = zip(*sorted(tree_flatten(layer.parameters())), strict=True)
    weigh = batch(1, 4, 8, seed=9)

    def loss(x, *parameters):
        layer.load_weights(list(zip(paths, parameters, strict=True)))
        return mx.sum(layer(x, x, "causal", absorbed=absorbed) * weigh)

    assert_gradients(loss, [numbers(1, 4, 8), *map(to_numpy, values)])


def test_bad_input_is_refused_and_the_cache_stays_as_it_was():
    layer, x, cache = filled(mf.LatentAttention(C, H, L)), batch(B, T, C), mf.KVCache()
    with pytest.raises(ArgumentError, match="cache is empty"):
        cache.fetch()
    layer(x, x, cache=cache)
    (before,) = cache.fetch()
    for call, message in (
        (lambda: mf.LatentAttention(C, 3, L), "not divisible"),
        (lambda: mf.LatentAttention(C, H, 0), "latent_dims must be a whole number"),
        (lambda: mf.LatentAttention(C, H, L, head_dim=0), "head_dim must be a whole number"),
        (lambda: mf.LatentAttention(C, H, L, rope=6), "with a width of its own"),
        (lambda: mf.LatentAttention(C, H, L, rope=mx.sin), "with a width of its own"),
        (lambda: layer(x[:, :, :5], x), "queries"),
        (lambda: layer(x, x[:1]), "source"),
        (lambda: layer(x, [1.0]), "source"),
        (lambda: layer(x, x, cache=[mf.KVCache()]), "mf.KVCache"),
        (lambda: layer(x[:1], x[:1], cache=cache), "cannot follow"),
        (lambda: layer(x, x, masks.causal(T, T), cache=cache), "mask"),
        (lambda: cache.update(x[:, None]), "cannot follow"),
        (lambda: cache.update(before, before), "holds 1 arrays a token"),
        (lambda: cache.update(x[0]), "keys"),
    ):
        with pytest.raises(ArgumentError, match=message):
            call()
    assert_bit_equal(cache.fetch()[0], before)
