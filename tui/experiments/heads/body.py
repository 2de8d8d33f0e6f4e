"""Runs multi-head attention fused, head by head, and without its transpose, and counts what it costs."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx, tree_flatten
from mlxformer.inspection.diagnostics import count_attention_flops
from mlxformer.teaching.mistakes import MultiHeadAttentionWithoutTranspose
from questions.bilingual import Bilingual
from tui.experiments.contract import Check, Report, Result
from tui.experiments.heads.declaration import EXPERIMENT
from tui.experiments.shared.random_weights import draw, embed, load
from tui.experiments.shared.reported_trace import traced
from tui.experiments.shared.sentence import NO_TOKENS, split
from tui.figures.data import Bars, Figure, Heatmap, Stage, Table

COUNTS = (1, 2, 4, 8, 16)  # heads in the table


class Arms(mf.Module):
    """The same weights three times: ``fused`` as it is used, ``loop`` a layer for each head, ``mistaken``."""

    def __init__(self, dims: int, heads: int, head_dim: int, weights: Mapping[str, np.ndarray]) -> None:
        super().__init__()
        self.fused = load(mf.MultiHeadAttention(dims, heads, head_dim=head_dim, bias=False), dict(weights))
        self.mistaken = load(
            MultiHeadAttentionWithoutTranspose(dims, heads, head_dim=head_dim, bias=False), dict(weights)
        )
        self.loop = [
            load(mf.MultiHeadAttention(dims, 1, head_dim=head_dim, bias=False), _of_head(weights, head, head_dim))
            for head in range(heads)
        ]


def _of_head(weights: Mapping[str, np.ndarray], head: int, head_dim: int) -> dict[str, np.ndarray]:
    """W_i^Q, W_i^K and W_i^V, and the part of W^O that takes in this head."""
    part = slice(head * head_dim, (head + 1) * head_dim)
    return {path: value[:, part] if path.startswith("out") else value[part] for path, value in weights.items()}


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    tokens = split(str(knobs["sentence"]))
    if not tokens:
        return EXPERIMENT.nothing_to_run(NO_TOKENS)
    dims, asked, seed = int(knobs["d_model"]), int(knobs["heads"]), int(knobs["seed"])
    heads = int(knobs["run_heads"]) or asked
    head_dim = int(knobs["head_dim"]) or dims // heads
    if dims % asked:
        return EXPERIMENT.nothing_to_run(_not_divisible(dims, asked))
    x = mx.array(embed(tokens, dims, seed))[None]  # [1, T, C]
    weights = draw(np.random.default_rng(seed), mf.MultiHeadAttention(dims, heads, head_dim=head_dim, bias=False))
    arms = Arms(dims, heads, head_dim, weights)
    fused, mistaken = (_trace(arms, [arm], x, report) for arm in (arms.fused, arms.mistaken))
    loop = _trace(arms, arms.loop, x, report)
    checks = _checks(arms, fused, loop, mistaken, len(set(tokens)), dims, asked)
    drawn = "fused" if knobs["mistake"] == "none" else "mistaken"
    steps = fused if drawn == "fused" else mistaken
    figures: list[Figure] = [
        _maps(steps, drawn, tokens, knobs),
        _costs(x, dims, asked, report),
        _contributions(loop, heads),
    ]
    return Result(figures, checks, tuple(steps))


def _not_divisible(dims: int, heads: int) -> Bilingual:
    return Bilingual(
        f"d_model = {dims} 不能被 {heads} 个头整除：换一个约数。",
        f"d_model = {dims} is not divisible by {heads} heads: choose a divisor.",
    )


def _trace(root: Any, layers: Sequence[Any], x: Any, report: Report) -> mf.Trace:
    with traced(report, 0.2, root) as steps:
        for layer in layers:
            layer(x, x, x)
    return steps


def _checks(
    arms: Arms, fused: mf.Trace, loop: mf.Trace, mistaken: mf.Trace, different: int, dims: int, heads: int
) -> list[Check]:
    """What the layer that ran measures, against what ``heads`` heads of ``dims / heads`` should cost."""
    measured = EXPERIMENT.measured
    ran = range(len(arms.loop))
    joined = np.concatenate([loop[f"loop.{head}.concatenated"].value for head in ran], axis=-1)
    summed = np.sum([loop[f"loop.{head}.output"].value for head in ran], axis=0)
    output, weights = fused["fused.output"].value, fused["fused.weights"].value
    n = weights.shape[-1]
    flops = sum(count_attention_flops(fused, "fused").values())
    scores, scaled = (fused[f"fused.{name}"].value.astype(np.float64) for name in ("scores", "scaled"))
    return [
        measured("fused-equals-loop", _largest(fused["fused.concatenated"].value - joined), 0.0, 1e-5),
        measured("concat-equals-sum", _largest(output - summed), 0.0, 1e-5),
        measured("parameters-independent-of-heads", float(_parameters(arms.fused)), 4.0 * dims**2),
        _without_transpose(output, mistaken["mistaken.output"].value, heads, different),
        measured("flops-independent-of-heads", float(flops), 8.0 * n * dims**2 + 4.0 * n**2 * dims),
        measured("weights-memory-grows-with-heads", float(weights.nbytes), 4.0 * heads * n**2),
        measured(
            "scale-uses-head-width",
            float(np.linalg.norm(scores) / np.linalg.norm(scaled)),
            math.sqrt(dims / heads),
            1e-5 * math.sqrt(dims / heads),
        ),
    ]


def _without_transpose(output: np.ndarray, wrong: np.ndarray, heads: int, different: int) -> Check:
    name = "reshape-without-transpose-differs"
    if heads == 1 or different == 1:
        return EXPERIMENT.undefined(
            name,
            Bilingual(
                "只有一个头，或者词元都一样，转不转置没有差别可言。",
                "With one head, or with all tokens alike, there is nothing for the transpose to put right.",
            ),
        )
    return EXPERIMENT.measured(name, _largest(wrong - output) / _largest(output), 0.01)


def _maps(steps: mf.Trace, arm: str, tokens: Sequence[str], knobs: Mapping[str, Any]) -> Heatmap:
    weights = steps[f"{arm}.weights"].value[0]  # [H, T, T]
    heads, seed = len(weights), knobs["seed"]
    wrong = arm == "mistaken"
    return Heatmap(
        Bilingual(
            f"{heads} 个头的注意力{'，错：没有转置' if wrong else ''}（随机权重，种子 {seed}）",
            f"Attention of {heads} heads{', wrong: no transpose' if wrong else ''} (random weights, seed {seed})",
        ),
        [
            Stage("scores", Bilingual("得分 Q Kᵀ", "scores Q Kᵀ"), steps[f"{arm}.scores"].value[0], "signed"),
            Stage("scaled", Bilingual("除以 √d_k", "divided by √d_k"), steps[f"{arm}.scaled"].value[0], "signed"),
            Stage("weights", Bilingual("权重", "weights"), weights),
        ],
        rows=tokens,
        columns=tokens,
        heads=[str(head) for head in range(heads)],
        name="attention",
    )


def _costs(x: Any, dims: int, chosen: int, report: Report) -> Table:
    """Each number of heads run once, and counted."""
    rows: list[list[Any]] = []
    for heads in sorted({*COUNTS, chosen}):
        if dims % heads:
            continue
        layer = mf.MultiHeadAttention(dims, heads, bias=False)
        with traced(report, 0.6, measure=True) as steps:
            layer(x, x, x)
        flops = count_attention_flops(steps)
        rows.append([heads, dims // heads, _parameters(layer), sum(flops.values()), steps["weights"].value.nbytes])
    return Table(
        Bilingual("头数变，代价怎么变", "What it costs, by the number of heads"),
        columns=[
            Bilingual("头数 h", "heads h"),
            "d_k",
            Bilingual("参数", "parameters"),
            Bilingual("矩阵乘法 FLOP", "FLOP of products"),
            Bilingual("权重的字节数", "bytes of weights"),
        ],
        rows=rows,
        name="costs",
    )


def _contributions(loop: mf.Trace, heads: int) -> Bars:
    """How much each head writes: the output is the sum of these."""
    norms = [float(np.linalg.norm(loop[f"loop.{head}.output"].value)) for head in range(heads)]
    return Bars(
        Bilingual("每个头写入输出的一份", "What each head adds to the output"),
        labels=[str(head) for head in range(heads)],
        values=norms,
        value_label=Bilingual("head_i W_i^O 的范数", "norm of head_i W_i^O"),
        name="contributions",
    )


def _parameters(layer: Any) -> int:
    parameters: dict[str, Any] = dict(tree_flatten(layer.parameters()))
    return sum(int(parameter.size) for parameter in parameters.values())


def _largest(difference: np.ndarray) -> float:
    return float(np.abs(difference).max())
