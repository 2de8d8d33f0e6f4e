"""Runs two small BERTs over all pairs of the typed sentences, one pass at a time, and counts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import chain, combinations, permutations
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx, to_numpy
from mlxformer.inspection.diagnostics import low_rank_error
from mlxformer.inspection.flops import count_layer_flops
from mlxformer.models.bert.sentences import BiEncoder, similarity
from mlxformer.pretrained.masked.samples import Kind
from questions.bilingual import Bilingual
from tui.experiments.contract import Check, Report, Result
from tui.experiments.cross_encoder.declaration import EXPERIMENT
from tui.experiments.cross_encoder.trained import TEXTS, ranked_alone, ranked_together
from tui.experiments.shared.random_weights import draw, load
from tui.experiments.shared.reported_trace import traced
from tui.experiments.shared.sentence import split
from tui.figures.data import Bars, Curve, Figure, Heatmap, Series, Stage, Table

CLS, SEP, FIRST_WORD = 1, 2, 3
MOST = 10  # sentences that are really run
LAYERS = 2
TABLE, TABLE_WIDTH, TABLE_WORDS = 24, 8, 40  # the larger table of random sentences
TOO_FEW = Bilingual("至少要有两句话：用分号隔开再写一句。", "It takes two sentences: write another after a semicolon.")
TWO = Bilingual("只有两句话时没有别的搭档可换。", "With two sentences there is no other partner.")

Ids = list[int]


class Encoders(mf.Module):
    """A bi-encoder and a cross-encoder of one size."""

    def __init__(self, words: int, width: int, generator: np.random.Generator) -> None:
        super().__init__()
        config = mf.BertConfig(
            vocab_size=FIRST_WORD + words,
            hidden_size=width,
            num_hidden_layers=LAYERS,
            num_attention_heads=2,
            intermediate_size=4 * width,
            max_position_embeddings=256,
            id2label={0: "score"},
        )
        bi, cross = BiEncoder(config), mf.BertForSequenceClassification(config)
        self.bi = load(bi, draw(generator, bi))
        self.cross = load(cross, draw(generator, cross))

    def vector(self, ids: Ids) -> Any:
        """One pass: [1, C]."""
        return self.bi(mx.array(np.array([alone(ids)], np.int32)))

    def score(self, first: Ids, second: Ids) -> float:
        """One pass over the pair."""
        ids, types = pair(first, second)
        return float(to_numpy(self.cross(ids, token_type_ids=types).logits)[0, 0])


def alone(ids: Ids) -> Ids:
    return [CLS, *ids, SEP]


def pair(first: Ids, second: Ids) -> tuple[Any, Any]:
    """``[CLS] A [SEP] B [SEP]`` and its type ids."""
    ids, types = [CLS, *first, SEP, *second, SEP], [0] * (len(first) + 2) + [1] * (len(second) + 1)
    return mx.array(np.array([ids], np.int32)), mx.array(np.array([types], np.int32))


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    texts = [split(text) for text in re.split("[;；\n]", str(knobs["sentences"]))]
    texts = [tokens for tokens in texts if tokens][:MOST]
    if len(texts) < 2:
        return EXPERIMENT.nothing_to_run(TOO_FEW)
    seed, width = int(knobs["seed"]), int(knobs["hidden"])
    words = {token: place for place, token in enumerate(dict.fromkeys(chain.from_iterable(texts)), FIRST_WORD)}
    sentences = [[words[token] for token in tokens] for tokens in texts]
    encoders = Encoders(len(words), width, np.random.default_rng([seed, width]))
    with traced(report, 0.3, encoders, measure=True) as cross_steps:
        cross_scores = _cross(encoders, sentences, both=bool(knobs["ordered"]))
    with traced(report, 0.5, encoders) as bi_steps:
        vectors = _vectors(encoders, sentences, keep=bool(knobs["keep"]))
    with traced(report, 0.6, encoders, measure=True) as one_more:
        for _ in range(1 if knobs["keep"] else len(sentences)):
            encoders.vector(sentences[0][::-1])
    # A sentence with itself is shown and not counted.
    np.fill_diagonal(cross_scores, [encoders.score(ids, ids) for ids in sentences])
    bi_scores = to_numpy(similarity(vectors, vectors))
    passes = {"cross": _passes(cross_steps, "cross"), "bi": _passes(bi_steps, "bi")}
    flops = {"cross": count_layer_flops(cross_steps), "bi": count_layer_flops(bi_steps)}
    report(0.9, "bert-mini")
    counted = TEXTS[0]  # the poems; verses are shown beside them
    right = {
        kind: (ranked_together(kind, seed, bool(knobs["blind"]) and kind == counted), ranked_alone(kind, seed))
        for kind in TEXTS
    }
    by_head, by_cosine = right[counted]
    n = len(sentences)
    measured = EXPERIMENT.measured
    checks = [
        measured("cross-passes", float(passes["cross"]), n * (n - 1) / 2),
        measured("bi-passes", float(passes["bi"]), float(n)),
        measured("one-more-sentence", float(_passes(one_more, "bi")), 1.0),
        _flops_check(flops, sentences, width, int(knobs["factor"])),
        _unchanged(encoders, sentences, to_numpy(vectors)),
        _partner(cross_steps, sentences),
        *_tables(np.random.default_rng([seed, 7]), int(knobs["table_rank"]), report),
        measured("cross-ranks", by_head, by_cosine + 5.0),
        measured("cosine-ranks", by_cosine, by_head - 5.0),
    ]
    labels = [f"{place} {''.join(tokens)[:4]}" for place, tokens in enumerate(texts, 1)]
    figures: list[Figure] = [
        _by_count(int(knobs["count"])),
        _costs(n, passes, flops, int(knobs["count"])),
        _ranking(right),
        _maps(cross_scores, bi_scores, labels, seed),
    ]
    return Result(figures, checks, tuple(bi_steps))


def _ranking(right: Mapping[Kind, tuple[float, float]]) -> Bars:
    """Tang poems first; the head's bar, then the cosine's."""
    kinds: dict[Kind, Bilingual] = {
        "tang": Bilingual("唐诗", "Tang poems"),
        "verse": Bilingual("英文经文", "English verses"),
    }
    ways = (Bilingual("一起读", "together"), Bilingual("各自编码", "alone"))
    return Bars(
        Bilingual("bert-mini：没训练过的句子，真正的下一句排在别处的一句之前的 %",
                  "bert-mini: % of held-out next lines that are ranked above a line of elsewhere"),
        labels=[Bilingual(f"{kinds[kind].zh}，{way.zh}", f"{kinds[kind].en}, {way.en}")
                for kind in right for way in ways],
        values=[value for pair in right.values() for value in pair],
        value_label=Bilingual("排在前面的 %", "ranked above, %"),
        reference=(50.0, Bilingual("瞎猜", "guessing")),
        name="ranking",
    )  # fmt: skip


def _cross(encoders: Encoders, sentences: Sequence[Ids], *, both: bool) -> np.ndarray:
    """The score of each pair, a pass each; the table is symmetric by construction unless both orders are run."""
    scores = np.zeros((len(sentences), len(sentences)))
    for i, j in (permutations if both else combinations)(range(len(sentences)), 2):
        scores[i, j] = encoders.score(sentences[i], sentences[j])
        if not both:
            scores[j, i] = scores[i, j]
    return scores


def _vectors(encoders: Encoders, sentences: Sequence[Ids], *, keep: bool) -> Any:
    """A vector for each sentence; unless they are kept, made anew for each sentence that it is compared with."""
    rows = []
    for ids in sentences:
        for _ in range(1 if keep else len(sentences) - 1):
            row = encoders.vector(ids)
        rows.append(row)
    return mx.concatenate(rows, axis=0)  # [n, C]


def _passes(steps: mf.Trace, kind: str) -> int:
    return sum(step.value.shape[0] for step in steps.all(f"{kind}.bert.embeddings.output"))


def _layer_flops(length: int, width: int) -> int:
    return 8 * length * width**2 + 4 * length**2 * width + 4 * length * width * 4 * width


def _flops_check(flops: Mapping[str, int], sentences: Sequence[Ids], width: int, factor: int) -> Check:
    lengths = [len(ids) for ids in sentences]
    single = sum(_layer_flops(length + 2, width) for length in lengths)
    pairs = sum(
        _layer_flops(first + (second + 3 if factor == 2 else 2), width) for first, second in combinations(lengths, 2)
    )
    expected = pairs / single
    return EXPERIMENT.measured("flops-ratio", flops["cross"] / flops["bi"], expected, 1e-9 * expected)


def _unchanged(encoders: Encoders, sentences: Sequence[Ids], vectors: np.ndarray) -> Check:
    longest = max(len(ids) for ids in sentences) + 2
    ids = np.array([[*alone(one), *[0] * (longest - len(one) - 2)] for one in sentences], np.int32)
    with mf.trace(encoders, only="bi.vector"):
        together = to_numpy(encoders.bi(mx.array(ids), mx.array((ids > 0).astype(np.int32))))
    return EXPERIMENT.measured("vector-does-not-change", float(np.abs(together - vectors).max()), 0.0, 1e-5)


def _partner(steps: mf.Trace, sentences: Sequence[Ids]) -> Check:
    """The first sentence beside each other one: its tokens' last states, against those beside the second sentence."""
    if len(sentences) < 3:
        return EXPERIMENT.undefined("tokens-change-with-partner", TWO)
    own = slice(1, 1 + len(sentences[0]))
    states = [
        step.value[0, own].astype(np.float64)
        for step in steps.all(f"cross.bert.encoder.layers.{LAYERS - 1}.output")[: len(sentences) - 1]
    ]
    changes = [np.linalg.norm(one - states[0]) / np.linalg.norm(states[0]) for one in states[1:]]
    return EXPERIMENT.measured("tokens-change-with-partner", float(np.mean(changes)), 0.02)


