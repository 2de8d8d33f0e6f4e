"""What is drawn of a traced head: its map at every stage, the looked-at query's row, sums, and each tensor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.inspection.diagnostics import entropy
from questions.bilingual import Bilingual, say
from tui.experiments.attention_steps.declaration import EXPERIMENT
from tui.figures.data import Bars, ColorScale, Figure, Heatmap, Label, Stage, Table, Tensor, TokenRow, Tokens

_STAGES: dict[str, tuple[Label, ColorScale]] = {
    "scores": (Bilingual("得分 Q Kᵀ", "scores Q Kᵀ"), "signed"),
    "scaled": (Bilingual("缩放后", "scaled"), "signed"),
    "masked": (Bilingual("掩码后", "masked"), "signed"),
    "weights": (Bilingual("权重", "weights"), "attention"),
}


def figures(drawn: mf.Trace, right: mf.Trace, tokens: Sequence[str], knobs: Mapping[str, Any]) -> list[Figure]:
    """The figures of ``drawn``, which is ``right`` or a mistake that is compared with it."""
    query = min(int(knobs["query"]), len(tokens) - 1)
    row = drawn["weights"].value[0, 0, query].astype(float)
    mistake = _mistake(knobs)
    seed = knobs["seed"]
    title = Bilingual(
        f"注意力{mistake.zh}（随机权重，种子 {seed}）", f"Attention{mistake.en} (random weights, seed {seed})"
    )
    found: list[Figure] = [
        Heatmap(
            title,
            [
                Stage(name, label, drawn[name].value[0], scale)
                for name, (label, scale) in _STAGES.items()
                if name in drawn
            ],
            rows=tokens,
            columns=tokens,
            name="attention",
        ),
        _strip(tokens, query, row),
        Bars(
            Bilingual(f"查询 {query}“{tokens[query]}”的权重", f"Weights of query {query}, “{tokens[query]}”"),
            labels=list(tokens),
            values=row.tolist(),
            value_label=Bilingual("权重", "weight"),
            reference=(1 / len(tokens), Bilingual("均匀", "uniform")),
            name="row",
        ),
        _each_query(drawn, tokens),
        _sums(drawn, right, mistake),
    ]
    return found + [Tensor(step.path, step.axes, step.value, step.formula, name=step.path) for step in drawn]


def _mistake(knobs: Mapping[str, Any]) -> Bilingual:
    """What a title adds: nothing, or which mistake it shows."""
    if knobs["mistake"] == "none":
        return Bilingual("", "")
    declared = next(knob for knob in EXPERIMENT.knobs if knob.name == "mistake")
    label = next(choice.label for choice in declared.choices if choice.value == knobs["mistake"])
    return Bilingual(
        f"，故意做错：{say(label, 'zh')}",
        f", wrong on purpose: {say(label, 'en')}",
    )


def _strip(tokens: Sequence[str], query: int, row: np.ndarray) -> Tokens:
    known = bool(np.isfinite(row).all())
    return Tokens(
        Bilingual("这个查询看向哪里", "Where this query looks"),
        [
            TokenRow(
                Bilingual(f"查询 {query} {tokens[query]}", f"query {query} {tokens[query]}"),
                list(tokens),
                values=np.clip(row, 0, 1).tolist() if known else None,
                marks=None if known else ["" if np.isfinite(weight) else "NaN" for weight in row],
            )
        ],
        name="tokens",
    )


def _each_query(drawn: mf.Trace, tokens: Sequence[str]) -> Table:
    """Each query's row in four numbers."""
    weights = drawn["weights"].value[0, 0].astype(np.float64)
    rows: list[list[Label | float | None]] = []
    for token, row, nats in zip(tokens, weights, entropy(weights), strict=True):
        best = int(row.argmax())
        rows.append([token, float(row.sum()), float(nats), tokens[best], float(row[best])])
    return Table(
        Bilingual("每个查询", "Each query"),
        columns=[
            Bilingual("查询", "query"),
            Bilingual("行和", "row sum"),
            Bilingual("熵（奈特）", "entropy (nats)"),
            Bilingual("最看重", "looks most at"),
            Bilingual("权重", "weight"),
        ],
        rows=rows,
        name="queries",
    )


def _sums(drawn: mf.Trace, right: mf.Trace, name: Bilingual) -> Table:
    """Row and column sums, right and (where there is one) wrong, and how far the wrong output is off."""
    rows: list[list[Label | float | None]] = [[Bilingual("对", "right"), *_extremes(right), 0.0]]
    if drawn is not right:
        off = np.abs(drawn["output"].value.astype(np.float64) - right["output"].value).max()
        rows.append([Bilingual("错", "wrong"), *_extremes(drawn), float(off)])
    return Table(
        Bilingual(f"权重的和{name.zh}", f"Sums of the weights{name.en}"),
        columns=[
            Bilingual("做法", "recipe"),
            Bilingual("最小行和", "least row sum"),
            Bilingual("最大行和", "largest row sum"),
            Bilingual("最小列和", "least column sum"),
            Bilingual("最大列和", "largest column sum"),
            Bilingual("输出的最大误差", "largest error of the output"),
        ],
        rows=rows,
        name="sums",
    )


def _extremes(steps: mf.Trace) -> list[float]:
    weights = steps["weights"].value[0, 0].astype(np.float64)
    return [float(extreme) for axis in (-1, -2) for extreme in (weights.sum(axis).min(), weights.sum(axis).max())]
