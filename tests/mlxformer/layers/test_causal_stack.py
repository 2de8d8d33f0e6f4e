"""A causal stack is an encoder under a causal mask, and gives the same with a cache as without."""

from __future__ import annotations

import numpy as np
import pytest

from mlxformer.attention.cache import KVCache
from mlxformer.backend import mx, to_numpy, tree_flatten
from mlxformer.errors import ArgumentError
from mlxformer.layers.causal_stack import CausalStack
from mlxformer.layers.config import LayerConfig
from mlxformer.layers.decoder_cache import DecoderCache
from mlxformer.layers.encoder import Encoder
from mlxformer.positions import RotaryEmbedding
from tests.mlxformer.comparing import numbers
from tests.mlxformer.parity_cases import filled

LLAMA = LayerConfig(
    norm="pre", norm_type="rms", activation="silu", gated=True, ffn_bias=False, attention_bias=False, num_kv_heads=2,
    rope=RotaryEmbedding(4),
)  # fmt: skip


@pytest.mark.parametrize("norm", ["pre", "post"])
def test_it_is_an_encoder_under_a_causal_mask(norm):
    config = LayerConfig(norm=norm)
    stack, encoder = filled(CausalStack(2, 16, 4, 32, config)), Encoder(2, 16, 4, 32, config)
    encoder.load_weights(list(tree_flatten(stack.parameters())))
    encoder.eval()
    x = mx.array(numbers(2, 5, 16))
    np.testing.assert_array_equal(to_numpy(stack(x)), to_numpy(encoder(x, "causal")))
    np.testing.assert_array_equal(to_numpy(stack(x, None)), to_numpy(encoder(x)))


@pytest.mark.parametrize("chunks", [(1,) * 7, (4, 1, 2), (7,), (1, 6)])
@pytest.mark.parametrize(
    "config",
    [
        LayerConfig(),
        LayerConfig(norm="pre", num_kv_heads=2),
        LayerConfig(norm="pre", num_kv_heads=1, rope=RotaryEmbedding(4)),
        LLAMA,
    ],
)
def test_a_cache_changes_nothing_however_the_text_is_cut(chunks, config):
    stack = filled(CausalStack(3, 16, 4, 32, config))
    x = mx.array(numbers(2, 7, 16))
    whole = to_numpy(stack(x))
    cache, parts, start = stack.make_cache(), [], 0
    for length in chunks:
        parts.append(to_numpy(stack(x[:, start : start + length], cache=cache)))
        start += length
    np.testing.assert_allclose(np.concatenate(parts, axis=1), whole, atol=2e-6 * np.abs(whole).max(), rtol=0)
    assert len(cache) == 7


def test_a_token_does_not_reach_the_past():
    stack = filled(CausalStack(2, 16, 4, 32))
    x = numbers(1, 6, 16)
    other = x.copy()
    other[:, 4:] = numbers(1, 2, 16, seed=1)
    before, after = (to_numpy(stack(mx.array(y))) for y in (x, other))
    np.testing.assert_array_equal(before[:, :4], after[:, :4])
    assert np.abs(before[:, 4:] - after[:, 4:]).max() > 0.1
    assert before.dtype == np.float32


@pytest.mark.parametrize(("cache", "given"), [(DecoderCache(3), "one of 3 layers"), (KVCache(), "KVCache")])
def test_a_cache_of_another_kind_is_said(cache, given):
    stack = CausalStack(2, 16, 4, 32)
    with pytest.raises(ArgumentError, match=f"DecoderCache of 2 layers; got {given}. Make it with make_cache()"):
        stack(mx.zeros((1, 3, 16)), cache=cache)
