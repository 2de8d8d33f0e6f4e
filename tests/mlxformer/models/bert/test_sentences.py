"""The bi-encoder: mean pooling of BERT at unit length, alone or beside others; and the error of a low rank."""

from __future__ import annotations

import numpy as np
import pytest

from mlxformer import backend
from mlxformer.backend import mx, to_numpy
from mlxformer.errors import ArgumentError
from mlxformer.inspection.diagnostics import low_rank_error
from mlxformer.models.bert.config import BertConfig
from mlxformer.models.bert.model import BertModel
from mlxformer.models.bert.sentences import BiEncoder, similarity
from tests.mlxformer.comparing import assert_close, assert_gradients, is_float32, numbers
from tests.mlxformer.observing import filled

CONFIG = BertConfig(
    vocab_size=20, hidden_size=8, num_hidden_layers=2, num_attention_heads=2, intermediate_size=16,
    max_position_embeddings=16, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
)  # fmt: skip
IDS = np.array([[1, 5, 6, 2, 0, 0], [1, 7, 8, 9, 10, 2]], np.int32)
MASK = (IDS > 0).astype(np.int32)


def test_it_is_the_mean_of_the_real_tokens_at_unit_length():
    encoder = filled(BiEncoder(CONFIG))
    found = encoder(mx.array(IDS), mx.array(MASK))
    hidden = to_numpy(encoder.bert(mx.array(IDS), attention_mask=mx.array(MASK)).last_hidden_state).astype(np.float64)
    expected = np.stack([hidden[0, :4].mean(0), hidden[1].mean(0)])
    assert is_float32(found)
    assert_close(found, expected / np.linalg.norm(expected, axis=1, keepdims=True))


def test_a_sentence_has_one_vector_whoever_stands_beside_it():
    encoder = filled(BiEncoder(CONFIG))
    together = to_numpy(encoder(mx.array(IDS), mx.array(MASK)))
    assert_close(encoder(mx.array(IDS[:1, :4])), together[:1])
    assert_close(encoder(mx.array(IDS[1:])), together[1:])


def test_nothing_real_gives_zeros():
    encoder = filled(BiEncoder(CONFIG))
    assert not to_numpy(encoder(mx.array(IDS[:1]), mx.zeros((1, 6), mx.int32))).any()


def test_similarity_is_the_cosine():
    first, second = numbers(3, 4), numbers(2, 4, seed=1)
    unit = [x / np.linalg.norm(x, axis=1, keepdims=True) for x in (first, second)]
    found = to_numpy(similarity(mx.array(unit[0]), mx.array(unit[1])))
    for i, j in np.ndindex(3, 2):
        assert found[i, j] == pytest.approx(
            np.dot(first[i], second[j]) / np.linalg.norm(first[i]) / np.linalg.norm(second[j]), abs=1e-6
        )


def test_gradients_by_finite_differences():
    encoder = filled(BiEncoder(CONFIG))
    parameters = sorted(backend.tree_flatten(encoder.parameters()))
    chosen = [name for name, _ in parameters if "word" in name or "query_proj" in name]
    wanted = mx.array(numbers(2, 8, seed=4))

    def loss(*values):
        encoder.update(backend.tree_unflatten(list(zip(chosen, values, strict=True))))
        return mx.sum(encoder(mx.array(IDS), mx.array(MASK)) * wanted)

    assert_gradients(loss, [to_numpy(dict(parameters)[name]) for name in chosen])


def test_the_model_inside_is_bert():
    assert isinstance(BiEncoder(CONFIG).bert, BertModel)


def test_low_rank_error():
    product = numbers(12, 3) @ numbers(3, 10, seed=1)
    assert low_rank_error(product, 3) < 1e-6 < low_rank_error(product, 2)
    diagonal = np.diag([4.0, 3.0, 2.0, 1.0])
    assert low_rank_error(diagonal, 2) == pytest.approx(np.sqrt(5 / 30))
    assert low_rank_error(np.zeros((2, 2)), 1) == 0.0 and low_rank_error(diagonal, 4) == 0.0


def test_bad_input_is_named():
    encoder = filled(BiEncoder(CONFIG))
    for call, code in [
        (lambda: encoder(mx.array(IDS + 15)), "id-out-of-range"),
        (lambda: encoder(mx.array(IDS), mx.zeros((2, 5), mx.int32)), "wrong-shape"),
        (lambda: similarity(mx.zeros((2, 3)), mx.zeros((2, 4))), "wrong-shape"),
        (lambda: similarity(mx.zeros((2, 3)), numbers(2, 3)), "not-an-array"),
    ]:
        with pytest.raises(ArgumentError) as caught:
            call()
        assert caught.value.code == code
