"""The gradient of the masked-LM loss, and a few steps down it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mlxformer.backend import mx, nn, optimizers, to_numpy, tree_flatten, tree_unflatten
from mlxformer.models.bert.config import BertConfig
from mlxformer.models.bert.heads import BertForMaskedLM, BertForPreTraining, BertForSequenceClassification
from tests.mlxformer.comparing import assert_close, numbers
from tests.mlxformer.models.bert.reference import TINY, inputs

CONFIG = BertConfig(**(TINY | {"vocab_size": 13, "hidden_size": 12, "intermediate_size": 16}), hidden_dropout_prob=0.0)
MASKED = np.array([[0, 1, 0, 0, 1, 0], [1, 0, 0, 1, 0, 0]], bool)


def random_weights(model, seed: int = 0) -> dict[str, np.ndarray]:
    """N(0, 0.2²) for every parameter, layer norms' weights about 1."""
    weights = {}
    for index, (path, value) in enumerate(tree_flatten(model.parameters())):
        weights[path] = numbers(*value.shape, seed=seed + index, scale=0.2)
        if path.endswith("norm.weight"):
            weights[path] += 1
    return weights


def masked_lm_loss(model, arrays, labels, masked):
    """Mean cross-entropy at the masked places."""
    logits = model(**arrays).logits
    losses = nn.losses.cross_entropy(logits, labels)  # [B, T]
    return mx.sum(mx.where(masked, losses, 0.0)) / float(MASKED.sum())


def problem():
    given = inputs(2, 6, vocab_size=13)
    given["attention_mask"][1, 4:] = 0
    labels = mx.array(given["input_ids"])
    given["input_ids"] = np.where(MASKED, 4, given["input_ids"]).astype(np.int32)
    return {name: mx.array(values) for name, values in given.items()}, labels, mx.array(MASKED)


@pytest.mark.parametrize("tied", [True, False])
def test_gradient_by_finite_differences(tied):
    model = BertForMaskedLM(replace(CONFIG, tie_word_embeddings=tied))
    model.eval()
    weights = random_weights(model)
    arrays, labels, masked = problem()

    def loss_at(values: dict[str, np.ndarray]) -> float:
        model.update(tree_unflatten([(path, mx.array(value)) for path, value in values.items()]))
        return float(to_numpy(masked_lm_loss(model, arrays, labels, masked)))

    loss_at(weights)
    _, gradient = nn.value_and_grad(model, masked_lm_loss)(model, arrays, labels, masked)
    for path, ours in tree_flatten(gradient):
        slope = to_numpy(ours)
        direction = np.random.default_rng(1).standard_normal(slope.shape)
        direction /= np.linalg.norm(direction)
        step = 2e-2
        at = {
            n: loss_at(weights | {path: (weights[path] + n * step * direction).astype(np.float32)})
            for n in (-2, -1, 1, 2)
        }
        wanted = (8 * (at[1] - at[-1]) - (at[2] - at[-2])) / (12 * step)
        assert abs(float((slope * direction).sum()) - wanted) <= 2e-3 * max(1.0, abs(wanted)), path
        if path.endswith("key_proj.bias"):
            assert np.abs(slope).max() < 1e-6  # softmax cannot see it
        else:
            assert np.abs(slope).max() > 1e-6, f"{path} has no gradient"


def test_gradient_beside_torchs(tmp_path):
    torch = pytest.importorskip("torch", reason="the reference is torch's gradient")
    pytest.importorskip("transformers", reason="the reference is transformers' BERT")
    from mlxformer.models.bert.checkpoint import stored_name
    from tests.mlxformer.models.bert.reference import random_model, save

    reference = random_model("BertForMaskedLM")
    model = BertForMaskedLM.from_pretrained(save(reference, tmp_path))
    given = inputs(2, 6)
    labels = np.where(MASKED, given["input_ids"], -100)
    reference(
        **{name: torch.tensor(x).long() for name, x in given.items()}, labels=torch.tensor(labels).long()
    ).loss.backward()
    arrays = {name: mx.array(x) for name, x in given.items()}
    _, gradient = nn.value_and_grad(model, masked_lm_loss)(
        model, arrays, mx.array(given["input_ids"]), mx.array(MASKED)
    )
    wanted = dict(reference.named_parameters())
    for path, ours in tree_flatten(gradient):
        expected = wanted[stored_name(path)].grad.clone()
        if path.endswith("word_embeddings.weight"):
            # torch drops the padding row's gradient as an embedding, not as the tied output: ours keeps both.
            assert_close(to_numpy(ours)[1:], expected[1:], 1e-4)
        else:
            assert_close(ours, expected, 1e-4)


