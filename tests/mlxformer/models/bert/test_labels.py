"""Heads with labels beside transformers: losses and gradients; new heads on a body; RoBERTa's positions."""

from __future__ import annotations

import numpy as np
import pytest

import mlxformer as mf
from mlxformer.backend import mx, nn, optimizers, to_numpy, tree_flatten
from mlxformer.training.label_losses import class_loss, classification_loss, span_loss
from tests.mlxformer.comparing import assert_close, assert_gradients, numbers
from tests.mlxformer.models.bert.reference import TINY, inputs
from tests.mlxformer.models.hub import ours, redrawn, saved

BATCH, TIME = 3, 9
CLASSES = np.array([2, 0, -100])
TOKENS = np.where(np.random.default_rng(1).random((BATCH, TIME)) < 0.4, -100, np.arange(TIME) % 3)
WORDS = np.where(np.random.default_rng(2).random((BATCH, TIME)) < 0.6, -100, np.arange(TIME) + 5)
LABELED = {
    "classes": ("BertForSequenceClassification", {"num_labels": 3}, {"labels": CLASSES}),
    "regression": ("BertForSequenceClassification", {"num_labels": 1}, {"labels": numbers(BATCH)}),
    "numbers": ("BertForSequenceClassification", {"num_labels": 2, "problem_type": "regression"},
                {"labels": numbers(BATCH, 2)}),
    "several": ("BertForSequenceClassification", {"num_labels": 4}, {"labels": (numbers(BATCH, 4) > 0) * 1.0}),
    "tokens": ("BertForTokenClassification", {"num_labels": 3}, {"labels": TOKENS}),
    "words": ("BertForMaskedLM", {}, {"labels": WORDS}),
    "next": ("BertForNextSentencePrediction", {}, {"labels": np.array([0, 1, 1])}),
    "pretraining": ("BertForPreTraining", {}, {"labels": WORDS, "next_sentence_label": np.array([0, 1, 1])}),
    "questions": ("BertForQuestionAnswering", {}, {"start_positions": np.array([1, 4, 99]),
                                                   "end_positions": np.array([3, 4, 9])}),
}  # fmt: skip


def as_torch(values):
    import torch

    return torch.tensor(values, dtype=torch.float32 if values.dtype.kind == "f" else torch.long)


def as_ours(values):
    return mx.array(values.astype(np.float32 if values.dtype.kind == "f" else np.int32))


@pytest.mark.parametrize("case", LABELED)
def test_losses_and_logits_are_transformers(case, tmp_path):
    library = pytest.importorskip("transformers")
    name, settings, labels = LABELED[case]
    theirs = redrawn(getattr(library, name)(library.BertConfig(**TINY | settings)))
    model = getattr(mf, name).from_pretrained(saved(theirs, tmp_path))
    assert not model.training and model.load_report.new == ()
    given = inputs(BATCH, TIME)
    wanted = theirs(**{n: as_torch(x) for n, x in (given | labels).items()})
    arrays = {n: as_ours(x) for n, x in given.items()}
    marked = {n: as_ours(x) for n, x in labels.items()}
    found = model(**arrays, **marked)
    assert_close(found.loss, wanted.loss, 2e-5)
    for field in ("logits", "start_logits", "end_logits", "prediction_logits"):
        if hasattr(found, field):
            assert_close(getattr(found, field), getattr(wanted, field), 2e-5)
    assert model(**arrays).loss is None
    # The gradient of the first and of the last layer's matrices, against torch's.
    wanted.loss.backward()
    slopes = dict(tree_flatten(nn.value_and_grad(model, lambda: model(**arrays, **marked).loss)()[1]))
    torch_slopes = {n: p.grad.numpy() for n, p in theirs.named_parameters() if p.grad is not None}
    query = slopes["bert.encoder.layers.0.self_attention.query_proj.weight"]
    assert_close(query, torch_slopes["bert.encoder.layer.0.attention.self.query.weight"], 1e-4)
    if "labels" in labels and "classifier.weight" in slopes:
        assert_close(slopes["classifier.weight"], torch_slopes["classifier.weight"], 1e-4)
    model.save_pretrained(tmp_path / "back")
    again = getattr(library, name).from_pretrained(tmp_path / "back").eval()
    assert_close(again(**{n: as_torch(x) for n, x in (given | labels).items()}).loss, wanted.loss, 1e-6)