def _tables(generator: np.random.Generator, rank: int, report: Report) -> list[Check]:
    """All ordered pairs of random sentences of five tokens, in one batch."""
    encoders = Encoders(TABLE_WORDS, TABLE_WIDTH, generator)
    words = generator.integers(FIRST_WORD, FIRST_WORD + TABLE_WORDS, (TABLE, 5)).astype(np.int32)
    ids = np.array([alone(list(row)) for row in words], np.int32)
    first, second = np.repeat(ids, TABLE, axis=0), np.tile(ids[:, 1:], (TABLE, 1))
    both = np.concatenate([first, second], axis=1)
    types = np.concatenate([np.zeros_like(first), np.ones_like(second)], axis=1)
    report(0.8, "table")
    vectors = encoders.bi(mx.array(ids))
    bi = to_numpy(similarity(vectors, vectors))
    cross = (
        to_numpy(encoders.cross(mx.array(both), token_type_ids=mx.array(types)).logits)
        .reshape(TABLE, TABLE)
        .astype(np.float64)
    )
    cross = cross - cross.mean(0) - cross.mean(1, keepdims=True) + cross.mean()
    return [
        EXPERIMENT.measured("bi-table-is-low-rank", low_rank_error(bi, rank), 0.0, 1e-5),
        EXPERIMENT.measured("cross-table-is-not", low_rank_error(cross, rank), 0.005),
    ]


