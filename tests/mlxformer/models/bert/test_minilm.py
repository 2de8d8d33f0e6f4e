"""A real checkpoint, all-MiniLM-L6-v2 (6 layers, 384 wide, 12 heads, 22.7 M parameters), beside transformers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mlxformer.backend import mx, name, to_numpy, tree_flatten
from mlxformer.models.bert.model import BertModel
from mlxformer.models.bert.pooling import mean_pooling
from mlxformer.tokenization.bert import BertTokenizer
from mlxformer.tracing import trace
from tests.mlxformer.comparing import assert_close
from tests.mlxformer.minilm import minilm_folder

SENTENCES = [
    "A cat sits on the mat.",
    "A kitten is sitting on the rug.",
    "The stock market fell sharply on Monday, naïvely or not.",
    "unaffable",
]


@pytest.fixture(scope="module")
def folder() -> Path:
    return minilm_folder()


@pytest.fixture(scope="module")
def model(folder) -> BertModel:
    return BertModel.from_pretrained(folder)


@pytest.fixture(scope="module")
def batch(folder):
    return BertTokenizer.from_pretrained(folder)(SENTENCES)


def test_it_loads_whole(model):
    report = model.load_report
    assert len(report.loaded) == 103 and report.constants == ("embeddings.position_ids",)
    assert not (report.other_heads or report.tied_copies or report.absent)
    parameters = dict(tree_flatten(model.parameters()))
    assert sum(value.size for value in parameters.values()) == 22_713_216
    if name == "numpy":  # mapped, not copied
        words = parameters["embeddings.word_embeddings.weight"]
        assert not np.array(words, copy=False).flags.owndata


def test_beside_transformers(folder, model, batch):
    torch = pytest.importorskip("torch", reason="the reference is torch's BERT")
    transformers = pytest.importorskip("transformers", reason="the reference is transformers' BERT")
    reference = transformers.BertModel.from_pretrained(folder).eval()
    arrays = {key: torch.tensor(to_numpy(value)).long() for key, value in batch.items()}
    with torch.no_grad():
        wanted = reference(**arrays)
    out = model(**batch)
    # Only where there are tokens: what stands at padding means nothing, and this model amplifies rounding there
    # (torch's own float32 is 2.5e-5 from its float64 at padding, 1.9e-6 elsewhere).
    real = to_numpy(batch.attention_mask) == 1
    assert_close(to_numpy(out.last_hidden_state)[real], wanted.last_hidden_state.numpy()[real])
    assert_close(out.pooler_output, wanted.pooler_output)


def test_its_tokenizer_beside_transformers(folder, batch):
    transformers = pytest.importorskip("transformers", reason="the reference is transformers' tokenizer")
    reference = transformers.BertTokenizer.from_pretrained(folder)
    wanted = reference(SENTENCES, padding=True)
    for key in ("input_ids", "token_type_ids", "attention_mask"):
        np.testing.assert_array_equal(to_numpy(batch[key]), wanted[key])


def test_its_tokenizer_json_neither_cuts_nor_pads(folder):
    """The file was saved with truncation and padding at 128 switched on."""
    tokenizer = BertTokenizer.from_pretrained(folder)
    assert tokenizer("one two").input_ids.shape == (1, 4)
    assert tokenizer("word " * 300).input_ids.shape == (1, 302)
    assert tokenizer.settings.model_max_length == 512


def test_alike_sentences_are_near(model, batch):
    vectors = to_numpy(mean_pooling(model(**batch).last_hidden_state, batch.attention_mask))
    vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = vectors @ vectors.T
    assert cosines[0, 1] > 0.5 > 0.2 > cosines[0, 2]


def test_traced_or_not(model, batch):
    with trace() as steps:
        traced = model(**batch)
    assert_close(traced.last_hidden_state, model(**batch).last_hidden_state)
    weights = steps["encoder.layers.5.self_attention.weights"].value  # [B, H, T, T]
    assert weights.shape[:2] == (4, 12)
    np.testing.assert_allclose(weights.sum(-1), 1, atol=1e-5)
    real = to_numpy(batch.attention_mask)
    assert (np.where(real[:, None, None] == 0, weights, 0) == 0).all()


def test_padding_changes_nothing(model, batch):
    longer = {key: mx.array(np.pad(to_numpy(value), ((0, 0), (0, 9)))) for key, value in batch.items()}
    out = model(**batch).last_hidden_state
    assert_close(model(**longer).last_hidden_state[:, : out.shape[1]], out)
