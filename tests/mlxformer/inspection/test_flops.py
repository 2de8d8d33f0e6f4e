"""Operations counted from a trace, against the closed form and against counting one attention."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.backend import mx
from mlxformer.errors import TraceError
from mlxformer.inspection.diagnostics import count_attention_flops
from mlxformer.inspection.flops import count_layer_flops
from mlxformer.models.bert.albert import AlbertConfig, AlbertModel
from tests.mlxformer.comparing import numbers


def test_encoder_layer_is_the_closed_form() -> None:
    n, d, f = 7, 24, 40
    layer = mf.EncoderLayer(d, 3, f)
    with mf.trace(layer) as steps:
        layer(mx.array(numbers(2, n, d)))
    assert count_layer_flops(steps) == 2 * (8 * n * d * d + 4 * n * n * d + 4 * n * d * f)


def test_cross_attention_alone_agrees_with_the_count_of_one() -> None:
    layer = mf.MultiHeadAttention(24, 4, num_kv_heads=2)
    x, memory = mx.array(numbers(1, 5, 24)), mx.array(numbers(1, 9, 24))
    with mf.trace() as steps:
        layer(x, memory, memory)
    assert count_layer_flops(steps) == sum(count_attention_flops(steps).values())


def test_with_a_cache_only_new_tokens_are_projected() -> None:
    stack, d, f = mf.CausalStack(1, 24, 3, 40), 24, 40
    cache = stack.make_cache()
    with mf.trace():
        stack(mx.array(numbers(1, 6, d)), cache=cache)
    with mf.trace() as steps:
        stack(mx.array(numbers(1, 1, d)), cache=cache)
    assert count_layer_flops(steps) == 8 * d * d + 4 * 7 * d + 4 * d * f


def test_a_layer_used_again_counts_again() -> None:
    config = AlbertConfig(vocab_size=20, embedding_size=4, hidden_size=8, num_hidden_layers=6, num_attention_heads=2,
                          intermediate_size=16)  # fmt: skip
    counts = []
    for groups in (1, 3, 6):
        with mf.trace() as steps:
            AlbertModel(replace(config, num_hidden_groups=groups))(mx.array(np.zeros((1, 5), np.int32)))
        counts.append(count_layer_flops(steps))
    assert counts == [6 * (8 * 5 * 64 + 4 * 25 * 8 + 4 * 5 * 8 * 16)] * 3


def test_a_trace_without_layers_is_an_error() -> None:
    with mf.trace() as steps:
        mf.FeedForward(4, 8)(mx.array(numbers(1, 2, 4)))
    assert count_layer_flops(steps) == 4 * 2 * 4 * 8
    with mf.trace() as steps:
        mf.tap("x", mx.array(numbers(2)), axes=("n",))
    with pytest.raises(TraceError, match="scores"):
        count_layer_flops(steps)