def _costs(n: int, passes: Mapping[str, int], flops: Mapping[str, int], count: int) -> Table:
    return Table(
        Bilingual(f"跑了 {n} 句（随机权重）；最后一列按公式推到 {count:,} 句",
                  f"{n} sentences were run (random weights); the last column by formula for {count:,}"),
        columns=[
            Bilingual("用法", "use"),
            Bilingual("遍数", "passes"),
            Bilingual("矩阵运算量", "FLOP of products"),
            Bilingual("再来一句", "one more sentence"),
            Bilingual(f"{count:,} 句的遍数", f"passes for {count:,}"),
        ],
        rows=[
            [Bilingual("交叉编码器", "cross-encoder"), passes["cross"], flops["cross"], n, count * (count - 1) // 2],
            [Bilingual("双塔", "bi-encoder"), passes["bi"], flops["bi"], 1, count],
        ],
        name="costs",
    )  # fmt: skip


def _by_count(count: int) -> Curve:
    counts = [float(10 ** (power / 2)) for power in range(2, 11)]
    return Curve(
        Bilingual("n 句两两比较，BERT 要跑几遍", "Passes of BERT to compare n sentences pairwise"),
        Bilingual("句子数 n", "sentences n"),
        Bilingual("遍数", "passes"),
        [
            Series(Bilingual("交叉编码器 n(n − 1) / 2", "cross-encoder n(n − 1) / 2"), counts,
                   [n * (n - 1) / 2 for n in counts]),
            Series(Bilingual("双塔 n", "bi-encoder n"), counts, counts),
        ],
        log_x=True,
        log_y=True,
        marks=[(float(count), "n")],
        name="passes",
    )  # fmt: skip


def _maps(cross: np.ndarray, bi: np.ndarray, labels: list[str], seed: int) -> Heatmap:
    off = ~np.eye(len(cross), dtype=bool)
    shown = [(table - table[off].mean()) / max(float(table[off].std()), 1e-9) for table in (cross, bi)]
    return Heatmap(
        Bilingual(f"两张打分表，各自标准化（随机权重，种子 {seed}）",
                  f"Both tables of scores, standardized (random weights, seed {seed})"),
        [Stage("scores", Bilingual("打分", "scores"), np.stack(shown), "signed")],
        rows=labels,
        columns=labels,
        row_axis=Bilingual("句子 A", "sentence A"),
        column_axis=Bilingual("句子 B", "sentence B"),
        heads=(Bilingual("交叉编码器", "cross-encoder"), Bilingual("双塔", "bi-encoder")),
        name="scores",
    )  # fmt: skip
