"""What the Transformer refuses, and what it says then."""

from __future__ import annotations

import numpy as np
import pytest

from mlxformer.backend import mx
from mlxformer.errors import ArgumentError
from mlxformer.models.transformer import Transformer, TransformerConfig
from tests.mlxformer.transformer_reference import TINY, filled, ids

B, TS, TT = 3, 7, 5


def arrays(*values):
    return tuple(mx.array(value) for value in values)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"dims": 10}, "dims-not-divisible"),
        ({"norm": "middle"}, "unknown-choice"),
        ({"norm_type": "batch"}, "unknown-choice"),
        ({"positions": "sinusodial"}, "unknown-choice"),
        ({"activation": "rleu"}, "unknown-activation"),
        ({"attention_tie": "kq"}, "unknown-choice"),
        ({"dropout": 1.0}, "not-a-probability"),
        ({"vocab_size": 0}, "not-positive"),
        ({"num_encoder_layers": 0}, "not-positive"),
        ({"ffn_dims": -1}, "not-positive"),
        ({"eos_id": 19}, "id-out-of-range"),
        ({"pad_id": 2}, "pad-not-distinct"),
        ({"num_kv_heads": 2}, "kv-heads-not-divisor"),
    ],
)
def test_settings_that_cannot_be(changes, code):
    with pytest.raises(ArgumentError) as error:
        Transformer(TransformerConfig(**(TINY | changes)))
    assert error.value.code == code


def test_unknown_activation_names_the_nearest():
    with pytest.raises(ArgumentError, match="'relu'"):
        Transformer(TransformerConfig(**(TINY | {"activation": "rleu"})))


SOURCE, TARGET = ids(B, TS), ids(B, TT, seed=1)


@pytest.mark.parametrize(
    ("source", "target", "code", "words"),
    [
        (SOURCE + 10, TARGET, "id-out-of-range", "source_ids"),
        (SOURCE, TARGET + 10, "id-out-of-range", "target_ids"),
        (SOURCE - 10, TARGET, "id-out-of-range", "source_ids"),
        (SOURCE[:, :0], TARGET, "empty-axis", "source_ids"),
        (SOURCE, TARGET[:, :0], "empty-axis", "target_ids"),
        (SOURCE[:0], TARGET[:0], "empty-axis", "source_ids"),
        (SOURCE[0], TARGET, "wrong-shape", "source_ids"),
        (SOURCE, TARGET[:2], "batches-differ", "3 sources"),
        (SOURCE.astype(np.float32), TARGET, "ids-not-integers", "source_ids"),
        (SOURCE != 0, TARGET, "ids-not-integers", "source_ids"),
    ],
)
def test_ids_that_cannot_be(source, target, code, words):
    with pytest.raises(ArgumentError, match=words) as error:
        filled()(*arrays(source, target))
    assert error.value.code == code


def test_arrays_of_another_library_are_refused():
    with pytest.raises(ArgumentError, match=r"mx\.array"):
        filled()(SOURCE, TARGET)


@pytest.mark.parametrize(
    ("mask", "code"),
    [
        (np.ones((B, TS), bool), "mask-broadcast"),
        (np.ones((TS, TS), bool), "mask-broadcast"),
        (np.ones((B, 1, 1, TS + 1), bool), "mask-broadcast"),
        (np.ones((B, 1, TS, TS), bool), "mask-broadcast"),
        (np.ones((B, 1, TS), bool), "mask-rank"),
        (np.ones(TS, bool), "mask-rank"),
        (np.ones((B, 1, 1, TS), np.int32), "mask-not-boolean"),
    ],
)
@pytest.mark.parametrize("method", ["__call__", "encode", "decode"])
def test_masks_that_cannot_be(mask, code, method):
    model, mask = filled(), mx.array(mask)
    source, target = arrays(SOURCE, TARGET)
    with pytest.raises(ArgumentError, match="source_mask") as error:
        if method == "encode":
            model.encode(source, mask)
        elif method == "decode":
            model.decode(target, model.encode(source), mask)
        else:
            model(source, target, mask)
    assert error.value.code == code


def test_a_mask_of_tokens_is_told_the_way():
    with pytest.raises(ArgumentError, match=r"mf\.masks\.padding"):
        filled()(*arrays(SOURCE, TARGET), mx.array(SOURCE != 0))


def test_sequences_longer_than_the_learned_positions():
    model = filled(positions="learned", max_positions=6)
    short, long = mx.array(ids(1, 6)), mx.array(ids(1, 7))
    model(short, short)
    for source, target, name in ((long, short, "source_ids"), (short, long, "target_ids")):
        with pytest.raises(ArgumentError, match=f"{name} is 7 tokens long; this model reads at most 6") as error:
            model(source, target)
        assert error.value.code == "too-long"
    memory, cache = model.encode(short), model.decoder.make_cache()
    model.decode(short, memory, cache=cache)
    with pytest.raises(ArgumentError, match="target_ids is 7 tokens long"):
        model.decode(short[:, :1], memory, cache=cache)


@pytest.mark.parametrize(
    ("memory", "code"),
    [(np.zeros((B, TS, 11), np.float32), "wrong-shape"), (np.zeros((2, TS, 12), np.float32), "batches-differ"),
     (np.zeros((B, TS, 12), np.int32), "not-floating"), (np.zeros((B, 0, 12), np.float32), "empty-axis")],
)  # fmt: skip
def test_memories_that_cannot_be(memory, code):
    with pytest.raises(ArgumentError) as error:
        filled().decode(mx.array(TARGET), mx.array(memory))
    assert error.value.code == code
