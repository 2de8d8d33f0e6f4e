"""Lets poets and trigrams foretell the same quatrains, and counts by token, by byte, and over all splits."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from mlxformer.errors import ArgumentError
from mlxformer.pretrained.poems.forms import COMMA, STOP
from questions.bilingual import Bilingual
from tui.experiments.contract import Check, Report, Result
from tui.experiments.perplexity.declaration import EXPERIMENT
from tui.experiments.perplexity.measured import (
    FORM_COST,
    by_poet,
    by_trigram,
    poet,
    quatrains,
    splits,
    unigram,
)
from tui.figures.data import Bars, Figure, Label, Table, TokenRow, Tokens

BYTES = 256


class Cost(NamedTuple):
    """What a model needs for all poems: nats by token, and nats that no token has (the form)."""

    label: Label
    nats: np.ndarray  # [N]
    beside: float
    size: int  # of the texts, in bytes
    characters: int

    @property
    def perplexity(self) -> float:
        """By token."""
        return float(np.exp(self.nats.mean()))

    @property
    def bits(self) -> float:
        """By byte of the text."""
        return float((self.nats.sum() + self.beside) / np.log(2) / self.size)


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    reader = poet("poet")
    try:
        shown = reader.log_probabilities(str(knobs["poem"]))
        tokens = [reader.tokenizer.tokens[each] for each in reader.tokenizer.poem(str(knobs["poem"]))[1:]]
    except ArgumentError as error:
        reason = Bilingual("要一首四句或八句、每句五字或七字的诗，只能用诗里常见的字。", f"{error}")
        return EXPERIMENT.nothing_to_run(reason)
    generator = np.random.default_rng(int(knobs["seed"]))
    drawn = generator.permutation(len(quatrains()))[: int(knobs["poems"])]
    poems = tuple(quatrains()[each] for each in drawn)
    report(0.3, "poets")
    vocabulary = int(knobs["vocabulary"])
    shuffled = generator if knobs["scramble"] else None
    costs = {
        "bytes": _cost(Bilingual("三元，字节", "trigram, bytes"), by_trigram(BYTES, poems), poems),
        "bpe": _cost(
            Bilingual(f"三元，BPE {vocabulary}", f"trigram, BPE {vocabulary}"), by_trigram(vocabulary, poems), poems
        ),
        "small": _cost("poet-small", by_poet("poet-small", poems), poems, FORM_COST),
        "poet": _cost("poet", by_poet("poet", poems, shuffled), poems, FORM_COST),
    }
    report(0.8, "splits")
    figures: list[Figure] = [_bits(costs), _perplexities(costs), _table(costs, poems), _strip(tokens, -shown)]
    return Result(figures, [*_compared(costs, knobs), *_marks(costs["poet"], poems, knobs), *_splits(poems, knobs)])


def _cost(label: Label, nats: Sequence[np.ndarray], poems: Sequence[str], form: float = 0.0) -> Cost:
    sizes = sum(len(poem.encode()) for poem in poems), sum(map(len, poems))
    return Cost(label, np.concatenate(nats), form * len(poems), *sizes)


def _compared(costs: Mapping[str, Cost], knobs: Mapping[str, Any]) -> list[Check]:
    """By token the poet looks worse than bytes, and BPE worse than bytes; by byte neither is."""
    measured = EXPERIMENT.measured
    p = {name: 2.0**cost.bits if knobs["per_byte"] else cost.perplexity for name, cost in costs.items()}
    bits = {name: np.log2(cost.perplexity) if knobs["per_token"] else cost.bits for name, cost in costs.items()}
    return [
        measured("token-perplexity", p["poet"] / p["bytes"], 2.0),
        measured("bits-by-byte", bits["poet"] / bits["bytes"], 0.75),
        measured("bpe-perplexity", p["bpe"] / p["bytes"], 3.0),
        measured("bpe-bits", bits["bpe"] / bits["bytes"], (0.85, 1.2)),
        measured("small-poet", p["small"] / p["poet"], 1.2),
    ]


def _marks(cost: Cost, poems: Sequence[str], knobs: Mapping[str, Any]) -> list[Check]:
    """The marks and the end stand where the form has them, whatever the tokens there are."""
    by_form = sorted(poems, key=lambda poem: len(poem))  # as ``ids_of`` has them: five characters a line, then seven
    is_mark = np.concatenate([[sign in (COMMA, STOP) for sign in poem] + [True] for poem in by_form])
    alone = cost.nats if knobs["with_marks"] else cost.nats[~is_mark]
    return [
        EXPERIMENT.measured("marks-cost", float(cost.nats[is_mark].mean() / np.log(2)), 0.2),
        EXPERIMENT.measured("without-marks", float(np.exp(alone.mean())) / cost.perplexity, 1.5),
    ]


def _splits(poems: Sequence[str], knobs: Mapping[str, Any]) -> list[Check]:
    """Of the lines whose characters all have a piece."""
    tokenizer, pieces = unigram()
    lines = [line for poem in poems for line in re.findall(".*?[，。]", poem) if set(line) <= set(pieces)]
    if not lines:
        none = Bilingual("这几首的每一句都有一元模型没见过的字。", "Each line has a character that the pieces lack.")
        return [EXPERIMENT.undefined(name, none) for name in ("one-split", "split-is-the-tokenizer's")]
    totals, bests = zip(*(splits(f"▁{line}", pieces) for line in lines), strict=True)
    found = [sum(pieces[sign] for sign in f"▁{line}") for line in lines] if knobs["signs_alone"] else bests
    theirs = [sum(pieces[token] for token in each.tokens) for each in tokenizer.encode_batch(lines)]
    whole = sum(bests) if knobs["best_alone"] else sum(totals)
    return [
        EXPERIMENT.measured("one-split", 100.0 * (sum(bests) / whole - 1), 0.05),
        EXPERIMENT.measured("split-is-the-tokenizer's", float(np.abs(np.subtract(found, theirs)).max()), 0.0, 1e-3),
    ]


def _bits(costs: Mapping[str, Cost]) -> Bars:
    return Bars(
        Bilingual("每字节的比特：越低越好，与词元无关", "Bits per byte: lower is better, whatever the tokens"),
        labels=[cost.label for cost in costs.values()],
        values=[cost.bits for cost in costs.values()],
        value_label=Bilingual("比特/字节", "bits a byte"),
        name="bits",
    )


def _perplexities(costs: Mapping[str, Cost]) -> Bars:
    return Bars(
        Bilingual("同一批诗，按词元的困惑度：换了词元就不能比", "The same poems, perplexity by token: tokens differ"),
        labels=[cost.label for cost in costs.values()],
        values=[cost.perplexity for cost in costs.values()],
        value_label=Bilingual("困惑度", "perplexity"),
        log=True,
        name="perplexities",
    )


def _table(costs: Mapping[str, Cost], poems: Sequence[str]) -> Table:
    rows: list[list[Any]] = []
    for cost in costs.values():
        per_character = cost.bits * cost.size / cost.characters
        rows.append([cost.label, len(cost.nats) / cost.characters, cost.perplexity, per_character, cost.bits])
    whole, lines = costs["poet"], sum(poem.count(COMMA) + poem.count(STOP) for poem in poems)
    rows.append([
        Bilingual("poet，一句算一个词元", "poet, a line as one token"), lines / whole.characters,
        float(np.exp(whole.nats.sum() / lines)), rows[-1][3], whole.bits,
    ])  # fmt: skip
    return Table(
        Bilingual(f"{len(poems)} 首没训练过的绝句", f"{len(poems)} held-out quatrains"),
        columns=[Bilingual("模型", "model"), Bilingual("词元/字", "tokens a character"),
                 Bilingual("困惑度/词元", "perplexity by token"), Bilingual("比特/字", "bits a character"),
                 Bilingual("比特/字节", "bits a byte")],
        rows=rows,
        name="table",
    )  # fmt: skip


def _strip(tokens: Sequence[str], nats: np.ndarray) -> Tokens:
    bits = [float(each) for each in nats / np.log(2)]
    return Tokens(
        Bilingual("poet 预测每个词元用的比特", "Bits that the poet needs for each token"),
        [
            TokenRow(
                Bilingual("比特", "bits"),
                list(tokens),
                [each / max(bits) for each in bits],
                [f"{each:.1f}" for each in bits],
            )
        ],
        name="strip",
    )
