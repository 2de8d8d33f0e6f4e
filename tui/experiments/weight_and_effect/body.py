"""Compares weight, contribution and leave-one-out effect on the date model, and on one key whose value is zero."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx, to_numpy
from mlxformer.inspection.contributions import left_out
from questions.bilingual import Bilingual
from tui.experiments.contract import Check, Report, Result, silent
from tui.experiments.shared.kept import kept
from tui.experiments.teacher_forcing.decoding import encode, held_out_sources, reader, undisturbed
from tui.experiments.weight_and_effect.declaration import EXPERIMENT
from tui.experiments.weight_and_effect.measuring import (
    LAYERS,
    STEPS,
    Attended,
    added,
    agreement,
    attended,
    cross,
    heavy_but_idle,
    idle_share,
    look,
    valid,
)
from tui.figures.data import Figure, Heatmap, Label, Stage, Table, TokenRow, Tokens

PAIR = (("23 November 2026", "2026-11-23"), ("14 December 1931", "1931-12-14"))  # of one length, token by token
IDLE = 0.01  # a smaller total variation is no effect to speak of
NOTHING = 0.001  # and so small a one is none
FIRST, LAST = LAYERS
NO_DATE = Bilingual("还没有日期：请输入一个，例如 23 November 2026。", "No date yet: type one, as 23 November 2026.")


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    if not str(knobs["date"]).strip():
        return EXPERIMENT.nothing_to_run(NO_DATE)
    steps, found, real = _held_out(int(knobs["seed"]), report=report)
    if knobs["exchange_layers"]:
        found = found[::-1]
    typed, alignment, strips, table = _typed(str(knobs["date"]), int(knobs["step"]), int(knobs["layer"]) - 1, report)
    checks = [
        _follows_input(report=report),
        _adds_up(steps),
        *_zero_value(int(knobs["weight"]) / 100, int(knobs["seed"]), bool(knobs["zero_value"])),
        _lengths(steps, real),
        *_agreement(found[LAST], real, 3 if knobs["pairing"] == "other" else 0),
        EXPERIMENT.measured("heavy-key-idle", heavy_but_idle(found[LAST], real, least=IDLE, below=NOTHING), 0.2),
        *_idle(found),
    ]
    figures: list[Figure] = [alignment, strips, table, _by_layer(found, real)]
    return Result(figures, checks, tuple(typed), {"vocab": reader().tokenizer.tokens})


@kept(size=4)
def _held_out(seed: int, *, report: Report = silent) -> tuple[mf.Trace, list[Attended], np.ndarray]:
    """The held-out dates of ``seed``: their trace, each layer, and which source tokens are real."""
    sources = held_out_sources(seed)
    steps = look(sources, report)
    return steps, [attended(sources, steps, layer, report) for layer in LAYERS], valid(sources)


@kept(size=1)
def _follows_input(*, report: Report = silent) -> Check:
    tokenizer = reader().tokenizer
    pair = encode([text for text, _ in PAIR], tokenizer.pad([tokenizer.target(date) for _, date in PAIR]))
    steps = look(pair, report)
    differences = [np.abs(np.diff(cross(steps, layer, "weights"), axis=0)).sum(-1).mean() / 2 for layer in LAYERS]
    return EXPERIMENT.measured("weights-follow-input", float(np.mean(differences)), 0.1)


def _adds_up(steps: mf.Trace) -> Check:
    """The projections have no bias."""
    worst = 0.0
    for layer in LAYERS:
        output = cross(steps, layer, "output").astype(np.float64)
        total = added(steps, layer).astype(np.float64).sum(2)
        worst = max(worst, float(np.abs(total - output).max() / np.abs(output).max()))
    return EXPERIMENT.measured("contributions-add-up", worst, 0.0, 1e-5)


def _zero_value(share: float, seed: int, zero: bool) -> list[Check]:
    """One query, six keys: the first gets ``share`` of the weight and its value is zero."""
    generator = np.random.default_rng([seed, 1])
    others = generator.dirichlet(np.full(5, 2.0)) * (1 - share)
    scores = np.log([share, *others]).astype(np.float32)  # whose softmax are these weights
    values = generator.standard_normal((6, 16)).astype(np.float32)
    values[0] *= 0.0 if zero else 1.0
    q, k, v = mx.ones((1, 1, 1, 1)), mx.array(scores[None, None, :, None]), mx.array(values[None, None])
    with mf.trace() as steps:
        whole = to_numpy(mf.scaled_dot_product_attention(q, k, v, scale=1.0))[0, 0, 0]
    weights = steps["weights"].value
    without = to_numpy(left_out(mx.array(weights), mx.array(np.arange(6)[None] > 0)) @ v)[0, 0, 0]
    first = weights[0, 0, 0, 0] * values[0]
    rest = whole - first
    return [
        EXPERIMENT.measured("zero-value-adds-nothing", float(np.linalg.norm(first) / np.linalg.norm(rest)), 0.0),
        EXPERIMENT.measured(
            "zero-value-takes-share",
            float(np.linalg.norm(without) / np.linalg.norm(whole)), 1 / (1 - share), 1e-4 / (1 - share),
        ),
    ]  # fmt: skip


def _lengths(steps: mf.Trace, real: np.ndarray) -> Check:
    """A contribution at weight 1 is the transformed value: per head ‖v W_O‖ of every source token."""
    ratios = []
    for layer in LAYERS:
        attention = reader().model.decoder.layers[layer].cross_attention
        values = cross(steps, layer, "values").astype(np.float64)  # [N, H, S, D]
        matrix = to_numpy(attention.out_proj.weight).astype(np.float64)  # [C, H·D]
        by_head = matrix.T.reshape(attention.num_heads, attention.head_dim, -1)  # [H, D, C]
        lengths = np.linalg.norm(values @ by_head, axis=-1)  # [N, H, S]
        masked = np.where(real[:, None], lengths, np.nan)
        ratios.append(np.nanmax(masked, (0, 2)) / np.nanmin(masked, (0, 2)))
    return EXPERIMENT.measured("values-differ-in-length", float(np.median(ratios)), 2.0)


def _agreement(last: Attended, real: np.ndarray, roll: int) -> list[Check]:
    by_weight, by_norm, _ = agreement(last, real, least=IDLE, roll=roll)
    return [
        EXPERIMENT.measured("last-layer-weight-tells", by_weight, 0.8),
        EXPERIMENT.measured("last-layer-norm-tells", by_norm, 0.8),
    ]


def _idle(found: list[Attended]) -> list[Check]:
    first, last = (100 * idle_share(found[layer], below=IDLE) for layer in (FIRST, LAST))
    return [
        EXPERIMENT.measured("first-layer-top-key-idle", first, 75.0),
        EXPERIMENT.measured("last-layer-top-key-idle", last, first - 10),
    ]


@kept(size=8)
def _read(text: str, layer: int, *, report: Report = silent) -> tuple[mf.Trace, Attended, np.ndarray]:
    """A typed date in one layer: the trace, what each source token was, and what the model writes, [1, T + 1]."""
    sources, written = undisturbed(text)
    sources = replace(sources, gold=written)
    steps = look(sources, report)
    return steps, attended(sources, steps, layer, report), written


def _typed(text: str, step: int, layer: int, report: Report) -> tuple[mf.Trace, Heatmap, Tokens, Table]:
    """The typed date as the model reads it: one output token, and what each source token was to it."""
    tokenizer = reader().tokenizer
    steps, found, written = _read(text, layer, report=report)
    ids = tokenizer.source(text)
    names = [tokenizer.tokens[int(token)] for token in ids]
    names = ["␣" if name == " " else name for name in names]
    shown: list[tuple[Label, np.ndarray]] = [
        (Bilingual("权重", "weight"), found.weight[0, step - 1]),
        (Bilingual("‖贡献‖", "‖contribution‖"), found.norm[0, step - 1]),
        (Bilingual("去掉的后果", "effect if left out"), found.effect[0, step - 1]),
    ]
    output = tokenizer.tokens[int(written[0, step])]
    title = Bilingual(
        f"写第 {step} 个词元“{output}”时，第 {layer + 1} 层看到的源词元（各条最大为 1）",
        f"Writing token {step}, “{output}”: the source as seen by layer {layer + 1} (each strip's largest is 1)",
    )
    strips = [
        TokenRow(label, names, [round(float(x), 2) for x in row / max(float(row.max()), 1e-12)],
                 ["↑" if place == int(row.argmax()) else "" for place in range(len(row))])
        for label, row in shown
    ]  # fmt: skip
    order = np.argsort(-shown[0][1])[:8]
    table = Table(
        Bilingual("权重最大的 8 个源词元", "The 8 source tokens of the largest weight"),
        columns=[Bilingual("源词元", "source token"), *(label for label, _ in shown)],
        rows=[[f"{place + 1} {names[place]}", *(float(row[place]) for _, row in shown)] for place in order],
        name="keys",
    )
    return steps, _alignment(steps, layer, written[0], names), Tokens(title, strips, name="strips"), table


def _alignment(steps: mf.Trace, layer: int, written: np.ndarray, names: Sequence[str]) -> Heatmap:
    """Where each written token looks in the source, head by head."""
    weights = cross(steps, layer, "weights")[0, :, :STEPS]  # [H, STEPS, S]
    tokenizer = reader().tokenizer
    return Heatmap(
        Bilingual(
            f"第 {layer + 1} 层的交叉注意力：写每个词元时看源句的哪里",
            f"Cross-attention of layer {layer + 1}: where each written token looks in the source",
        ),
        [Stage("weights", Bilingual("权重", "weights"), weights)],
        rows=[tokenizer.tokens[int(token)] for token in written[1 : STEPS + 1]],
        columns=list(names),
        row_axis=Bilingual("写出的", "written"),
        column_axis=Bilingual("源词元", "source"),
        heads=[Bilingual(f"头 {head}", f"head {head}") for head in range(len(weights))],
        name="alignment",
    )


def _by_layer(found: list[Attended], real: np.ndarray) -> Table:
    rows: list[list[Label | float | int | bool | None]] = []
    for number, layer in enumerate(found, 1):
        by_weight, by_norm, counted = agreement(layer, real, least=IDLE)
        several = counted >= 10 and math.isfinite(by_weight)
        idle = 100 * idle_share(layer, below=IDLE)
        rows.append([number, idle, counted, by_weight if several else None, by_norm if several else None])
    return Table(
        Bilingual("12 个训练集之外的日期，各 10 步", "12 held-out dates, 10 steps each"),
        columns=[
            Bilingual("层", "layer"),
            Bilingual("最大的键去掉没影响 %", "top key idle, %"),
            Bilingual("后果不小的步", "steps that matter"),
            Bilingual("权重的秩相关", "rank corr. of weight"),
            Bilingual("‖贡献‖ 的秩相关", "of ‖contribution‖"),
        ],
        rows=rows,
        name="by-layer",
    )
