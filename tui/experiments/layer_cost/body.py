"""Runs a real encoder layer, traced, at one length and width and at half of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import mlxformer as mf
from mlxformer.backend import mx, tree_flatten
from mlxformer.inspection.diagnostics import count_attention_flops
from mlxformer.inspection.flops import count_layer_flops
from questions.bilingual import Bilingual
from tui.experiments.contract import Report, Result
from tui.experiments.layer_cost.declaration import EXPERIMENT
from tui.experiments.shared.reported_trace import traced
from tui.figures.data import Bars, Curve, Figure, Label, Series, Table


@dataclass(frozen=True)
class Run:
    """One layer on n tokens: what it took and what it made."""

    n: int
    d: int
    flops: int
    products: Mapping[str, int]
    matrices: int  # parameters that are matrices, or all of them
    steps: mf.Trace

    @property
    def quadratic(self) -> int:
        return self.products["scores"] + self.products["mixing"]


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    n, d, heads = int(knobs["tokens"]), int(knobs["d_model"]), int(str(knobs["heads"]))
    ran = 1 if knobs["one_head"] else heads
    whole = _run(n, d, ran, knobs, report, 0.1)
    half = _run(n // int(knobs["shorten"]), d, ran, knobs, report, 0.5)
    narrow = _run(n, d if knobs["keep_width"] else d // 2, ran, knobs, report, 0.7)
    maps = whole.steps["self_attention.weights"].value
    state = whole.steps["self_attention.output"].value
    made = sum(step.value.size for step in whole.steps)
    squares = sum(step.value.size for step in whole.steps if step.axes[-2:] == ("query", "key"))
    measured = EXPERIMENT.measured
    checks = [
        measured("flops-of-a-layer", whole.flops, 24 * n * d**2 + 4 * n**2 * d),
        measured("quadratic-share", 100 * whole.quadratic / whole.flops, 100 * n / (6 * d + n), 1e-9),
        measured("length-doubled", whole.flops / half.flops, (12 * d + 2 * n) / (6 * d + n / 2), 1e-9),
        measured("width-doubled", whole.flops / narrow.flops, (12 * d + 2 * n) / (3 * d + n), 1e-9),
        measured("two-per-weight", (whole.flops - whole.quadratic) / (n * whole.matrices), 2.0, 1e-12),
        measured("map-bytes", maps.nbytes, 4 * heads * n**2),
        measured("map-over-hidden-state", maps.size / state.size, n * heads / d, 1e-9),
        measured("quadratic-share-of-memory", 100 * squares / made, 100 * n / (n + 6 * d / heads), 1e-9),
    ]
    report(0.8, "figures")
    quarter = _run(n // 4, d, ran, knobs, report, 0.9)
    figures: list[Figure] = [_products(whole, n, d), _shares(n, d, heads), _lengths([quarter, half, whole], ran)]
    return Result(figures, checks, tuple(whole.steps))


def _run(n: int, d: int, heads: int, knobs: Mapping[str, Any], report: Report, fraction: float) -> Run:
    layer = mf.EncoderLayer(d, heads, 4 * d)
    layer.eval()
    parameters: dict[str, Any] = dict(tree_flatten(layer.parameters()))
    x = mx.ones((1, n, d))
    with traced(report, fraction, layer) as steps:  # every step is evaluated as it is recorded
        if knobs["attention_only"]:
            layer.self_attention(x, x, x)
        else:
            layer(x)
    products = count_attention_flops(steps, "self_attention")
    flops = count_layer_flops(steps)
    least = 1 if knobs["count_vectors"] else 2
    matrices = sum(int(parameter.size) for parameter in parameters.values() if parameter.ndim >= least)
    return Run(n, d, flops, products, matrices, steps)


def _products(whole: Run, n: int, d: int) -> Bars:
    counts = whole.products
    feed_forward = whole.flops - sum(counts.values())
    bars: list[tuple[Label, int]] = [
        (Bilingual("Q、K、V 投影  6nd²", "Q, K, V projections  6nd²"), counts["projections"]),
        (Bilingual("输出投影  2nd²", "output projection  2nd²"), counts["output"]),
        (Bilingual("前馈层  16nd²", "feed-forward  16nd²"), feed_forward),
        (Bilingual("得分 Q Kᵀ  2n²d", "scores Q Kᵀ  2n²d"), counts["scores"]),
        (Bilingual("权重乘 V  2n²d", "weights times V  2n²d"), counts["mixing"]),
    ]
    return Bars(
        Bilingual(
            f"n = {n}，d = {d}：一层的运算花在哪里，共 {whole.flops / 1e6:,.0f} MFLOP",
            f"n = {n}, d = {d}: where a layer's {whole.flops / 1e6:,.0f} MFLOP go",
        ),
        labels=[name for name, _ in bars],
        values=[count / 1e6 for _, count in bars],
        value_label="MFLOP",
        name="products",
    )


def _shares(n: int, d: int, heads: int) -> Curve:
    """The two formulas that the checks measure at n, over lengths too long to run."""
    lengths = [float(2**power) for power in range(4, 18)]
    return Curve(
        Bilingual(f"n² 占几成（d = {d}，H = {heads}）：内存早就过半，运算要长得多",
                  f"The share of n² (d = {d}, H = {heads}): half of memory early, half of operations late"),
        Bilingual("词元数 n", "tokens n"),
        Bilingual("n² 占 %", "share of n², %"),
        [
            Series(Bilingual("运算 n / (6d + n)", "operations n / (6d + n)"), lengths,
                   [100 * length / (6 * d + length) for length in lengths]),
            Series(Bilingual("激活值 n / (n + 6d/H)", "activations n / (n + 6d/H)"), lengths,
                   [100 * length / (length + 6 * d / heads) for length in lengths]),
        ],
        log_x=True,
        marks=[(float(n), "n")],
        name="shares",
    )  # fmt: skip


def _lengths(runs: list[Run], heads: int) -> Table:
    """Counted at three lengths."""
    rows = [
        [run.n, run.flops / 1e6, 100 * run.quadratic / run.flops, 4 * heads * run.n**2 / 1024]
        for run in runs
    ]  # fmt: skip
    return Table(
        Bilingual("三种长度各跑一遍", "Run at three lengths"),
        columns=[
            "n", "MFLOP", Bilingual("n² 占 %", "n² %"), Bilingual("权重图 KiB", "maps KiB"),
        ],
        rows=rows,
        name="lengths",
    )  # fmt: skip
