"""Runs and counts multi-head attention with reduced and with full-width heads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx, tree_flatten, without_values
from mlxformer.inspection.diagnostics import count_attention_flops, numerical_rank
from mlxformer.inspection.flops import count_layer_flops
from questions.bilingual import Bilingual
from tui.experiments.contract import Check, Report, Result
from tui.experiments.head_width.declaration import EXPERIMENT
from tui.experiments.shared.random_weights import draw, load
from tui.experiments.shared.reported_trace import traced
from tui.figures.data import Curve, Figure, Heatmap, Series, Stage, Table

COUNTS = (1, 2, 4, 8, 16)
FLOOR = 1e-9  # singular values below are rounding: drawn here on the log axis
ARMS: dict[str, Bilingual] = {"reduced": Bilingual("宽度 d/h", "width d/h"), "full": Bilingual("宽度 d", "width d")}


class Arms(mf.Module):
    """The same number of heads twice: ``reduced`` to d/h, and ``full``."""

    def __init__(self, d: int, heads: int, reduced: int, full: int, generator: np.random.Generator) -> None:
        super().__init__()
        self.reduced = self._made(d, heads, reduced, generator)
        self.full = self._made(d, heads, full, generator)

    @staticmethod
    def _made(d: int, heads: int, width: int, generator: np.random.Generator) -> Any:
        with without_values():
            layer = mf.MultiHeadAttention(d, heads, head_dim=width, bias=False)
        return load(layer, draw(generator, layer))


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    heads, d, n, seed = (int(knobs[name]) for name in ("heads", "d_model", "tokens", "seed"))
    generator = np.random.default_rng(seed)
    ran = int(knobs["run_heads"]) or heads
    reduced = d if knobs["reduced_is_full"] else d // heads
    arms = Arms(d, ran, reduced, d // heads if knobs["full_is_reduced"] else d, generator)
    x = mx.array(generator.standard_normal((1, n, d)).astype(np.float32))
    with traced(report, 0.2, arms) as steps:
        for layer in (arms.reduced, arms.full):
            layer(x, x, x)
    longer = mx.array(generator.standard_normal((1, n * int(knobs["lengthen"]), d)).astype(np.float32))
    with traced(report, 0.4, arms, measure=True) as doubled:
        arms.reduced(longer, longer, longer)
    checks = [
        *_costs(arms, steps, d, heads, n),
        *_ranks(steps, d, heads, n),
        EXPERIMENT.measured("weight-maps-grow-with-heads", float(_of(steps, "reduced", "weights").nbytes),
                            4.0 * heads * n**2),
        EXPERIMENT.measured("core-quadruples-with-length", _core(doubled) / _core(steps), 4.0, 1e-12),
        _share(d, heads, n, bool(knobs["without_feed_forward"]), report),
    ]  # fmt: skip
    report(0.7, "figures")
    figures: list[Figure] = [
        _singular(steps, d, heads),
        _table(d, n, x, report),
        _map(steps, str(knobs["width"]), seed),
        _shares(d, n),
    ]
    return Result(figures, checks, tuple(steps))


def _of(steps: mf.Trace, arm: str, name: str) -> np.ndarray:
    return steps[f"{arm}.{name}"].value


def _core(steps: mf.Trace) -> float:
    counts = count_attention_flops(steps, "reduced")
    return float(counts["scores"] + counts["mixing"])


def _parameters(layer: Any) -> float:
    parameters: dict[str, Any] = dict(tree_flatten(layer.parameters()))
    return float(sum(int(parameter.size) for parameter in parameters.values()))


def _costs(arms: Arms, steps: mf.Trace, d: int, heads: int, n: int) -> list[Check]:
    flops = {arm: float(sum(count_attention_flops(steps, arm).values())) for arm in ARMS}
    measured = EXPERIMENT.measured
    return [
        measured("reduced-parameters", _parameters(arms.reduced), 4.0 * d**2),
        measured("full-width-parameters", _parameters(arms.full), 4.0 * heads * d**2),
        measured("reduced-flops", flops["reduced"], 8.0 * n * d**2 + 4.0 * n**2 * d),
        measured("full-width-flops-ratio", flops["full"] / flops["reduced"], float(heads), 1e-12 * heads),
    ]


def _ranks(steps: mf.Trace, d: int, heads: int, n: int) -> list[Check]:
    """Claimed where the matrix leaves room: near n, float32 cannot tell the smallest singular values from rounding."""
    names = ("rank-is-head-width", "full-width-rank-is-higher")
    width = d // heads
    checks = []
    if 2 * width <= n:
        rank = numerical_rank(_of(steps, "reduced", "scores")[0]).max()
        checks.append(EXPERIMENT.measured(names[0], float(rank), float(width)))
    else:
        checks.append(
            EXPERIMENT.undefined(
                names[0],
                Bilingual(
                    f"头宽 {width} 超过 n/2 = {n // 2}，秩被 n 限住，说明不了头宽。",
                    f"The head width {width} is over n/2 = {n // 2}: n limits the rank and not the width.",
                ),
            )
        )
    if 4 * width <= min(n, d):
        rank = numerical_rank(_of(steps, "full", "scores")[0]).min()
        checks.append(EXPERIMENT.measured(names[1], float(rank), min(n, d) / 2))
    else:
        checks.append(
            EXPERIMENT.undefined(
                names[1],
                Bilingual(
                    "头太少或句子太短：d/h 已接近 min(n, d)，两支拉不开差距。",
                    "Too few heads or tokens: d/h is near min(n, d) already, and the two arms are alike.",
                ),
            )
        )
    return checks


def _share(d: int, heads: int, n: int, without_feed_forward: bool, report: Report) -> Check:
    with without_values():  # they change no count
        layer = mf.EncoderLayer(d, heads, 4 * d, mf.LayerConfig(attention_bias=False))
    x = mx.zeros((1, n, d))
    with traced(report, 0.5, measure=True) as steps:
        if without_feed_forward:
            layer.self_attention(x, x, x)
        else:
            layer(x)
    counts = count_attention_flops(steps, "" if without_feed_forward else "self_attention")
    share = 100 * (counts["scores"] + counts["mixing"]) / count_layer_flops(steps)
    return EXPERIMENT.measured("core-share-of-layer", share, 100 * n / (6 * d + n), 1e-9)


def _table(d: int, n: int, x: Any, report: Report) -> Table:
    """Every h, reduced and not, run once and counted."""
    rows: list[list[Any]] = []
    for heads in COUNTS:
        for width in (d // heads, d):
            if width == d and heads == 1 and rows:
                continue
            with without_values():  # they change no count
                layer = mf.MultiHeadAttention(d, heads, head_dim=width, bias=False)
            with traced(report, 0.8, measure=True) as steps:
                layer(x, x, x)
            flops = sum(count_attention_flops(steps).values())
            rows.append([heads, width, int(_parameters(layer)), flops / 1e6, steps["weights"].value.nbytes])
    return Table(
        Bilingual(f"d = {d}，n = {n}：头宽 d/h 与全宽 d 的代价", f"d = {d}, n = {n}: what heads of d/h and of d cost"),
        columns=[
            "h",
            Bilingual("头宽", "head width"),
            Bilingual("参数", "parameters"),
            "MFLOP",
            Bilingual("权重的字节数", "bytes of weights"),
        ],
        rows=rows,
        name="costs",
    )


def _singular(steps: mf.Trace, d: int, heads: int) -> Curve:
    series = []
    for arm, label in ARMS.items():
        scores = _of(steps, arm, "scores")[0, 0].astype(np.float64)
        values = np.linalg.svd(scores, compute_uv=False)
        relative = np.maximum(values / values[0], FLOOR)
        series.append(Series(label, [float(index + 1) for index in range(len(values))], relative.tolist()))
    return Curve(
        Bilingual("头 0 的得分矩阵：奇异值到 d/h 就断了", "Scores of head 0: singular values end at d/h"),
        Bilingual("第几个奇异值", "singular value number"),
        Bilingual("相对大小", "relative size"),
        series,
        log_y=True,
        marks=[(float(d // heads), "d/h")],
        name="singular",
    )


def _map(steps: mf.Trace, arm: str, seed: int) -> Heatmap:
    weights = _of(steps, arm, "weights")[0]
    names = [f"t{token}" for token in range(weights.shape[-1])]
    label = ARMS[arm]
    return Heatmap(
        Bilingual(
            f"各头的注意力，{label.zh}（随机权重，种子 {seed}）",
            f"Attention of the heads, {label.en} (random weights, seed {seed})",
        ),
        [
            Stage("scaled", Bilingual("得分 / √d_k", "scores / √d_k"), _of(steps, arm, "scaled")[0], "signed"),
            Stage("weights", Bilingual("权重", "weights"), weights),
        ],
        rows=names,
        columns=names,
        heads=[str(head) for head in range(len(weights))],
        name="attention",
    )


def _shares(d: int, n: int) -> Curve:
    """The definition that ``core-share-of-layer`` measures, over lengths too long to run."""
    lengths = [float(2**power) for power in range(4, 18)]
    return Curve(
        Bilingual("注意力核心占一层运算的几成：n / (6d + n)", "The core's share of a layer's operations: n / (6d + n)"),
        Bilingual("词元数 n", "tokens n"),
        Bilingual("占一层运算的 %", "% of a layer's operations"),
        [Series(f"d = {d}", lengths, [100 * length / (6 * d + length) for length in lengths])],
        log_x=True,
        marks=[(float(n), "n"), (6.0 * d, "6d")],
        name="share",
    )
