"""A tokenizer.json of 1 KB must not be able to take all memory."""

import base64
import json

import pytest

import mlxformer as mf

TWENTY = {"type": "Replace", "pattern": {"String": "l"}, "content": "l" * 20}
ANYWHERE = {"type": "Replace", "pattern": {"Regex": "x*"}, "content": "y"}
TWICE = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
CLS = {"SpecialToken": {"id": "[CLS]", "type_id": 0}}
A = {"Sequence": {"id": "A", "type_id": 0}}


def template(single, ids):
    special = {"[CLS]": {"id": "[CLS]", "ids": [2] * ids, "tokens": ["[CLS]"] * ids}}
    return {"type": "TemplateProcessing", "single": single, "pair": [A], "special_tokens": special}


def mapped(text, size=8):
    data = size.to_bytes(4, "little") + bytes(8) + text + b"\0"
    return {"type": "Precompiled", "precompiled_charsmap": base64.b64encode(data).decode()}


def normalizers(*parts):
    return {"normalizer": {"type": "Sequence", "normalizers": list(parts)}}


REFUSED = {
    "replaced again and again": normalizers(*[TWENTY] * 7),
    "an expression that fits everywhere": normalizers(*[ANYWHERE] * 30),
    "bytes of bytes": {"pre_tokenizer": {"type": "Sequence", "pretokenizers": [TWICE] * 30}},
    "put before": {"normalizer": {"type": "Prepend", "prepend": "a" * 100_000}},
    "a map to a long text": {"normalizer": mapped(b"a" * 10_000)},
    "a map cut short": {"normalizer": mapped(b"a", size=4096)},
    "an empty map": {"normalizer": {"type": "Precompiled", "precompiled_charsmap": ""}},
    "a long template": {"post_processor": template([CLS] * 50_000 + [A], 1)},
    "many ids for a token": {"post_processor": template([CLS, A], 50_000)},
    "templates of templates": {"post_processor": {"type": "Sequence", "processors": [template([A, A], 1)] * 30}},
    "decoded longer": {"decoder": {"type": "Sequence", "decoders": [TWENTY] * 7}},
}
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "hello"]


def saved(folder, changes):
    mf.BertTokenizer.from_vocabulary(VOCABULARY).save_pretrained(folder)
    path = folder / "tokenizer.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return folder


@pytest.mark.parametrize("name", REFUSED)
def test_what_makes_texts_longer_without_bound_is_refused(name, tmp_path, capfd):
    with pytest.raises(mf.CheckpointError, match=r"is not a tokenizer: it(s precompiled| can make a text)"):
        mf.Tokenizer.from_pretrained(saved(tmp_path, REFUSED[name]))
    assert capfd.readouterr().err == ""  # nor does the library say that it panicked, on whatever screen there is


@pytest.mark.parametrize("affix", ["continuing_subword_prefix", "end_of_word_suffix"])
def test_long_affixes_are_refused(affix, tmp_path):
    model = {"type": "BPE", "vocab": {"a": 0}, "merges": [], affix: "x" * 100_000}
    with pytest.raises(mf.CheckpointError, match=f"{affix} may have 64 characters; it has 100,000"):
        mf.Tokenizer.from_pretrained(saved(tmp_path, {"model": model}))


def test_what_ordinary_tokenizers_do_is_taken(tmp_path):
    ordinary = normalizers(
        {"type": "Replace", "pattern": {"String": "``"}, "content": '"'},
        {"type": "Replace", "pattern": {"Regex": " {2,}"}, "content": " "},
        {"type": "Prepend", "prepend": "▁"},
        {"type": "Replace", "pattern": {"String": "▁"}, "content": ""},
        {"type": "Lowercase"},
    )
    tokenizer = mf.Tokenizer.from_pretrained(saved(tmp_path, ordinary))
    assert tokenizer("HELLO")["input_ids"].tolist() == [[2, 5, 3]]
