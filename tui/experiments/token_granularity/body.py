"""Splits the typed text and the unseen sample sentences three ways, and masks them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx
from mlxformer.inspection.diagnostics import count_attention_flops
from mlxformer.pretrained.masked import vocabulary
from mlxformer.training.masked_lm import mask_tokens, whole_words
from questions.bilingual import Bilingual
from tui.experiments.contract import Check, Report, Result
from tui.experiments.shared.reported_trace import traced
from tui.experiments.token_granularity import splitting
from tui.experiments.token_granularity.declaration import EXPERIMENT
from tui.experiments.token_granularity.splitting import characters, chinese, english, pieces, unknown_share, words
from tui.figures.data import Curve, Figure, Series, Table, TokenRow, Tokens

WIDTH = 768  # BERT base's, for the embedding's parameters
SIZES = (125, 250, 500, 1000, 2000)  # word vocabularies of the curve
ATTENDED = 3  # sentences joined, for the cost of attention
RUN = "自然语言处理很有趣"
NO_TEXT = Bilingual("没有文字可切", "there is no text to split")
NONE_CHOSEN = Bilingual("多块的词一个也没选中", "no word of several pieces was chosen")


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    # Half of a surrogate pair can be pasted into a terminal; a tokenizer takes whole characters.
    text = str(knobs["text"]).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if not words(text):
        return EXPERIMENT.nothing_to_run(NO_TEXT)
    report(0.2, "splitting")
    checks = [*_splits(text, knobs), *_unknown(knobs), _attention(bool(knobs["equal_lengths"]), report), *_masks(knobs)]
    figures: list[Figure] = [_strips(text, knobs), _table(int(knobs["words"])), _curve(int(knobs["words"]))]
    return Result(figures, checks)


def _splits(text: str, knobs: Mapping[str, Any]) -> list[Check]:
    measured, known = EXPERIMENT.measured, frozenset(vocabulary.tokens())
    unseen = [word for line in english(True) for word in words(line)]
    split = [[word] if knobs["words_for_pieces"] else pieces(word) for word in unseen]
    several = 100.0 * sum(len(each) > 1 for each in split) / len(split)
    run = "".join(filter(splitting.is_chinese, text)) or RUN
    by_character = pieces(run, cjk_spaces=bool(knobs["cjk_spaces"]))
    typed = [word for word in words(text) if not any(map(splitting.is_chinese, word))]
    wrong = 0
    for word in (*unseen, *typed):
        found = splitting.shortest_match(word, known) if knobs["shortest_match"] else pieces(word)
        wrong += splitting.not_longest(word, found, known)
    return [
        measured("words-in-pieces", several, 5.0),
        measured("chinese-by-character", float(len(by_character)), float(len(run))),
        measured("longest-match", float(wrong), 0.0),
    ]


def _unknown(knobs: Mapping[str, Any]) -> list[Check]:
    unseen = english(True)
    known = splitting.known_words(int(knobs["words"]))
    if knobs["know_held_out"]:
        known |= {word for line in unseen for word in words(line)}
    of_words = unknown_share(unseen, words, known)
    of_pieces = of_words if knobs["words_for_pieces"] else unknown_share(unseen, pieces)
    return [
        EXPERIMENT.measured("unknown-words", of_words, unknown_share(unseen, pieces) + 5.0),
        EXPERIMENT.measured("unknown-pieces", of_pieces, 0.5),
    ]


def _attention(equal_lengths: bool, report: Report) -> Check:
    """The score products of one attention layer that ran on both lengths, counted from their shapes."""
    text = " ".join(english(True)[:ATTENDED])
    lengths = [len(characters(text)), len(pieces(text))]
    layer = mf.MultiHeadAttention(16, 1)
    counted = []
    for length in [lengths[0]] * 2 if equal_lengths else lengths:
        x = mx.zeros((1, length, 16))
        with traced(report, 0.6, measure=True) as steps:
            layer(x, x, x)
        counted.append(count_attention_flops(steps)["scores"])
    return EXPERIMENT.measured("attention-cost", counted[0] / counted[1], (lengths[0] / lengths[1]) ** 2, 1e-9)


def _masks(knobs: Mapping[str, Any]) -> list[Check]:
    rate, generator = float(knobs["rate"]), np.random.default_rng(int(knobs["seed"]))
    lines = [pieces(line) for line in english(True)]
    in_part: dict[bool, int] = {}
    touched = 0
    for whole in (True, False):
        by_word = (whole and not knobs["by_piece"]) or bool(knobs["by_word"])
        in_part[whole] = touched = 0
        for tokens, chosen in zip(lines, _chosen(lines, rate, generator, by_word), strict=True):
            numbers = whole_words(tokens)
            of_word, sizes = np.bincount(numbers, chosen), np.bincount(numbers)
            in_part[whole] += int(((of_word > 0) & (of_word < sizes)).sum())
            touched += int(((of_word > 0) & (sizes > 1)).sum())
    together = EXPERIMENT.measured("whole-words-together", float(in_part[True]), 0.0)
    if not touched:
        return [together, EXPERIMENT.undefined("pieces-apart", NONE_CHOSEN)]
    # Of two pieces both are chosen with probability rate² and at least one with 1 − (1 − rate)².
    expected = 100.0 * (1 - rate**2 / (1 - (1 - rate) ** 2)) - 25.0
    return [together, EXPERIMENT.measured("pieces-apart", 100.0 * in_part[False] / touched, max(expected, 5.0))]


def _chosen(lines: Sequence[list[str]], rate: float, generator: np.random.Generator, whole: bool) -> list[np.ndarray]:
    """Which tokens of each line are to be predicted, drawn for all lines in one padded batch."""
    tokenizer = vocabulary.tokenizer()
    length = max(map(len, lines))
    ids = np.full((len(lines), length), tokenizer.pad_id, np.int32)
    numbers = np.full((len(lines), length), length, np.int64)
    for row, tokens in enumerate(lines):
        ids[row, : len(tokens)] = [tokenizer.id_of(token) for token in tokens]
        numbers[row, : len(tokens)] = whole_words(tokens)
    predicted = mask_tokens(
        ids,
        generator,
        rate=rate,
        special=[tokenizer.pad_id, tokenizer.cls_id, tokenizer.sep_id, tokenizer.mask_id],
        mask_id=tokenizer.mask_id,
        vocab_size=tokenizer.vocab_size,
        words=numbers if whole else None,
        at_least_one=True,
    ).predicted
    return [row[: len(tokens)] for row, tokens in zip(predicted, lines, strict=True)]


def _strips(text: str, knobs: Mapping[str, Any]) -> Tokens:
    tokens, number = pieces(text), int(knobs["words"])
    by_character = splitting.with_unknown(characters(text), splitting.known_characters())
    by_word = splitting.with_unknown(words(text), splitting.known_words(number))
    whole = bool(knobs["whole_word"])
    generator = np.random.default_rng(int(knobs["seed"]))
    chosen = _chosen([tokens], float(knobs["rate"]), generator, whole)[0]
    hidden = ["[MASK]" if each else token for token, each in zip(tokens, chosen, strict=True)]
    how = Bilingual("全词遮盖", "whole words masked") if whole else Bilingual("逐块遮盖", "pieces masked")

    def strip(name: Bilingual, split: list[str]) -> TokenRow:
        lost = ["✗" if token == splitting.UNKNOWN else "" for token in split]
        label = Bilingual(f"{name.zh} {len(split)}", f"{name.en} {len(split)}")
        return TokenRow(label, split, marks=lost if any(lost) else None)

    return Tokens(
        Bilingual("同一段文字的三种切法（数字是词元数）", "One text split three ways (with the number of tokens)"),
        [
            strip(Bilingual("字符", "characters"), by_character),
            strip(Bilingual("WordPiece", "WordPiece"), tokens),
            strip(Bilingual("词", "words"), by_word),
            TokenRow(how, hidden, marks=["↑" if each else "" for each in chosen]),
        ],
        name="splits",
    )


@cache
def _summary(number: int) -> list[list[Any]]:
    """On the unseen sentences: tokens, cost, what is unknown; vocabulary and its embedding."""
    ways: list[tuple[Bilingual | str, Any, Any, int]] = [
        (Bilingual("字符", "characters"), characters, splitting.known_characters(), len(splitting.known_characters())),
        ("WordPiece", pieces, None, len(vocabulary.tokens())),
        (Bilingual("词", "words"), words, splitting.known_words(number), len(splitting.known_words(number))),
    ]
    base = sum(len(pieces(line)) for line in english(True))
    rows: list[list[Any]] = []
    for name, split, known, size in ways:
        count = sum(len(split(line)) for line in english(True))
        rows.append([
            name, count, (count / base) ** 2, unknown_share(english(True), split, known),
            unknown_share(chinese(True), split, known), size, size * WIDTH,
        ])  # fmt: skip
    return rows


def _table(number: int) -> Table:
    return Table(
        Bilingual("没见过的句子，三种切法（英文 100 句；中文的词没有分词器）",
                  "Unseen sentences split three ways (100 English ones; Chinese without a segmenter)"),
        ["", Bilingual("词元", "tokens"), Bilingual("n² 之比", "n² ratio"), Bilingual("英文未知 %", "English UNK %"),
         Bilingual("中文未知 %", "Chinese UNK %"), "V", f"V × {WIDTH}"],
        _summary(number),
        name="summary",
    )  # fmt: skip


@cache
def _unknown_by_size() -> list[float]:
    return [unknown_share(english(True), words, splitting.known_words(size)) for size in SIZES]


def _curve(number: int) -> Curve:
    flat = unknown_share(english(True), pieces)
    return Curve(
        Bilingual(
            "词表越大，未知的词越少，但到不了 0", "A larger word vocabulary leaves fewer unknown, but never none"
        ),
        Bilingual("词级词表的大小", "words in the vocabulary"),
        Bilingual("[UNK] %", "[UNK] %"),
        [
            Series(Bilingual("词", "words"), SIZES, _unknown_by_size()),
            Series("WordPiece", SIZES, [flat] * len(SIZES)),
        ],
        log_x=True,
        marks=[(float(number), Bilingual("现在", "now"))],
        name="unknown-by-size",
    )
