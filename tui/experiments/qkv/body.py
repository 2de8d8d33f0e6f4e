"""Runs one attention head with one projection changed, and compares its map and its output with the unchanged."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx
from mlxformer.inspection.diagnostics import entropy
from questions.bilingual import Bilingual
from tui.experiments.contract import Check, Report, Result
from tui.experiments.qkv.declaration import EXPERIMENT
from tui.experiments.shared.random_weights import draw, embed, load
from tui.experiments.shared.reported_trace import traced
from tui.experiments.shared.sentence import NO_TOKENS, split
from tui.figures.data import Curve, Figure, Heatmap, Series, Stage, Table

SELF_WIDTH = 256  # of the tokens in Q = K = V = X
SELF_WIDTHS = (8, 16, 32, 64, 128, 256)
SHOWN_DIMS = 32


@dataclass(frozen=True)
class Head:
    """One attention head of random weights on one sentence; ``attend`` runs it with something changed."""

    x: np.ndarray  # [T, C]
    weights: Mapping[str, np.ndarray]
    rotation: np.ndarray  # [C, C], orthogonal
    keys_are_values: bool
    report: Report

    def attend(self, change: str = "none", value_scale: float = 1.0) -> mf.Trace:
        """The trace of the head after ``change``, its values times ``value_scale``."""
        weights = dict(self.weights)
        tie: Literal["qk"] | None = None
        if change == "swap-qk":
            pair = weights["key_proj.weight"], weights["query_proj.weight"]
            weights["query_proj.weight"], weights["key_proj.weight"] = pair
        elif change == "tie-qk":
            del weights["key_proj.weight"]
            tie = "qk"
        elif change == "rotate-qk":
            for name in ("query_proj.weight", "key_proj.weight"):
                weights[name] = (self.rotation @ weights[name]).astype(np.float32)
        elif change == "zero-v":
            value_scale = 0.0
        weights["value_proj.weight"] = np.float32(value_scale) * weights["value_proj.weight"]
        if self.keys_are_values and tie is None:
            weights["key_proj.weight"] = weights["value_proj.weight"]
        layer = load(mf.MultiHeadAttention(self.x.shape[-1], 1, bias=False, tie=tie), weights)
        tokens = mx.array(self.x)[None]  # [1, T, C]
        with traced(self.report, 0.4) as steps:
            layer(tokens, tokens, tokens)
        return steps


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    tokens = split(str(knobs["sentence"]))
    if not tokens:
        return EXPERIMENT.nothing_to_run(NO_TOKENS)
    seed, width = int(knobs["seed"]), int(knobs["d_model"])
    generator = np.random.default_rng(seed)
    weights = draw(generator, mf.MultiHeadAttention(width, 1, bias=False))
    rotation = np.linalg.qr(generator.standard_normal((width, width)))[0]
    head = Head(embed(tokens, width, seed), weights, rotation, bool(knobs["keys_are_values"]), report)
    plain = head.attend()
    changed = head.attend(str(knobs["change"]), float(knobs["value_scale"]))
    checks = _checks(head, plain, tokens, float(knobs["value_scale"]), seed)
    report(0.9, "figures")
    figures: list[Figure] = [
        _maps(plain, changed, tokens, seed),
        _projections(changed, tokens),
        _table(plain, changed),
        _self_weights(tokens, seed),
    ]
    return Result(figures, checks, tuple(changed))


def _checks(head: Head, plain: mf.Trace, tokens: Sequence[str], value_scale: float, seed: int) -> list[Check]:
    measured = EXPERIMENT.measured
    factor = 2.0 if value_scale == 1 else value_scale
    scaled, zeroed = head.attend(value_scale=factor), head.attend("zero-v")
    output, weights = _of(plain, "output"), _of(plain, "weights")
    large = np.abs(output) > 0.1 * np.abs(output).max()  # a ratio of rounding errors says nothing
    ratios = _of(scaled, "output")[large] / output[large]
    others = max(_largest(_of(other, "weights") - weights) for other in (scaled, zeroed))
    return [
        measured("value-scale-scales-output", float(ratios[np.abs(ratios - factor).argmax()]), factor, 1e-4),
        measured("weights-ignore-values", others, 0.0),
        measured("rotation-changes-nothing", _largest(_of(head.attend("rotate-qk"), "weights") - weights), 0.0, 1e-5),
        _asymmetry_of_distinct(_of(plain, "scores"), tokens, head.x.shape[-1]),
        measured("tied-projections-symmetric", _asymmetry(_of(head.attend("tie-qk"), "scores")), 0.0, 2e-6),
        measured("zero-values-zero-output", _largest(_of(zeroed, "output")), 0.0),
        _all_equal(tokens, seed, head.report),
    ]


def _asymmetry_of_distinct(scores: np.ndarray, tokens: Sequence[str], width: int) -> Check:
    """n² independent entries of equal variance have ‖S − Sᵀ‖² / ‖S‖² = 2 (1 − 1/n), as the diagonal cancels."""
    name = "distinct-projections-asymmetric"
    first = [tokens.index(token) for token in dict.fromkeys(tokens)]
    n = len(first)
    if n < 6:
        return EXPERIMENT.undefined(
            name,
            Bilingual(
                f"只有 {n} 个不同的词元，得分矩阵太小，说不准；请至少用 6 个。",
                f"{n} different tokens make too small a matrix to tell; take at least 6.",
            ),
        )
    expected = math.sqrt(2 * (1 - 1 / n))
    # It scatters with the number of pairs, of tokens as of the features that W_Q W_Kᵀ mixes: four deviations.
    spread = math.sqrt(2 / (n * (n - 1)) + 2 / (width * (width - 1)))
    return EXPERIMENT.measured(name, _asymmetry(scores[np.ix_(first, first)]), expected, 2.6 * spread * expected)


def _all_equal(tokens: Sequence[str], seed: int, report: Report) -> Check:
    """By theory: a token's score with itself is ‖x‖²/√d ≈ √d, with another N(0, 1), whose e^s has the mean √e."""
    counts = np.array([tokens.count(token) for token in tokens])
    rivals = np.exp(0.5 - math.sqrt(SELF_WIDTH)) * (len(tokens) - counts)
    expected = float((counts / (counts + rivals)).mean())
    return EXPERIMENT.measured("all-equal-is-identity", _self_weight(tokens, SELF_WIDTH, seed, report), expected, 0.01)


