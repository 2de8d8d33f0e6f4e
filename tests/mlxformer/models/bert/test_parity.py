"""BERT beside transformers on tiny random models, piece by piece and whole, both ways through a saved folder."""

from __future__ import annotations

import json

import numpy as np
import pytest

from mlxformer.backend import mx
from mlxformer.models.bert.heads import (
    BertForMaskedLM,
    BertForNextSentencePrediction,
    BertForPreTraining,
    BertForSequenceClassification,
)
from mlxformer.models.bert.model import BertModel
from tests.mlxformer.comparing import assert_bit_equal, assert_close, numbers
from tests.mlxformer.models.bert.reference import inputs, random_model, run, save


@pytest.fixture(scope="module", autouse=True)
def libraries():
    """Imported here and not above: each worker collects, most run nothing of it."""
    global torch, transformers
    torch = pytest.importorskip("torch", reason="the reference is torch's BERT")
    transformers = pytest.importorskip("transformers", reason="the reference is transformers' BERT")


HEADED = {cls.__name__: cls for cls in (BertForMaskedLM, BertForNextSentencePrediction, BertForSequenceClassification)}
CONFIGS = {
    "plain": {},
    "relu, eps 1e-5": {"hidden_act": "relu", "layer_norm_eps": 1e-5},
    "tanh gelu, eps 1e-2": {"hidden_act": "gelu_new", "layer_norm_eps": 1e-2},
    "silu, one head": {"hidden_act": "silu", "num_attention_heads": 1},
    "pytorch's tanh gelu, one layer": {"hidden_act": "gelu_pytorch_tanh", "num_hidden_layers": 1},
    "no padding id, two types": {"pad_token_id": None, "type_vocab_size": 2},
    "heads of 64": {"hidden_size": 128, "num_attention_heads": 2, "intermediate_size": 96, "num_hidden_layers": 1},
    "feed-forward in chunks": {"chunk_size_feed_forward": 3},
}


def ours(cls, reference, tmp_path):
    model = cls.from_pretrained(save(reference, tmp_path))
    assert not model.training
    return model


def arrays(given):
    return {name: mx.array(values) for name, values in given.items()}


class TestPieces:
    @pytest.fixture(scope="class")
    def pair(self, tmp_path_factory):
        reference = random_model()
        return ours(BertModel, reference, tmp_path_factory.mktemp("pieces")), reference

    def test_embeddings(self, pair):
        model, reference = pair
        given = inputs()
        with torch.no_grad():
            wanted = reference.embeddings(
                torch.tensor(given["input_ids"]), token_type_ids=torch.tensor(given["token_type_ids"])
            )
        assert_close(model.embeddings(mx.array(given["input_ids"]), mx.array(given["token_type_ids"])), wanted)

    @pytest.mark.parametrize("layer", [0, 1])
    @pytest.mark.parametrize("masked", [False, True])
    def test_self_attention(self, pair, layer, masked):
        model, reference = pair
        x = numbers(3, 9, 24, seed=layer)
        real = inputs()["attention_mask"][:, None, None, :] > 0 if masked else None
        added = None if real is None else torch.where(torch.tensor(real), 0.0, torch.finfo(torch.float32).min)
        attention = reference.encoder.layer[layer].attention
        with torch.no_grad():
            wanted = attention.output.dense(attention.self(torch.tensor(x), attention_mask=added)[0])
        given = mx.array(x)
        mask = None if real is None else mx.array(real)
        assert_close(model.encoder.layers[layer].self_attention(given, given, given, mask), wanted)

    @pytest.mark.parametrize("layer", [0, 1])
    def test_feed_forward(self, pair, layer):
        model, reference = pair
        x = numbers(3, 9, 24, seed=7 + layer)
        block = reference.encoder.layer[layer]
        with torch.no_grad():
            wanted = block.output.dense(block.intermediate(torch.tensor(x)))
        assert_close(model.encoder.layers[layer].feed_forward(mx.array(x)), wanted)

    @pytest.mark.parametrize("layer", [0, 1])
    def test_block(self, pair, layer):
        model, reference = pair
        x = numbers(3, 9, 24, seed=3 + layer)
        with torch.no_grad():
            wanted = reference.encoder.layer[layer](torch.tensor(x))
        wanted = wanted[0] if isinstance(wanted, tuple) else wanted
        assert_close(model.encoder.layers[layer](mx.array(x)), wanted)

    def test_pooler(self, pair):
        model, reference = pair
        x = numbers(3, 9, 24, seed=5)
        with torch.no_grad():
            wanted = reference.pooler(torch.tensor(x))
        assert_close(model.pooler(mx.array(x)), wanted)

    @pytest.mark.parametrize("tied", [True, False])
    def test_masked_lm_head(self, tied, tmp_path):
        reference = random_model("BertForMaskedLM", tie_word_embeddings=tied)
        model = ours(BertForMaskedLM, reference, tmp_path)
        x = numbers(3, 9, 24, seed=6)
        with torch.no_grad():
            wanted = reference.cls(torch.tensor(x))
        assert_close(model.mlm_head(mx.array(x), model.bert.embeddings.word_embeddings), wanted)
        assert model.load_report.unused == (() if tied else ("cls.predictions.bias",))


