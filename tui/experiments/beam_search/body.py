"""Searches the trees and the date model, and filters two distributions."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from mlxformer.backend import mx
from mlxformer.generation.beam import beam_hypotheses, beam_search
from mlxformer.generation.greedy import greedy_search
from mlxformer.generation.rules import SearchRules
from mlxformer.generation.sampling import SamplingRules, draw_tokens, sample, sampling_probabilities
from mlxformer.generation.search import search
from mlxformer.pretrained import load_pretrained
from mlxformer.pretrained.dates.formats import FORMATS, write_date
from mlxformer.pretrained.dates.split import held_out_dates
from questions.bilingual import Bilingual
from tui.experiments.beam_search import trees
from tui.experiments.beam_search.declaration import EXPERIMENT
from tui.experiments.beam_search.trees import LENGTHS, MISSED, TreeDecoder, trap
from tui.experiments.contract import Check, Report, Result
from tui.experiments.shared.kept import kept
from tui.figures.data import Figure, Table, TokenRow, Tokens

# Two distributions over 16 tokens, as logits: each next token 0.4 and 0.95 times as probable as the one before.
PEAKED, FLAT = (np.log(ratio) * np.arange(16, dtype=np.float32)[None] for ratio in (0.4, 0.95))
DRAWS = 20_000
UNTRAINED = ("11月23日", "2026年11月", "Nov 2026")  # of no trained format: there the model wavers
ONE_BEAM = Bilingual("只有一束，就是贪心", "one beam is greedy search")
ALL_KEPT = Bilingual("没有去掉任何词元", "no token is removed")
EXTREME = Bilingual("top-p 太小或等于 1，两个分布留下的一样多", "with top-p so small, or 1, both keep as many")


@cache
def _reader() -> Any:
    """The model, loaded once: its weights never change here."""
    return load_pretrained("dates")


@cache
def _held_out() -> list[Any]:
    return held_out_dates()


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    sampling = SamplingRules(float(knobs["temperature"]), int(knobs["top_k"]), float(knobs["top_p"]))
    report(0.1, "trees")
    beams, greedy_beams, beam_arm, trap_beams = (
        int(knobs[name]) for name in ("beams", "greedy_beams", "beam_arm", "trap_beams")
    )
    checks = _on_trees(beams, greedy_beams, beam_arm, trap_beams, bool(knobs["penalise"]))
    report(0.3, "dates")
    below = _dates(int(knobs["seed"]), int(knobs["beams"]), bool(knobs["take_worst"]))
    checks = [*checks, EXPERIMENT.measured("dates-not-below-greedy", below, 0.0, 1e-4)]
    report(0.7, "beams")
    figures: list[Figure] = [_tree_table(int(knobs["beams"]), float(knobs["alpha"]))]
    if str(knobs["date"]).strip():
        figures.append(_beams(knobs, sampling))
    figures.append(_filtered(sampling))
    checks = [*checks, *_sampled(sampling, knobs)]
    return Result(figures, checks)


@kept()
def _on_trees(beams: int, greedy_beams: int, beam_arm: int, trap_beams: int, penalize: bool) -> Sequence[Check]:
    measured = EXPERIMENT.measured
    every = dict(trees.sequences(MISSED))
    greedy = search(TreeDecoder(MISSED), 1, trees.rules(greedy_beams))
    wide = search(TreeDecoder(MISSED), 1, trees.rules(beam_arm or beams))
    if beams == 1:
        found = EXPERIMENT.undefined("beam-probability", ONE_BEAM)
    else:
        found = measured("beam-probability", every[trees.body(wide[0])], max(every.values()), 1e-9)
    hidden = dict(trees.sequences(trap(beams)))
    trapped = search(TreeDecoder(trap(beams)), 1, trees.rules(beams + trap_beams))
    return [
        measured("greedy-probability", every[trees.body(greedy[0])], 0.5 * 0.4, 1e-9),
        found,
        measured("beam-is-not-exact", hidden[trees.body(trapped[0])] / max(hidden.values()), 1.1 * 0.5, 1e-6),
        measured("length-penalty-crossing", _crossing(penalize), _derived_crossing(), 0.01),
    ]


@kept()
def _crossing(penalize: bool) -> float:
    """The α in 0 to 2 at which the winner of tree 3 becomes the longer one, by halving the interval."""
    low, high = 0.0, 2.0
    while high - low > 0.004:
        alpha = (low + high) / 2
        found, _ = beam_search(TreeDecoder(LENGTHS), 1, trees.rules(3, alpha if penalize else 0.0))
        low, high = (low, alpha) if len(trees.body(found[0])) > 1 else (alpha, high)
    return (low + high) / 2


def _derived_crossing() -> float:
    """Where log p₁ / |Y₁|^α = log p₂ / |Y₂|^α for [A .] and [B C D E .], the end token counted."""
    short, long = math.log(0.5 * 0.8), math.log(0.5 * 0.9 * 0.8 * 0.85)
    return math.log(long / short) / math.log(5 / 2)


def _rules(beams: int, alpha: float) -> SearchRules:
    tokenizer = _reader().tokenizer
    return SearchRules(tokenizer.bos_id, tokenizer.pad_id, (tokenizer.eos_id,), 12, num_beams=beams,
                       length_penalty=alpha, early_stopping="never")  # fmt: skip


@kept()
def _dates(seed: int, beams: int, take_worst: bool) -> float:
    """By how much beam search's score lies above greedy's, at least, on twelve texts: held-out dates in formats drawn
    by the seed, and some that the model has to guess."""
    reader, source = _reader(), random.Random(seed)
    dates = source.sample(_held_out(), 12 - len(UNTRAINED))
    texts = [*UNTRAINED, *(write_date(date, source.choice(list(FORMATS)), source).text for date in dates)]
    tokenizer = reader.tokenizer
    ids = mx.array(tokenizer.pad([tokenizer.source(text) for text in texts]))
    # One beam of beam search is greedy search, and says the score.
    greedy = beam_search(reader.model.start_decoding(ids), len(texts), _rules(1, 0.0))[1]
    found = beam_hypotheses(reader.model.start_decoding(ids, rows_each=beams), len(texts), _rules(beams, 0.0))[1]
    ended = np.where(found > -1e8, found, np.inf)
    chosen = ended.min(axis=1) if take_worst else found[:, 0]
    return float((chosen - greedy).min())


def _sampled(sampling: SamplingRules, knobs: Mapping[str, Any]) -> list[Check]:
    measured, undefined = EXPERIMENT.measured, EXPERIMENT.undefined
    temperature = sampling.temperature
    used = SamplingRules(1.0 if knobs["ignore_temperature"] else temperature)
    logs = np.log(sampling_probabilities(PEAKED, used)[0])
    ratio = measured("temperature-divides-log-ratios", float(logs[0] - logs[1]), math.log(1 / 0.4) / temperature, 1e-4)

    nucleus = SamplingRules(temperature, None, sampling.top_p)
    kept = [int((sampling_probabilities(logits, nucleus) > 0).sum()) for logits in (FLAT, PEAKED)]
    if knobs["fixed_number"]:
        kept = [int((sampling_probabilities(logits, SamplingRules(temperature, 4)) > 0).sum())
                for logits in (FLAT, PEAKED)]  # fmt: skip
    if not 0.3 <= sampling.top_p <= 0.95:
        adapts = undefined("nucleus-adapts", EXTREME)
    else:
        adapts = measured("nucleus-adapts", kept[0] / kept[1], 1.25)

    probabilities = sampling_probabilities(FLAT, sampling)[0]
    removed = probabilities == 0
    if not removed.any():
        return [adapts, ratio, undefined("removed-never-drawn", ALL_KEPT)]
    from_these = sampling_probabilities(FLAT, SamplingRules(temperature))[0] if knobs["unfiltered"] else probabilities
    generator = np.random.default_rng(int(knobs["seed"]))
    drawn = draw_tokens(np.broadcast_to(from_these, (DRAWS, len(from_these))), generator)
    return [adapts, ratio, measured("removed-never-drawn", float(removed[drawn].sum()), 0.0)]


def _tree_table(beams: int, alpha: float) -> Table:
    """Every sequence of trees 1 and 3, and who chooses it."""
    rows: list[list[Any]] = []
    for number, tree in ((1, MISSED), (3, LENGTHS)):
        greedy = trees.body(greedy_search(TreeDecoder(tree), 1, trees.rules())[0])
        wide = trees.body(search(TreeDecoder(tree), 1, trees.rules(beams, alpha))[0])
        for tokens, probability in sorted(trees.sequences(tree), key=lambda pair: -pair[1])[:5]:
            length = len(tokens) + 1
            rows.append([
                number, trees.spell(tokens), probability, length, math.log(probability) / length**alpha,
                "✓" if tokens == greedy else "", "✓" if tokens == wide else "",
            ])  # fmt: skip
    return Table(
        Bilingual(f"树一和树三的句子（α = {alpha:g}，K = {beams}）",
                  f"Sequences of trees 1 and 3 (α = {alpha:g}, K = {beams})"),
        [Bilingual("树", "tree"), Bilingual("句子", "sequence"), "p", "|Y|", "log p / |Y|^α",
         Bilingual("贪心", "greedy"), Bilingual("束", "beams")],
        rows,
        name="trees",
    )  # fmt: skip


def _beams(knobs: Mapping[str, Any], sampling: SamplingRules) -> Tokens:
    """What beam search ends with on the typed date, and three sequences drawn at its temperature."""
    reader, beams = _reader(), int(knobs["beams"])
    tokenizer, text = reader.tokenizer, str(knobs["date"])
    ids = mx.array(tokenizer.pad([tokenizer.source(text)]))
    rules = _rules(beams, float(knobs["alpha"]))
    found, scores = beam_hypotheses(reader.model.start_decoding(ids, rows_each=beams), 1, rules)
    lengths = (found[0] != tokenizer.pad_id).sum(-1) - 1
    strips = [
        TokenRow(
            Bilingual(
                f"束 {place + 1}，p = {_p(score, length, rules)}", f"beam {place + 1}, p = {_p(score, length, rules)}"
            ),
            list(tokenizer.decode(row)),
        )
        for place, (row, score, length) in enumerate(zip(found[0], scores[0], lengths, strict=True))
        if score > -1e8
    ]
    generator = np.random.default_rng(int(knobs["seed"]))
    warm = SamplingRules(sampling.temperature, None, sampling.top_p)
    drawn, log_p = sample(reader.model.start_decoding(ids, rows_each=3), 3, _rules(1, 0.0), warm, generator)
    strips += [
        TokenRow(
            Bilingual(f"采样，p = {math.exp(total):.3f}", f"sampled, p = {math.exp(total):.3f}"),
            list(tokenizer.decode(row)),
        )
        for row, total in zip(drawn, log_p, strict=True)
    ]
    return Tokens(
        Bilingual(f"日期模型读“{text}”", f"The date model reads “{text}”"),
        [strip for strip in strips if strip.tokens],
        name="dates",
    )


def _p(score: float, length: int, rules: SearchRules) -> str:
    return f"{math.exp(float(score) * float(length) ** rules.length_penalty):.3f}"


def _filtered(sampling: SamplingRules) -> Table:
    """Both distributions before and after the filters; a removed token has no number."""
    whole = SamplingRules()
    columns = [sampling_probabilities(logits, rules)[0] for logits in (PEAKED, FLAT) for rules in (whole, sampling)]
    rows = [
        [f"t{place + 1}", *(float(column[place]) if column[place] > 0 else None for column in columns)]
        for place in range(len(columns[0]))
    ]
    settings = f"τ = {sampling.temperature:g}, top-k = {sampling.top_k}, top-p = {sampling.top_p:g}"
    return Table(
        Bilingual(f"过滤前后的概率（{settings}）", f"Probabilities before and after the filters ({settings})"),
        [Bilingual("词元", "token"), Bilingual("尖的", "peaked"), Bilingual("过滤后", "filtered"),
         Bilingual("平的", "flat"), Bilingual("过滤后", "filtered")],
        rows,
        name="filtered",
    )  # fmt: skip
