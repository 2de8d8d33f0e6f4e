"""Runs the date model teacher-forced, step by step, and on, after one wrong token, with the gold or its own prefix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import mlxformer as mf
from questions.bilingual import Bilingual
from tui.experiments.contract import Check, Report, Result, silent
from tui.experiments.shared.kept import kept
from tui.experiments.shared.knobs import SEEDS_BEFOREHAND
from tui.experiments.shared.reported_trace import traced
from tui.experiments.teacher_forcing.declaration import EXPERIMENT
from tui.experiments.teacher_forcing.decoding import (
    by_steps,
    held_out_sources,
    one_pass,
    reader,
    undisturbed,
    with_error,
)
from tui.figures.data import Curve, Figure, Series, TokenRow, Tokens

PLACES = tuple(range(1, 11))  # of an error: the characters of an ISO date
YEAR_END, DASH = 4, 5
OFFSET = 5  # as declared
SETTINGS = [(0, offset) for offset in range(1, 10)] + [(seed, OFFSET) for seed in SEEDS_BEFOREHAND[1:]]
NO_DATE = Bilingual("还没有日期：请输入一个，例如 23 November 2026。", "No date yet: type one, as 23 November 2026.")
LEGAL = Bilingual(
    "只差 1 时，月和日的首位常常还是合法的数字，喂哪一种前缀没有分明的高下。",
    "One off, the first digit of month or day is often still a legal one, and neither prefix is clearly worse.",
)


@dataclass(frozen=True)
class Injected:
    """With an error at each place: the percentage of later tokens that are wrong, by place and overall, with the gold
    prefix and with the model's own; and of the tokens right after a wrong dash, with its own."""

    forced: Sequence[float]
    free: Sequence[float]
    forced_overall: float
    free_overall: float
    after_dash: float


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    text = str(knobs["date"])
    if not text.strip():
        return EXPERIMENT.nothing_to_run(NO_DATE)
    step, offset = int(knobs["step"]), int(knobs["offset"])
    report(0.0, "dates")
    seed = int(knobs["seed"])
    equal = _one_pass_and_steps(seed, offset, bool(knobs["gold_steps"]), bool(knobs["together"]))
    clean_error = _clean_error(seed)
    report(0.4, "dates")
    found = Injected(*_inject(seed, offset, bool(knobs["inject"]), bool(knobs["own_prefix"])))
    report(0.8, "dates")
    strips, steps = _typed(text, step, offset, report=report)
    return Result(
        [strips, _curve(found, step)],
        [*(EXPERIMENT.measured(*each) for each in equal), *_errors(found, clean_error, offset)],
        steps,
        {"vocab": reader().tokenizer.tokens},
    )


def _given(tokens: np.ndarray, last: np.ndarray | int) -> np.ndarray:
    """The tokens up to ``last`` are given, those after it are the model's own (-1)."""
    return np.where(np.arange(tokens.shape[1])[None] <= last, tokens, -1).astype(np.int32)


@kept(beforehand=[(seed,) for seed in SEEDS_BEFOREHAND])
def _clean_error(seed: int) -> float:
    """The percentage of tokens that are wrong where the model is left alone."""
    sources = held_out_sources(seed)
    written = by_steps(sources, _given(sources.gold, 0))[0]
    return 100.0 * float((written != sources.gold)[:, 1:].mean())


@kept(beforehand=[(*each, True, False) for each in SETTINGS])
def _one_pass_and_steps(
    seed: int, offset: int, gold_steps: bool, together: bool
) -> Sequence[tuple[str, float, float, float]]:
    """Checks: the name, what was measured, what is expected, the tolerance."""
    sources = held_out_sources(seed)
    gold = sources.gold
    whole = one_pass(sources, gold[:, :-1])
    fed = gold if gold_steps else with_error(gold, DASH, offset)
    with mf.trace(only="logits") as calls:
        stepwise = one_pass(sources, fed[:, :-1]) if together else by_steps(sources, fed)[1]
    changed = one_pass(sources, with_error(gold, DASH, offset)[:, :-1])
    largest = float(np.abs(whole).max())
    return [
        ("one-pass-equals-steps", float(np.abs(stepwise - whole).max()) / largest, 0.0, 1e-5),
        ("decoder-calls", float(len(calls.all("logits"))), float(gold.shape[1] - 1), 0.0),
        ("past-unchanged", float(np.abs(changed - whole)[:, :DASH].max()) / largest, 0.0, 1e-5),
    ]