@pytest.mark.parametrize("change", CONFIGS.values(), ids=CONFIGS)
@pytest.mark.parametrize("masked", [False, True], ids=["all real", "padded"])
def test_encoder(change, masked, tmp_path):
    reference = random_model(**change)
    given = inputs(types=reference.config.type_vocab_size)
    if not masked:
        del given["attention_mask"]
    out, wanted = ours(BertModel, reference, tmp_path)(**arrays(given)), run(reference, given)
    assert_close(out.last_hidden_state, wanted.last_hidden_state)
    assert_close(out.pooler_output, wanted.pooler_output)


@pytest.mark.parametrize("change", CONFIGS.values(), ids=CONFIGS)
@pytest.mark.parametrize("architecture", HEADED)
def test_heads(architecture, change, tmp_path):
    reference = random_model(architecture, num_labels=5, **change)
    given = inputs(types=reference.config.type_vocab_size)
    model = ours(HEADED[architecture], reference, tmp_path)
    assert_close(model(**arrays(given)).logits, run(reference, given).logits)


def test_both_heads(tmp_path):
    reference = random_model("BertForPreTraining")
    out, wanted = ours(BertForPreTraining, reference, tmp_path)(**arrays(inputs())), run(reference, inputs())
    assert_close(out.prediction_logits, wanted.prediction_logits)
    assert_close(out.seq_relationship_logits, wanted.seq_relationship_logits)


def test_type_ids_and_mask_left_out_mean_zeros_and_ones(tmp_path):
    reference = random_model()
    model = ours(BertModel, reference, tmp_path)
    ids = inputs()["input_ids"]
    wanted = run(reference, {"input_ids": ids}).last_hidden_state
    assert_close(model(mx.array(ids)).last_hidden_state, wanted)
    zeros, ones = mx.array(np.zeros_like(ids)), mx.array(np.ones_like(ids))
    assert_close(model(mx.array(ids), token_type_ids=zeros, attention_mask=ones).last_hidden_state, wanted)


def test_labels_and_problem_type_come_along(tmp_path):
    names = {0: "bad", 1: "middling", 2: "good"}
    reference = random_model(
        "BertForSequenceClassification", id2label=names, label2id={v: k for k, v in names.items()},
        problem_type="single_label_classification", classifier_dropout=0.3,
    )  # fmt: skip
    model = ours(BertForSequenceClassification, reference, tmp_path)
    assert dict(model.config.id2label) == names and model.config.num_labels == 3
    assert model.config.problem_type == "single_label_classification" and model.config.classifier_dropout == 0.3


class TestSaving:
    """What we write, transformers reads, whole, and computes the same from it."""

    @pytest.mark.parametrize("architecture", [*HEADED, "BertModel", "BertForPreTraining"])
    @pytest.mark.parametrize("tied", [True, False])
    def test_transformers_computes_the_same(self, architecture, tied, tmp_path):
        cls = {**HEADED, "BertModel": BertModel, "BertForPreTraining": BertForPreTraining}[architecture]
        original = random_model(architecture, num_labels=3, tie_word_embeddings=tied, hidden_act="silu")
        model = ours(cls, original, tmp_path / "from")
        model.save_pretrained(tmp_path / "to")
        again, info = getattr(transformers, architecture).from_pretrained(tmp_path / "to", output_loading_info=True)
        assert not any(info.values()), info
        wanted, found = run(original, inputs()), run(again.eval(), inputs())
        for name in wanted:
            assert_bit_equal(found[name], wanted[name])
        assert again.config.num_labels == 3 and again.config.hidden_act == "silu"

    @pytest.mark.parametrize("architecture", [*HEADED, "BertModel", "BertForPreTraining"])
    def test_the_names_are_those_that_transformers_writes(self, architecture, tmp_path):
        from safetensors import safe_open

        cls = {**HEADED, "BertModel": BertModel, "BertForPreTraining": BertForPreTraining}[architecture]
        ours(cls, random_model(architecture), tmp_path / "from").save_pretrained(tmp_path / "to")
        names = []
        for folder in ("from", "to"):
            with safe_open(tmp_path / folder / "model.safetensors", "np") as file:
                names.append(sorted(file.keys()))
                assert file.metadata() == {"format": "pt"}
        assert names[0] == names[1]
        assert json.loads((tmp_path / "to" / "config.json").read_text())["architectures"] == [architecture]

    def test_untied_bias_saved_by_older_transformers_under_one_name(self, tmp_path):
        from safetensors.numpy import load_file, save_file

        reference = random_model("BertForMaskedLM", tie_word_embeddings=False)
        file = save(reference, tmp_path) / "model.safetensors"
        tensors = load_file(file)
        tensors["cls.predictions.bias"] = tensors.pop("cls.predictions.decoder.bias")
        save_file(tensors, file, {"format": "pt"})
        model = BertForMaskedLM.from_pretrained(tmp_path)
        assert_close(model(**arrays(inputs())).logits, run(reference, inputs()).logits)
