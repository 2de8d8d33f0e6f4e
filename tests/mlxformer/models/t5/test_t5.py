"""T5 and Flan-T5 beside transformers: logits, losses' gradients, generation, folders there and back."""

from __future__ import annotations

import json

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.backend import mx, nn, to_numpy, tree_flatten, tree_unflatten
from tests.mlxformer.comparing import assert_close, assert_gradients, numbers
from tests.mlxformer.models.hub import ids, ours, redrawn, saved, torch_of
from tests.mlxformer.observing import filled

V, PAD, EOS = 23, 0, 1


def theirs_of(scale=0.35, **changes):
    transformers = pytest.importorskip("transformers")
    settings = {
        "vocab_size": V, "d_model": 12, "d_kv": 5, "d_ff": 20, "num_layers": 2, "num_decoder_layers": 3,
        "num_heads": 3, "relative_attention_num_buckets": 8, "relative_attention_max_distance": 9,
        "layer_norm_epsilon": 0.03, "dropout_rate": 0.1, "decoder_start_token_id": PAD,
    }  # fmt: skip
    return redrawn(transformers.T5ForConditionalGeneration(transformers.T5Config(**settings | changes)), scale)


MODELS = {
    "t5": {},
    "flan": {"feed_forward_proj": "gated-gelu", "tie_word_embeddings": False},
    "gated silu": {"feed_forward_proj": "gated-silu"},
    "gelu": {"feed_forward_proj": "gelu", "layer_norm_epsilon": 1e-6},
}


def batch():
    source = ids(3, 14, size=V, low=2)
    source[1, 8:] = PAD
    target = ids(3, 11, size=V, low=2, seed=1)
    target[:, 0] = PAD
    return source, target


def logits_of(theirs, source, target):
    mask = (source != PAD) * 1
    return theirs(torch_of(source), attention_mask=torch_of(mask), decoder_input_ids=torch_of(target)).logits


@pytest.fixture(params=MODELS)
def pair(request, tmp_path):
    theirs = theirs_of(**MODELS[request.param])
    if request.param == "flan":  # an output matrix of its own, as the published ones have
        import torch

        theirs.lm_head.weight = torch.nn.Parameter(torch.randn(V, 12, generator=torch.Generator().manual_seed(5)))
        theirs.config.tie_word_embeddings = False
    return theirs, mf.T5Model.from_pretrained(saved(theirs, tmp_path))


def test_logits_and_gradients(pair):
    theirs, model = pair
    source, target = batch()
    wanted = logits_of(theirs, source, target)
    assert_close(model(ours(source), ours(target)), wanted, 3e-5)
    probe = numbers(*wanted.shape, seed=2)
    (wanted * __import__("torch").tensor(probe)).sum().backward()
    slopes = nn.value_and_grad(model, lambda: mx.sum(model(ours(source), ours(target)) * mx.array(probe)))()[1]
    slopes, their = dict(tree_flatten(slopes)), dict(theirs.named_parameters())
    for path in (
        "source_bias.embedding.weight", "target_bias.embedding.weight", "encoder.final_norm.weight",
        "encoder.layers.0.self_attention.query_proj.weight", "decoder.layers.2.cross_attention.value_proj.weight",
        "decoder.layers.1.feed_forward.down_proj.weight", "source_embedding.weight",
    ):  # fmt: skip
        assert_close(slopes[path], their[model._stored(path)].grad, 2e-4)


def test_the_mask_is_the_padding_unless_given(pair):
    _, model = pair
    source, target = batch()
    valid = mx.array(source != PAD)
    given = model(ours(source), ours(target), mf.masks.padding(valid))
    assert to_numpy(given).tolist() == to_numpy(model(ours(source), ours(target))).tolist()


@pytest.mark.parametrize(
    "options", [{}, {"num_beams": 3}, {"no_repeat_ngram_size": 2, "repetition_penalty": 1.3}], ids=str
)
def test_generation_is_theirs(pair, options):
    theirs, model = pair
    source, _ = batch()
    asked = {"max_new_tokens": 9} | options
    # Without a cache: theirs has one for as many layers as the encoder has.
    wanted = theirs.generate(
        torch_of(source), attention_mask=torch_of((source != PAD) * 1), do_sample=False, use_cache=False, **asked
    )
    found = to_numpy(model.generate(ours(source), **asked)).tolist()
    for row, reference in zip(found, wanted.tolist(), strict=True):
        end = reference.index(EOS) + 1 if EOS in reference else len(reference)
        assert row[:end] == reference[:end]  # behind the end transformers' beams have the end token where padding is 0


