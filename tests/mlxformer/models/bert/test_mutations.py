"""The parity of test_bert_golden.py can fail: spoil one thing at a time on our side, and see that it does.

Every single parameter is spoiled in turn, and every choice of the configuration. The one exception is the key bias:
it adds ``q · b`` to all scores of a row alike, which softmax cannot see; for it the opposite is asserted.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mlxformer.backend import mx, to_numpy, tree_flatten
from mlxformer.models.bert.heads import BertForMaskedLM, BertForNextSentencePrediction, BertForSequenceClassification
from mlxformer.models.bert.model import BertModel
from tests.mlxformer.comparing import assert_close
from tests.mlxformer.models.bert.test_golden import GOLDEN, golden

CLASSES = {
    "BertModel": BertModel,
    "BertForMaskedLM": BertForMaskedLM,
    "BertForNextSentencePrediction": BertForNextSentencePrediction,
    "BertForSequenceClassification": BertForSequenceClassification,
}
CONFIG, EXPECTED, ARRAYS = golden("gelu")
PARAMETERS = [
    (name, path) for name, cls in CLASSES.items() for path, _ in tree_flatten(cls.from_pretrained(GOLDEN).parameters())
]  # fmt: skip


def agrees(name: str, model) -> bool:
    """Whether the outputs are within the tolerance of parity."""
    out = model(**ARRAYS)
    pairs = [(out.logits, EXPECTED[name])] if name != "BertModel" else [(out.pooler_output, EXPECTED["pooler_output"])]
    try:
        for ours, wanted in [*pairs, (out.last_hidden_state, EXPECTED["hidden_2"])]:
            assert_close(ours, wanted)
    except AssertionError:
        return False
    return True


@pytest.mark.parametrize("name", CLASSES)
def test_unspoiled_it_agrees(name):
    assert agrees(name, CLASSES[name].from_pretrained(GOLDEN))


@pytest.mark.parametrize(("name", "path"), PARAMETERS, ids=[f"{name}-{path}" for name, path in PARAMETERS])
def test_each_parameter_counts(name, path):
    model = CLASSES[name].from_pretrained(GOLDEN)
    parameters = dict(tree_flatten(model.parameters()))
    is_norm = path.endswith("norm.weight")
    changed = mx.ones(parameters[path].shape) if is_norm else mx.zeros(parameters[path].shape)
    model.load_weights(list((parameters | {path: changed}).items()))
    assert agrees(name, model) == path.endswith("key_proj.bias")


def swapped(*paths: str):
    def spoil(model):
        parameters = dict(tree_flatten(model.parameters()))
        values = [parameters[path] for path in reversed(paths)]
        model.load_weights(list((parameters | dict(zip(paths, values, strict=True))).items()))

    return spoil


def transposed(path: str):
    def spoil(model):
        parameters = dict(tree_flatten(model.parameters()))
        model.load_weights(list((parameters | {path: parameters[path].T}).items()))

    return spoil


ATTENTION = "encoder.layers.1.self_attention"
SWAPS = {
    "queries and keys swapped": swapped(f"{ATTENTION}.query_proj.weight", f"{ATTENTION}.key_proj.weight"),
    "keys and values swapped": swapped(f"{ATTENTION}.key_proj.weight", f"{ATTENTION}.value_proj.weight"),
    "the two layer norms swapped": swapped(
        "encoder.layers.0.self_attention_norm.weight", "encoder.layers.0.feed_forward_norm.weight"
    ),
    "a bias of one layer swapped with the next's": swapped(
        "encoder.layers.0.feed_forward.up_proj.bias", "encoder.layers.1.feed_forward.up_proj.bias"
    ),
    "the output projection transposed": transposed(f"{ATTENTION}.out_proj.weight"),
    "the pooler transposed": transposed("pooler.dense.weight"),
}


@pytest.mark.parametrize("spoil", SWAPS.values(), ids=SWAPS)
def test_swaps_are_seen(spoil):
    model = BertModel.from_pretrained(GOLDEN)
    spoil(model)
    assert not agrees("BertModel", model)


CHOICES = {
    "another eps": {"layer_norm_eps": 1e-3},
    "tanh GELU for erf GELU": {"hidden_act": "gelu_new"},
    "ReLU for GELU": {"hidden_act": "relu"},
    "four heads for three": {"num_attention_heads": 4},
}


@pytest.mark.parametrize("change", CHOICES.values(), ids=CHOICES)
@pytest.mark.parametrize("name", CLASSES)
def test_choices_are_seen(name, change):
    assert not agrees(name, CLASSES[name].from_pretrained(GOLDEN, config=replace(CONFIG, **change)))


@pytest.mark.parametrize("dropped", ["token_type_ids", "attention_mask"])
def test_inputs_are_seen(dropped):
    given = {name: values for name, values in ARRAYS.items() if name != dropped}
    out = BertModel.from_pretrained(GOLDEN)(**given)
    assert np.abs(to_numpy(out.last_hidden_state) - EXPECTED["hidden_2"]).max() > 0.1


def test_the_activation_of_the_masked_lm_head_is_seen():
    model = BertForMaskedLM.from_pretrained(GOLDEN)
    model.mlm_head._activate = BertForMaskedLM(replace(CONFIG, hidden_act="gelu_new")).mlm_head._activate
    assert not agrees("BertForMaskedLM", model)


def test_dropout_in_training_is_seen():
    model = BertModel.from_pretrained(GOLDEN)
    model.train()
    assert not agrees("BertModel", model)
