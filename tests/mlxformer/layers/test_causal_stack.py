"""A causal stack is an encoder under a causal mask, and gives the same with a cache as without."""

from __future__ import annotations

import numpy as np
import pytest

from mlxformer.backend import mx, to_numpy, tree_flatten
from mlxformer.errors import ArgumentError
from mlxformer.layers.causal_stack import CausalStack
from mlxformer.layers.encoder import Encoder
from mlxformer.positions import RotaryEmbedding
from tests.mlxformer.comparing import numbers
from tests.mlxformer.parity_cases import filled


@pytest.mark.parametrize("norm", ["pre", "post"])
def test_it_is_an_encoder_under_a_causal_mask(norm):
    stack, encoder = filled(CausalStack(2, 16, 4, 32, norm=norm)), Encoder(2, 16, 4, 32, norm=norm)
    encoder.load_weights(list(tree_flatten(stack.parameters())))
    encoder.eval()
    x = mx.array(numbers(2, 5, 16))
    np.testing.assert_array_equal(to_numpy(stack(x)), to_numpy(encoder(x, "causal")))
    np.testing.assert_array_equal(to_numpy(stack(x, mask=None)), to_numpy(encoder(x)))


@pytest.mark.parametrize("chunks", [(1,) * 7, (4, 1, 2), (7,), (1, 6)])
@pytest.mark.parametrize("options", [{}, {"num_kv_heads": 2}, {"num_kv_heads": 1, "rope": RotaryEmbedding(4)}])
def test_a_cache_changes_nothing_however_the_text_is_cut(chunks, options):
    stack = filled(CausalStack(3, 16, 4, 32, **options))
    x = mx.array(numbers(2, 7, 16))
    whole = to_numpy(stack(x))
    caches, parts, start = stack.make_cache(), [], 0
    for length in chunks:
        parts.append(to_numpy(stack(x[:, start : start + length], caches)))
        start += length
    np.testing.assert_allclose(np.concatenate(parts, axis=1), whole, atol=2e-6 * np.abs(whole).max(), rtol=0)
    assert {len(cache) for cache in caches} == {7}


def test_a_token_does_not_reach_the_past():
    stack = filled(CausalStack(2, 16, 4, 32))
    x = numbers(1, 6, 16)
    other = x.copy()
    other[:, 4:] = numbers(1, 2, 16, seed=1)
    before, after = (to_numpy(stack(mx.array(y))) for y in (x, other))
    np.testing.assert_array_equal(before[:, :4], after[:, :4])
    assert np.abs(before[:, 4:] - after[:, 4:]).max() > 0.1
    assert before.dtype == np.float32


def test_a_wrong_number_of_caches_is_said():
    stack = CausalStack(2, 16, 4, 32)
    with pytest.raises(ArgumentError, match="2 layers need a cache each; got 1"):
        stack(mx.zeros((1, 3, 16)), stack.make_cache()[:1])