def test_training_lowers_the_loss_and_keeps_what_is_saved(tmp_path):
    mx.random.seed(0)
    model = BertForMaskedLM(CONFIG)
    model.load_weights([(path, mx.array(value)) for path, value in random_weights(model).items()])
    model.train()
    arrays, labels, masked = problem()
    step = nn.value_and_grad(model, masked_lm_loss)
    optimizer = optimizers.AdamW(learning_rate=1e-2)
    losses = []
    for _ in range(12):
        loss, gradient = step(model, arrays, labels, masked)
        optimizer.update(model, gradient)
        mx.eval(model.parameters(), optimizer.state)
        losses.append(float(to_numpy(loss)))
    assert losses[-1] < 0.3 * losses[0], losses
    model.eval()
    model.save_pretrained(tmp_path)
    again = BertForMaskedLM.from_pretrained(tmp_path)
    np.testing.assert_array_equal(to_numpy(again(**arrays).logits), to_numpy(model(**arrays).logits))


def test_both_heads_learn_together():
    mx.random.seed(0)
    model = BertForPreTraining(CONFIG)
    arrays, labels, masked = problem()
    follows = mx.array(np.array([0, 1], np.int32))

    def loss(model):
        out = model(**arrays)
        words = nn.losses.cross_entropy(out.prediction_logits, labels)
        pairs = nn.losses.cross_entropy(out.seq_relationship_logits, follows, reduction="mean")
        return mx.sum(mx.where(masked, words, 0.0)) / float(MASKED.sum()) + pairs

    step = nn.value_and_grad(model, loss)
    optimizer = optimizers.Adam(learning_rate=5e-3)
    losses = []
    for _ in range(12):
        value, gradient = step(model)
        optimizer.update(model, gradient)
        mx.eval(model.parameters(), optimizer.state)
        losses.append(float(to_numpy(value)))
    assert losses[-1] < 0.7 * losses[0], losses


@pytest.mark.parametrize("name", ["hidden_dropout_prob", "attention_probs_dropout_prob", "classifier_dropout"])
def test_each_dropout_acts_in_training_and_only_there(name):
    off = {"hidden_dropout_prob": 0.0, "attention_probs_dropout_prob": 0.0, "classifier_dropout": 0.0}
    mx.random.seed(0)
    model = BertForSequenceClassification(replace(CONFIG, **(off | {name: 0.5})))
    model.load_weights([(path, mx.array(value)) for path, value in random_weights(model).items()])
    arrays, _, _ = problem()
    model.eval()
    calm = [to_numpy(x) for x in model(**arrays)]
    np.testing.assert_array_equal(to_numpy(model(**arrays).logits), calm[0])
    model.train()
    logits, hidden = (to_numpy(x) for x in model(**arrays))
    assert np.abs(logits - calm[0]).max() > 0.01
    # The classifier's own dropout comes after the encoder.
    assert (np.abs(hidden - calm[1]).max() > 0.01) == (name != "classifier_dropout")


def test_the_classifiers_dropout_is_the_hidden_layers_unless_given():
    model = BertForSequenceClassification(replace(CONFIG, hidden_dropout_prob=0.5, classifier_dropout=None))
    pooled = mx.ones((1, 400))
    assert 100 < float(to_numpy(mx.sum(model.classifier_dropout(pooled) == 0.0))) < 300
