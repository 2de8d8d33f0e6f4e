"""A repr names sizes, in one line where it is no module, and never shows a tensor's numbers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import mlxformer as mf
from mlxformer.backend import mx
from mlxformer.pretrained.dates.tokenizer import DateTokenizer
from mlxformer.pretrained.reverse.strings import StringTokenizer
from mlxformer.pretrained.seeds import read_results
from mlxformer.teaching.quantization import quantize

CONFIG = mf.BertConfig(
    vocab_size=20, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16
)  # fmt: skip


def tokenizer() -> mf.BertTokenizer:
    return mf.BertTokenizer.from_vocabulary(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "a"])


@pytest.mark.parametrize(
    ("make", "first"),
    [
        (
            lambda: mf.BertModel(CONFIG),  # 20·8 + 512·8 + 2·8 + 16, a layer of 600, a pooler of 72
            "BertModel(layers=1, dims=8, heads=2, ffn_dims=16, vocab=20, parameters=4,960",
        ),
        (
            lambda: mf.Transformer(mf.TransformerConfig(9, dims=8, num_heads=2, ffn_dims=16)),  # 9·8 + 6 · (568 + 840)
            "Transformer(layers=6+6, dims=8, heads=2, ffn_dims=16, vocab=9, parameters=8,520",
        ),
        (lambda: mf.RotaryEmbedding(8), "RotaryEmbedding(head_dim=8, base=10000, layout='interleaved')"),
        (lambda: mf.LearnedPositions(5, 4), "LearnedPositions(max_length=5, dims=4"),
        (
            lambda: CONFIG,
            "BertConfig(vocab_size=20, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, "
            "intermediate_size=16)",
        ),
        (lambda: mf.FeedForward(4, 8), "FeedForward(dims=4, ffn_dims=8, activation='relu'"),
        (lambda: mf.GatedFeedForward(4, 8), "GatedFeedForward(dims=4, ffn_dims=8, activation='silu'"),
        (lambda: DateTokenizer(), "DateTokenizer(62 tokens)"),
        (lambda: StringTokenizer(), "StringTokenizer(29 tokens)"),
        (lambda: tokenizer(), "BertTokenizer(vocab_size=5, padding_side='right')"),
        (lambda: tokenizer()(["a", "a a"]), "TokenizedBatch of 2 texts, [2, 4]"),
        (
            lambda: mf.BertModel(CONFIG, pooler=False)(mx.array([[2, 4, 3]])),
            "BertOutput(last_hidden_state=float32 [1, 3, 8], pooler_output=None)",
        ),
        (
            lambda: quantize(mx.ones((2, 3)), axis=0),
            "Quantized(codes=int8 [2, 3], scale=float32 [2, 1], dtype='float32')",
        ),
    ],
)
def test_a_repr_begins_with_its_sizes(make: Callable[[], Any], first: str) -> None:
    lines = repr(make()).splitlines()
    assert lines[0] == first
    assert not any("array(" in line or len(line) > 200 for line in lines)


def test_a_card_and_its_results_take_a_line() -> None:
    reader = mf.load_pretrained("reverse-gru")
    for thing in (reader, reader.card, *read_results("reverse-gru")):
        assert len(repr(thing)) < 250 and "\n" not in repr(thing)