def test_loss_gradients_by_differences():
    labels = mx.array(CLASSES.astype(np.int32))
    assert_gradients(lambda z: class_loss(z, labels), [numbers(3, 4)])
    several = mx.array((numbers(3, 4) > 0).astype(np.float32))
    assert_gradients(lambda z: classification_loss(z, several, None), [numbers(3, 4, seed=1)])
    ends = mx.array(np.array([1, 9, 2], np.int32))
    assert_gradients(lambda a, b: span_loss(a, b, ends, ends), [numbers(3, 5), numbers(3, 5, seed=1)])


def test_nothing_to_look_at_is_nothing_to_lower():
    nothing = mx.array(np.full((3,), -100, np.int32))
    assert float(class_loss(mx.array(numbers(3, 4)), nothing)) == 0
    slope = mx.grad(lambda z: class_loss(z, nothing))(mx.array(numbers(3, 4)))
    assert not to_numpy(slope).any()


@pytest.fixture
def body(tmp_path):
    model = mf.BertModel(mf.BertConfig(**TINY))
    model.save_pretrained(tmp_path / "body")
    return tmp_path / "body"


@pytest.mark.parametrize(
    ("name", "given", "new"),
    [
        ("BertForSequenceClassification", {"num_labels": 3}, ("classifier.weight", "classifier.bias")),
        ("BertForTokenClassification", {"num_labels": 5}, ("classifier.weight", "classifier.bias")),
        ("BertForQuestionAnswering", {"new_head": True}, ("qa_outputs.weight", "qa_outputs.bias")),
        ("BertForNextSentencePrediction", {"new_head": True}, ("nsp_head.weight", "nsp_head.bias")),
    ],
)
def test_a_new_head_on_a_body(body, tmp_path, name, given, new):
    kind = getattr(mf, name)
    model = kind.from_pretrained(body, **given)
    assert sorted(model.load_report.new) == sorted(new) and model.training
    assert "made anew, to be trained" in str(model.load_report)
    assert all(module.training for _, module in model.named_modules())
    base = dict(tree_flatten(mf.BertModel.from_pretrained(body).parameters()))
    for path, value in tree_flatten(model.bert.parameters()):
        assert to_numpy(value).tolist() == to_numpy(base[path]).tolist()
    drawn = to_numpy(dict(tree_flatten(model.parameters()))[new[0]])
    assert 0.05 < drawn.std() < 0.4, "drawn with initializer_range 0.2"
    with pytest.raises(mf.CheckpointError, match=r"make a new head, to be trained: \w+\.from_pretrained"):
        kind.from_pretrained(body)
    model.save_pretrained(tmp_path / "again")
    again = kind.from_pretrained(tmp_path / "again", **({k: v for k, v in given.items() if k == "num_labels"}))
    assert again.load_report.new == () and not again.training, "a head that fits is kept"


def test_a_head_of_another_size_is_replaced_and_its_labels_renamed(body, tmp_path):
    first = mf.BertForSequenceClassification.from_pretrained(body, num_labels=3)
    first.save_pretrained(tmp_path / "three")
    second = mf.BertForSequenceClassification.from_pretrained(tmp_path / "three", num_labels=4)
    assert second.config.num_labels == 4 and second.load_report.new and second.training
    assert set(second.load_report.other_heads) == {"classifier.weight", "classifier.bias"}


def test_a_missing_pooler_is_drawn_with_the_head(tmp_path):
    mf.BertForMaskedLM(mf.BertConfig(**TINY)).save_pretrained(tmp_path)
    model = mf.BertForSequenceClassification.from_pretrained(tmp_path, num_labels=2)
    assert "bert.pooler.dense.weight" in model.load_report.new
    assert float(mx.sum(mx.square(model.bert.pooler.dense.weight))) > 0


