"""Bad input to BERT: each error names the thing, what was given, what was expected, and the cure."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mlxformer.backend import mx
from mlxformer.errors import ArgumentError
from mlxformer.models.bert.heads import (
    BertForMaskedLM,
    BertForNextSentencePrediction,
    BertForPreTraining,
    BertForSequenceClassification,
)
from mlxformer.models.bert.model import BertModel

GOLDEN = Path(__file__).parents[2] / "golden" / "bert"
IDS = np.arange(10, dtype=np.int32).reshape(2, 5)


@pytest.fixture(scope="module")
def model() -> BertModel:
    return BertModel.from_pretrained(GOLDEN)


def refused(model, message: str, code: str, ids=IDS, **given) -> None:
    with pytest.raises(ArgumentError, match=message) as caught:
        model(mx.array(ids), **{name: mx.array(values) for name, values in given.items()})
    assert caught.value.code == code


@pytest.mark.parametrize(
    "cls",
    [BertModel, BertForMaskedLM, BertForNextSentencePrediction, BertForSequenceClassification, BertForPreTraining],
)
@pytest.mark.parametrize("wrong", [37, 10_000, -1, -(2**31), 2**31 - 1])
def test_ids_out_of_range(cls, wrong):
    ids = IDS.copy()
    ids[1, 3] = wrong
    message = rf"input_ids holds {wrong}, but the vocabulary has ids 0 to 36. Was it made by another tokenizer\?"
    refused(cls.from_pretrained(GOLDEN), message, "id-out-of-range", ids)


def test_the_last_id_is_one(model):
    model(mx.array(np.full((1, 3), 36, np.int32)), token_type_ids=mx.array(np.full((1, 3), 2, np.int32)))


def test_type_ids_out_of_range(model):
    kinds = np.full_like(IDS, 3)
    message = "token_type_ids holds 3, but the type embedding has ids 0 to 2"
    refused(model, message, "id-out-of-range", token_type_ids=kinds)


def test_too_many_tokens(model):
    ids = np.zeros((2, 17), np.int32)
    message = r"input_ids \[2, 17\] has 17 tokens, the model has positions for 16. Truncate: .*max_length=16"
    refused(model, message, "too-many-tokens", ids)
    model(mx.array(ids[:, :16]))


def test_ids_that_are_not_integers(model):
    refused(model, r"input_ids must be integers \(int32\); got .*float32", "ids-not-integers", IDS.astype(np.float32))
    kinds = np.zeros_like(IDS, dtype=np.float32)
    refused(model, r"token_type_ids must be integers", "ids-not-integers", token_type_ids=kinds)


@pytest.mark.parametrize("shape", [(5,), (1, 2, 5)])
def test_ids_of_another_rank(model, shape):
    refused(model, r"input_ids must have shape \[batch, time\]; got", "wrong-shape", np.zeros(shape, np.int32))


@pytest.mark.parametrize("shape", [(0, 5), (2, 0)])
def test_empty_ids(model, shape):
    refused(model, "input_ids is empty: axis (batch|time)", "empty-axis", np.zeros(shape, np.int32))


def test_shapes_that_differ(model):
    message = r"token_type_ids must have shape \[batch=2, time=5\]; got \[2, 4\]"
    refused(model, message, "wrong-shape", token_type_ids=np.zeros((2, 4), np.int32))
    message = r"attention_mask must have shape \[batch=2, time=5\]; got \[1, 5\]"
    refused(model, message, "wrong-shape", attention_mask=np.ones((1, 5), np.int32))
    message = r"attention_mask must have shape \[batch=2, time=5\]; got \[2, 1, 1, 5\]"
    refused(model, message, "wrong-shape", attention_mask=np.ones((2, 1, 1, 5), np.int32))


def test_mask_values(model):
    mask = np.ones((2, 5), np.int32)
    mask[0, 4] = -10000
    message = r"attention_mask takes 1 \(or True\) at real tokens and 0 .* it holds -10000"
    refused(model, message, "attention-mask-values", attention_mask=mask)


def test_arrays_of_another_library(model):
    with pytest.raises(
        ArgumentError, match=r"input_ids must be an array of the .* backend; got numpy.ndarray.*mx.array"
    ):
        model(IDS)
    with pytest.raises(ArgumentError, match=r"input_ids must be an array .* got builtins.list"):
        model(IDS.tolist())
    with pytest.raises(ArgumentError, match=r"token_type_ids must be an array"):
        model(mx.array(IDS), token_type_ids=IDS)
    with pytest.raises(ArgumentError, match=r"attention_mask must be an array"):
        model(mx.array(IDS), attention_mask=IDS)
