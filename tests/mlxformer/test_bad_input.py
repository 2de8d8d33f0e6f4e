"""What a caller may get wrong, and that the error says so: of another kind, of another shape, out of range.

Without these checks each of the cases below is a number that looks right, on one backend or on both, or an error
about something deep inside.
"""

from __future__ import annotations

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.backend import mx, to_numpy
from mlxformer.layers.recurrent import GRUCell, LSTMCell, Recurrent, RNNCell


def drawn(*shape):
    return mx.array(np.random.default_rng(0).normal(size=shape).astype(np.float32))


def ids(*shape):
    return mx.array(np.full(shape, 3, np.int32))


PRE = mf.LayerConfig(norm="pre")
LAYERS = {
    "encoder post": lambda x: mf.EncoderLayer(8, 2, 16)(x),
    "encoder pre": lambda x: mf.EncoderLayer(8, 2, 16, PRE)(x),
    "decoder pre": lambda x: mf.DecoderLayer(8, 2, 16, PRE)(x, drawn(1, 4, 8)),
    "memory": lambda x: mf.DecoderLayer(8, 2, 16, PRE)(drawn(1, 4, 8), x),
    "causal": lambda x: mf.CausalStack(1, 8, 2, 16)(x),
    "feed-forward": lambda x: mf.FeedForward(8, 16)(x),
}


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_takes_floats_of_its_own_library_and_width(layer):
    for wrong, code in (
        (np.zeros((1, 3, 8), np.float32), "not-an-array"),
        (ids(1, 3, 8), "not-floating"),
        (drawn(1, 3, 7), "wrong-shape"),
        (drawn(3, 8), "wrong-shape"),
        (mx.zeros((1, 0, 8)), "empty-axis"),
    ):
        with pytest.raises(mf.ArgumentError) as caught:
            LAYERS[layer](wrong)
        assert caught.value.code == code


def attended(**given):
    q = drawn(1, 2, 3, 4)
    return mf.scaled_dot_product_attention(q, q, q, **given)


@pytest.mark.parametrize(
    ("call", "code", "says"),
    [
        (lambda: attended(scale=float("nan")), "scale-not-finite", "nan"),
        (lambda: attended(scale="0.5"), "scale-not-finite", "'0.5'"),
        (lambda: attended(scale=mx.array(0.5)), "scale-not-finite", "multiplies q"),
        (lambda: mf.MultiHeadAttention(8, 2, rope=True), "rope-kind", "mf.RotaryEmbedding"),
        (lambda: mf.masks.sliding_window(3, 3, 1.5, 0), "window-negative", "left must be a whole number"),
        (lambda: mf.sinusoidal_positions(4, 8, base=0), "not-a-positive-number", "base"),
        (lambda: mf.RotaryEmbedding(8, base=-1.0), "not-a-positive-number", "base"),
        (lambda: mf.RotaryEmbedding(8, scale=float("inf")), "not-a-positive-number", "scale"),
        (lambda: mf.warmup_linear_decay(1e-3, 1.5, 50), "schedule-steps", "warmup_steps is 1.5"),
        (lambda: attended(scale=10**400), "scale-not-finite", "finite number"),
        (lambda: mf.SamplingRules(temperature=10**400), "not-a-positive-number", "temperature"),
        (lambda: mf.KVCache().truncate(1.5), "cache-length", "whole number"),
        (lambda: mf.KVCache().update(np.zeros((1, 1, 1, 1)), drawn(1, 1, 1, 1)), "not-an-array", "keys"),
        (lambda: mf.mean_pooling(np.zeros((2, 3, 4), np.float32)), "not-an-array", "hidden"),
    ],
)
def test_the_error_names_what_was_given(call, code, says):
    with pytest.raises(mf.ArgumentError) as caught:
        call()
    assert caught.value.code == code
    assert says in str(caught.value)


def test_a_call_that_failed_leaves_the_cache_as_it_was():
    attention = mf.MultiHeadAttention(8, 2)
    x, cache = drawn(1, 5, 8), mf.KVCache()
    first, rest = x[:, :3], x[:, 3:]
    attention(first, first, first, "causal", cache=cache)
    for given in (
        {"mask": mx.array(np.ones((2, 2), bool))},  # of the new tokens alone: it should be [2, 5]
        {"mask": "casual"},
        {"mask": mx.array(np.ones((2, 5), np.int32))},
        {"bias": drawn(2, 2)},
    ):
        with pytest.raises(mf.ArgumentError):
            attention(rest, rest, rest, cache=cache, **given)
        assert len(cache) == 3
    again = attention(rest, rest, rest, "causal", cache=cache)
    whole = attention(x, x, x, "causal")
    assert np.abs(to_numpy(again) - to_numpy(whole)[:, 3:]).max() < 1e-5


def test_a_cache_is_of_the_kind_and_number_of_layers():
    x = drawn(1, 2, 8)
    with pytest.raises(mf.ArgumentError, match="got dict"):
        mf.MultiHeadAttention(8, 2)(x, x, x, cache={})
    decoder = mf.Decoder(2, 8, 2, 16)
    for wrong in (mf.KVCache(), mf.DecoderCache(1), mf.DecoderCache(3)):
        with pytest.raises(mf.ArgumentError, match=r"DecoderCache of 2 layers.*make_cache\(\)"):
            decoder(x, x, cache=wrong)