def test_a_prefix_is_theirs(pair):
    theirs, model = pair
    source, _ = batch()
    prefix = np.array([[5, 6], [7, 8], [9, 9]])
    wanted = theirs.generate(
        torch_of(source), attention_mask=torch_of((source != PAD) * 1), decoder_input_ids=torch_of(prefix),
        max_new_tokens=5, do_sample=False, use_cache=False,
    )  # fmt: skip
    assert (
        to_numpy(model.generate(ours(source), decoder_input_ids=ours(prefix), max_new_tokens=5)).tolist()
        == wanted.tolist()
    )


def test_folders_go_back_to_transformers(pair, tmp_path):
    theirs, model = pair
    source, target = batch()
    model.save_pretrained(tmp_path / "back")
    again = mf.T5Model.from_pretrained(tmp_path / "back")
    assert again.config == model.config
    assert to_numpy(again(ours(source), ours(target))).tolist() == to_numpy(model(ours(source), ours(target))).tolist()
    if not model.config.own_output:  # transformers 5 ties the output whatever the file holds
        back = type(theirs).from_pretrained(tmp_path / "back").eval()
        assert_close(logits_of(back, source, target).detach(), logits_of(theirs, source, target).detach(), 1e-6)


@pytest.mark.parametrize(
    ("fields", "scaled"),
    [
        ({}, True),
        ({"tie_word_embeddings": True}, True),
        ({"tie_word_embeddings": False}, False),
        ({"tie_word_embeddings": True, "scale_decoder_outputs": False}, False),
        ({"tie_word_embeddings": False, "scale_decoder_outputs": True}, True),
    ],
)
def test_when_the_output_is_scaled(fields, scaled, tmp_path):
    model = filled(mf.T5Model(mf.T5Config(vocab_size=V, d_model=16, d_kv=4, d_ff=8, num_layers=1, num_heads=2)))
    model.save_pretrained(tmp_path)
    values = json.loads((tmp_path / "config.json").read_text())
    values = {
        name: value for name, value in values.items() if name not in ("tie_word_embeddings", "scale_decoder_outputs")
    }
    (tmp_path / "config.json").write_text(json.dumps(values | fields))
    found = mf.T5Model.from_pretrained(tmp_path)
    source, target = batch()
    ratio = to_numpy(found(ours(source), ours(target))) / to_numpy(model(ours(source), ours(target)))
    np.testing.assert_allclose(ratio, 1.0 if scaled else 4.0, rtol=1e-3)


def test_gradients():
    config = mf.T5Config(
        vocab_size=V, d_model=8, d_kv=3, d_ff=10, num_layers=1, num_heads=2, feed_forward_proj="gated-gelu"
    )
    model = filled(mf.T5Model(config))
    parameters = dict(tree_flatten(model.trainable_parameters()))
    source, target = batch()
    probe = mx.array(numbers(3, 11, V, seed=3))

    def loss(*values):
        model.update(tree_unflatten(list(zip(parameters, values, strict=True))))
        return mx.sum(model(ours(source), ours(target)) * probe)

    assert_gradients(loss, [to_numpy(value) for value in parameters.values()], tolerance=1e-2)


def test_traced_and_decoded_in_steps():
    model = filled(mf.T5Model(mf.T5Config(vocab_size=V, d_model=8, d_kv=3, d_ff=10, num_layers=2, num_heads=2)))
    source, target = batch()
    with mf.trace() as steps:
        traced = model(ours(source), ours(target))
    assert steps["decoder.layers.1.cross_attention.weights"].value.shape == (3, 2, 11, 14)
    assert_close(model(ours(source), ours(target)), traced, 1e-5)
    memory, cache = model.encode(ours(source)), model.decoder.make_cache()
    mask = model.source_padding(ours(source))
    found = [model.decode(ours(target[:, t : t + 1]), memory, mask, cache=cache) for t in range(11)]
    assert_close(mx.concatenate(found, axis=1), traced, 1e-5)


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"model_type": "umt5"}, "model-type"),
        ({"feed_forward_proj": "gated-nothing"}, "unknown-activation"),
        ({"num_heads": 0}, "not-positive"),
        ({"relative_attention_num_buckets": 0}, "not-positive"),
        ({"quantization_config": {"bits": 8}}, "not-implemented"),
        ({"eos_token_id": -1}, "id-out-of-range"),
    ],
    ids=str,
)
def test_what_is_refused(values, code):
    with pytest.raises(mf.ArgumentError) as error:
        mf.T5Config.from_dict(values)
    assert error.value.code == code
