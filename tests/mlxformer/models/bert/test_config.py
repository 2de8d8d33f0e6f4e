"""BERT's configuration: every field that changes the result is honored or refused, none is passed over unknown."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mlxformer.errors import ArgumentError, CheckpointError
from mlxformer.models.bert.config import BertConfig

GOLDEN = Path(__file__).parents[2] / "golden" / "bert"
# config.json of google-bert/bert-base-chinese, with the fields of Google's old code.
CHINESE = {
    "architectures": ["BertForMaskedLM"], "attention_probs_dropout_prob": 0.1, "directionality": "bidi",
    "hidden_act": "gelu", "hidden_dropout_prob": 0.1, "hidden_size": 768, "initializer_range": 0.02,
    "intermediate_size": 3072, "layer_norm_eps": 1e-12, "max_position_embeddings": 512, "model_type": "bert",
    "num_attention_heads": 12, "num_hidden_layers": 12, "pad_token_id": 0, "pooler_fc_size": 768,
    "pooler_num_attention_heads": 12, "pooler_num_fc_layers": 3, "pooler_size_per_head": 128,
    "pooler_type": "first_token_transform", "type_vocab_size": 2, "vocab_size": 21128,
}  # fmt: skip


def test_a_real_file():
    config = BertConfig.from_dict(CHINESE)
    assert (config.vocab_size, config.hidden_size, config.num_labels) == (21128, 768, 2)


def test_googles_own_file_says_no_model_type():
    assert BertConfig.from_dict({"vocab_size": 100, "hidden_size": 12, "type_vocab_size": 2}).hidden_size == 12


def test_defaults_are_berts_base():
    config = BertConfig.from_dict({})
    assert config == BertConfig() and (config.hidden_size, config.layer_norm_eps) == (768, 1e-12)


def test_defaults_are_transformers():
    transformers = pytest.importorskip("transformers", reason="whose defaults they are")
    theirs = transformers.BertConfig().to_dict()
    ours = json.loads(BertConfig().to_json("BertModel"))
    for name in set(ours) & set(theirs) - {"architectures", "dtype"}:
        assert ours[name] == theirs[name], name
    assert BertConfig.from_dict(theirs | {"id2label": None}) == BertConfig()


def test_everything_that_transformers_may_write_is_known():
    transformers = pytest.importorskip("transformers", reason="whose files they are")
    config = transformers.BertConfig(
        num_labels=3, output_attentions=True, output_hidden_states=True, chunk_size_feed_forward=4,
        problem_type="regression", bos_token_id=1, eos_token_id=2, dtype="bfloat16",
    )  # fmt: skip
    read = BertConfig.from_dict(config.to_dict() | {"dtype": "bfloat16"})
    assert read.num_labels == 3 and read.problem_type == "regression"


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ({}, 2),
        ({"num_labels": 2}, 2),
        ({"num_labels": 7}, 7),
        ({"id2label": {"0": "a"}}, 1),
        ({"id2label": {"1": "b", "0": "a", "2": "c"}, "label2id": {"a": 0, "b": 1, "c": 2}}, 3),
    ],
)
def test_labels(values, labels):
    assert BertConfig.from_dict(values).num_labels == labels


def test_to_json_and_back():
    config = BertConfig(
        vocab_size=50, hidden_size=20, num_attention_heads=5, hidden_act="silu", layer_norm_eps=1e-5, pad_token_id=None,
        id2label={0: "否", 1: "是"}, problem_type="multi_label_classification", classifier_dropout=0.2,
        tie_word_embeddings=False, type_vocab_size=4,
    )  # fmt: skip
    text = config.to_json("BertForMaskedLM")
    assert BertConfig.from_dict(json.loads(text)) == config
    assert json.loads(text)["label2id"] == {"否": 0, "是": 1} and "是" in text


REFUSED = {
    "another model": ({"model_type": "roberta"}, r"model_type is 'roberta'; these classes read 'bert'"),
    "relative positions": (
        {"position_embedding_type": "relative_key"},
        r"position_embedding_type='relative_key': rela",
    ),
    "decoder": ({"is_decoder": True}, r"is_decoder=True: a causal BERT is not implemented; mf.Transformer"),
    "cross-attention": ({"add_cross_attention": True}, r"add_cross_attention=True: a BERT decoder"),
    "encoder-decoder": ({"is_encoder_decoder": True}, r"is_encoder_decoder=True"),
    "pruned": ({"pruned_heads": {"0": [1]}}, r"pruned_heads=\{'0': \[1\]\}: save the checkpoint"),
    "remote code": ({"auto_map": {"AutoModel": "x.py"}}, r"auto_map=.*model code of its own, which is not run"),
    "eps zero": ({"layer_norm_eps": 0}, r"layer_norm_eps must be a finite number above 0; got 0"),
    "labels without end": ({"num_labels": 10**8}, r"num_labels is 100000000; at most 100000 labels are named"),
    "activation": ({"hidden_act": "gleu"}, r"unknown activation 'gleu'. Did you mean 'gelu'\?"),
    "activation no name": ({"hidden_act": None}, r"hidden_act must be a name; got None"),
    "size": ({"hidden_size": 0}, r"hidden_size must be a whole number of at least 1; got 0"),
    "size a float": ({"num_hidden_layers": 2.0}, r"num_hidden_layers must be a whole number of at least 1; got 2.0"),
    "size a string": ({"vocab_size": "100"}, r"vocab_size must be a whole number of at least 1; got '100'"),
    "heads": (
        {"hidden_size": 10, "num_attention_heads": 3},
        r"hidden_size=10 is not divisible by num_attention_heads=3",
    ),
    "dropout": ({"hidden_dropout_prob": 1.0}, r"hidden_dropout_prob must be at least 0 and below 1; got 1.0"),
    "dropout a string": ({"classifier_dropout": "0.1"}, r"classifier_dropout must be a number; got '0.1'"),
    "eps": ({"layer_norm_eps": -1e-5}, r"layer_norm_eps must be at least 0 and below 1; got -1e-05"),
    "eps null": ({"layer_norm_eps": None}, r"layer_norm_eps must be a number; got None"),
    "padding": ({"pad_token_id": 30522}, r"pad_token_id must be None or 0 to 30521; got 30522"),
    "problem": ({"problem_type": "ranking"}, r"problem_type must be one of None, 'regression'.*got 'ranking'"),
    "labels with a gap": ({"id2label": {"0": "a", "2": "c"}}, r"id2label must name the labels 0, 1, 2 …"),
    "no labels": ({"id2label": {}}, r"id2label must name the labels 0, 1, 2 …"),
    "labels as a list": ({"id2label": ["a", "b"]}, r"id2label must map whole numbers to names"),
    "labels by name": ({"id2label": {"a": 0}}, r"id2label must map whole numbers to names"),
    "two numbers of labels": ({"id2label": {"0": "a"}, "num_labels": 3}, r"num_labels is 3, but id2label names 1"),
    "tie": ({"tie_word_embeddings": "yes"}, r"tie_word_embeddings must be one of True, False; got 'yes'"),
}


def test_fields_that_transformers_ignores_are_ignored_and_listed(tmp_path):
    """As real folders have them: sentence-transformers, TinyBERT, and somebody's private note."""
    private = {"cell": {}, "emb_size": 312, "structure": [], "_num_labels": 2, "sentence_transformers": {"a": 1},
               "sbert_ce_default_activation_function": "Sigmoid", "note": "mine", "hidden_sizes": 1}  # fmt: skip
    values = {"model_type": "bert", "hidden_size": 24, "num_attention_heads": 2, **private, "use_cache": True}
    assert BertConfig.from_dict(values) == BertConfig(hidden_size=24, num_attention_heads=2)
    assert set(BertConfig.ignored_fields(values)) == {*private, "use_cache"}
    (tmp_path / "config.json").write_text(json.dumps(values))
    assert BertConfig.from_pretrained(tmp_path) == BertConfig(hidden_size=24, num_attention_heads=2)


@pytest.mark.parametrize(("values", "message"), REFUSED.values(), ids=REFUSED)
def test_refused(values, message):
    with pytest.raises(ArgumentError, match=message):
        BertConfig.from_dict(values)


def test_a_null_field_asks_for_nothing():
    assert BertConfig.from_dict({"some_new_field": None, "position_embedding_type": None}) == BertConfig()


def test_from_a_file_the_error_names_it(tmp_path):
    (tmp_path / "config.json").write_text('{"hidden_size": -1}')
    with pytest.raises(CheckpointError, match=r"config\.json: hidden_size must be a whole number") as caught:
        BertConfig.from_folder(tmp_path)
    assert str(tmp_path) in str(caught.value) and caught.value.fields["given"] == -1


def test_golden_file():
    assert BertConfig.from_folder(GOLDEN).num_labels == 4
