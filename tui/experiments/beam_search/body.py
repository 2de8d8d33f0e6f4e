"""Searches the trees and the date model, filters two distributions of the poet and draws from it."""

from __future__ import annotations

import math
import random
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np

from mlxformer.backend import mx, to_numpy
from mlxformer.errors import ArgumentError
from mlxformer.generation.beam import beam_hypotheses, beam_search
from mlxformer.generation.greedy import greedy_search
from mlxformer.generation.rules import SearchRules
from mlxformer.generation.sampling import SamplingRules, draw_tokens, sampling_probabilities
from mlxformer.generation.search import search
from mlxformer.pretrained import load_pretrained
from mlxformer.pretrained.dates.formats import FORMATS, write_date
from mlxformer.pretrained.dates.split import held_out_dates
from mlxformer.pretrained.poems.forms import FORMS
from mlxformer.pretrained.poems.vocabulary import SPECIAL
from questions.bilingual import Bilingual
from tui.experiments.beam_search import trees
from tui.experiments.beam_search.declaration import EXPERIMENT
from tui.experiments.beam_search.trees import LENGTHS, MISSED, TreeDecoder, trap
from tui.experiments.contract import Check, Report, Result
from tui.experiments.shared.kept import kept
from tui.experiments.shared.knobs import SEEDS_BEFOREHAND
from tui.figures.data import Figure, Table, TokenRow, Tokens

DRAWS, DRAWN = 20_000, 3  # tokens of the check, and texts of the figures
SHOWN = 16  # likeliest tokens of the table
UNTRAINED = ("11月23日", "2026年11月", "Nov 2026")  # of no trained format: there the model wavers
ONE_BEAM = Bilingual("只有一束，就是贪心", "one beam is greedy search")
ALL_KEPT = Bilingual("没有去掉任何词元", "no token is removed")
EXTREME = Bilingual(
    "top-p 太小、太大，或两处同样有把握", "top-p is too small or too large, or the poet as sure in both"
)


@cache
def _reader(name: str = "dates") -> Any:
    """The model, loaded once: its weights never change here."""
    return load_pretrained(name)


class Place(NamedTuple):
    """Where the poet is asked, in words, and its logits there, [1, V]."""

    label: Bilingual
    logits: np.ndarray


@kept(apart=True)
def _places(beginning: str) -> tuple[Place, Place]:
    """Where in a beginning the poet is surest of the next character, and least sure, by entropy.

    Not where a line ends: there the form says what comes.
    """
    reader = _reader("poet")
    tokens, ids = reader.tokenizer.tokens, reader.prompt(beginning)
    logits = to_numpy(reader.model(mx.array(np.array([ids], np.int32))))[0]
    p = sampling_probabilities(logits, SamplingRules())
    entropy = -(p * np.log(np.maximum(p, 1e-300))).sum(-1)
    places = [place for place in range(len(ids)) if int(p[place].argmax()) >= len(SPECIAL)]
    surest, least = min(places, key=lambda place: entropy[place]), max(places, key=lambda place: entropy[place])
    peaked, flat = (Place(_after(tokens, ids[1 : each + 1]), logits[each][None]) for each in (surest, least))
    return peaked, flat


def _after(tokens: Sequence[str], ids: Sequence[int]) -> Bilingual:
    words = "".join(tokens[each] for each in ids)
    return Bilingual(f"“{words}”之后", f"after “{words}”") if words else Bilingual("开头", "at the start")


@cache
def _held_out() -> list[Any]:
    return held_out_dates()


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    sampling = SamplingRules(float(knobs["temperature"]), int(knobs["top_k"]) or None, float(knobs["top_p"]))
    try:
        peaked, flat = _places(str(knobs["beginning"]))
    except ArgumentError as error:
        reason = Bilingual("开头只能是五言或七言诗里的字，例如 楼殿倚明月，", f"{error}")
        return EXPERIMENT.nothing_to_run(reason)
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
        figures.append(_beams(knobs))
    figures.append(_filtered(peaked, flat, sampling))
    poems = _poems(str(knobs["beginning"]), sampling, int(knobs["seed"]))
    if poems is not None:
        figures.append(poems)
    checks = [*checks, *_sampled(peaked.logits, flat.logits, sampling, knobs)]
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


@kept(
    apart=True,
    beforehand=[(0, beams, False) for beams in range(1, 9)] + [(seed, 2, False) for seed in SEEDS_BEFOREHAND[1:]],
)
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


