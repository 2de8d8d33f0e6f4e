"""ModernBERT beside transformers: hidden states, gradients, windows, older fields, folders there and back."""

from __future__ import annotations

import json

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.backend import mx, nn, to_numpy, tree_flatten, tree_unflatten
from tests.mlxformer.comparing import assert_close, assert_gradients, numbers
from tests.mlxformer.models.hub import ids, ours, redrawn, saved, torch_of
from tests.mlxformer.observing import filled

V = 29


def theirs_of(**changes):
    transformers = pytest.importorskip("transformers")
    settings = {
        "vocab_size": V, "hidden_size": 12, "intermediate_size": 10, "num_hidden_layers": 4, "num_attention_heads": 3,
        "local_attention": 6, "norm_eps": 0.03, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2,
        "cls_token_id": 1, "sep_token_id": 2,
    }  # fmt: skip
    config = transformers.ModernBertConfig(**settings | changes, attn_implementation="eager")
    return redrawn(transformers.ModernBertModel(config), 0.5)


MODELS = {
    "plain": {},
    "all biases": {"norm_bias": True, "attention_bias": True, "mlp_bias": True, "norm_eps": 1e-5},
    "odd window, tanh gelu": {"local_attention": 5, "hidden_activation": "gelu_pytorch_tanh"},
    "every second global": {"layer_types": ["full_attention", "sliding_attention"] * 2},
    "first local": {"layer_types": ["sliding_attention", "full_attention"] * 2},
    "thetas": {"rope_parameters": {"full_attention": {"rope_type": "default", "rope_theta": 50.0},
                                   "sliding_attention": {"rope_type": "default", "rope_theta": 7.0}}},
    "linear": {"rope_parameters": {"full_attention": {"rope_type": "linear", "factor": 3.0, "rope_theta": 50.0},
                                   "sliding_attention": {"rope_type": "default", "rope_theta": 7.0}}},
}  # fmt: skip


@pytest.fixture(params=MODELS)
def pair(request, tmp_path):
    theirs = theirs_of(**MODELS[request.param])
    return theirs, mf.ModernBertModel.from_pretrained(saved(theirs, tmp_path))


def batch():
    tokens, mask = ids(3, 17, size=V), np.ones((3, 17), np.int32)
    mask[1, 11:] = 0
    mask[2, 3:] = 0
    return tokens, mask


def test_hidden_states_and_gradients(pair):
    theirs, model = pair
    tokens, mask = batch()
    assert not model.training
    assert_close(model(ours(tokens)).last_hidden_state, theirs(torch_of(tokens)).last_hidden_state, 3e-5)
    wanted = theirs(torch_of(tokens), attention_mask=torch_of(mask)).last_hidden_state
    real = mask.astype(bool)
    found = model(ours(tokens), attention_mask=ours(mask)).last_hidden_state
    assert_close(to_numpy(found)[real], wanted.detach().numpy()[real], 3e-5)
    probe = numbers(*wanted.shape, seed=2) * mask[:, :, None]
    (wanted * __import__("torch").tensor(probe)).sum().backward()

    def loss():
        return mx.sum(model(ours(tokens), attention_mask=ours(mask)).last_hidden_state * mx.array(probe))

    slopes = dict(tree_flatten(nn.value_and_grad(model, loss)()[1]))
    their = {name: p.grad.numpy() for name, p in theirs.named_parameters()}
    assert_close(slopes["token_embedding.weight"][1:], their["embeddings.tok_embeddings.weight"][1:], 2e-4)
    assert_close(slopes["layers.3.self_attention.key_proj.weight"], their["layers.3.attn.Wqkv.weight"][12:24], 2e-4)
    assert_close(slopes["layers.1.feed_forward.up_proj.weight"], their["layers.1.mlp.Wi.weight"][10:], 2e-4)


def test_folders_go_back_to_transformers(pair, tmp_path):
    theirs, model = pair
    tokens, _ = batch()
    model.save_pretrained(tmp_path / "back")
    back = type(theirs).from_pretrained(tmp_path / "back", attn_implementation="eager").eval()
    assert_close(back(torch_of(tokens)).last_hidden_state, theirs(torch_of(tokens)).last_hidden_state, 1e-6)
    assert mf.ModernBertModel.from_pretrained(tmp_path / "back").config == model.config