@pytest.mark.parametrize("rows", [[0, 2], [-1, 0]])
def test_a_row_that_the_cache_has_not_is_refused(rows):
    x, cache = drawn(2, 3, 8), mf.KVCache()
    mf.MultiHeadAttention(8, 2)(x, x, x, cache=cache)
    with pytest.raises(mf.ArgumentError, match="rows 0 to 1"):
        cache.reorder(mx.array(np.array(rows, np.int32)))


SMALL = {"dims": 8, "num_heads": 2, "num_encoder_layers": 1, "num_decoder_layers": 1, "ffn_dims": 16}


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"dims": 9}, "dims-not-divisible"),
        ({"num_heads": 0, "positions": "rotary"}, "not-positive"),
        ({"ffn_dims": 0}, "not-positive"),
        ({"norm": "rms"}, "unknown-choice"),
        ({"activation": "gleu"}, "unknown-activation"),
        ({"activation": ["gelu"]}, "unknown-activation"),
        ({"attention_dropout": 2.0}, "not-a-probability"),
        ({"bos_id": 1.0}, "id-out-of-range"),
        ({"eos_id": "2"}, "id-out-of-range"),
    ],
)
def test_a_configuration_is_checked_before_a_model_is_made(given, code):
    with pytest.raises(mf.ArgumentError) as caught:
        mf.TransformerConfig(12, **SMALL | given)
    assert caught.value.code == code


@pytest.mark.parametrize("model", [mf.Transformer, mf.BertModel, mf.MarianModel, mf.Seq2Seq])
def test_a_model_is_made_of_its_own_configuration(model):
    with pytest.raises(mf.ArgumentError, match=r"config must be a \w+Config; got dict"):
        model({"vocab_size": 12})


@pytest.mark.parametrize("penalty", ["1", True, float("inf"), 1e9, -1e9])
def test_a_length_penalty_that_no_score_can_be_divided_by_is_refused(penalty):
    with pytest.raises(mf.ArgumentError, match="length_penalty"):
        mf.Transformer(mf.TransformerConfig(12, **SMALL)).generate(
            ids(1, 2), max_length=5, num_beams=2, length_penalty=penalty
        )


def test_seq2seq_names_its_ids_before_it_looks_at_the_mask():
    model = mf.Seq2Seq(mf.Seq2SeqConfig(12, dims=8, hidden_dims=8))
    with pytest.raises(mf.ArgumentError, match=r"input_ids must have shape \[batch, time\]"):
        model.generate(ids(3), ids(3), max_length=4)
    with pytest.raises(mf.ArgumentError, match="input_ids must be an array"):
        model.generate([[3]], ids(1, 1), max_length=4)


@pytest.mark.parametrize("cell", [RNNCell, GRUCell, LSTMCell])
def test_a_cell_takes_its_own_inputs_and_state(cell):
    cell = cell(4, 8)
    x, state = drawn(2, 4), cell.initial_state(2)
    for wrong, of in (
        (np.zeros((2, 4), np.float32), state),
        (drawn(2, 5), state),
        (drawn(2, 1, 4), state),
        (x, drawn(2, 8)),  # an array and not a tuple of one: its rows would be taken for its parts
        (x, (*state, state[0])),
        (x, cell.initial_state(3)),
        (x, cell.initial_state(1)),
    ):
        with pytest.raises(mf.ArgumentError):
            cell(wrong, of)
    with pytest.raises(mf.ArgumentError, match="state must"):
        Recurrent(cell)(drawn(2, 3, 4), drawn(2, 8))


@pytest.mark.parametrize("wrong", [None, 5, b"folder"])
def test_what_is_no_folder_at_all_is_named(wrong):
    with pytest.raises(mf.CheckpointError, match="give a folder"):
        mf.BertModel.from_pretrained(wrong)


@pytest.mark.parametrize(
    ("config", "code"),
    [
        ('{"added_tokens_decoder": {"a": {}}}', "tokenizer-added"),
        ('{"added_tokens_decoder": [1]}', "tokenizer-added"),
        ('{"do_lower_case": "yes"}', "tokenizer-flag"),
    ],
)
def test_a_tokenizer_configuration_that_cannot_be_is_named(tmp_path, config, code):
    (tmp_path / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\na\n")
    (tmp_path / "tokenizer_config.json").write_text(config)
    with pytest.raises(mf.CheckpointError) as caught:
        mf.BertTokenizer.from_pretrained(tmp_path)
    assert caught.value.code == code and "tokenizer_config.json" in str(caught.value)


def test_a_replacement_that_can_never_happen_is_refused():
    x = drawn(1, 3, 8)
    attention = mf.MultiHeadAttention(8, 2)
    with pytest.raises(mf.TraceError, match="before the model runs"), mf.trace() as steps:
        attention(x, x, x)
        steps.replace("weights", lambda weights: weights)
    with pytest.raises(mf.TraceError, match="closed"):
        steps.replace("weights", lambda weights: weights)
    with pytest.raises(mf.TraceError, match="a function"), mf.trace() as steps:
        steps.replace("weights", 0.0)
