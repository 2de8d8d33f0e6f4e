"""Tokenizers of any folder: what travels and is saved with them, and ids that no token has."""

from __future__ import annotations

import copy
import json
import pickle

import numpy as np
import pytest
import tokenizers

import mlxformer as mf
from mlxformer.backend import mx
from mlxformer.errors import ArgumentError

TOKENS = {"<pad>": 0, "</s>": 1, "<unk>": 2, "<s>": 3, "a": 4, "b": 5, "c": 9}  # 6 to 8 have no token


@pytest.fixture
def tokenizer(tmp_path):
    """Pads on the left, names its ends, takes no types, and has no [CLS], [SEP] and [MASK]."""
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel(TOKENS, unk_token="<unk>"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    made.post_processor = tokenizers.processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B:1 </s>:1", special_tokens=[("</s>", 1)]
    )
    made.add_special_tokens(["<pad>", "</s>", "<unk>", "<s>"])
    made.save(str(tmp_path / "tokenizer.json"))
    config = {"pad_token": "<pad>", "eos_token": "</s>", "bos_token": "<s>", "unk_token": "<unk>",
              "padding_side": "left", "model_input_names": ["input_ids", "attention_mask"]}  # fmt: skip
    (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
    return mf.Tokenizer.from_pretrained(tmp_path)


def saved(tokenizer, folder):
    tokenizer.save_pretrained(folder)
    return mf.Tokenizer.from_pretrained(folder)


@pytest.mark.parametrize("how", ["pickle", "copy", "save"])
def test_the_names_and_the_inputs_come_along(how, tokenizer, tmp_path):
    again = {"pickle": lambda: pickle.loads(pickle.dumps(tokenizer)), "copy": lambda: copy.deepcopy(tokenizer),
             "save": lambda: saved(tokenizer, tmp_path / "again")}[how]()  # fmt: skip
    assert (again.bos_id, again.eos_id, again.pad_id, again.unk_id) == (3, 1, 0, 2)
    assert again.settings == tokenizer.settings and again.named == tokenizer.named
    batch = again(["a b", "b"])
    assert list(batch) == ["input_ids", "attention_mask"]
    assert batch["input_ids"].tolist() == [[4, 5, 1], [0, 5, 1]]


def test_what_is_saved_is_the_same_tokenizer_to_transformers(tokenizer, tmp_path):
    library = pytest.importorskip("transformers")
    tokenizer.save_pretrained(tmp_path / "again")
    theirs = library.AutoTokenizer.from_pretrained(tmp_path / "again")
    assert len(theirs) == len(TOKENS)  # nothing was added to it
    assert (theirs.bos_token, theirs.eos_token, theirs.mask_token, theirs.cls_token) == ("<s>", "</s>", None, None)
    assert dict(theirs(["a b", "b"], padding=True)) == {k: v.tolist() for k, v in tokenizer(["a b", "b"]).items()}


def test_an_id_that_no_token_has_stands_for_nothing(tokenizer):
    written = np.array([[4, 6, 5], [32_100, 2**31 - 1, 4]], np.int32)  # of a model with more rows than tokens
    assert tokenizer.decode(mx.array(written)) == ["a b", "a"]
    assert tokenizer.tokens(written) == [["a", "<6>", "b"], ["<32100>", "<2147483647>", "a"]]


@pytest.mark.parametrize("wrong", [-1, -100, 2**31, 10**12])
def test_what_can_be_no_id_is_refused(wrong, tokenizer):
    for method in (tokenizer.decode, tokenizer.tokens):
        with pytest.raises(ArgumentError, match=f"ids hold {wrong}, but") as error:
            method([4, wrong])
        assert error.value.code == "id-out-of-range"


def test_a_vocabulary_without_an_unknown_token_is_read(tmp_path):
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel({"春": 0, "眠": 1}, unk_token="[UNK]"))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Split("", "isolated")
    made.save(str(tmp_path / "tokenizer.json"))
    tokenizer = mf.Tokenizer.from_pretrained(tmp_path)
    assert tokenizer("眠春").input_ids.tolist() == [[1, 0]]
    with pytest.raises(mf.CheckpointError, match="this tokenizer fails on this text"):
        tokenizer("夏")
