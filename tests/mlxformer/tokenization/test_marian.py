"""Marian's tokenizer against what transformers' made of the same texts, once and now."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from mlxformer.backend import mx, to_numpy
from mlxformer.errors import ArgumentError, CheckpointError
from mlxformer.tokenization.marian import MarianTokenizer

pytest.importorskip("sentencepiece", reason="the extra `marian` installs SentencePiece")
GOLDEN = Path(__file__).parents[1] / "golden"
FOLDERS = ("marian-tokenizer", "marian-tokenizer-separate")


@pytest.fixture(params=FOLDERS)
def folder(request):
    return GOLDEN / request.param


@pytest.fixture
def copied(folder, tmp_path):
    return Path(shutil.copytree(folder, tmp_path / "tokenizer"))


def golden(folder):
    return MarianTokenizer.from_pretrained(folder), json.loads((folder / "expected.json").read_text(encoding="utf-8"))


def row(batch):
    return to_numpy(batch.input_ids)[0].tolist()


# The same as transformers


def test_source_texts(folder):
    tokenizer, expected = golden(folder)
    for text, tokens, ids in expected["source"]:
        assert tokenizer.tokenize(text) == tokens, text
        assert tokenizer.encode(text) == row(tokenizer(text)) == ids, text


def test_target_texts(folder):
    tokenizer, expected = golden(folder)
    for text, ids in expected["target"]:
        assert row(tokenizer.targets(text)) == ids, text


def test_cut_texts_keep_their_end(folder):
    tokenizer, expected = golden(folder)
    for text, ids in expected["cut"]:
        assert row(tokenizer(text, max_length=5)) == ids, text


def test_decoded_ids(folder):
    tokenizer, expected = golden(folder)
    for ids, without, with_special in expected["decoded"]:
        assert tokenizer.decode(ids) == without
        assert tokenizer.decode(ids, skip_special_tokens=False) == with_special


def test_golden_values_are_what_transformers_makes_now(folder):
    transformers = pytest.importorskip("transformers", reason="the live comparison needs transformers")
    theirs, (ours, expected) = transformers.MarianTokenizer.from_pretrained(folder), golden(folder)
    for text, tokens, ids in expected["source"]:
        assert (theirs.tokenize(text), theirs(text).input_ids) == (tokens, ids)
    rng = np.random.default_rng(7)
    alphabet = [*list("abcdefgh ijklmnop qrstuvwxyz ,.!?' ÉéΩ你好<>▁\t"), ">>fra<<", "</s>", "<pad>", "<unk>"]
    for _ in range(200):
        text = "".join(rng.choice(alphabet, rng.integers(0, 25)))
        ids = theirs(text).input_ids
        assert ours.encode(text) == ids, repr(text)
        assert row(ours.targets(text)) == theirs(text_target=text).input_ids, repr(text)
        known = [index for index in ids if index in theirs.decoder]
        for skip in (True, False):
            assert ours.decode(known, skip_special_tokens=skip) == theirs.decode(known, skip_special_tokens=skip)


def test_added_tokens_are_found_first_and_the_longer_before_the_shorter(copied):
    transformers = pytest.importorskip("transformers", reason="the live comparison needs transformers")
    vocabulary = json.loads((copied / "vocab.json").read_text(encoding="utf-8"))
    added = {str(vocabulary[token]): {"content": token, "special": False} for token in ("in", "ine", "a")}
    config = json.loads((copied / "tokenizer_config.json").read_text())
    (copied / "tokenizer_config.json").write_text(json.dumps(config | {"added_tokens_decoder": added}))
    ours, theirs = MarianTokenizer.from_pretrained(copied), transformers.MarianTokenizer.from_pretrained(copied)
    for text in ("the line in a mine", "an inner cat", "ineine"):
        assert ours.tokenize(text) == theirs.tokenize(text)
        assert ours.encode(text) == theirs(text).input_ids
    assert ours.tokenize("ineine") == ["ine", "ine"]


def test_tidied_text(copied):
    transformers = pytest.importorskip("transformers", reason="the live comparison needs transformers")
    config = json.loads((copied / "tokenizer_config.json").read_text())
    (copied / "tokenizer_config.json").write_text(json.dumps(config | {"clean_up_tokenization_spaces": True}))
    ours, theirs = MarianTokenizer.from_pretrained(copied), transformers.MarianTokenizer.from_pretrained(copied)
    for text in ("Good morning , how are you ?", "do n't ' quote ' we 've", "he 's fine !"):
        ids = ours.encode(text)[:-1]
        joined = theirs.decode(ids, clean_up_tokenization_spaces=True)
        assert ours.decode(ids) == joined
        assert " ," not in joined and " ?" not in joined


# The rest


def test_a_target_language_is_one_token_before_the_text():
    tokenizer, _ = golden(GOLDEN / "marian-tokenizer")
    assert tokenizer.languages == [">>fra<<", ">>cmn_Hans<<"]
    assert tokenizer.tokenize(">>fra<< The cat") == [">>fra<<", *tokenizer.tokenize("The cat")]
    assert tokenizer.encode(">>xyz<< The cat")[0] == tokenizer.unk_id


def test_a_batch_is_padded_after_its_texts_and_says_where(folder):
    tokenizer, _ = golden(folder)
    batch = tokenizer(["The cat sat on the mat.", "Good", ""])
    ids, mask = to_numpy(batch.input_ids), to_numpy(batch.attention_mask)
    assert ids.dtype == mask.dtype == np.int32 and ids.shape == mask.shape
    for text, one, real in zip(["The cat sat on the mat.", "Good", ""], ids, mask, strict=True):
        alone = tokenizer.encode(text)
        assert one.tolist() == alone + [tokenizer.pad_id] * (len(one) - len(alone))
        assert real.tolist() == [1] * len(alone) + [0] * (len(one) - len(alone))
    assert list(batch) == ["input_ids", "attention_mask"] and dict(batch)["input_ids"] is batch.input_ids
    assert to_numpy(tokenizer("Good", pad_to=20).input_ids).shape == (1, 20)
    assert to_numpy(tokenizer("Good", add_special_tokens=False).input_ids)[0].tolist() == tokenizer.encode("Good")[:-1]


def test_a_text_comes_back(folder):
    tokenizer, _ = golden(folder)
    text = "The cat sat on the mat."
    batch = tokenizer([text, "how are you?"])
    if folder.name == "marian-tokenizer":  # one vocabulary: source ids can be decoded
        assert tokenizer.decode(batch.input_ids) == [text, "how are you?"]
    chat = "Le chat est assis sur le tapis."
    assert tokenizer.decode(tokenizer.targets(chat).input_ids) == [chat]
    assert "".join(tokenizer.tokens(tokenizer.targets(chat).input_ids)[0][:-1]).replace("▁", " ").strip() == chat


@pytest.mark.parametrize(
    ("call", "code"),
    [
        (lambda t: t([]), "not-text"),
        (lambda t: t(3), "not-text"),
        (lambda t: t(["a", None]), "not-text"),
        (lambda t: t("\ud800"), "text-surrogate"),
        (lambda t: t("a", max_length=0), "not-positive"),
        (lambda t: t("The cat sat", pad_to=2), "pad-to"),
        (lambda t: t.decode([[0.5]]), "ids-not-integers"),
        (lambda t: t.decode([100_000]), "id-out-of-range"),
        (lambda t: t.decode(mx.array(np.array([-1], np.int32))), "id-out-of-range"),
        (lambda t: t.decode(3), "ids-not-integers"),
    ],
)
def test_what_cannot_be_tokenized(call, code):
    with pytest.raises(ArgumentError) as error:
        call(golden(GOLDEN / "marian-tokenizer")[0])
    assert error.value.code == code


def breaking(name, content):
    return lambda folder: (folder / name).write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "code", "words"),
    [
        (lambda folder: (folder / "source.spm").unlink(), "checkpoint-file-missing", "source.spm"),
        (lambda folder: (folder / "vocab.json").unlink(), "checkpoint-file-missing", "vocab.json"),
        (breaking("target.spm", b"no model"), "tokenizer-broken", "target.spm"),
        (breaking("vocab.json", b"{"), "json-broken", "vocab.json"),
        (breaking("vocab.json", b'{"</s>": 0, "<unk>": 1}'), "vocabulary-special", "<pad>"),
        (breaking("vocab.json", b'{"</s>": 0, "<unk>": 1, "<pad>": "2"}'), "vocabulary-ids", "whole number"),
        (breaking("vocab.json", b'{"</s>": 0, "<unk>": 1, "<pad>": 1}'), "vocabulary-twice", "one id"),
        (
            breaking("tokenizer_config.json", b'{"added_tokens_decoder": {"9": {"content": "@"}}}'),
            "tokenizer-added",
            "@",
        ),
    ],
)
def test_folders_that_cannot_be_read(copied, damage, code, words):
    damage(copied)
    with pytest.raises(CheckpointError, match=words) as error:
        MarianTokenizer.from_pretrained(copied)
    assert error.value.code == code


def test_without_sentencepiece_the_error_names_the_extra(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "sentencepiece", None)
    with pytest.raises(CheckpointError, match=r'pip install "tformer-quiz\[marian\]"') as error:
        MarianTokenizer.from_pretrained(folder)
    assert error.value.code == "tokenizer-no-sentencepiece"


def test_saved_it_is_the_same_again_here_and_there(folder, tmp_path):
    tokenizer, expected = golden(folder)
    tokenizer.save_pretrained(tmp_path)
    again = MarianTokenizer.from_pretrained(tmp_path)
    assert repr(again) == repr(tokenizer)
    for text, tokens, ids in expected["source"]:
        assert (again.tokenize(text), row(again(text))) == (tokens, ids)
    for ids, without, _ in expected["decoded"]:
        assert again.decode(ids) == without
    transformers = pytest.importorskip("transformers", reason="the live comparison needs transformers")
    theirs = transformers.MarianTokenizer.from_pretrained(tmp_path)
    for text, _, ids in expected["source"]:
        assert theirs(text).input_ids == ids
