"""BERT's tokenizer: against transformers' golden ids, by hand, by its files, and what it refuses."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import numpy as np
import pytest

from mlxformer.backend import mx, to_numpy
from mlxformer.errors import ArgumentError, CheckpointError
from mlxformer.models.bert.model import BertModel
from mlxformer.tokenization.bert import BertTokenizer

GOLDEN = Path(__file__).parents[1] / "golden" / "bert"
ROWS = json.loads((GOLDEN / "tokenized.json").read_text(encoding="utf-8"))
FLAGS = [dict(pairs) for pairs in dict.fromkeys(tuple(row["flags"].items()) for row in ROWS)]
VOCABULARY = (GOLDEN / "vocab.txt").read_text(encoding="utf-8").split()


def rows_of(flags):
    return [row for row in ROWS if row["flags"] == flags]


@pytest.fixture(scope="module")
def tokenizer() -> BertTokenizer:
    return BertTokenizer.from_pretrained(GOLDEN)


class TestGolden:
    """The ids that transformers gives, by each of the ways to make a tokenizer."""

    def agrees(self, tokenizer, flags):
        for row in rows_of(flags):
            single, pair = tokenizer(row["text"]), tokenizer(row["text"], "The running café")
            assert to_numpy(single.input_ids).tolist() == [row["ids"]], row
            assert to_numpy(pair.input_ids).tolist() == [row["pair_ids"]], row
            assert to_numpy(pair.token_type_ids).tolist() == [row["pair_types"]], row
            assert tokenizer.decode(row["ids"]) == row["decoded"], row

    @pytest.mark.parametrize("flags", FLAGS, ids=map(str, FLAGS))
    def test_from_vocab_txt(self, flags, tmp_path):
        (tmp_path / "vocab.txt").write_bytes((GOLDEN / "vocab.txt").read_bytes())
        (tmp_path / "tokenizer_config.json").write_text(json.dumps(flags))
        self.agrees(BertTokenizer.from_pretrained(tmp_path), flags)

    @pytest.mark.parametrize("flags", FLAGS, ids=map(str, FLAGS))
    def test_from_a_list(self, flags):
        self.agrees(BertTokenizer.from_vocabulary(VOCABULARY, **flags), flags)

    @pytest.mark.parametrize("flags", FLAGS, ids=map(str, FLAGS))
    def test_from_tokenizer_json_that_says_otherwise(self, flags, tokenizer, tmp_path):
        """``tokenizer_config.json`` has the last word on letter case, accents and Chinese characters."""
        tokenizer.save_pretrained(tmp_path)
        (tmp_path / "vocab.txt").unlink()
        (tmp_path / "tokenizer_config.json").write_text(json.dumps(flags))
        self.agrees(BertTokenizer.from_pretrained(tmp_path), flags)

    @pytest.mark.parametrize("flags", FLAGS, ids=map(str, FLAGS))
    def test_saved_and_loaded(self, flags, tmp_path):
        BertTokenizer.from_vocabulary(VOCABULARY, model_max_length=16, **flags).save_pretrained(tmp_path)
        again = BertTokenizer.from_pretrained(tmp_path)
        self.agrees(again, flags)
        assert again.settings.model_max_length == 16
        assert (tmp_path / "vocab.txt").read_bytes() == (GOLDEN / "vocab.txt").read_bytes()

    @pytest.mark.parametrize("flags", FLAGS, ids=map(str, FLAGS))
    def test_transformers_reads_what_we_save(self, flags, tmp_path):
        transformers = pytest.importorskip("transformers", reason="transformers reads it")
        BertTokenizer.from_vocabulary(VOCABULARY, **flags).save_pretrained(tmp_path)
        reference = transformers.AutoTokenizer.from_pretrained(tmp_path)
        for row in rows_of(flags):
            assert reference(row["text"])["input_ids"] == row["ids"]
            assert reference(row["text"], "The running café")["token_type_ids"] == row["pair_types"]

    def test_the_golden_ids_are_still_transformers(self):
        pytest.importorskip("transformers", reason="transformers makes the golden ids")
        pytest.importorskip("torch", reason="the script that makes them imports torch")
        from tests.mlxformer.golden import make_bert

        assert make_bert.tokenized() == ROWS


class TestByHand:
    def test_pieces(self, tokenizer):
        assert tokenizer.tokenize("Unaffable, café!") == ["un", "##aff", "##able", ",", "cafe", "!"]
        assert tokenizer.tokenize("画蛇添足") == ["画", "蛇", "添", "足"]
        assert tokenizer.tokenize("") == []
        assert tokenizer.tokenize("画蛇添[MASK]") == ["画", "蛇", "添", "[MASK]"]

    def test_a_pair(self, tokenizer):
        batch = tokenizer("the", "low lowest")
        assert batch.tokens == [["[CLS]", "the", "[SEP]", "low", "lowest", "[SEP]"]]
        assert to_numpy(batch.input_ids).tolist() == [[2, 5, 3, 15, 16, 3]]
        assert to_numpy(batch.token_type_ids).tolist() == [[0, 0, 0, 1, 1, 1]]
        assert to_numpy(batch.attention_mask).tolist() == [[1, 1, 1, 1, 1, 1]]

    def test_a_batch_is_padded_to_its_longest(self, tokenizer):
        batch = tokenizer(["the", "", "low low low"])
        assert to_numpy(batch.input_ids).tolist() == [[2, 5, 3, 0, 0], [2, 3, 0, 0, 0], [2, 15, 15, 15, 3]]
        assert to_numpy(batch.attention_mask).sum(axis=1).tolist() == [3, 2, 5]
        assert batch.tokens[1] == ["[CLS]", "[SEP]", "[PAD]", "[PAD]", "[PAD]"]
        assert all(batch[name].dtype == mx.int32 for name in batch)

    def test_padded_further(self, tokenizer):
        assert to_numpy(tokenizer("the", pad_to=5).input_ids).tolist() == [[2, 5, 3, 0, 0]]
        with pytest.raises(
            ArgumentError, match=r"pad_to=2 is shorter than the longest text, 3 tokens; give max_length=2"
        ):
            tokenizer("the", pad_to=2)

    def test_cut_only_where_asked(self, tokenizer):
        long = "low " * 20
        assert tokenizer(long).input_ids.shape == (1, 22)
        assert tokenizer(long, max_length=6).tokens == [["[CLS]", *["low"] * 4, "[SEP]"]]
        assert tokenizer(long).input_ids.shape == (1, 22)
        cut = tokenizer(long, "the the the", max_length=9)
        assert cut.tokens == [["[CLS]", *["low"] * 3, "[SEP]", "the", "the", "the", "[SEP]"]]

    def test_without_special_tokens(self, tokenizer):
        assert tokenizer("the low", add_special_tokens=False).tokens == [["the", "low"]]
        assert tokenizer("the low", add_special_tokens=False, max_length=1).tokens == [["the"]]

    def test_the_other_sides(self, tmp_path):
        (tmp_path / "vocab.txt").write_bytes((GOLDEN / "vocab.txt").read_bytes())
        (tmp_path / "tokenizer_config.json").write_text('{"padding_side": "left", "truncation_side": "left"}')
        tokenizer = BertTokenizer.from_pretrained(tmp_path)
        batch = tokenizer(["the", "low low"])
        assert to_numpy(batch.input_ids).tolist() == [[0, 2, 5, 3], [2, 15, 15, 3]]
        assert batch.tokens[0][0] == "[PAD]" and to_numpy(batch.attention_mask)[0].tolist() == [0, 1, 1, 1]
        assert tokenizer("the low", max_length=3).tokens == [["[CLS]", "low", "[SEP]"]]

    def test_tokens_and_text_of_ids(self, tokenizer):
        ids = tokenizer(["unaffable", "the"]).input_ids
        assert tokenizer.tokens(ids)[1] == ["[CLS]", "the", "[SEP]", "[PAD]", "[PAD]"]
        assert tokenizer.decode(ids) == ["unaffable", "the"]
        assert tokenizer.decode([2, 5, 4, 3], skip_special_tokens=False) == "[CLS] the [MASK] [SEP]"
        assert tokenizer.tokens([2, 4]) == ["[CLS]", "[MASK]"]
        assert tokenizer.tokens(np.array([5])) == ["the"] and tokenizer.decode([]) == ""
        assert tokenizer.decode([[2, 5, 3], [2, 15, 16, 3]]) == ["the", "low lowest"]

    def test_ids_of_special_tokens(self, tokenizer):
        found = (tokenizer.pad_id, tokenizer.unk_id, tokenizer.cls_id, tokenizer.sep_id, tokenizer.mask_id)
        assert found == (0, 1, 2, 3, 4) and tokenizer.vocab_size == len(VOCABULARY)
        assert tokenizer.id_of("画") == 20

    def test_a_model_takes_it_whole(self, tokenizer):
        model = BertModel.from_pretrained(GOLDEN)
        batch = tokenizer(["the low", "unaffable"])
        one = model(**batch)
        two = model(batch["input_ids"], token_type_ids=batch["token_type_ids"], attention_mask=batch["attention_mask"])
        np.testing.assert_array_equal(to_numpy(one.last_hidden_state), to_numpy(two.last_hidden_state))
        assert len(batch) == 3 and list(batch) == ["input_ids", "token_type_ids", "attention_mask"]
        with pytest.raises(KeyError, match="tokens"):
            batch["tokens"]

    def test_cutting_in_one_thread_does_not_cut_in_another(self, tokenizer):
        long, wrong = "low " * 30, []

        def work(max_length, length):
            for _ in range(200):
                if tokenizer(long, max_length=max_length).input_ids.shape != (1, length):
                    wrong.append(max_length)

        threads = [threading.Thread(target=work, args=pair) for pair in ((None, 32), (5, 5), (None, 32), (9, 9))]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert not wrong


class TestFiles:
    def folder(self, tmp_path, vocabulary=None, **config):
        text = (GOLDEN / "vocab.txt").read_text(encoding="utf-8") if vocabulary is None else vocabulary
        (tmp_path / "vocab.txt").write_bytes(text.encode())
        if config:
            (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
        return tmp_path

    def test_truncation_and_padding_saved_in_tokenizer_json_are_off(self, tokenizer, tmp_path):
        tokenizer.save_pretrained(tmp_path)
        content = json.loads((tmp_path / "tokenizer.json").read_text())
        content["truncation"] = {"max_length": 4, "strategy": "LongestFirst", "stride": 0, "direction": "Right"}
        content["padding"] = {"strategy": {"Fixed": 9}, "direction": "Right", "pad_to_multiple_of": None, "pad_id": 0,
                              "pad_type_id": 0, "pad_token": "[PAD]"}  # fmt: skip
        (tmp_path / "tokenizer.json").write_text(json.dumps(content))
        again = BertTokenizer.from_pretrained(tmp_path)
        assert again("low low low low").input_ids.shape == (1, 6) and again("low").input_ids.shape == (1, 3)

    def test_windows_line_ends_and_no_last_one(self, tmp_path):
        assert BertTokenizer.from_pretrained(self.folder(tmp_path, "\r\n".join(VOCABULARY))).id_of("the") == 5

    def test_of_a_token_that_stands_twice_the_last_counts_as_in_transformers(self, tmp_path):
        tokenizer = BertTokenizer.from_pretrained(self.folder(tmp_path, "\n".join([*VOCABULARY, "the", ""])))
        assert tokenizer.id_of("the") == len(VOCABULARY) == tokenizer.vocab_size - 1
        assert tokenizer.tokens(tokenizer("the").input_ids) == [["[CLS]", "the", "[SEP]"]]
        assert tokenizer.tokens([5]) == ["<5>"] and tokenizer.decode([5, 6]) == tokenizer.decode([6])

    def test_special_tokens_of_other_names(self, tmp_path):
        renamed = " ".join(VOCABULARY).replace("[CLS]", "<s>").replace("[SEP]", "</s>").split()
        self.folder(tmp_path, "\n".join(renamed), cls_token={"content": "<s>", "lstrip": False})
        (tmp_path / "special_tokens_map.json").write_text('{"sep_token": "</s>", "cls_token": "[CLS]"}')
        tokenizer = BertTokenizer.from_pretrained(tmp_path)
        assert tokenizer("the").tokens == [["<s>", "the", "</s>"]] and tokenizer.cls_id == 2

    def test_added_tokens(self, tmp_path):
        size = len(VOCABULARY)
        self.folder(
            tmp_path, added_tokens_decoder={str(size + 1): {"content": "<b>", "special": True, "lstrip": False}}
        )
        (tmp_path / "added_tokens.json").write_text(json.dumps({"naïve": size}))
        tokenizer = BertTokenizer.from_pretrained(tmp_path)
        assert tokenizer.tokenize("the<b>low") == ["the", "<b>", "low"]
        assert tokenizer.id_of("<b>") == size + 1 and tokenizer.vocab_size == size + 2

    def test_added_tokens_at_other_ids(self, tmp_path):
        self.folder(tmp_path, added_tokens_decoder={"99": {"content": "<b>"}})
        with pytest.raises(
            CheckpointError, match=rf"'<b>' should have id 99, but the vocabulary gives it {len(VOCABULARY)}"
        ):
            BertTokenizer.from_pretrained(tmp_path)

    def test_another_languages_rules(self, tmp_path):
        self.folder(tmp_path, tokenizer_class="BertJapaneseTokenizer")
        with pytest.raises(
            CheckpointError, match="belongs to a BertJapaneseTokenizer, which cuts words by other rules"
        ):
            BertTokenizer.from_pretrained(tmp_path)

    def test_no_files(self, tmp_path):
        with pytest.raises(CheckpointError, match=r"has neither tokenizer.json nor vocab.txt. It holds: nothing"):
            BertTokenizer.from_pretrained(tmp_path)

    def test_a_vocabulary_without_special_tokens(self, tmp_path):
        self.folder(tmp_path, "the\nlow\n[UNK]\n")
        with pytest.raises(CheckpointError, match=r"vocab.txt: the vocabulary of 3 tokens lacks \[CLS\], \[SEP\]"):
            BertTokenizer.from_pretrained(tmp_path)

    def test_files_that_are_broken(self, tmp_path):
        (tmp_path / "tokenizer.json").write_text('{"version": "1.0"}')
        with pytest.raises(CheckpointError, match=r"tokenizer.json is not a tokenizer"):
            BertTokenizer.from_pretrained(tmp_path)
        (tmp_path / "tokenizer.json").write_text("{")
        with pytest.raises(CheckpointError, match=r"tokenizer.json is not JSON"):
            BertTokenizer.from_pretrained(tmp_path)
        (tmp_path / "tokenizer.json").unlink()
        (tmp_path / "vocab.txt").write_bytes(b"\xff\xfe")
        with pytest.raises(CheckpointError, match=r"vocab.txt cannot be read as UTF-8"):
            BertTokenizer.from_pretrained(tmp_path)

    def test_a_side_that_is_none(self, tmp_path):
        with pytest.raises(CheckpointError, match="padding_side must be 'left' or 'right'; got 'up'"):
            BertTokenizer.from_pretrained(self.folder(tmp_path, padding_side="up"))


class TestRefused:
    @pytest.mark.parametrize("texts", [None, 3, [], ["a", 3], [["a", "b"]], b"bytes", {"a": 1}])
    def test_what_is_no_text(self, tokenizer, texts):
        with pytest.raises(ArgumentError, match="texts must be a string or a list of at least one string; got"):
            tokenizer(texts)

    def test_pairs(self, tokenizer):
        with pytest.raises(ArgumentError, match="texts and pairs must be equally many; got 2 and 1"):
            tokenizer(["a", "b"], "c")
        with pytest.raises(ArgumentError, match="pairs must be a string"):
            tokenizer("a", [1])

    def test_half_a_character(self, tokenizer):
        with pytest.raises(ArgumentError, match=r"texts holds half a character \(a lone surrogate\) at place 1"):
            tokenizer("a\ud800b")

    def test_lengths(self, tokenizer):
        with pytest.raises(ArgumentError, match="max_length=2 leaves no room for text beside 2 special tokens"):
            tokenizer("the", max_length=2)
        with pytest.raises(ArgumentError, match="max_length must be a whole number of at least 1; got 0"):
            tokenizer("the", max_length=0)
        with pytest.raises(ArgumentError, match="tokens must be a whole number of at least 1; got 0"):
            tokenizer("", add_special_tokens=False)

    def test_ids(self, tokenizer):
        assert tokenizer.tokens([len(VOCABULARY)]) == [f"<{len(VOCABULARY)}>"]  # a model may have more rows
        for wrong in (2**31, -1):
            with pytest.raises(ArgumentError, match=f"ids hold {wrong}, but the vocabulary has ids 0 to"):
                tokenizer.decode([2, wrong])
        for wrong in ([1.5], "text", [[[1]]], 3, [True], [[1], 2], np.ones((1, 1, 1), int)):
            with pytest.raises(ArgumentError, match="ids must be whole numbers"):
                tokenizer.tokens(wrong)

    def test_a_token_that_is_not_there(self, tokenizer):
        with pytest.raises(ArgumentError, match=rf"the vocabulary of {len(VOCABULARY)} tokens has no 'zebra'"):
            tokenizer.id_of("zebra")
        bare = BertTokenizer.from_vocabulary(["[UNK]", "[CLS]", "[SEP]", "a"])
        assert bare("a").input_ids.shape == (1, 3)
        with pytest.raises(ArgumentError, match=r"has no '\[PAD\]'"):
            bare(["a", "a a"])

    def test_a_vocabulary_that_repeats(self):
        with pytest.raises(ArgumentError, match=r"these tokens stand twice: \['a'\]"):
            BertTokenizer.from_vocabulary(["[UNK]", "[CLS]", "[SEP]", "a", "a"])