def _self_weight(tokens: Sequence[str], width: int, seed: int, report: Report | None = None) -> float:
    """The mean weight of a token on itself (and on its repetitions) under Q = K = V = X."""
    x = mx.array(embed(tokens, width, seed))[None, None]  # [1, 1, T, C]
    with traced(report or (lambda fraction, text: None), 0.8) as steps:
        mf.scaled_dot_product_attention(x, x, x)
    same = np.array([[one == other for other in tokens] for one in tokens])
    return float((_of(steps, "weights") * same).sum(-1).mean())


def _maps(plain: mf.Trace, changed: mf.Trace, tokens: Sequence[str], seed: int) -> Heatmap:
    def both(name: str) -> np.ndarray:
        return np.stack([steps[name].value[0, 0] for steps in (plain, changed)])  # [2, T, T]

    return Heatmap(
        Bilingual(
            f"改动前后的注意力（随机权重，种子 {seed}）", f"Attention before and after (random weights, seed {seed})"
        ),
        [
            Stage("scaled", Bilingual("得分 / √d", "scores / √d"), both("scaled"), "signed"),
            Stage("weights", Bilingual("权重", "weights"), both("weights")),
        ],
        rows=tokens,
        columns=tokens,
        heads=(Bilingual("改动前", "before"), Bilingual("改动后", "after")),
        name="attention",
    )


def _projections(changed: mf.Trace, tokens: Sequence[str]) -> Heatmap:
    """Q, K and V as they are after the change, a row for each token."""
    values = np.stack([changed[name].value[0, 0] for name in ("queries", "keys", "values")])  # [3, T, C]
    dims = min(values.shape[-1], SHOWN_DIMS)
    return Heatmap(
        Bilingual(f"改动后的 Q、K、V（前 {dims} 维）", f"Q, K and V after the change (first {dims} dimensions)"),
        [Stage("projections", Bilingual("投影", "projections"), values[..., :dims], "signed")],
        rows=tokens,
        columns=[str(dim) for dim in range(dims)],
        row_axis=Bilingual("词元", "token"),
        column_axis=Bilingual("维", "dimension"),
        heads=("Q", "K", "V"),
        name="projections",
    )


def _table(plain: mf.Trace, changed: mf.Trace) -> Table:
    def rows(steps: mf.Trace) -> list[float]:
        weights, output = _of(steps, "weights"), _of(steps, "output")
        return [
            _asymmetry(_of(steps, "scores")),
            float(entropy(weights).mean()),
            float(np.linalg.norm(output)),
            _largest(weights - _of(plain, "weights")),
            _largest(output - _of(plain, "output")),
        ]

    names = [
        Bilingual("得分的不对称 ‖S − Sᵀ‖ / ‖S‖", "asymmetry of scores ‖S − Sᵀ‖ / ‖S‖"),
        Bilingual("权重的熵（奈特）", "entropy of weights (nats)"),
        Bilingual("输出的范数", "norm of the output"),
        Bilingual("权重的最大变化", "largest change of a weight"),
        Bilingual("输出的最大变化", "largest change of the output"),
    ]
    return Table(
        Bilingual("什么变了", "What changed"),
        columns=[Bilingual("量", "quantity"), Bilingual("改动前", "before"), Bilingual("改动后", "after")],
        rows=[list(row) for row in zip(names, rows(plain), rows(changed), strict=True)],
        name="changes",
    )


def _self_weights(tokens: Sequence[str], seed: int) -> Curve:
    return Curve(
        Bilingual("Q = K = V = X：放在自己身上的权重", "Q = K = V = X: a token's weight on itself"),
        Bilingual("宽度 d", "width d"),
        Bilingual("平均权重", "mean weight"),
        [
            Series(
                Bilingual("放在自己身上", "on itself"),
                [float(width) for width in SELF_WIDTHS],
                [_self_weight(tokens, width, seed) for width in SELF_WIDTHS],
            )
        ],
        log_x=True,
        name="self-weight",
    )


def _asymmetry(scores: np.ndarray) -> float:
    return float(np.linalg.norm(scores - scores.T) / np.linalg.norm(scores))


def _of(steps: mf.Trace, name: str) -> np.ndarray:
    """The one matrix of a step, without its axes of batch and head, in float64."""
    value = steps[name].value.astype(np.float64)
    return value.reshape(value.shape[-2:])


def _largest(difference: np.ndarray) -> float:
    return float(np.abs(difference).max())