def test_older_fields(tmp_path):
    theirs = theirs_of(**MODELS["thetas"])
    saved(theirs, tmp_path)
    values = json.loads((tmp_path / "config.json").read_text())
    for name in ("rope_parameters", "layer_types"):
        values.pop(name, None)
    values |= {"global_rope_theta": 50.0, "local_rope_theta": 7.0, "global_attn_every_n_layers": 3}
    (tmp_path / "config.json").write_text(json.dumps(values))
    tokens, _ = batch()
    found = mf.ModernBertModel.from_pretrained(tmp_path)(ours(tokens)).last_hidden_state
    assert_close(found, theirs(torch_of(tokens)).last_hidden_state, 3e-5)


def test_the_loss_of_masked_words_is_theirs(tmp_path):
    library = pytest.importorskip("transformers")
    config = library.ModernBertConfig(**theirs_of(**MODELS["thetas"]).config.to_dict() | {"sparse_prediction": False})
    theirs = redrawn(library.ModernBertForMaskedLM(config))
    model = mf.ModernBertForMaskedLM.from_pretrained(saved(theirs, tmp_path))
    tokens, mask = batch()
    labels = np.where(np.random.default_rng(3).random(tokens.shape) < 0.6, -100, tokens)
    wanted = theirs(torch_of(tokens), attention_mask=torch_of(mask), labels=torch_of(labels)).loss
    found = model(ours(tokens), attention_mask=ours(mask), labels=ours(labels))
    assert abs(float(found.loss) - float(wanted.detach())) < 1e-5
    none = model(ours(tokens), labels=ours(np.full_like(labels, -100)))
    assert float(none.loss) == 0.0
    with pytest.raises(mf.ArgumentError, match="labels holds") as error:
        model(ours(tokens), labels=ours(np.full_like(labels, V)))
    assert error.value.code == "label-out-of-range"


def test_a_sliding_layer_sees_half_the_window_to_each_side():
    config = mf.ModernBertConfig(
        vocab_size=V, hidden_size=8, intermediate_size=10, num_hidden_layers=1, num_attention_heads=2,
        layer_types=("sliding_attention",), local_attention=6,
    )  # fmt: skip
    model, tokens = filled(mf.ModernBertModel(config)), ids(1, 15, size=V)
    before = to_numpy(model(ours(tokens)).last_hidden_state)
    tokens[0, 7] = (tokens[0, 7] + 1) % V
    moved = np.abs(to_numpy(model(ours(tokens)).last_hidden_state) - before).max(-1)[0]
    assert np.flatnonzero(moved > 1e-6).tolist() == list(range(4, 11))


def test_gradients():
    config = mf.ModernBertConfig(vocab_size=V, hidden_size=8, intermediate_size=6, num_hidden_layers=2,
                                 num_attention_heads=2, local_attention=4, norm_bias=True)  # fmt: skip
    model = filled(mf.ModernBertModel(config))
    parameters = dict(tree_flatten(model.trainable_parameters()))
    tokens, mask = batch()
    probe = mx.array(numbers(3, 17, 8, seed=3))

    def loss(*values):
        model.update(tree_unflatten(list(zip(parameters, values, strict=True))))
        return mx.sum(model(ours(tokens), attention_mask=ours(mask)).last_hidden_state * probe)

    assert_gradients(loss, [to_numpy(value) for value in parameters.values()], tolerance=1e-2)


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"model_type": "bert"}, "model-type"),
        ({"layer_types": ["full_attention"]}, "layer-types"),
        ({"layer_types": ["chunked_attention"] * 22}, "unknown-choice"),
        ({"local_attention": 0}, "not-positive"),
        ({"global_attn_every_n_layers": 0}, "not-positive"),
        ({"rope_parameters": {"sliding_attention": {"rope_type": "yarn"}}}, "rope-type"),
        ({"rope_scaling": {"type": "dynamic", "factor": 2.0}}, "rope-type"),
        ({"hidden_activation": "sine"}, "unknown-activation"),
    ],
    ids=str,
)
def test_what_is_refused(values, code):
    with pytest.raises(mf.ArgumentError) as error:
        mf.ModernBertConfig.from_dict(values)
    assert error.value.code == code
