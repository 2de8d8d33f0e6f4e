"""Runs one set of attention weights with and without the residual sum, and measures how far tokens differ."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from mlxformer.backend import mx, nn, to_numpy
from mlxformer.inspection.diagnostics import numerical_rank, token_spread
from mlxformer.teaching.attention_only import AttentionOnly
from questions.bilingual import Bilingual
from tui.experiments.contract import Report, Result
from tui.experiments.rank_collapse.declaration import EXPERIMENT
from tui.experiments.shared.random_weights import draw, load
from tui.experiments.shared.reported_trace import traced
from tui.figures.data import Curve, Figure, Heatmap, Label, Series, Stage, Table

WIDTH = 64
AT = 4  # the layer after which both arms are compared
FLOOR = 1e-8  # below float32's rounding: where a curve on a log axis ends
SHOWN = 8  # tokens of the map
START = 0.25  # size of the differences, to begin with, when one layer's order is looked for

PURE: Label = Bilingual("只有注意力", "attention alone")
SKIP: Label = Bilingual("加残差", "with residuals")


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    depth, tokens, heads = int(knobs["depth"]), int(knobs["tokens"]), int(knobs["heads"])
    generator = np.random.default_rng(int(knobs["seed"]))
    weights = draw(generator, AttentionOnly(depth, WIDTH, heads))
    x = generator.standard_normal((tokens, WIDTH)).astype(np.float32)
    mean = generator.standard_normal(WIDTH).astype(np.float32)

    def stack(residual: bool) -> Any:
        residual = (residual or bool(knobs["skip_everywhere"])) and not knobs["skip_nowhere"]
        return load(AttentionOnly(depth, WIDTH, heads, residual=residual), weights)

    pure, skip = stack(False), stack(True)
    with traced(report, 0.2, pure) as steps:
        pure(mx.array(x[None]))
    with traced(report, 0.4, skip, measure=True) as kept:
        skip(mx.array(x[None]))
    states, with_skip = ([x, *(step.value[0] for step in trace.all("output"))] for trace in (steps, kept))
    spreads = [[float(token_spread(state)) for state in arm] for arm in (states, with_skip)]
    ranks = [int(numerical_rank(arm[AT])) for arm in (states, with_skip)]
    gradients = [_query_gradients(arm, x) for arm in (pure, skip)]
    report(0.7, "orders")
    orders = [_order(arm, x, mean, int(knobs["shrink"])) for arm in (pure, skip)]
    measured = EXPERIMENT.measured
    checks = [
        measured("pure-collapses", spreads[0][AT], 1e-3),
        measured("skip-keeps-tokens-apart", spreads[1][AT], 0.5),
        measured("pure-rank-is-one", float(ranks[0]), 1.0),
        measured("one-layer-cubes", orders[0], 3.0, 0.3),
        measured("skip-is-first-order", orders[1], 1.0, 0.1),
        measured("query-gradient-dies", gradients[0][AT - 1] / gradients[1][AT - 1], 1e-3),
    ]
    figures: list[Figure] = [
        _curve(depth, spreads),
        _map(states, with_skip),
        _summary(spreads, ranks, orders, gradients, int(knobs["shrink"])),
    ]
    return Result(figures, checks, tuple(steps))


def _query_gradients(arm: Any, x: np.ndarray) -> list[float]:
    """‖∂L/∂W_Q‖ of the first layers, L a fixed random linear function of what the last of them gives."""
    short = AttentionOnly(AT, WIDTH, arm.layers[0].num_heads, residual=arm.residual)
    short.layers = arm.layers[:AT]
    target = mx.array(np.random.default_rng(0).standard_normal((1, *x.shape)).astype(np.float32))
    _, gradients = nn.value_and_grad(short, lambda: mx.mean(short(mx.array(x[None])) * target))()
    return [float(np.linalg.norm(to_numpy(layer["query_proj"]["weight"]))) for layer in gradients["layers"]]


def _order(arm: Any, x: np.ndarray, mean: np.ndarray, shrink: int) -> float:
    """p where differences divided by s come out of one layer divided by sᵖ."""
    one = AttentionOnly(1, WIDTH, arm.layers[0].num_heads, residual=arm.residual)
    one.layers = arm.layers[:1]
    rest = x - x.mean(0)
    left = []
    for size in (START, START / shrink):
        y = to_numpy(one(mx.array((mean + np.float32(size) * rest)[None])))[0].astype(np.float64)
        left.append(float(np.linalg.norm(y - y.mean(0))))
    return math.log(left[0] / left[1]) / math.log(shrink)


def _curve(depth: int, spreads: list[list[float]]) -> Curve:
    layers = [float(layer) for layer in range(depth + 1)]
    return Curve(
        Bilingual("词元之间还剩多少差别 ‖X − 1mᵀ‖ / ‖X‖", "What is left of tokens' differences, ‖X − 1mᵀ‖ / ‖X‖"),
        Bilingual("层", "layer"),
        Bilingual("差别所占的份额", "share of differences"),
        [
            Series(label, layers, [max(value, FLOOR) for value in arm])
            for label, arm in zip((PURE, SKIP), spreads, strict=True)
        ],
        log_y=True,
        marks=[(float(AT), Bilingual("实测在第几层", "checked at layer"))],
        name="by-layer",
    )


def _map(states: list[np.ndarray], with_skip: list[np.ndarray]) -> Heatmap:
    count = min(SHOWN, len(states[0]))
    stages = [
        ("input", Bilingual("输入", "input"), states[0]),
        (f"skip-{AT}", Bilingual(f"有残差，{AT} 层", f"residual, {AT} layers"), with_skip[AT]),
        ("pure-1", Bilingual("无残差，1 层", "no residual, 1 layer"), states[1]),
        ("pure-2", Bilingual("无残差，2 层", "no residual, 2 layers"), states[2]),
        (f"pure-{AT}", Bilingual(f"无残差，{AT} 层", f"no residual, {AT} layers"), states[AT]),
    ]
    labels = [str(token) for token in range(count)]
    return Heatmap(
        Bilingual("词元两两之间的余弦：全是 1 就分不清谁是谁", "Cosine of each two tokens: all 1, none told apart"),
        [Stage(name, title, _cosines(state[:count])[None], "signed") for name, title, state in stages],
        rows=labels,
        columns=labels,
        row_axis=Bilingual("词元", "token"),
        column_axis=Bilingual("词元", "token"),
        name="cosines",
    )  # fmt: skip


def _cosines(state: np.ndarray) -> np.ndarray:
    rows = state.astype(np.float64)
    rows = rows / np.linalg.norm(rows, axis=-1, keepdims=True)
    return rows @ rows.T


def _summary(
    spreads: list[list[float]], ranks: list[int], orders: list[float], gradients: list[list[float]], shrink: int
) -> Table:
    rows = [
        [label, spreads[arm][1], spreads[arm][2], spreads[arm][AT], ranks[arm], orders[arm], gradients[arm][AT - 1]]
        for arm, label in enumerate((PURE, SKIP))
    ]
    return Table(
        Bilingual("两支对照", "The two arms"),
        columns=[
            "",
            Bilingual("差别 1 层", "differ, 1 layer"),
            Bilingual("2 层", "2 layers"),
            Bilingual(f"{AT} 层", f"{AT} layers"),
            Bilingual("秩", "rank"),
            Bilingual("幂次", "power"),
            Bilingual(f"第 {AT} 层 ‖∂L/∂W_Q‖", f"‖∂L/∂W_Q‖, layer {AT}"),
        ],
        rows=rows,
        name="summary",
    )