def test_a_new_head_learns(body):
    mx.random.seed(1)
    model = mf.BertForSequenceClassification.from_pretrained(body, num_labels=3)
    given, labels = inputs(6, 7, seed=4), np.array([0, 1, 2, 0, 1, 2])
    arrays = {n: ours(x) for n, x in given.items()}
    optimizer = optimizers.AdamW(learning_rate=3e-3)
    step = nn.value_and_grad(model, lambda: model(**arrays, labels=ours(labels)).loss)
    for _ in range(120):
        _, slopes = step()
        optimizer.update(model, slopes)
        mx.eval(model.parameters(), optimizer.state)
    model.eval()
    assert to_numpy(model(**arrays).logits).argmax(-1).tolist() == labels.tolist()


def roberta(**changes):
    transformers = pytest.importorskip("transformers")
    settings = TINY | {"max_position_embeddings": 20, "type_vocab_size": 1, "pad_token_id": 3, "layer_norm_eps": 0.02}
    return redrawn(transformers.RobertaModel(transformers.RobertaConfig(**settings | changes)))


@pytest.mark.parametrize("changes", [{}, {"pad_token_id": 1, "hidden_act": "gelu_new"}], ids=str)
def test_roberta_is_transformers(tmp_path, changes):
    theirs = roberta(**changes)
    pad = theirs.config.pad_token_id
    model = mf.RobertaModel.from_pretrained(saved(theirs, tmp_path))
    ids = np.random.default_rng(0).integers(0, 37, (4, 12))
    ids[1, 7:] = pad
    ids[2, :4] = pad  # on the left, and in the midst
    ids[3, 5] = pad
    for mask in (np.ones_like(ids), (ids != pad) * 1, np.random.default_rng(1).integers(0, 2, ids.shape) | (ids == 5)):
        mask[:, 0] = 1
        wanted = theirs(as_torch(ids), attention_mask=as_torch(mask))
        found = model(ours(ids), attention_mask=ours(mask))
        assert_close(found.last_hidden_state, wanted.last_hidden_state, 2e-5)
        assert_close(found.pooler_output, wanted.pooler_output, 2e-5)
    model.save_pretrained(tmp_path / "back")
    again = type(theirs).from_pretrained(tmp_path / "back").eval()
    assert_close(again(as_torch(ids)).last_hidden_state, theirs(as_torch(ids)).last_hidden_state, 1e-6)


@pytest.mark.parametrize("changes", [{}, {"tie_word_embeddings": False, "hidden_act": "relu"}], ids=str)
def test_roberta_fills_masks_as_transformers_does(tmp_path, changes):
    transformers = pytest.importorskip("transformers")
    settings = TINY | {"max_position_embeddings": 20, "type_vocab_size": 1, "pad_token_id": 3, "layer_norm_eps": 0.02}
    theirs = redrawn(transformers.RobertaForMaskedLM(transformers.RobertaConfig(**settings | changes)))
    model = mf.RobertaForMaskedLM.from_pretrained(saved(theirs, tmp_path))
    ids = np.random.default_rng(0).integers(4, 37, (2, 9))
    assert_close(model(ours(ids)).logits, theirs(as_torch(ids)).logits, 2e-5)
    model.save_pretrained(tmp_path / "back")
    again = type(theirs).from_pretrained(tmp_path / "back").eval()
    assert_close(again(as_torch(ids)).logits, theirs(as_torch(ids)).logits, 1e-6)


def test_modernbert_fills_masks_as_transformers_does(tmp_path):
    transformers = pytest.importorskip("transformers")
    sizes = {"vocab_size": 37, "hidden_size": 24, "num_hidden_layers": 4, "num_attention_heads": 2,
             "intermediate_size": 32, "local_attention": 4, "initializer_range": 0.3}  # fmt: skip
    special = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "cls_token_id": 1, "sep_token_id": 2}
    config = transformers.ModernBertConfig(**sizes, **special, attn_implementation="eager")
    theirs = redrawn(transformers.ModernBertForMaskedLM(config))
    model = mf.ModernBertForMaskedLM.from_pretrained(saved(theirs, tmp_path))
    ids = np.random.default_rng(0).integers(3, 37, (2, 11))
    assert_close(model(ours(ids)).logits, theirs(as_torch(ids)).logits, 5e-5)
    model.save_pretrained(tmp_path / "back")
    again = type(theirs).from_pretrained(tmp_path / "back", attn_implementation="eager").eval()
    assert_close(again(as_torch(ids)).logits, theirs(as_torch(ids)).logits, 1e-5)


