"""BERT against numbers that transformers computed once (golden/make_bert.py): the proof where torch is absent."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mlxformer.backend import mx
from mlxformer.checkpoints.folder import read_json
from mlxformer.models.bert.config import BertConfig
from mlxformer.models.bert.heads import (
    BertForMaskedLM,
    BertForNextSentencePrediction,
    BertForPreTraining,
    BertForSequenceClassification,
)
from mlxformer.models.bert.model import BertModel
from mlxformer.tracing import trace
from tests.mlxformer.comparing import assert_close, is_float32

GOLDEN = Path(__file__).parents[2] / "golden" / "bert"
SETTINGS = {"gelu": {}, "tanh-gelu": {"hidden_act": "gelu_new", "layer_norm_eps": 1e-3}}
HEADS = {
    "BertForMaskedLM": BertForMaskedLM,
    "BertForNextSentencePrediction": BertForNextSentencePrediction,
    "BertForSequenceClassification": BertForSequenceClassification,
}


def golden(setting: str) -> tuple[BertConfig, dict[str, np.ndarray], dict]:
    config = BertConfig.from_dict(read_json(GOLDEN / "config.json") | SETTINGS[setting])
    with np.load(GOLDEN / f"expected-{setting}.npz") as stored:
        expected = dict(stored)
    names = ("input_ids", "token_type_ids", "attention_mask")
    return config, expected, {name: mx.array(expected[name]) for name in names}


@pytest.mark.parametrize("setting", SETTINGS)
def test_every_layer_every_attention_weight_and_the_pooler(setting):
    config, expected, arrays = golden(setting)
    model = BertModel.from_pretrained(GOLDEN, config=config)
    with trace() as steps:
        out = model(**arrays)
    assert_close(steps["embeddings.output"].value, expected["hidden_0"])
    real = expected["attention_mask"][:, None, :, None] > 0  # what a padded query attends to means nothing
    for layer in range(config.num_hidden_layers):
        assert_close(steps[f"encoder.layers.{layer}.output"].value, expected[f"hidden_{layer + 1}"])
        weights = steps[f"encoder.layers.{layer}.self_attention.weights"].value
        assert_close(np.where(real, weights, 0), np.where(real, expected[f"weights_{layer}"], 0))
    assert_close(out.pooler_output, expected["pooler_output"])
    assert is_float32(*out)


@pytest.mark.parametrize("setting", SETTINGS)
@pytest.mark.parametrize("name", HEADS)
def test_heads(name, setting):
    config, expected, arrays = golden(setting)
    out = HEADS[name].from_pretrained(GOLDEN, config=config)(**arrays)
    assert_close(out.logits, expected[name])
    assert_close(out.last_hidden_state, expected["hidden_2"])
    assert is_float32(*out)


@pytest.mark.parametrize("setting", SETTINGS)
def test_both_heads_of_pretraining(setting):
    config, expected, arrays = golden(setting)
    out = BertForPreTraining.from_pretrained(GOLDEN, config=config)(**arrays)
    assert_close(out.prediction_logits, expected["BertForMaskedLM"])
    assert_close(out.seq_relationship_logits, expected["BertForNextSentencePrediction"])


def test_each_class_takes_its_own_head_and_lists_the_others():
    assert BertModel.from_pretrained(GOLDEN).load_report.other_heads == (
        "classifier.bias", "classifier.weight", "cls.predictions.bias", "cls.predictions.decoder.bias",
        "cls.predictions.decoder.weight", "cls.predictions.transform.LayerNorm.bias",
        "cls.predictions.transform.LayerNorm.weight", "cls.predictions.transform.dense.bias",
        "cls.predictions.transform.dense.weight", "cls.seq_relationship.bias", "cls.seq_relationship.weight",
    )  # fmt: skip
    report = BertForMaskedLM.from_pretrained(GOLDEN).load_report
    assert report.other_heads == (
        "bert.pooler.dense.bias", "bert.pooler.dense.weight", "classifier.bias", "classifier.weight",
        "cls.seq_relationship.bias", "cls.seq_relationship.weight",
    )  # fmt: skip
    assert set(report.tied_copies) == {"cls.predictions.decoder.weight", "cls.predictions.decoder.bias"}
    assert "cls.predictions.transform.dense.weight" in report.loaded
    report = BertForSequenceClassification.from_pretrained(GOLDEN).load_report
    assert len(report.other_heads) == 9 and all(name.startswith("cls.") for name in report.other_heads)
    assert str(report).splitlines()[0] == "41 tensors loaded"


def test_golden_values_are_still_what_transformers_computes(tmp_path):
    pytest.importorskip("torch", reason="torch makes the golden values")
    pytest.importorskip("transformers", reason="transformers makes the golden values")
    from safetensors.torch import load_file

    from tests.mlxformer.golden import make_bert

    state = load_file(GOLDEN / "model.safetensors")
    for setting, changes in make_bert.SETTINGS.items():
        assert changes == SETTINGS[setting]
        fresh, (_, stored, _) = make_bert.expected(state, changes | {"num_labels": 4}), golden(setting)
        assert set(fresh) == set(stored)
        for name in fresh:
            assert_close(fresh[name], stored[name])
