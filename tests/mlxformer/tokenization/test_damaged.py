"""Tokenizers' files damaged at random: a sound tokenizer comes out, or an error of the library; nothing else."""

from __future__ import annotations

import copy
import json
import random
import shutil
from pathlib import Path
from typing import Any

import pytest
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

import mlxformer as mf
from tests.soak import times

pytestmark = pytest.mark.once  # no array has a part in it
TEXTS = ["once upon a time there was a king", "the cat sat on the mat"]
MARIAN = Path(__file__).parents[1] / "golden" / "marian-tokenizer"
WRONG: list[Any] = [
    None, 0, -1, 1e308, 10**30, True, "", "\x1b[2J", [], {}, "$A", "[UNK]", [[]], {"a": 1}, "(a+)+$", "(", "\ud800",
    2**31, 2**32 + 1, -5.5, [1, 2], ["a"], "Sequence", "ByteLevel", "Unigram", "BPE", "$B:2147483648",
]  # fmt: skip


def byte_level() -> Tokenizer:
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.train_from_iterator(
        TEXTS, trainers.BpeTrainer(vocab_size=40, special_tokens=["<s>", "</s>"], show_progress=False)
    )
    return made


def unigram() -> Tokenizer:
    made = Tokenizer(models.Unigram([("<unk>", 0.0), ("</s>", 0.0), ("▁", -2.0), *((c, -3.0) for c in "acehmnotu")], 0))
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.decoder = decoders.Metaspace()
    made.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace("k", "c")])
    made.post_processor = processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", 1)]
    )
    return made


def wordpiece() -> Tokenizer:
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "cat", "##s", "sat"]
    made = Tokenizer(models.WordPiece({word: index for index, word in enumerate(words)}, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer()
    made.pre_tokenizer = pre_tokenizers.Split(Regex(r"\w+|[^\s]"), "isolated")
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return made


CONFIG = {
    "tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "</s>", "pad_token": "[PAD]", "model_max_length": 20,
    "padding_side": "left", "added_tokens_decoder": {"5": {"content": "the"}}, "model_input_names": ["input_ids"],
}  # fmt: skip


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    keys: list[Any] = list(value) if isinstance(value, dict) else list(range(len(value))) if type(value) is list else []
    return [(*at, key) for key in keys] + [place for key in keys[:8] for place in places(value[key], (*at, key))]


def damaged(content: dict[str, Any], draw: random.Random) -> dict[str, Any]:
    content = copy.deepcopy(content)
    *before, last = draw.choice(places(content))
    parent: Any = content
    for key in before:
        parent = parent[key]
    if draw.random() < 0.2:
        del parent[last]
    else:
        parent[last] = copy.deepcopy(draw.choice(WRONG))
    return content


@pytest.mark.parametrize("make", [byte_level, unigram, wordpiece])
def test_any_damage_to_the_files_of_a_tokenizer(make: Any, tmp_path: Path) -> None:
    draw, sound = random.Random(make.__name__), json.loads(make().to_str())
    came = 0
    for _ in range(times(40, 2000)):
        spoilt, config = sound, CONFIG
        if (which := draw.random()) < 0.7:
            spoilt = damaged(sound, draw)
        if which > 0.6:
            config = damaged(CONFIG, draw)
        (tmp_path / "tokenizer.json").write_text(json.dumps(spoilt))
        (tmp_path / "tokenizer_config.json").write_text(json.dumps(config))
        try:
            tokenizer = mf.Tokenizer.from_pretrained(tmp_path)
            batch = tokenizer(["the cat's sat 我 \U0001f600", "a"], ["x", "y"])
            tokenizer(TEXTS, max_length=5)
            tokenizer.tokens(batch.input_ids)
            tokenizer.decode(batch.input_ids)
            tokenizer.save_pretrained(tmp_path / "again")
            mf.Tokenizer.from_pretrained(tmp_path / "again")
            came += 1
        except mf.MlxformerError as error:
            assert len(str(error)) <= 2400 and "\x1b" not in str(error)
    assert came  # not everything is refused


def test_any_damage_to_the_files_of_marian(tmp_path: Path) -> None:
    pytest.importorskip("sentencepiece")
    draw = random.Random(0)
    names = ["source.spm", "target.spm", "vocab.json", "tokenizer_config.json"]
    for _ in range(times(40, 2000)):
        for name in names:
            shutil.copy(MARIAN / name, tmp_path / name)
        name = draw.choice(names)
        content = bytearray((tmp_path / name).read_bytes())
        if name.endswith(".json") and draw.random() < 0.7:
            content = bytearray(json.dumps(damaged(json.loads(content), draw)).encode())
        elif draw.random() < 0.3:
            del content[draw.randrange(len(content)) :]
        else:
            for _ in range(draw.choice([1, 3, 100])):
                content[draw.randrange(len(content))] = draw.randrange(256)
        (tmp_path / name).write_bytes(content)
        try:
            tokenizer = mf.MarianTokenizer.from_pretrained(tmp_path)
            batch = tokenizer(["Good morning 我.", "a"], max_length=9)
            tokenizer.decode(batch.input_ids)
            tokenizer.targets("abc")
        except mf.MlxformerError as error:
            assert len(str(error)) <= 2400 and "\x1b" not in str(error)
