"""The shipped models' own tokenizers as folders: ``mf.Tokenizer`` and transformers give the same ids from them."""

from __future__ import annotations

import pytest

import mlxformer as mf
from mlxformer.folder_look import folder_look
from mlxformer.pretrained.dates.tokenizer import DateTokenizer
from mlxformer.pretrained.poems.vocabulary import tokenizer as poems
from mlxformer.pretrained.reverse.strings import StringTokenizer

DATES, STRINGS = DateTokenizer(), StringTokenizer()
POEM = "白日依山尽，黄河入海流。欲穷千里目，更上一层楼。"
CASES = {
    "dates": (DATES, {t: DATES.source(t) for t in ("23rd of NOVEMBER, 2026", "２０２６年11月２3号", "Ⅻ ½ ﬁ é Å\nx")}),
    "strings": (STRINGS, {text: STRINGS.source(text) for text in ("transformer", "ABC", "\u212aiev")}),  # a Kelvin sign
    "poems": (poems(), {"[五绝]" + POEM: poems().poem(POEM)[:-1], "白日": poems().encode("白日")}),
}


@pytest.mark.parametrize("case", CASES)
def test_ids_are_the_tokenizers_own(case, tmp_path):
    own, texts = CASES[case]
    own.save_pretrained(tmp_path)
    read = mf.Tokenizer.from_pretrained(tmp_path)
    assert read.vocab_size == len(own.tokens) and read.pad_id == own.pad_id
    for text, wanted in texts.items():
        assert read(text).input_ids.tolist() == [wanted]
    ids = next(iter(texts.values()))
    assert read.decode(ids) == own.decode(ids)


@pytest.mark.parametrize("case", CASES)
def test_to_transformers_too(case, tmp_path):
    library = pytest.importorskip("transformers")
    own, texts = CASES[case]
    own.save_pretrained(tmp_path)
    theirs = library.AutoTokenizer.from_pretrained(tmp_path)
    assert len(theirs) == len(own.tokens)
    assert [theirs(text)["input_ids"] for text in texts] == list(texts.values())
    padded = theirs(list(texts), padding=True)["input_ids"]
    assert padded == mf.Tokenizer.from_pretrained(tmp_path)(list(texts)).input_ids.tolist()


def test_a_letter_that_is_none_is_refused(tmp_path):
    STRINGS.save_pretrained(tmp_path)
    with pytest.raises(mf.CheckpointError, match="this tokenizer fails on this text"):
        mf.Tokenizer.from_pretrained(tmp_path)("abc4")


def test_a_shipped_model_reads_on_from_a_folder(tmp_path):
    dates = mf.load_pretrained("dates")
    dates.model.save_pretrained(tmp_path)
    dates.tokenizer.save_pretrained(tmp_path)
    tokenizer = mf.Tokenizer.from_pretrained(tmp_path)
    batch = tokenizer(["23rd of November, 2026", "二〇二六年十一月二十三日"])
    written = mf.Transformer.from_pretrained(tmp_path).generate(**batch, max_length=12)
    assert tokenizer.decode(written) == ["2026-11-23"] * 2


@pytest.mark.parametrize(("name", "text", "says"), [("dates", "23 Nov 2026", "2026-11-23"),
                                                    ("reverse-gru-attention", "abcdefg", "gfedcba"),
                                                    ("poet-small", "[五绝]白日依山尽，", "白日依山尽，")])  # fmt: skip
def test_a_shipped_models_folder_can_be_looked_into(name, text, says, tmp_path):
    shipped = mf.load_pretrained(name)
    shipped.model.save_pretrained(tmp_path)
    shipped.tokenizer.save_pretrained(tmp_path)
    look = folder_look(tmp_path, text)
    assert f"Written greedily: {says}" in look and type(shipped.model).__name__ in look
