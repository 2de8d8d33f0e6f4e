"""Runs one sentence through attention with four score functions, and random rows through a cold softmax."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.attention.scores import (
    KINDS,
    ScoredAttention,
    cosine_scores,
    dot_scores,
    scaled_dot_scores,
    weights_from_scores,
)
from mlxformer.backend import mx, to_numpy
from questions.bilingual import Bilingual
from tui.experiments.attention_steps.reference import project
from tui.experiments.contract import Check, Report, Result
from tui.experiments.score_functions.declaration import EXPERIMENT
from tui.experiments.shared.random_weights import draw, embed, load
from tui.experiments.shared.reported_trace import traced
from tui.experiments.shared.sentence import NO_TOKENS, split
from tui.figures.data import Curve, Figure, Heatmap, Label, Series, Stage, Table

WIDTH = 64  # of the embeddings and the values
ROWS, KEYS = 400, 8  # the random rows that are cooled down
COLD, CLEAR = 0.01, 0.1
LOOPED = 8
TEMPERATURES = [2.0**power for power in range(-6, 7)]
TITLES: dict[str, Label] = {
    "additive": Bilingual("加性", "additive"),
    "dot": Bilingual("点积", "dot"),
    "scaled-dot": Bilingual("缩放点积", "scaled dot"),
    "cosine": Bilingual("余弦", "cosine"),
}
FEW_TOKENS = Bilingual(
    "至少要有 3 个不同的词元，才谈得上尖不尖。", "It takes 3 different tokens to speak of sharpness."
)


class Layers(mf.Module):
    """The same projections under each score; ``additive`` has its vector v besides."""

    def __init__(self, d: int, generator: np.random.Generator, *, additive_width: int) -> None:
        super().__init__()
        drawn = draw(generator, ScoredAttention(WIDTH, WIDTH, d, WIDTH, score="additive"))
        shared = {path: value for path, value in drawn.items() if not path.startswith("score_proj")}
        self.kinds: dict[str, Any] = {}
        for kind in KINDS:
            layer = ScoredAttention(WIDTH, WIDTH, additive_width if kind == "additive" else d, WIDTH, score=kind)
            values = drawn if kind == "additive" else shared
            self.kinds[kind] = load(layer, values if additive_width == d else draw(generator, layer))


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    tokens = split(str(knobs["sentence"]))
    if not tokens:
        return EXPERIMENT.nothing_to_run(NO_TOKENS)
    d, seed, tau = int(knobs["d_k"]), int(knobs["seed"]), float(knobs["temperature"])
    x = embed(tokens, WIDTH, seed)
    generator = np.random.default_rng([seed, d])
    layers = Layers(d, generator, additive_width=1 if knobs["compress"] else d)
    with traced(report, 0.3, layers) as steps:
        for kind in KINDS:
            layers.kinds[kind](
                mx.array(x)[None], mx.array(x)[None], "causal" if knobs["causal"] else None, temperature=tau
            )
    scores: dict[str, np.ndarray] = {kind: _value(steps, kind, "scores") for kind in KINDS}  # [T, T]
    report(0.6, "checks")
    row = min(int(knobs["query"]), len(tokens)) - 1
    checks = [
        _loop(layers, steps, x, tau, bool(knobs["causal"])),
        _shifted(scores, row, tau, float(knobs["shift"]), bool(knobs["shift_one"])),
        _factor(scores, tokens),
        *_cold(np.random.default_rng([seed, d, 1]), d, str(knobs["rows"]) == "exchanged"),
        _hot(scores, float(knobs["hot"])),
        _bounded(np.random.default_rng([seed, d, 2]), d, str(knobs["bounded_score"])),
        _own(scores["scaled-dot"], bool(knobs["forbid_self"])),
        EXPERIMENT.measured("additive-memory", _value(steps, "additive", "features").size / len(tokens) ** 2, float(d)),
    ]
    report(0.8, "figures")
    figures: list[Figure] = [
        _maps(steps, tokens, seed),
        _row_table(steps, tokens, row, tau),
        _by_temperature(scores, tau),
    ]
    return Result(figures, checks, tuple(steps))


def _value(steps: mf.Trace, kind: str, name: str) -> np.ndarray:
    return steps[f"kinds.{kind}.{name}"].value[0, 0]


def _attend(scores: np.ndarray, temperature: float, mask: Any = None) -> np.ndarray:
    """The weights [N, Tq, Tk] of ``scores``, shaped alike."""
    return to_numpy(weights_from_scores(mx.array(scores[None]), temperature=temperature, mask=mask))[0]


def _loop(layers: Layers, steps: mf.Trace, x: np.ndarray, tau: float, causal: bool) -> Check:
    """Every pair by itself, in float64, for at most ``LOOPED`` queries."""
    worst, looped = 0.0, np.unique(np.linspace(0, len(x) - 1, LOOPED).astype(int))
    for kind in KINDS:
        layer = layers.kinds[kind]
        q, k, v = (project(x, to_numpy(p.weight)) for p in (layer.query_proj, layer.key_proj, layer.value_proj))
        combine = to_numpy(layer.score_proj.weight)[0].astype(np.float64) if kind == "additive" else None
        expected = np.zeros((len(looped), v.shape[1]))
        for row, i in enumerate(looped):
            seen = range(i + 1) if causal else range(len(k))
            raw = np.array([_pair(kind, q[i], k[j], combine) for j in seen]) / tau
            powers = np.exp(raw - raw.max())
            expected[row] = powers / powers.sum() @ v[list(seen)]
        found = _value(steps, kind, "heads")[looped].astype(np.float64)
        # A score of size s is rounded by s · 2⁻²⁴, and τ magnifies that before the exponential.
        largest = float(np.abs(_value(steps, kind, "scores")).max())
        allowed = 1e-5 * max(1.0, largest / tau)
        worst = max(worst, float(np.abs(found - expected).max()) / np.abs(v).max() / allowed * 1e-5)
    return EXPERIMENT.measured("recipe-matches-loop", worst, 0.0, 1e-5)


def _pair(kind: str, q: np.ndarray, k: np.ndarray, combine: np.ndarray | None) -> float:
    if combine is not None:
        return float(np.dot(combine, np.tanh(q + k)))
    product = float(np.dot(q, k))
    if kind == "cosine":
        return product / float(np.linalg.norm(q) * np.linalg.norm(k))
    return product / math.sqrt(len(q)) if kind == "scaled-dot" else product


def _shifted(scores: Mapping[str, np.ndarray], row: int, tau: float, shift: float, one: bool) -> Check:
    """Rounding: the sum is rounded at its own size, and τ magnifies it."""
    rows = np.stack([scores[kind][row : row + 1] for kind in KINDS])  # [4, 1, T]
    added = np.zeros_like(rows)
    added[..., : 1 if one else None] = shift
    change = float(np.abs(_attend(rows + added, tau) - _attend(rows, tau)).max())
    allowed = 1e-6 + 2.0**-23 * (shift + float(np.abs(rows).max())) / tau
    return EXPERIMENT.measured("shift-changes-nothing", change, 0.0, allowed)


def _factor(scores: Mapping[str, np.ndarray], tokens: list[str]) -> Check:
    """Among distinct keys, each once: copies share their weight whatever the factor."""
    once = [tokens.index(token) for token in dict.fromkeys(tokens)]
    if len(once) < 3:
        return EXPERIMENT.undefined("factor-sharpens", FEW_TOKENS)
    rows = np.stack([scores[kind][:, once] for kind in KINDS])
    sharpest = [float(_attend(rows * factor, 1.0).max(-1).mean()) for factor in (np.float32(1), np.float32(5))]
    return EXPERIMENT.measured("factor-sharpens", sharpest[1] - sharpest[0], 0.05)


def _cold(generator: np.random.Generator, d: int, exchanged: bool) -> list[Check]:
    q = generator.standard_normal((1, 1, ROWS, d)).astype(np.float32)
    # Each row has keys of its own, so that rows are independent draws.
    k = generator.standard_normal((1, ROWS, KEYS, d)).astype(np.float32)
    scores = to_numpy(scaled_dot_scores(mx.array(q.swapaxes(1, 2)), mx.array(k)))[0]  # [N, 1, K]
    largest = _attend(scores, COLD).max(-1)[:, 0]
    ordered = np.sort(scores[:, 0].astype(np.float64), -1)
    clear = ordered[:, -1] - ordered[:, -2] >= CLEAR
    some, every = largest[clear], largest
    if exchanged:
        some, every = every, some
    bound = 1.0 / (1.0 + (KEYS - 1) * math.exp(-CLEAR / COLD))
    return [
        EXPERIMENT.measured("clear-winner-takes-all", float(some.min()), bound, 1e-5),
        EXPERIMENT.measured("near-tie-is-shared", float(every.min()), 0.9),
    ]


def _hot(scores: Mapping[str, np.ndarray], temperature: float) -> Check:
    weights = _attend(np.stack([scores[kind] for kind in KINDS]), temperature)
    return EXPERIMENT.measured("hot-is-uniform", float(np.abs(weights - 1 / weights.shape[-1]).max()), 0.0, 1e-3)


def _bounded(generator: np.random.Generator, d: int, kind: str) -> Check:
    q, k = (generator.standard_normal((1, 1, n, d)).astype(np.float32) for n in (ROWS, KEYS))
    score = cosine_scores if kind == "cosine" else dot_scores
    weights = _attend(to_numpy(score(mx.array(q), mx.array(k)))[0], 1.0)
    bound = math.exp(2) / (math.exp(2) + KEYS - 1)
    return EXPERIMENT.measured("cosine-cannot-be-sharp", float(weights.max()), bound, 1e-6)


def _own(scores: np.ndarray, forbid: bool) -> Check:
    mask = mx.array(~np.eye(len(scores), dtype=bool)) if forbid else None
    own = np.diagonal(_attend(scores[None], 1.0, mask)[0])
    return EXPERIMENT.measured("own-key-counts", float(own.mean()) * len(scores), 0.05)


def _maps(steps: mf.Trace, tokens: list[str], seed: int) -> Heatmap:
    def stage(name: str) -> np.ndarray:
        return np.stack([_value(steps, kind, name) for kind in KINDS])

    return Heatmap(
        Bilingual(f"四种打分（投影随机，种子 {seed}）", f"Four scores (random projections, seed {seed})"),
        [
            Stage("scores", Bilingual("得分", "scores"), stage("scores"), "signed"),
            Stage("tempered", Bilingual("除以 τ", "divided by τ"), stage("tempered"), "signed"),
            Stage("weights", Bilingual("权重", "weights"), stage("weights")),
        ],
        rows=tokens,
        columns=tokens,
        heads=[TITLES[kind] for kind in KINDS],
        name="maps",
    )


def _row_table(steps: mf.Trace, tokens: list[str], row: int, tau: float) -> Table:
    weights = [_value(steps, kind, "weights")[row] for kind in KINDS]
    return Table(
        Bilingual(f"第 {row + 1} 个词元“{tokens[row]}”的权重，τ = {tau:g}",
                  f"The weights of token {row + 1}, “{tokens[row]}”, at τ = {tau:g}"),
        columns=[Bilingual("键", "key"), *(TITLES[kind] for kind in KINDS)],
        rows=[[f"{place} {token}", *(float(column[place - 1]) for column in weights)]
              for place, token in enumerate(tokens, 1)],
        name="row",
    )  # fmt: skip


def _by_temperature(scores: Mapping[str, np.ndarray], tau: float) -> Figure:
    rows = np.stack([scores[kind] for kind in KINDS])
    largest = np.stack([_attend(rows, temperature).max(-1).mean(-1) for temperature in TEMPERATURES])  # [N, 4]
    return Curve(
        Bilingual("每行最大的权重（各行平均），随温度", "The largest weight of a row (mean over rows), by temperature"),
        Bilingual("温度 τ", "temperature τ"),
        Bilingual("最大权重", "largest weight"),
        [
            *(Series(TITLES[kind], TEMPERATURES, largest[:, place].tolist()) for place, kind in enumerate(KINDS)),
            Series("1/n", TEMPERATURES, [1.0 / rows.shape[-1]] * len(TEMPERATURES)),
        ],
        log_x=True,
        marks=[(tau, "τ")],
        name="by-temperature",
    )  # fmt: skip