@pytest.mark.parametrize("dtype", [np.uint8, np.int8, np.uint32, np.int64])
@pytest.mark.parametrize("make", [np.asarray, lambda values: mx.array(values), np.ndarray.tolist])
def test_labels_of_any_whole_numbers(dtype, make):
    logits = mx.array(numbers(3, 260, seed=1))
    wanted = float(class_loss(logits, ours([2, 0, 100])))
    assert float(class_loss(logits, make(np.array([2, 0, 100], dtype)))) == wanted
    if dtype != np.int8:  # which ends before the text, so that nothing is beyond it
        beyond = np.array([2, 255, 100], dtype)  # 255 - 256 is -1, and -100 in 8 bits is 156
        losses = span_loss(logits[:, :200], logits[:, :200], make(beyond), make(beyond))
        assert float(losses) == float(class_loss(logits[:, :200], ours([2, -100, 100])))


@pytest.mark.parametrize("labels", ["abc", [["a"]], [[1], [1, 2]], [None], {"a": 1}])
def test_labels_that_are_no_numbers_are_refused(labels):
    with pytest.raises(mf.ArgumentError, match="labels must be an array or nested lists of numbers") as error:
        class_loss(mx.zeros((3, 4)), labels)
    assert error.value.code == "labels-not-numbers"


def test_roberta_reads_as_many_tokens_as_it_has_positions_for():
    config = mf.RobertaConfig(**TINY | {"max_position_embeddings": 10, "pad_token_id": 1, "type_vocab_size": 1})
    model = mf.RobertaModel(config)
    assert model(mx.full((1, 8), 5, dtype=mx.int32)).last_hidden_state.shape == (1, 8, 24)
    with pytest.raises(mf.ArgumentError, match="positions for 8"):
        model(mx.full((1, 9), 5, dtype=mx.int32))


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda m, x: m(x, labels=ours([0, 3, 1])), "label-out-of-range"),
        (lambda m, x: m(x, labels=ours([0, -1, 1])), "label-out-of-range"),
        (lambda m, x: m(x, labels=ours([0, 1])), "wrong-shape"),
        (lambda m, x: m(x, labels=ours([[0], [1], [2]])), "wrong-shape"),
        (lambda m, x: m(x, labels=mx.array([0.0, 1.0, 2.0])), "wrong-shape"),  # several labels each, by their kind
        (lambda m, x: span_loss(mx.zeros((3, 5)), mx.zeros((3, 5)), ours([1, 2, 3]), None), "positions-missing"),
        (lambda m, x: span_loss(mx.zeros((3, 5)), mx.zeros((3, 5)), ours([1, 2, -3]), ours([1, 2, 3])),
         "label-out-of-range"),
        (lambda m, x: mf.BertForMaskedLM.from_pretrained(x, num_labels=3), "num-labels"),
        (lambda m, x: mf.BertModel.from_pretrained(x, num_labels=3), "num-labels"),
        (lambda m, x: mf.BertModel.from_pretrained(x, new_head=True), "no-head"),
        (lambda m, x: mf.BertForTokenClassification.from_pretrained(x, num_labels=0), "not-positive"),
        (lambda m, x: mf.RobertaConfig(pad_token_id=None), "pad-missing"),
        (lambda m, x: mf.RobertaModel(mf.BertConfig()), "wrong-kind"),
    ],
)  # fmt: skip
def test_what_is_refused(call, code, body):
    model = mf.BertForSequenceClassification(mf.BertConfig(**TINY, id2label={0: "a", 1: "b", 2: "c"}))
    ids = ours(np.full((3, 4), 5))
    given = body if "from_pretrained" in call.__code__.co_names else ids
    with pytest.raises(mf.ArgumentError) as error:
        call(model, given)
    assert error.value.code == code
