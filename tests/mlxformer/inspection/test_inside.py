"""Looking inside whole models: which attentions there are, heads and layers off, the lens, the products of a score."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.backend import mx, to_numpy
from mlxformer.errors import ArgumentError
from mlxformer.inspection.attentions import attentions
from mlxformer.inspection.lens import lens, lens_paths, read_out
from mlxformer.inspection.products import query_key_products
from mlxformer.inspection.switching import one_head_off_each, skip_layer, switch_heads_off
from tests.mlxformer.comparing import assert_bit_equal, assert_close

SOURCE = np.array([[5, 6, 7, 8, 9]], np.int32)
TARGET = np.array([[1, 11, 12]], np.int32)
BERT = {
    "vocab_size": 30,
    "hidden_size": 16,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 32,
    "initializer_range": 0.4,
}
LLAMA = {"positions": "rotary", "norm_type": "rms", "activation": "silu", "gated": True, "attention_bias": False}


def gpt(**changes: Any) -> mf.GPT:
    mx.random.seed(1)
    model = mf.GPT(
        mf.GPTConfig(
            **{"vocab_size": 30, "dims": 16, "num_heads": 4, "num_layers": 3, "initializer_range": 0.3} | changes
        )
    )
    model.eval()
    return model


def bert() -> mf.BertForMaskedLM:
    mx.random.seed(2)
    model = mf.BertForMaskedLM(mf.BertConfig(**BERT))
    model.eval()
    return model


def pair(**changes: Any) -> mf.Transformer:
    mx.random.seed(3)
    sizes = {"vocab_size": 30, "dims": 16, "num_heads": 4, "ffn_dims": 32, "dropout": 0.0}
    model = mf.Transformer(mf.TransformerConfig(**sizes | {"num_encoder_layers": 2, "num_decoder_layers": 2} | changes))
    model.eval()
    return model


def t5() -> mf.T5Model:
    mx.random.seed(4)
    sizes = {"vocab_size": 30, "d_model": 16, "d_kv": 4, "d_ff": 32, "num_layers": 2, "num_heads": 4}
    model = mf.T5Model(mf.T5Config(**sizes))
    model.eval()
    return model


def marian() -> mf.MarianModel:
    mx.random.seed(5)
    sizes = {"encoder_layers": 2, "decoder_layers": 2, "encoder_ffn_dim": 32, "decoder_ffn_dim": 32}
    heads = {"encoder_attention_heads": 4, "decoder_attention_heads": 4}
    model = mf.MarianModel(
        mf.MarianConfig(vocab_size=30, d_model=16, pad_token_id=29, decoder_start_token_id=29, **sizes, **heads)
    )
    model.eval()
    return model


def modernbert() -> mf.ModernBertForMaskedLM:
    mx.random.seed(6)
    sizes = {name: value for name, value in BERT.items() if name != "initializer_range"}
    model = mf.ModernBertForMaskedLM(mf.ModernBertConfig(**sizes, initializer_range=0.4, local_attention=2))
    model.eval()
    return model


PREDICTING: dict[str, Callable[[], Any]] = {
    "gpt2": gpt,
    "llama": lambda: gpt(num_kv_heads=2, **LLAMA),
    "bert": bert,
    "modernbert": modernbert,
    "post-norm pair": pair,
    "pre-norm pair": lambda: pair(norm="pre", final_norm=True),
    "t5": t5,
    "marian": marian,
}


def logits_of(model: Any, rows: int = 1) -> Any:
    source, target = (mx.array(np.repeat(ids, rows, axis=0)) for ids in (SOURCE, TARGET))
    if isinstance(model, mf.GPT):
        return model(source)
    if isinstance(model, mf.BertForMaskedLM | mf.ModernBertForMaskedLM):
        return model(source).logits
    return model(source, target)


def without(model: Any, change: Callable[[mf.Trace], object], rows: int = 1) -> np.ndarray:
    with mf.trace(only="") as steps:
        change(steps)
        return to_numpy(logits_of(model, rows))


def test_attentions_are_named_part_by_part() -> None:
    assert [each.name for each in attentions(pair())] == [
        "cross.0", "cross.1", "encoder.0", "encoder.1", "decoder.0", "decoder.1",
    ]  # fmt: skip
    assert [(each.name, each.heads, each.layer_path) for each in attentions(bert())] == [
        (str(layer), 4, f"bert.encoder.layers.{layer}") for layer in range(3)
    ]
    recurrent = mf.Seq2Seq(mf.Seq2SeqConfig(30, dims=8, hidden_dims=8, attention=True))
    assert [(each.name, each.heads, each.path) for each in attentions(recurrent)] == [("cross.0", 1, "attention")]
    assert attentions(mf.Seq2Seq(mf.Seq2SeqConfig(30, dims=8, hidden_dims=8, attention=False))) == []


def test_twelve_layers_come_in_the_order_of_their_numbers() -> None:
    assert [each.layer for each in attentions(mf.Encoder(12, 8, 2, 16))] == list(range(12))


@pytest.mark.parametrize("kind", PREDICTING)
def test_every_attention_is_where_a_trace_finds_it(kind: str) -> None:
    model = PREDICTING[kind]()
    with mf.trace() as steps:
        logits_of(model)
    found = {each.path: steps[f"{each.path}.weights"].value.shape[1] for each in attentions(model)}
    assert found == {each.path: each.heads for each in attentions(model)}
    assert set(lens_paths(model)) <= set(steps.paths)


@pytest.mark.parametrize("kind", ["gpt2", "post-norm pair", "bert"])
def test_a_head_off_is_its_columns_of_the_output_matrix_zeroed(kind: str) -> None:
    model = PREDICTING[kind]()
    attention, head = attentions(model)[0], 2
    off = without(model, lambda steps: switch_heads_off(steps, attention, [head]))
    projection = dict(model.named_modules())[attention.path].out_proj
    weight = to_numpy(projection.weight).copy()
    width = weight.shape[1] // attention.heads
    assert np.abs(off - to_numpy(logits_of(model))).max() > 1e-3
    weight[:, head * width : (head + 1) * width] = 0
    projection.weight = mx.array(weight)
    assert_close(off, logits_of(model), 1e-5)


def test_all_heads_in_turn_are_each_alone() -> None:
    model = pair()
    every = attentions(model)
    rows = 1 + 4 * len(every)
    found = without(model, lambda steps: one_head_off_each(steps, every), rows)
    assert len(found) == rows
    assert_close(found[:1], logits_of(model), 1e-5)
    alone = [
        without(model, lambda steps, each=each, head=head: switch_heads_off(steps, each, [head]))[0]
        for each in every
        for head in range(4)
    ]
    assert_close(found[1:], np.stack(alone), 1e-5)


@pytest.mark.parametrize("kind", ["gpt2", "bert", "post-norm pair"])
@pytest.mark.parametrize("layer", [0, 1])
def test_a_layer_off_is_a_model_built_without_it(kind: str, layer: int) -> None:
    model = PREDICTING[kind]()
    attention = next(each for each in attentions(model) if each.part != "cross" and each.layer == layer)
    off = without(model, lambda steps: skip_layer(steps, attention.layer_path))
    stack = dict(model.named_modules())[attention.layer_path.removesuffix(f".layers.{layer}")]
    stack.layers = [each for number, each in enumerate(stack.layers) if number != layer]
    assert_bit_equal(off, without(model, lambda steps: None))


def test_a_head_that_there_is_not_is_refused() -> None:
    with pytest.raises(ArgumentError, match="head=4 does not exist"), mf.trace() as steps:
        switch_heads_off(steps, attentions(bert())[0], [4])


# --- the lens ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", PREDICTING)
def test_the_lens_at_the_last_layer_is_the_model(kind: str) -> None:
    model = PREDICTING[kind]()
    with mf.trace() as steps:
        logits = to_numpy(logits_of(model))[0]
    states = {path: steps[path].value for path in lens_paths(model)}
    for place in range(len(logits)):
        found = lens(model, states, place)
        assert found.shape[0] == len(lens_paths(model))
        assert_close(found[-1], logits[place], 1e-5)


def test_the_lens_in_the_middle_is_the_model_cut_there() -> None:
    model = gpt()
    with mf.trace() as steps:
        logits_of(model)
    states = {path: steps[path].value for path in lens_paths(model)}
    found = to_numpy(lens(model, states, 4))
    layers = model.stack.layers
    for depth in (1, 2):
        model.stack.layers = layers[:depth]
        assert_close(found[depth], logits_of(model)[0, 4], 1e-5)


def test_the_lens_of_a_pre_norm_model_in_float64_by_hand() -> None:
    model = gpt()
    with mf.trace() as steps:
        logits_of(model)
    states = {path: steps[path].value for path in lens_paths(model)}
    norm, table = model.stack.final_norm, to_numpy(model.token_embedding.weight).astype(np.float64)
    for depth, path in enumerate(lens_paths(model)):
        x = states[path][0, 2].astype(np.float64)
        x = (x - x.mean()) / np.sqrt(x.var() + norm.eps)
        x = x * to_numpy(norm.weight).astype(np.float64) + to_numpy(norm.bias).astype(np.float64)
        assert_close(lens(model, states, 2)[depth], table @ x, 1e-5)


def test_a_model_that_predicts_nothing_has_no_lens() -> None:
    encoder = mf.BertModel(mf.BertConfig(**BERT))
    assert lens_paths(encoder) == []
    with pytest.raises(ArgumentError, match="predicts no tokens"):
        read_out(encoder, mx.zeros((1, 2, 16)))


def test_hidden_states_of_another_width_are_refused() -> None:
    with pytest.raises(ArgumentError):
        read_out(gpt(), mx.zeros((1, 2, 8)))


# --- the products of a score -------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["gpt2", "llama", "bert", "t5"])
def test_the_products_add_up_to_the_score(kind: str) -> None:
    model = PREDICTING[kind]()
    attention = attentions(model)[-1]
    with mf.trace() as steps:
        logits_of(model)
    queries, keys, scores = (steps[f"{attention.path}.{name}"].value for name in ("queries", "keys", "scores"))
    for head in range(attention.heads):
        for query in range(queries.shape[2]):
            products = query_key_products(queries, keys, head, query)
            by_loop = [
                [
                    float(queries[0, head, query, d]) * float(keys[0, head * keys.shape[1] // queries.shape[1], key, d])
                    for d in range(queries.shape[3])
                ]
                for key in range(keys.shape[2])
            ]
            assert_close(products, np.array(by_loop), 1e-12)
            assert_close(products.sum(-1), scores[0, head, query], 1e-5)


@pytest.mark.parametrize(("head", "query"), [(4, 0), (-1, 0), (0, 5)])
def test_products_of_what_there_is_not_are_refused(head: int, query: int) -> None:
    with pytest.raises(ArgumentError, match="does not exist"):
        query_key_products(np.zeros((1, 4, 5, 2)), np.zeros((1, 2, 3, 2)), head, query)
