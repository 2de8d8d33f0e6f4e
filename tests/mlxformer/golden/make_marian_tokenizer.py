"""Makes a tiny SentencePiece pair and what transformers makes of it.

    python -m tests.mlxformer.golden.make_marian_tokenizer

Two folders: ``marian-tokenizer`` with one vocabulary and two target languages, ``marian-tokenizer-separate`` with a
vocabulary for each side. In each, expected.json holds texts with their tokens and ids, and ids with their texts.
"""

from __future__ import annotations

import io
import json
import shutil
from pathlib import Path

import numpy as np
import sentencepiece
from transformers import MarianTokenizer

HERE = Path(__file__).parent
ENGLISH = """The quick brown fox jumps over the lazy dog. Good morning, how are you today? I am fine, thank you!
Attention is all you need. Queries, keys and values are projected by learned matrices. The cat sat on the mat.
It doesn't matter: we've seen worse. A row of the mask sums to one. Translate this sentence into French or Chinese.
She sells sea shells by the sea shore. He said "no" and left. What is the time? 42 plus 7 equals 49.""".splitlines()
FRENCH = """Le renard brun saute par-dessus le chien paresseux. Bonjour, comment allez-vous ? Je vais bien, merci !
L'attention est tout ce dont vous avez besoin. Le chat est assis sur le tapis. Ce n'est pas grave. Quelle heure est-il ?
Traduisez cette phrase en anglais. Elle vend des coquillages. Une ligne du masque a pour somme un.""".splitlines()
CHINESE = """快速的棕色狐狸跳过懒狗。早上好，你今天怎么样？我很好，谢谢！注意力就是你所需要的一切。猫坐在垫子上。
把这句话翻译成英文。掩码的每一行之和为一。现在几点了？四十二加七等于四十九。""".splitlines()
TEXTS = [
    "Good morning, how are you today?", ">>fra<< Good morning.", ">>cmn_Hans<<The cat sat on the mat.",
    ">>xyz<< The cat", ">>fra<<", ">> not a code", "a >>fra<< in the middle", "", " ", "  two  spaces ",
    "tab\tand\nline",
    "</s>", "before </s> after", "<pad>x<unk>", "Bonjour, comment allez-vous ?", "你好，世界", "naïve café 🙂 Ω",
    "THE QUICK", "don't 'quote' we've", "▁already▁marked", "quickbrownfox", "42+7=49", "x" * 40, ">>fra<<>>fra<< twice",
]  # fmt: skip


def pieces(sentences: list[str], size: int, path: Path) -> list[str]:
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(sentences * 3), model_writer=model, vocab_size=size, model_type="unigram",
        hard_vocab_limit=False, normalization_rule_name="identity", num_threads=1, minloglevel=2,
    )  # fmt: skip
    path.write_bytes(model.getvalue())
    processor = sentencepiece.SentencePieceProcessor(model_proto=model.getvalue())
    return [processor.IdToPiece(index) for index in range(processor.GetPieceSize())]


def numbered(*groups: list[str]) -> dict[str, int]:
    """``</s>`` 0 and ``<unk>`` 1 first and ``<pad>`` last, as in OPUS-MT; one rare piece is left out."""
    names = [name for group in groups for name in group if name not in ("<s>", "</s>", "<unk>", "q", "Q")]
    ordered = ["</s>", "<unk>", *dict.fromkeys(names), "<pad>"]
    return {name: index for index, name in enumerate(ordered)}


def make(folder: Path, *, separate: bool) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    source = pieces(ENGLISH, 130, folder / "source.spm")
    target = pieces(FRENCH + CHINESE, 190, folder / "target.spm")
    codes = [] if separate else [">>fra<<", ">>cmn_Hans<<"]
    config = {"source_lang": "eng", "target_lang": "mul", "separate_vocabs": separate}
    if separate:
        both = len(set(numbered(source)) | set(numbered(target)))
        vocabularies = [numbered(source), numbered(target)]
        for vocabulary in vocabularies:  # one id of padding for both sides
            vocabulary["<pad>"] = both
        write(folder / "target_vocab.json", vocabularies[1])
        write(folder / "vocab.json", vocabularies[0])
    else:
        write(folder / "vocab.json", numbered(source, target, codes))
    write(folder / "tokenizer_config.json", config)

    tokenizer = MarianTokenizer.from_pretrained(folder)
    ids = np.random.default_rng(0)
    known = sorted(tokenizer.decoder)
    rows = [ids.choice(known, 12).tolist() for _ in range(12)]
    rows += [[known[-1], *row, 0, known[-1]] for row in rows[:3]]
    expected = {
        "source": [[text, tokenizer.tokenize(text), tokenizer(text).input_ids] for text in TEXTS],
        "target": [[text, tokenizer(text_target=text).input_ids] for text in TEXTS],
        "decoded": [
            [row, tokenizer.decode(row, skip_special_tokens=True), tokenizer.decode(row, skip_special_tokens=False)]
            for row in rows
        ],
        "cut": [[text, tokenizer(text, truncation=True, max_length=5).input_ids] for text in TEXTS],
    }
    write(folder / "expected.json", expected)


def write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")


if __name__ == "__main__":
    make(HERE / "marian-tokenizer", separate=False)
    make(HERE / "marian-tokenizer-separate", separate=True)
