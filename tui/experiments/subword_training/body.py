"""Learns the tokenizers on the shipped sample texts and splits the typed one with them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from mlxformer.pretrained.masked.samples import samples
from mlxformer.teaching.byte_pair_encoding import BLANK, Criterion, Merge, apply_merges, learn_merges, words_of
from mlxformer.teaching.subword import UNKNOWN, Kind, train_subword_tokenizer
from questions.bilingual import Bilingual
from tui.experiments.contract import Check, Report, Result
from tui.experiments.subword_training.declaration import EXPERIMENT
from tui.figures.data import Curve, Figure, Series, Table, TokenRow, Tokens

MOST = 400  # merges: as many as the knob goes to
STEPS = tuple(range(0, MOST + 1, 50))  # of the curve
PROBE = "ж🙂Ω"  # in neither training text
FIRST = 20  # merges whose counts are compared
SHOWN = 10  # merges in the table
NO_TEXT = Bilingual("没有文字可切", "there is no text to split")
NO_MERGES = Bilingual("一次也没合并", "nothing was joined")
NAMES: Mapping[Kind, str] = {
    "bpe": "BPE",
    "wordpiece": "WordPiece",
    "unigram": "Unigram",
    "byte-bpe": "byte-level BPE",
}


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    # Half of a surrogate pair can be pasted into a terminal; UTF-8 has no bytes for it.
    text = str(knobs["text"]).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if not text.strip():
        return EXPERIMENT.nothing_to_run(NO_TEXT)
    corpus, number = str(knobs["corpus"]), int(knobs["merges"])
    report(0.1, "merges")
    learned, likely = (_merges(corpus, criterion) for criterion in ("frequency", "likelihood"))
    report(0.4, "tokenizers")
    checks = [
        *_on_merges(text, corpus, number, knobs),
        *_on_bytes(text, corpus, number, knobs),
        _likelihood(learned, learned if knobs["same_criterion"] else likely),
        _unigram(corpus, number, bool(knobs["longest_match"])),
    ]
    figures: list[Figure] = [_strips(text, corpus, number), _table(learned, likely, number), _curve(corpus, number)]
    return Result(figures, checks)


@cache
def _lines(corpus: str, held_out: bool = False) -> tuple[str, ...]:
    """100 sentences to learn from, or 20 that are not among them."""
    if corpus == "english":
        return tuple(samples("verse", held_out=held_out)[: 20 if held_out else 100])
    half = 10 if held_out else 50
    return (*samples("tang", held_out=held_out)[:half], *samples("lunyu", held_out=held_out)[:half])


@cache
def _merges(corpus: str, criterion: Criterion) -> list[Merge]:
    return learn_merges(words_of(_lines(corpus)), MOST, criterion=criterion)


@cache
def _alphabet(corpus: str) -> int:
    return len({character for word in words_of(_lines(corpus)) for character in word})


@cache
def _tokenizer(kind: Kind, corpus: str, number: int, extra: str = "") -> Any:
    size = (256 if kind == "byte-bpe" else 1 + _alphabet(corpus)) + number
    return train_subword_tokenizer(kind, [*_lines(corpus), *([extra] * 50 if extra else [])], size)


def _on_merges(text: str, corpus: str, number: int, knobs: Mapping[str, Any]) -> list[Check]:
    measured, undefined = EXPERIMENT.measured, EXPERIMENT.undefined
    learned = _merges(corpus, "likelihood" if knobs["by_likelihood"] else "frequency")[:number]
    words = words_of(_lines(corpus))
    used = learned[:-1] if knobs["skip_last"] else learned
    tokens = sum(count * len(apply_merges(word, used)) for word, count in words.items())
    saved = sum(count * len(word) for word, count in words.items()) - sum(merge.count for merge in learned)
    counts = measured("merges-save-their-counts", float(tokens), float(saved))
    if not learned:
        return [undefined("merges-equal-library", NO_MERGES), counts, undefined("never-more-tokens", NO_MERGES)]
    library = json.loads(_tokenizer("bpe", corpus, number).to_str())["model"]["merges"]
    differ = sum(merge.pair != tuple(theirs) for merge, theirs in zip(learned, library, strict=True))
    steps = sorted({*range(0, len(learned), 10), len(learned)}, reverse=bool(knobs["backwards"]))
    lengths = [sum(len(apply_merges(word, learned[:step])) for word in words_of([text])) for step in steps]
    return [
        measured("merges-equal-library", float(differ), 0.0),
        counts,
        measured("never-more-tokens", float(np.diff(lengths).max()), 0.0),
    ]


def _on_bytes(text: str, corpus: str, number: int, knobs: Mapping[str, Any]) -> list[Check]:
    measured = EXPERIMENT.measured
    everything = _tokenizer("bpe" if knobs["characters"] else "byte-bpe", corpus, number)
    unseen = [text, *_lines("english", True), *_lines("chinese", True)]
    differ = sum(everything.decode(everything.encode(line).ids) != line for line in unseen)
    characters = _tokenizer("byte-bpe" if knobs["bytes"] else "bpe", corpus, number)
    in_bytes = _tokenizer("byte-bpe", corpus, number, PROBE if knobs["show_probe"] else "")
    return [
        measured("bytes-come-back", float(differ), 0.0),
        measured("unseen-characters-unknown", float(characters.encode(PROBE).tokens.count(UNKNOWN)), float(len(PROBE))),
        measured("unseen-characters-cost-bytes", float(len(in_bytes.encode(PROBE).ids)), float(len(PROBE.encode()))),
    ]


def _likelihood(frequent: Sequence[Merge], likely: Sequence[Merge]) -> Check:
    medians = [float(np.median([merge.count for merge in merges[:FIRST]])) for merges in (likely, frequent)]
    return EXPERIMENT.measured("likelihood-prefers-the-inseparable", medians[0] / medians[1], 0.5)


def _unigram(corpus: str, number: int, longest_match: bool) -> Check:
    """Word by word, in words whose characters are all known."""
    tokenizer = _tokenizer("unigram", corpus, number)
    scores = dict(json.loads(tokenizer.to_str())["model"]["vocab"])
    words = [word for word in words_of(_lines(corpus, True)) if all(character in scores for character in word)]
    short = 0.0
    for word in words:
        pieces = _by_longest_match(word, scores) if longest_match else tokenizer.encode(word[1:]).tokens
        short += _most_probable(word, scores) - sum(scores[piece] for piece in pieces)
    return EXPERIMENT.measured("unigram-takes-the-most-probable", short, 0.0, 1e-6 * max(1, len(words)))


def _most_probable(word: str, scores: Mapping[str, float]) -> float:
    """The largest sum of log-probabilities over all splits, by dynamic programming in float64."""
    best = [0.0] + [-math.inf] * len(word)
    for end in range(1, len(word) + 1):
        for start in range(end):
            score = scores.get(word[start:end])
            if score is not None:
                best[end] = max(best[end], best[start] + score)
    return best[-1]


def _by_longest_match(word: str, scores: Mapping[str, float]) -> list[str]:
    pieces, start = [], 0
    while start < len(word):
        end = next(end for end in range(len(word), start, -1) if word[start:end] in scores)
        pieces.append(word[start:end])
        start = end
    return pieces


def _strips(text: str, corpus: str, number: int) -> Tokens:
    characters = [BLANK if character.isspace() else character for character in text]
    strips = [TokenRow(Bilingual(f"字符 {len(characters)}", f"characters {len(characters)}"), characters)]
    for kind in ("bpe", "wordpiece", "unigram", "byte-bpe"):
        tokenizer = _tokenizer(kind, corpus, number)
        encoding = tokenizer.encode(text)
        tokens, nothing = list(encoding.tokens), tokenizer.token_to_id(UNKNOWN)
        # By id: Unigram's token for what it does not know is the text itself.
        unknown = ["✗" if index == nothing else "" for index in encoding.ids]
        label = f"{NAMES[kind]} {len(tokens)}"
        strips.append(TokenRow(label, tokens, marks=unknown if any(unknown) else None))
    return Tokens(
        Bilingual("同一段文字，五种切法（数字是词元数）", "One text split in five ways (with the number of tokens)"),
        [strip for strip in strips if strip.tokens],
        name="splits",
    )


def _table(frequent: Sequence[Merge], likely: Sequence[Merge], number: int) -> Table:
    """The first merges by both criteria, and the last one that the knob lets in."""
    last = min(number, len(frequent), len(likely))
    steps = [*range(min(SHOWN, last)), *([last - 1] if last > SHOWN else [])]
    rows: list[list[Any]] = []
    for step in steps:
        row: list[Any] = [step + 1]
        for merge in (frequent[step], likely[step]):
            row += [" + ".join(merge.pair), merge.count]
        rows.append(row)
    return Table(
        Bilingual("每一步合并了哪一对，出现几次", "Which pair each step joins, and how often it occurs"),
        [Bilingual("步", "step"), Bilingual("频率（BPE）", "frequency (BPE)"), Bilingual("次数", "count"),
         Bilingual("似然（WordPiece）", "likelihood (WordPiece)"), Bilingual("次数", "count")],
        rows,
        name="merges",
    )  # fmt: skip


@cache
def _per_character(corpus: str, held_out: bool) -> list[float]:
    words, learned = words_of(_lines(corpus, held_out)), _merges(corpus, "frequency")
    whole = sum(count * len(word) for word, count in words.items())
    tokens, done, pieces = [], 0, {word: list(word) for word in words}
    for step in STEPS:
        pieces = {word: apply_merges(parts, learned[done:step]) for word, parts in pieces.items()}
        tokens.append(sum(count * len(pieces[word]) for word, count in words.items()) / whole)
        done = step
    return tokens


def _curve(corpus: str, number: int) -> Curve:
    return Curve(
        Bilingual("合并越多，词元越少（每个字符几个词元）", "More merges, fewer tokens (tokens per character)"),
        Bilingual("合并次数", "merges"),
        Bilingual("词元 / 字符", "tokens per character"),
        [
            Series(Bilingual("训练文字", "training text"), STEPS, _per_character(corpus, False)),
            Series(Bilingual("没见过的文字", "unseen text"), STEPS, _per_character(corpus, True)),
        ],
        marks=[(float(number), Bilingual("现在", "now"))],
        name="tokens-per-character",
    )
