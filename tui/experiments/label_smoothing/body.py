"""Trains logits with and without smoothing, and takes the perplexity of the minimum for many ε."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from mlxformer.backend import mx, to_numpy
from mlxformer.training.label_smoothing import (
    label_smoothed_cross_entropy,
    optimal_logit_gap,
    perplexity,
    smoothed_loss_floor,
    smoothed_targets,
)
from questions.bilingual import Bilingual
from tui.experiments.contract import Check, Report, Result
from tui.experiments.label_smoothing.declaration import EXPERIMENT
from tui.figures.data import Curve, Series

STEPS, RATE = 100, 2.0  # gradient descent on the logits of one label; their curvature is at most 1/4
CONTEXTS = 16  # rows of the distribution to be learned
GRID = tuple(round(0.02 * step, 2) for step in range(26))  # ε of the third figure
UNSMOOTHED = Bilingual("ε = 0 没有平滑，也就没有最小值", "with ε = 0 nothing is smoothed, and there is no minimum")
ALL_SEEN = Bilingual("每个词元都见过，没有要补的", "every token was seen, so there is nothing to make up for")


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    smoothing, vocab = float(knobs["smoothing"]), int(knobs["vocab"])
    trained_with = smoothing if knobs["smooth_training"] else 0.0
    smoothed, plain = _train((trained_with, smoothing if knobs["smooth_plain"] else 0.0), vocab, report)
    generator = np.random.default_rng(int(knobs["seed"]))
    true = _distributions(generator, vocab)
    exact = true.astype(np.float64)
    counted = generator.multinomial(int(knobs["labels"]), exact / exact.sum(-1, keepdims=True)) / float(knobs["labels"])
    drawn = true if knobs["all_labels"] else counted.astype(np.float32)
    curves = [[perplexity(true, to_numpy(smoothed_targets(mx.array(p), e))) for e in GRID] for p in (true, drawn)]
    checks = [
        *_trained(smoothing, vocab, smoothed, plain),
        *_mixtures(smoothing, trained_with, true, knobs),
        _few_labels(true, counted, curves[1]),
    ]
    figures = [
        _by_gap(smoothing, vocab),
        _by_step(smoothing, smoothed, plain),
        _by_smoothing(smoothing, int(knobs["labels"]), curves),
    ]
    return Result(figures, checks)


class _Training:
    """Gradient descent from zero on the logits of one context whose label is token 0."""

    def __init__(self, logits: Any, gaps: list[float]) -> None:
        self.logits, self.gaps = logits, gaps

    def loss(self, smoothing: float) -> float:
        return float(label_smoothed_cross_entropy(self.logits, _LABEL, smoothing=smoothing))


_LABEL = mx.array([0])


def _train(smoothings: tuple[float, ...], vocab: int, report: Report) -> list[_Training]:
    """One row of logits for each ε, all trained together for twice ``STEPS``."""
    label = mx.array(np.eye(1, vocab, dtype=np.float32)[0])
    targets = mx.stack([smoothed_targets(label, smoothing) for smoothing in smoothings])
    gradient = mx.grad(lambda z: label_smoothed_cross_entropy(z, targets, smoothing=0.0))
    logits, gaps = mx.zeros(targets.shape), [np.zeros(len(smoothings))]
    for step in range(2 * STEPS):
        if step % 50 == 0:
            report(0.25 * step / STEPS, "training")
        logits = logits - RATE * len(smoothings) * gradient(logits)  # the loss is the mean over rows
        ends = to_numpy(logits[:, :2])
        gaps.append(ends[:, 0] - ends[:, 1])
    return [_Training(logits[row : row + 1], [float(gap[row]) for gap in gaps]) for row in range(len(smoothings))]


def _distributions(generator: np.random.Generator, vocab: int) -> np.ndarray:
    """What the next token truly is in each context: the softmax of N(0, 2²) logits, float32 [CONTEXTS, V]."""
    return to_numpy(mx.softmax(mx.array(2 * generator.standard_normal((CONTEXTS, vocab)).astype(np.float32)), axis=-1))


def _trained(smoothing: float, vocab: int, smoothed: _Training, plain: _Training) -> list[Check]:
    measured, undefined = EXPERIMENT.measured, EXPERIMENT.undefined
    grown = measured("unsmoothed-gap-grows", plain.gaps[2 * STEPS] - plain.gaps[STEPS], math.log(2), 0.03)
    if smoothing == 0:
        return [undefined("optimal-gap", UNSMOOTHED), undefined("loss-floor", UNSMOOTHED), grown,
                undefined("perplexity-hurt", UNSMOOTHED)]  # fmt: skip
    rounding = 1e-7 * vocab  # V small exponentials are added to a large one in float32
    return [
        measured("optimal-gap", smoothed.gaps[-1], optimal_logit_gap(smoothing, vocab), 1e-3 + 10 * rounding),
        measured("loss-floor", smoothed.loss(smoothing), smoothed_loss_floor(smoothing, vocab), 1e-4 + rounding),
        grown,
        measured("perplexity-hurt", math.exp(smoothed.loss(0.0)), 1 / (1 - smoothing + smoothing / vocab), 1e-3),
    ]


def _mixtures(smoothing: float, trained_with: float, true: np.ndarray, knobs: Mapping[str, Any]) -> list[Check]:
    """At the minimum for the true distribution: the gradient, the perplexity, the first choices."""
    measured = EXPERIMENT.measured
    learned = smoothed_targets(mx.array(true), trained_with)
    claimed = mx.array(true) if knobs["claim_labels_alone"] else smoothed_targets(mx.array(true), smoothing)

    def loss(logits: Any) -> Any:
        return label_smoothed_cross_entropy(logits, mx.array(true), smoothing=smoothing)

    steepest = float(np.abs(to_numpy(mx.grad(loss)(mx.log(claimed)))).max())
    first = to_numpy(learned).argmax(-1)
    best = (true[:, ::-1] if knobs["reverse"] else true).argmax(-1)
    if smoothing == 0:
        ratio = EXPERIMENT.undefined("uncertain-perplexity-ratio", UNSMOOTHED)
    else:
        hurt = perplexity(true, to_numpy(learned)) / perplexity(true, true)
        ratio = measured("uncertain-perplexity-ratio", hurt, _exp_divergence(true, smoothing), 1e-5)
    return [
        measured("mixture-is-the-minimum", steepest, 0.0, 1e-6),
        ratio,
        measured("order-kept", float((first != best).sum()), 0.0),
    ]


def _exp_divergence(true: np.ndarray, smoothing: float) -> float:
    """exp of the mean KL(p ‖ (1 − ε)p + ε/V), row by row in float64."""
    total = 0.0
    for row in true.astype(np.float64):
        mixed = (1 - smoothing) * row + smoothing / len(row)
        total += float(np.dot(row, np.log(row / mixed)))
    return math.exp(total / len(true))


def _few_labels(true: np.ndarray, counted: np.ndarray, perplexities: list[float]) -> Check:
    name = "few-labels-want-smoothing"
    if not ((true > 0) & (counted == 0)).any():
        return EXPERIMENT.undefined(name, ALL_SEEN)
    return EXPERIMENT.measured(name, GRID[int(np.argmin(perplexities))], GRID[1])


def _by_gap(smoothing: float, vocab: int) -> Curve:
    gaps = np.linspace(0, 16, 33, dtype=np.float32)
    rows = [mx.array(np.concatenate([[gap], np.zeros(vocab - 1)]).astype(np.float32)[None]) for gap in gaps]
    lines = [
        Series(
            Bilingual(f"损失，ε = {epsilon:g}", f"loss, ε = {epsilon:g}"),
            gaps.tolist(),
            [float(label_smoothed_cross_entropy(row, _LABEL, smoothing=epsilon)) for row in rows],
        )
        for epsilon in dict.fromkeys((0.0, smoothing))
    ]
    marks = [] if smoothing == 0 else [(optimal_logit_gap(smoothing, vocab), Bilingual("最小值", "minimum"))]
    return Curve(
        Bilingual("损失与 logit 的差距：平滑之后有最小值，而且不是 0",
                  "Loss against the gap of the logits: smoothed, it has a minimum, and not at 0"),
        Bilingual("正确词元的 logit 高出多少", "how far the right token's logit stands above the others"),
        Bilingual("损失（nats）", "loss (nats)"),
        lines,
        marks=[mark for mark in marks if mark[0] <= 16],
        name="by-gap",
    )  # fmt: skip


def _by_step(smoothing: float, smoothed: _Training, plain: _Training) -> Curve:
    def series(name: str, gaps: list[float]) -> Series:
        return Series(name, [float(step) for step in range(1, len(gaps))], gaps[1:])

    return Curve(
        Bilingual(
            "训练中的差距：平滑的停住，不平滑的一直涨", "The gap in training: smoothed it stops, else it grows on"
        ),
        Bilingual("步", "step"),
        Bilingual("logit 的差距", "gap of the logits"),
        [series("ε = 0", plain.gaps), series(f"ε = {smoothing:g}", smoothed.gaps)],
        log_x=True,
        name="by-step",
    )


def _by_smoothing(smoothing: float, labels: int, curves: list[list[float]]) -> Curve:
    drawn = [(point, value) for point, value in zip(GRID, curves[1], strict=True) if math.isfinite(value)]
    few = Bilingual(f"每个上下文 {labels} 个标签", f"{labels} labels per context")
    if len(drawn) < len(GRID):
        few = Bilingual(f"{few.zh}（ε = 0 时是无穷大）", f"{few.en} (infinite at ε = 0)")
    return Curve(
        Bilingual("困惑度与 ε：真实分布已知时越平滑越差，标签少时平滑有用",
                  "Perplexity against ε: worse with the distribution known, better where labels are few"),
        Bilingual("平滑系数 ε", "smoothing ε"),
        Bilingual("困惑度", "perplexity"),
        [
            Series(Bilingual("真实分布已知", "true distribution known"), GRID, curves[0]),
            Series(few, [point for point, _ in drawn], [value for _, value in drawn]),
        ],
        marks=[(smoothing, "ε")],
        name="by-smoothing",
    )  # fmt: skip
