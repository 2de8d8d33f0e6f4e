"""One sentence, repeated along the batch so that each copy gets a mask of its own, through layers that drop."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx, nn, to_numpy
from questions.bilingual import Bilingual
from tui.experiments.contract import Report, Result
from tui.experiments.dropout_places.declaration import EXPERIMENT
from tui.experiments.shared.random_weights import draw, load
from tui.experiments.shared.reported_trace import traced
from tui.figures.data import Curve, Figure, Heatmap, Label, Series, Stage, Table

WIDTH, HEADS, LAYERS = 32, 4, 2
PROBABILITIES = (0.05, 0.1, 0.2, 0.3, 0.4, 0.5)
FEW = 32  # masks for each point of the curve and each place of the table

PLACES: tuple[tuple[Label, str, str, str], ...] = (
    (Bilingual("嵌入与位置之和", "embeddings + positions"), "input", "§5.4", "✓"),
    (Bilingual("子层输出，相加之前", "sub-layer output, before the sum"), "dropout", "§5.4", "✓"),
    (Bilingual("注意力权重", "attention weights"), "attention_dropout", "§6.3", "✓"),
    (Bilingual("前馈层的中间层", "feed-forward's hidden layer"), "activation_dropout", "", ""),
)


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    p, tokens, masks = float(knobs["p"]), int(knobs["tokens"]), int(knobs["masks"])
    mx.random.seed(int(knobs["seed"]))
    generator = np.random.default_rng(int(knobs["seed"]))
    x = generator.standard_normal((1, tokens, WIDTH)).astype(np.float32)
    weights = draw(generator, mf.MultiHeadAttention(WIDTH, HEADS, bias=False))
    layers = draw(generator, mf.Encoder(LAYERS, WIDTH, HEADS, 4 * WIDTH, mf.LayerConfig(norm="pre")))
    drops = not knobs["training_off"]

    attention = load(mf.MultiHeadAttention(WIDTH, HEADS, bias=False, dropout=p), weights)
    attention.train(drops)
    with traced(report, 0.3, attention) as steps:
        _attend(attention, x, masks)
    before = steps["weights"].value[:1]  # [1, H, T, T], the same for all copies
    after = steps["dropped_weights" if drops else "weights"].value  # [N, H, T, T]
    averaged = steps["output"].value.mean(0, dtype=np.float64)
    attention.train(bool(knobs["evaluation_off"]))
    calm, again = (to_numpy(_attend(attention, x, 1)).astype(np.float64)[0] for _ in range(2))
    attention.eval()
    truth = to_numpy(_attend(attention, x, 1)).astype(np.float64)[0]

    scatter, derived = _scatter(before, after, p)
    kept = (after / np.maximum(before, np.finfo(np.float32).tiny))[after > 0]
    noise = 2.0 * math.sqrt(p / ((1 - p) * masks))
    measured = EXPERIMENT.measured
    checks = [
        measured("row-sums-scatter", scatter, derived, 0.1 * derived),
        measured("mean-row-sum-is-one", float(after.sum(-1).mean(dtype=np.float64)), 1.0, 0.02),
        measured("kept-weights-grow", float(np.median(kept)), 1 / (1 - p), 1e-5),
        measured("dropped-share", 100.0 * float((after == 0).mean()), 100.0 * p, 2.0),
        measured("mean-output-is-evaluation", _relative(averaged, truth), noise),
        measured("evaluation-repeats", float(np.abs(calm - again).max()), 0.0),
        measured("residual-passes", 100.0 * _untouched(x, layers, p, drops, report), 100.0 * p, 3.0),
    ]
    figures: list[Figure] = [
        _map(before, after, tokens),
        _curve(x, weights, p, report),
        _places(x, layers, p, report),
    ]
    return Result(figures, checks, tuple(steps))


def _attend(attention: Any, x: np.ndarray, masks: int) -> Any:
    copies = mx.array(np.repeat(x, masks, axis=0))
    return attention(copies, copies, copies)


def _scatter(before: np.ndarray, after: np.ndarray, p: float) -> tuple[float, float]:
    """How far row sums miss 1, measured and derived.

    A weight w becomes w · k / (1 − p), k being 1 with probability 1 − p and else 0: its variance is w² p / (1 − p).
    """
    measured = math.sqrt(float(np.square(after.sum(-1) - 1).mean(dtype=np.float64)))
    return measured, math.sqrt(p / (1 - p) * float(np.square(before).sum(-1).mean(dtype=np.float64)))


def _relative(found: np.ndarray, truth: np.ndarray) -> float:
    return float(np.linalg.norm(found - truth) / np.linalg.norm(truth))


def _untouched(x: np.ndarray, layers: dict[str, np.ndarray], p: float, drops: bool, report: Report) -> float:
    """The share of elements that a sub-layer with its residual leaves exactly as they were."""
    encoder = load(mf.Encoder(LAYERS, WIDTH, HEADS, 4 * WIDTH, mf.LayerConfig(norm="pre", dropout=p)), layers)
    encoder.train(drops)
    with traced(report, 0.6, encoder, measure=True) as steps:
        encoder(mx.array(np.repeat(x, FEW, axis=0)))
    layer = "layers.0"
    return float((steps[f"{layer}.after_self_attention"].value == steps[f"{layer}.input"].value).mean())


def _map(before: np.ndarray, after: np.ndarray, tokens: int) -> Heatmap:
    labels = [str(token) for token in range(tokens)]
    return Heatmap(
        Bilingual("注意力权重（一个头）：丢弃前、许多次的平均、丢弃一次",
                  "Attention weights (one head): before, averaged over many masks, under one"),
        [
            Stage("weights", Bilingual("丢弃前", "before"), before[0, :1]),
            Stage("mean", Bilingual("许多次的平均", "mean of many masks"), after[:, :1].mean(0)),
            Stage("one-mask", Bilingual("丢弃一次", "one mask"), after[0, :1]),
        ],
        rows=labels,
        columns=labels,
        name="weights",
    )  # fmt: skip


def _curve(x: np.ndarray, weights: dict[str, np.ndarray], p: float, report: Report) -> Curve:
    found = []
    for probability in PROBABILITIES:
        attention = load(mf.MultiHeadAttention(WIDTH, HEADS, bias=False, dropout=probability), weights)
        attention.train()
        with traced(report, 0.7, attention, measure=True) as steps:
            _attend(attention, x, FEW)
        found.append(_scatter(steps["weights"].value, steps["dropped_weights"].value, probability))
    return Curve(
        Bilingual("每行权重之和偏离 1 多少（均方根）", "How far rows' sums miss 1 (root mean square)"),
        Bilingual("丢弃概率 p", "drop probability p"),
        Bilingual("偏离", "miss"),
        [
            Series(Bilingual("实测", "measured"), PROBABILITIES, [measured for measured, _ in found]),
            Series("√(p/(1 − p) · Σw²)", PROBABILITIES, [derived for _, derived in found]),
        ],
        marks=[(p, "p")],
        name="by-probability",
    )


def _places(x: np.ndarray, layers: dict[str, np.ndarray], p: float, report: Report) -> Table:
    """How far each place alone shakes the output of a small encoder, as a share of the output without dropout."""
    copies = mx.array(np.repeat(x, FEW, axis=0))
    rows = []
    for label, place, section, bert in PLACES:
        report(0.8, place)
        options: dict[str, Any] = {} if place == "input" else {place: p}
        encoder = load(mf.Encoder(LAYERS, WIDTH, HEADS, 4 * WIDTH, mf.LayerConfig(norm="pre", **options)), layers)
        truth = to_numpy(encoder(copies)).astype(np.float64)
        encoder.train()
        given = nn.Dropout(p)(copies) if place == "input" else copies
        rows.append([label, section, bert, 100.0 * _relative(to_numpy(encoder(given)).astype(np.float64), truth)])
    return Table(
        Bilingual(f"只在一处丢弃（p = {p:g}），{LAYERS} 层编码器的输出抖多少",
                  f"Dropout in one place alone (p = {p:g}): how far the output of {LAYERS} layers shakes"),
        columns=[
            Bilingual("位置", "place"),
            "Vaswani",
            "BERT",
            Bilingual("输出变化 %", "output moves, %"),
        ],
        rows=rows,
        name="places",
    )  # fmt: skip
