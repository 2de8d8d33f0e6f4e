"""Changes one input position at a time in real encoders and decoders, under every combination of masks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx
from questions.bilingual import Bilingual
from tui.experiments.contract import Check, Report, Result
from tui.experiments.leak_tester.declaration import EXPERIMENT
from tui.experiments.leak_tester.models import WIDTH, Masks, Models, Run, future, influence, translate
from tui.experiments.shared.random_weights import embed
from tui.experiments.shared.reported_trace import traced
from tui.experiments.shared.sentence import NO_TOKENS, split
from tui.figures.data import Figure, Heatmap, Stage, Table, TokenRow, Tokens

TARGET = ("<s>", "I", "saw", "the", "cat", "chase", "mice")
PAD = "[PAD]"
SEEN = 1e-6  # a change of outputs of unit variance that rounding does not make
LEAK = 1e-3


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    words = split(str(knobs["sentence"]))
    if not words:
        return EXPERIMENT.nothing_to_run(NO_TOKENS)
    seed, pads = int(knobs["seed"]), int(knobs["pads"])
    source_tokens = [*words, *[PAD] * pads]
    source, target = _place(embed(source_tokens, WIDTH, seed)), _place(embed(TARGET, WIDTH, seed))
    valid = mf.masks.padding(mx.array((np.arange(len(source_tokens)) < len(words))[None]))
    models = Models(seed)
    bert = _bert(models, "causal" if knobs["bert_is_causal"] else None)
    gpt = _bert(models, None if knobs["gpt_is_open"] else "causal")
    real = source[: len(words)]
    checks = [
        EXPERIMENT.measured("bert-sees-both-sides", float(influence(bert, real, seed, report).min()), SEEN),
        _causal(gpt, real, seed, report),
        *_translator(models, real, target, knobs, report),
        *_padding(models, source, target, len(words), valid, knobs, report),
        _mask_token(models, words, int(knobs["position"]), seed, bool(knobs["bert_is_causal"]), report),
    ]
    report(0.8, "figures")
    given = valid if knobs["padding_mask"] else None
    masks = Masks(given, given, bool(knobs["causal"]), bool(knobs["cross_causal"]))
    figures, steps = _figures(models, source, target, source_tokens, masks, knobs, report)
    figures.append(_combinations(models, real, target, seed, report))
    return Result(figures, checks, tuple(steps))


def _place(x: np.ndarray) -> np.ndarray:
    return x + np.array(mf.sinusoidal_positions(len(x), WIDTH), np.float32)


def _bert(models: Models, mask: Any) -> Run:
    return lambda x: models.stack(mx.array(x)[None], mask)


def _causal(gpt: Run, x: np.ndarray, seed: int, report: Report) -> Check:
    name = "causal-hides-the-future"
    if len(x) == 1:
        return EXPERIMENT.undefined(
            name, Bilingual("只有一个词元，没有“之前”。", "A single token has nothing before it.")
        )
    return EXPERIMENT.measured(name, future(influence(gpt, x, seed, report)), 0.0)


def _translator(
    models: Models, source: np.ndarray, target: np.ndarray, knobs: Mapping[str, Any], report: Report
) -> list[Check]:
    seed = int(knobs["seed"])

    def of_target(masks: Masks) -> np.ndarray:
        return influence(lambda x: translate(models, source, x, masks), target, seed, report)

    closed = of_target(Masks(causal=not knobs["decoder_is_open"]))
    leaking = of_target(Masks(causal=bool(knobs["decoder_is_closed"]), cross_causal=True))
    crossed = Masks(cross_causal=bool(knobs["cross_is_causal"]))
    of_source = influence(lambda x: translate(models, x, target, crossed), source, seed, report)
    # The encoder mixes the whole source into its first token, so what a triangle hides is asked of the memory itself.
    memory = influence(lambda x: _cross_alone(models, x, target, crossed), source, seed, report)
    return [
        EXPERIMENT.measured("causal-alone-is-enough", future(closed), 0.0),
        EXPERIMENT.measured("cross-mask-does-not-stop-leaks", future(leaking), LEAK),
        EXPERIMENT.measured("cross-attention-sees-whole-source", float(min(of_source.min(), memory.min())), SEEN),
    ]


def _cross_alone(models: Models, memory: np.ndarray, target: np.ndarray, masks: Masks) -> Any:
    """The decoder on a memory given as it is, without an encoder before it: [1, Tt, C]."""
    triangle = mx.array(np.tri(len(target), len(memory), dtype=bool)) if masks.cross_causal else None
    return models.decoder(mx.array(target)[None], mx.array(memory)[None], "causal", triangle)


def _padding(
    models: Models,
    source: np.ndarray,
    target: np.ndarray,
    words: int,
    valid: Any,
    knobs: Mapping[str, Any],
    report: Report,
) -> list[Check]:
    names = ("source-padding-hidden", "padding-leaks-through-cross-attention")
    if len(source) == words:
        reason = Bilingual("没有填充，无从谈起：把填充加到 1 个以上。", "There is no padding: add one or more.")
        return [EXPERIMENT.undefined(name, reason) for name in names]
    masked = None if knobs["no_source_mask"] else valid

    def of_padding(masks: Masks) -> float:
        changes = influence(lambda x: translate(models, x, target, masks), source, int(knobs["seed"]), report)
        return float(changes[:, words:].max())

    return [
        EXPERIMENT.measured(names[0], of_padding(Masks(masked, masked)), 0.0),
        EXPERIMENT.measured(names[1], of_padding(Masks(valid, valid if knobs["mask_cross_too"] else None)), LEAK),
    ]


def _mask_token(models: Models, words: Sequence[str], position: int, seed: int, causal: bool, report: Report) -> Check:
    """The smallest weight that any position of the first layer gives to the one where [MASK] was put."""
    position = min(position, len(words) - 1)
    corrupted = [*words[:position], "[MASK]", *words[position + 1 :]]
    x = mx.array(_place(embed(corrupted, WIDTH, seed)))[None]
    with traced(report, 0.7, models) as steps:
        models.stack(x, "causal" if causal else None)
    weights = steps["stack.layers.0.self_attention.weights"].value[0]  # [H, T, T]
    return EXPERIMENT.measured("mask-token-is-attended", float(weights[..., position].min()), 1e-12)


def _figures(
    models: Models,
    source: np.ndarray,
    target: np.ndarray,
    source_tokens: Sequence[str],
    masks: Masks,
    knobs: Mapping[str, Any],
    report: Report,
) -> tuple[list[Figure], mf.Trace]:
    seed, model = int(knobs["seed"]), str(knobs["model"])
    maps: list[tuple[Bilingual, np.ndarray, Sequence[str], Sequence[str]]] = []
    if model == "encoder-decoder":
        of_target = influence(lambda x: translate(models, source, x, masks), target, seed, report)
        of_source = influence(lambda x: translate(models, x, target, masks), source, seed, report)
        maps.append((Bilingual("改目标端的一个词元", "one target token changed"), of_target, TARGET, TARGET))
        maps.append((Bilingual("改源端的一个词元", "one source token changed"), of_source, TARGET, source_tokens))
        with traced(report, 0.9, models) as steps:
            translate(models, source, target, masks)
    else:
        triangle = mf.masks.causal(len(source), len(source)) if model == "gpt" else None
        mask = mf.masks.combine(masks.encoder, triangle)
        title = Bilingual("BERT：改一个词元", "BERT: one token changed")
        if model == "gpt":
            title = Bilingual("GPT：改一个词元", "GPT: one token changed")
        changes = influence(_bert(models, mask), source, seed, report)
        maps.append((title, changes, source_tokens, source_tokens))
        with traced(report, 0.9, models) as steps:
            models.stack(mx.array(source)[None], mask)
    figures: list[Figure] = [_strips(maps, int(knobs["position"]))]
    for index, (title, changes, outputs, inputs) in enumerate(maps):
        figures.append(
            Heatmap(
                title,
                [
                    Stage("change", Bilingual("输出变多少", "change of the output"), changes[None]),
                    Stage("moved", Bilingual("有没有变", "moved or not"), (changes > 0)[None], "mask"),
                ],
                rows=outputs,
                columns=inputs,
                row_axis=Bilingual("输出", "output"),
                column_axis=Bilingual("改动的输入", "changed input"),
                name=f"influence-{index}",
            )
        )
    return figures, steps


def _strips(maps: Sequence[tuple[Bilingual, np.ndarray, Sequence[str], Sequence[str]]], position: int) -> Tokens:
    """The outputs, colored by how far one changed input moved them; 0 under those that stayed bit for bit."""
    strips = []
    for title, changes, outputs, inputs in maps:
        at = min(position, len(inputs) - 1)
        column = changes[:, at]
        top = float(column.max())
        strips.append(
            TokenRow(
                Bilingual(
                    f"{title.zh}（第 {at} 个，{inputs[at]}）之后的输出",
                    f"{title.en} (number {at}, {inputs[at]}): the outputs",
                ),
                outputs,
                [float(value) / top if top else 0.0 for value in column],
                ["0" if value == 0 else f"{value:.2g}" for value in column],
            )
        )
    return Tokens(
        Bilingual("哪些输出动了（0 为一位不变）", "Which outputs moved (0: not one bit)"), strips, name="strip"
    )


def _of_target(models: Models, source: np.ndarray, masks: Masks, target: np.ndarray) -> Any:
    return translate(models, source, target, masks)


def _combinations(models: Models, source: np.ndarray, target: np.ndarray, seed: int, report: Report) -> Table:
    """The leak from the future in the decoder, for each pair of the two masks."""
    rows: list[list[Any]] = []
    for causal in (True, False):
        for cross in (False, True):
            masks = Masks(causal=causal, cross_causal=cross)
            run = partial(_of_target, models, source, masks)
            rows.append([causal, cross, future(influence(run, target, seed, report))])
    return Table(
        Bilingual("解码器里，未来漏进来多少", "How much of the future leaks into the decoder"),
        columns=[
            Bilingual("因果自注意力掩码", "causal self-attention"),
            Bilingual("交叉注意力掩码", "cross-attention mask"),
            Bilingual("对之前输出的最大影响", "largest effect on earlier outputs"),
        ],
        rows=rows,
        name="combinations",
    )
