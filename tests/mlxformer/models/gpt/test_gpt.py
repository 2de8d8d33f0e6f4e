"""GPT alone: its configuration, gradients, causality, trace, and what it refuses."""

from __future__ import annotations

import json

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.backend import mx, to_numpy, tree_flatten, tree_unflatten
from tests.mlxformer.comparing import assert_close, assert_gradients, numbers
from tests.mlxformer.models.hub import ids, ours
from tests.mlxformer.observing import filled

LLAMA = {"positions": "rotary", "norm_type": "rms", "activation": "silu", "gated": True, "num_kv_heads": 2,
         "attention_bias": False, "ffn_bias": False, "tie_embeddings": False}  # fmt: skip
MIXED = {"positions": "rotary", "activation": "silu", "gated": True, "head_dim": 6, "num_kv_heads": 1}


def gpt(**changes):
    sizes = {"vocab_size": 19, "dims": 16, "num_heads": 4, "num_layers": 2, "ffn_dims": 24, "max_positions": 12}
    return filled(mf.GPT(mf.GPTConfig(**sizes | changes)))


@pytest.mark.parametrize("changes", [{}, LLAMA, MIXED], ids=["gpt2", "llama", "mixed"])
def test_gradients(changes):
    model, tokens = gpt(**changes), ours(ids(2, 5, size=19))
    parameters = dict(tree_flatten(model.trainable_parameters()))
    probe = mx.array(numbers(2, 5, 19, seed=3))

    def loss(*values):
        model.update(tree_unflatten(list(zip(parameters, values, strict=True))))
        return mx.sum(model(tokens) * probe)

    assert_gradients(loss, [to_numpy(value) for value in parameters.values()], tolerance=5e-3)


@pytest.mark.parametrize("changes", [{}, LLAMA, MIXED], ids=["gpt2", "llama", "mixed"])
def test_no_token_sees_a_later_one(changes):
    model, tokens = gpt(**changes), ids(1, 8, size=19)
    before = to_numpy(model(ours(tokens)))
    tokens[0, 5] = (tokens[0, 5] + 1) % 19
    after = to_numpy(model(ours(tokens)))
    assert_close(after[:, :5], before[:, :5], 1e-6)
    assert np.abs(after[:, 5:] - before[:, 5:]).max(-1).min() > 1e-3


def test_traced_under_its_own_paths():
    model, tokens = gpt(), ours(ids(1, 4, size=19))
    with mf.trace() as steps:
        traced = model(tokens)
    assert steps["stack.layers.1.self_attention.weights"].value.shape == (1, 4, 4, 4)
    assert to_numpy(traced).tolist() == steps["logits"].value.tolist()
    assert_close(model(tokens), traced, 1e-5)
    with mf.trace() as steps:
        list(model.stream(tokens, max_new_tokens=3))
    assert len(steps.all("stack.layers.0.self_attention.weights")) == 3


def test_what_transformers_has_no_name_for_is_saved_and_read_again(tmp_path):
    model, tokens = gpt(**MIXED), ours(ids(2, 6, size=19))
    assert model.config.model_type == "mlxformer-gpt"
    model.save_pretrained(tmp_path)
    again = mf.GPT.from_pretrained(tmp_path)
    assert again.config == model.config
    assert to_numpy(again(tokens)).tolist() == to_numpy(model(tokens)).tolist()


def test_sizes_left_out_are_gpt2s():
    assert mf.GPTConfig(50, dims=768).num_heads == 12
    assert [mf.GPTConfig(50, dims=dims).num_heads for dims in (8, 200, 1024)] == [1, 2, 16]
    assert mf.GPTConfig(50, dims=64).ffn_dims == 256


def test_special_ids_beyond_the_vocabulary_are_carried_along():
    model = gpt(eos_ids=(99,), pad_id=98, bos_id=97)
    assert model.generate(ours(ids(1, 3, size=19)), max_new_tokens=4).shape == (1, 7)


def test_padding_is_told_by_its_id_where_it_ends_nothing():
    model, tokens = gpt(pad_id=0, eos_ids=(1,)), ids(1, 4, size=19)
    padded = np.concatenate([np.zeros((1, 2), np.int32), tokens], axis=1)
    wanted = to_numpy(model.generate(ours(tokens), max_new_tokens=5))[0, 4:].tolist()
    assert to_numpy(model.generate(ours(padded), max_new_tokens=5))[0, 6:].tolist() == wanted


def test_learned_positions_end():
    model = gpt()
    assert model.generate(ours(ids(1, 6, size=19)), max_length=13).shape == (1, 13)
    with pytest.raises(mf.ArgumentError, match="at most 12"):
        model.generate(ours(ids(1, 6, size=19)), max_length=14)
    with pytest.raises(mf.ArgumentError, match="positions 0 to 12"):
        model(ours(ids(1, 13, size=19)))


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda model, x: model(x, x), "attention-mask-values"),
        (lambda model, x: model(x, mx.ones((2, 4), mx.int32)), "wrong-shape"),
        (lambda model, x: model(x + 19), "id-out-of-range"),
        (lambda model, x: model(x, None, mf.DecoderCache(3)), "cache-kind"),
        (lambda model, x: model.generate(x, mx.zeros((1, 5), mx.int32)), "prompt-empty"),
        (lambda model, x: model.generate(x, max_length=5), "no-room"),
        (lambda model, x: model.generate(x, decoder_input_ids=x), "decoder-input-ids"),
        (lambda model, x: mf.GPTConfig(19, dims=15, num_heads=2), "dims-not-divisible"),
        (lambda model, x: mf.GPTConfig(19, dims=16, positions="t5"), "unknown-choice"),
        (lambda model, x: mf.GPTConfig(19, dims=16, pad_id=-1), "id-out-of-range"),
        (lambda model, x: mf.GPT({"vocab_size": 19}), "wrong-kind"),
        (lambda model, x: mf.GPTConfig.from_dict({"model_type": "mamba"}), "model-type"),
        (lambda model, x: mf.GPTConfig.from_dict({"model_type": "gpt2", "scale_attn_weights": False}),
         "not-implemented"),
        (lambda model, x: mf.GPTConfig.from_dict({"model_type": "llama", "rope_scaling": {"type": "dynamic"}}),
         "rope-type"),
        (lambda model, x: mf.GPTConfig.from_dict({"model_type": "llama", "rope_scaling": {"rope_type": "linear"}}),
         "rope-fields"),
        (lambda model, x: mf.GPTConfig.from_dict({"model_type": "llama", "rope_parameters": [1]}), "rope-fields"),
        (lambda model, x: mf.GPTConfig.from_dict(
            {"model_type": "llama", "rope_parameters": {"full_attention": {"rope_type": "yarn"}}}), "rope-type"),
    ],
)  # fmt: skip
def test_what_is_refused(call, code):
    with pytest.raises(mf.ArgumentError) as error:
        call(gpt(), ours(ids(1, 5, size=19)))
    assert error.value.code == code


@pytest.mark.parametrize(
    "fields", [{"n_embd": "twelve"}, {"eos_token_id": {}}, {"n_layer": [2]}, {"activation_function": 3}], ids=str
)
def test_fields_of_the_wrong_kind_name_the_file(fields, tmp_path):
    model = gpt()
    model.save_pretrained(tmp_path)
    values = json.loads((tmp_path / "config.json").read_text()) | fields
    (tmp_path / "config.json").write_text(json.dumps(values))
    with pytest.raises(mf.CheckpointError, match=r"config\.json"):
        mf.GPT.from_pretrained(tmp_path)