@kept(beforehand=[(*each, True, True) for each in SETTINGS])
def _inject(
    seed: int, offset: int, inject: bool, own_prefix: bool
) -> tuple[Sequence[float], Sequence[float], float, float, float]:
    """The fields of ``Injected``, every place of every date in one batch: rows [N·P]."""
    sources = held_out_sources(seed)
    gold, count = sources.gold, len(PLACES)
    repeated = sources.repeated(count)
    wrong = np.stack([with_error(gold, place, offset) if inject else gold for place in PLACES], axis=1)
    wrong = wrong.reshape(-1, gold.shape[1])
    places = np.tile(np.array(PLACES), len(gold))[:, None]
    forced = one_pass(repeated, wrong[:, :-1]).argmax(-1)  # [N·P, T]
    free = by_steps(repeated, _given(wrong, places) if own_prefix else wrong)[1].argmax(-1)
    later = np.arange(gold.shape[1])[None] > np.array(PLACES)[:, None]  # [P, T + 1]
    arms = []
    for chosen in (forced, free):
        differs = np.concatenate([np.zeros((len(chosen), 1), bool), chosen != repeated.gold[:, 1:]], axis=1)
        arms.append(differs.reshape(len(gold), count, -1) & later)
    by_place = [tuple((100.0 * wrong.sum((0, 2)) / (len(wrong) * later.sum(1))).tolist()) for wrong in arms]
    overall = [100.0 * float(wrong.sum()) / (len(wrong) * int(later.sum())) for wrong in arms]
    after_dash = 100.0 * float(arms[1][:, PLACES.index(DASH), DASH + 1].mean())
    return by_place[0], by_place[1], overall[0], overall[1], after_dash


def _errors(found: Injected, clean: float, offset: int) -> list[Check]:
    measured = EXPERIMENT.measured
    forced, free = found.forced_overall, found.free_overall
    promised = 100.0 * (1.0 - float(reader().card.scores["worst-format"]))
    return [
        measured("clean-error", clean, promised, 1.0),
        EXPERIMENT.undefined("forced-error", LEGAL) if offset == 1 else measured("forced-error", forced, free - 1.0),
        measured("free-error", free, clean + 5.0),
        measured("year-recovers", found.free[PLACES.index(YEAR_END)], 5.0),
        measured("dash-derails", found.after_dash, 90.0),
    ]


@kept(size=4)
def _typed(text: str, step: int, offset: int, *, report: Report = silent) -> tuple[Tokens, tuple[mf.Step, ...]]:
    with traced(report, 0.9) as steps:
        strips = _strips(text, step, offset)
    return strips, tuple(steps)


def _strips(text: str, step: int, offset: int) -> Tokens:
    """The typed date; without its gold target, the model's own undisturbed reading stands for it."""
    tokenizer = reader().tokenizer
    sources, clean = undisturbed(text)
    wrong = with_error(clean, step, offset)
    forced = one_pass(sources, wrong[:, :-1]).argmax(-1)[0]
    free = by_steps(sources, _given(wrong, step))[0][0]
    reading = [tokenizer.tokens[int(token)] for token in clean[0, 1:]]

    def strip(label: Bilingual, ids: np.ndarray, fed: bool = False) -> TokenRow:
        names = [tokenizer.tokens[int(token)] for token in ids]
        differs = [name != right for name, right in zip(names, reading, strict=True)]
        marks = ["↑" if fed and place == step else "✗" if bad else "" for place, bad in enumerate(differs, 1)]
        return TokenRow(label, names, [1.0 if bad else 0.0 for bad in differs], marks)

    return Tokens(
        Bilingual(f"“{text}”，第 {step} 个词元被换掉（↑）", f"“{text}”, token {step} replaced (↑)"),
        [
            TokenRow(Bilingual("不出错时", "undisturbed"), reading),
            strip(Bilingual("喂正确前缀", "gold prefix fed"), wrong[0, 1:], fed=True),
            strip(Bilingual("这时的预测", "… it predicts"), forced),
            strip(Bilingual("喂自己的输出", "own output fed"), free[1:], fed=True),
        ],
        name="one-error",
    )


def _curve(found: Injected, step: int) -> Figure:
    places = [float(place) for place in PLACES]
    return Curve(
        Bilingual("错在第几个词元，后面错多少（12 个没训练过的日期）",
                  "Place of the error, and how much is wrong later (12 held-out dates)"),
        Bilingual("出错的位置", "place of the error"),
        Bilingual("后面错的词元 %", "later tokens wrong, %"),
        [
            Series(Bilingual("接着喂正确前缀", "gold prefix goes on"), places, list(found.forced)),
            Series(Bilingual("接着喂自己的输出", "own output goes on"), places, list(found.free)),
        ],
        marks=[(float(step), Bilingual("现在这里", "here"))],
        name="later-errors",
    )  # fmt: skip