def _sampled(peaked: np.ndarray, flat: np.ndarray, sampling: SamplingRules, knobs: Mapping[str, Any]) -> list[Check]:
    measured, undefined = EXPERIMENT.measured, EXPERIMENT.undefined
    temperature = sampling.temperature
    raw, tempered = (
        np.log(sampling_probabilities(peaked, SamplingRules(each))[0][np.argsort(-peaked[0], kind="stable")[:2]])
        for each in (1.0, 1.0 if knobs["ignore_temperature"] else temperature)
    )
    expected = float(raw[0] - raw[1]) / temperature
    ratio = measured("temperature-divides-log-ratios", float(tempered[0] - tempered[1]), expected, 1e-4 * expected)

    nucleus = (
        SamplingRules(temperature, 4) if knobs["fixed_number"] else SamplingRules(temperature, None, sampling.top_p)
    )
    kept = [_left(logits, nucleus) for logits in (flat, peaked)]
    whole = [sampling_probabilities(logits, SamplingRules(temperature))[0] for logits in (flat, peaked)]
    if sampling.top_p > 0.95 or whole[0].max() >= sampling.top_p or _choices(whole[0]) < 4 * _choices(whole[1]):
        adapts = undefined("nucleus-adapts", EXTREME)
    else:
        adapts = measured("nucleus-adapts", kept[0] / kept[1], 1.25)

    probabilities = sampling_probabilities(flat, sampling)
    removed = probabilities[0] == 0
    if not removed.any():
        return [adapts, ratio, undefined("removed-never-drawn", ALL_KEPT)]
    from_these = whole[0][None] if knobs["unfiltered"] else probabilities
    drawn = draw_tokens(from_these, np.random.default_rng(int(knobs["seed"])), DRAWS)
    return [adapts, ratio, measured("removed-never-drawn", float(removed[drawn].sum()), 0.0)]


def _left(logits: np.ndarray, rules: SamplingRules) -> int:
    return int((sampling_probabilities(logits, rules) > 0).sum())


def _choices(p: np.ndarray) -> float:
    """exp of the entropy: among how many equally likely tokens one would be as unsure."""
    return float(np.exp(-(p * np.log(np.maximum(p, 1e-300))).sum()))


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


def _beams(knobs: Mapping[str, Any]) -> Tokens:
    """What beam search ends with on the typed date."""
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
    return Tokens(
        Bilingual(f"日期模型读“{text}”", f"The date model reads “{text}”"),
        [strip for strip in strips if strip.tokens],
        name="dates",
    )


def _p(score: float, length: int, rules: SearchRules) -> str:
    return f"{math.exp(float(score) * float(length) ** rules.length_penalty):.3f}"


def _filtered(peaked: Place, flat: Place, sampling: SamplingRules) -> Table:
    """The likeliest tokens of both distributions before and after the filters; a removed token has no number."""
    tokens = _reader("poet").tokenizer.tokens
    columns: list[list[Any]] = []
    names: list[list[str]] = []
    for _, logits in (peaked, flat):
        order = np.argsort(-logits[0], kind="stable")[:SHOWN]
        names.append([tokens[each] for each in order])
        for rules in (SamplingRules(), sampling):
            p = sampling_probabilities(logits, rules)[0][order]
            columns.append([float(each) if each > 0 else None for each in p])
    top_k = sampling.top_k or "–"
    settings = f"τ = {sampling.temperature:g}, top-k = {top_k}, top-p = {sampling.top_p:g}"
    left = [_left(place.logits, sampling) for place in (peaked, flat)]
    return Table(
        Bilingual(f"留下的词元：{peaked.label.zh} {left[0]} 个，{flat.label.zh} {left[1]} 个（{settings}）",
                  f"Tokens kept: {left[0]} {peaked.label.en}, {left[1]} {flat.label.en} ({settings})"),
        [Bilingual("词元", "tokens"), Bilingual("尖的", "peaked"), Bilingual("过滤后", "filtered"),
         Bilingual("平的", "flat"), Bilingual("过滤后", "filtered")],
        [[f"{one} · {other}", *row] for one, other, *row in zip(*names, *columns, strict=True)],
        name="filtered",
    )  # fmt: skip


@kept(apart=True)
def _poems(beginning: str, sampling: SamplingRules, seed: int) -> Tokens | None:
    """How the poet ends a beginning's couplet: greedily, and drawn with the filters; None where all is written."""
    reader = _reader("poet")
    prompt = reader.prompt(beginning)
    form = FORMS[reader.tokenizer.tokens[prompt[0]].strip("[]")]
    there, couplet = len(prompt) - 1, 2 * (form.width + 1)
    if there == form.length:
        return None
    strips = []
    for options in (
        {},
        {"temperature": sampling.temperature, "top_k": sampling.top_k, "top_p": sampling.top_p, "seed": seed,
         "num_return_sequences": DRAWN},
    ):  # fmt: skip
        written, log_p = reader.model.generate(
            mx.array(np.array([prompt], np.int32)),
            max_new_tokens=couplet - there % couplet,
            return_scores=True,
            **options,
        )
        kind = Bilingual("采样", "drawn") if options else Bilingual("贪心", "greedy")
        strips += [
            TokenRow(Bilingual(f"{kind.zh}，ln p = {total:.1f}", f"{kind.en}, ln p = {total:.1f}"),
                     list(reader.tokenizer.decode(row)))
            for row, total in zip(to_numpy(written), to_numpy(log_p).tolist(), strict=True)
        ]  # fmt: skip
    return Tokens(
        Bilingual(f"poet 接着“{beginning}”写完这一联", f"The poet ends the couplet of “{beginning}”"),
        strips,
        name="poems",
    )
