"""Changes one input position at a time in real encoders and decoders, under every combination of masks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

import mlxformer as mf
from questions.bilingual import Bilingual
from tui.experiments.contract import Check, Report, Result
from tui.experiments.leak_tester.declaration import EXPERIMENT
from tui.experiments.leak_tester.models import (
    PAD,
    TARGET,
    WIDTH,
    Given,
    Masks,
    future,
    of_input,
    of_memory,
    of_source,
    of_target,
    place,
)
from tui.experiments.shared.random_weights import embed
from tui.experiments.shared.reported_trace import traced
from tui.experiments.shared.sentence import NO_TOKENS, split
from tui.figures.data import Figure, Heatmap, Stage, Table, TokenRow, Tokens

SEEN = 1e-6  # a change of outputs of unit variance that rounding does not make
LEAK = 1e-3


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    words = split(str(knobs["sentence"]))
    if not words:
        return EXPERIMENT.nothing_to_run(NO_TOKENS)
    seed, pads = int(knobs["seed"]), int(knobs["pads"])
    given, bare = Given(tuple(words), pads, seed), Given(tuple(words), 0, seed)
    bert = of_input(bare, False, bool(knobs["bert_is_causal"]), report=report)
    checks = [
        EXPERIMENT.measured("bert-sees-both-sides", float(bert.min()), SEEN),
        _causal(bare, not knobs["gpt_is_open"], report),
        *_translator(bare, knobs, report),
        *_padding(given, knobs, report),
        _mask_token(bare, int(knobs["position"]), bool(knobs["bert_is_causal"]), report),
    ]
    report(0.8, "figures")
    masked = bool(knobs["padding_mask"])
    masks = Masks(masked, masked, bool(knobs["causal"]), bool(knobs["cross_causal"]))
    figures, steps = _figures(given, masks, knobs, report)
    figures.append(_combinations(bare, report))
    return Result(figures, checks, tuple(steps))


def _causal(given: Given, causal: bool, report: Report) -> Check:
    name = "causal-hides-the-future"
    if len(given.words) == 1:
        return EXPERIMENT.undefined(
            name, Bilingual("只有一个词元，没有“之前”。", "A single token has nothing before it.")
        )
    return EXPERIMENT.measured(name, future(of_input(given, False, causal, report=report)), 0.0)


def _translator(given: Given, knobs: Mapping[str, Any], report: Report) -> list[Check]:
    closed = of_target(given, Masks(causal=not knobs["decoder_is_open"]), report=report)
    leaking = of_target(given, Masks(causal=bool(knobs["decoder_is_closed"]), cross_causal=True), report=report)
    crossed = Masks(cross_causal=bool(knobs["cross_is_causal"]))
    # The encoder mixes the whole source into its first token, so what a triangle hides is asked of the memory itself.
    seen = min(float(of(given, crossed, report=report).min()) for of in (of_source, of_memory))
    return [
        EXPERIMENT.measured("causal-alone-is-enough", future(closed), 0.0),
        EXPERIMENT.measured("cross-mask-does-not-stop-leaks", future(leaking), LEAK),
        EXPERIMENT.measured("cross-attention-sees-whole-source", seen, SEEN),
    ]


def _padding(given: Given, knobs: Mapping[str, Any], report: Report) -> list[Check]:
    names = ("source-padding-hidden", "padding-leaks-through-cross-attention")
    if not given.pads:
        reason = Bilingual("没有填充，无从谈起：把填充加到 1 个以上。", "There is no padding: add one or more.")
        return [EXPERIMENT.undefined(name, reason) for name in names]
    masked = not knobs["no_source_mask"]

    hidden = of_source(given, Masks(masked, masked), report=report)[:, len(given.words) :]  # all of it is drawn too
    leaking = of_source(given, Masks(True, bool(knobs["mask_cross_too"])), len(given.words), report=report)
    return [
        EXPERIMENT.measured(names[0], float(hidden.max()), 0.0),
        EXPERIMENT.measured(names[1], float(leaking.max()), LEAK),
    ]


def _mask_token(given: Given, position: int, causal: bool, report: Report) -> Check:
    """The smallest weight that any position of the first layer gives to the one where [MASK] was put."""
    position = min(position, len(given.words) - 1)
    corrupted = [*given.words[:position], "[MASK]", *given.words[position + 1 :]]
    with traced(report, 0.7, given.models, measure=True) as steps:
        given.encode(place(embed(corrupted, WIDTH, given.seed))[None], padding=False, causal=causal)
    weights = steps["stack.layers.0.self_attention.weights"].value[0]  # [H, T, T]
    return EXPERIMENT.measured("mask-token-is-attended", float(weights[..., position].min()), 1e-12)


def _figures(given: Given, masks: Masks, knobs: Mapping[str, Any], report: Report) -> tuple[list[Figure], mf.Trace]:
    model, source_tokens = str(knobs["model"]), [*given.words, *[PAD] * given.pads]
    maps: list[tuple[Bilingual, np.ndarray, Sequence[str], Sequence[str]]] = []
    if model == "encoder-decoder":
        target = of_target(given, masks, report=report), TARGET, TARGET
        source = of_source(given, masks, report=report), TARGET, source_tokens
        maps.append((Bilingual("改目标端的一个词元", "one target token changed"), *target))
        maps.append((Bilingual("改源端的一个词元", "one source token changed"), *source))
        with traced(report, 0.9, given.models) as steps:
            given.translate(given.remembered(given.source[None], masks), given.target[None], masks)
    else:
        causal = model == "gpt"
        title = Bilingual("BERT：改一个词元", "BERT: one token changed")
        if model == "gpt":
            title = Bilingual("GPT：改一个词元", "GPT: one token changed")
        changes = of_input(given, masks.encoder, causal, report=report)
        maps.append((title, changes, source_tokens, source_tokens))
        with traced(report, 0.9, given.models) as steps:
            given.encode(given.source[None], padding=masks.encoder, causal=causal)
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
                    f"{title.say('zh').split('一个')[0]} {inputs[at]} 后",
                    title.say("en").replace("one ", "").replace("token", inputs[at]),
                ),
                outputs,
                [float(value) / top if top else 0.0 for value in column],
                ["0" if value == 0 else f"{value:.2g}" for value in column],
            )
        )
    return Tokens(
        Bilingual("哪些输出动了（0 为一位不变）", "Which outputs moved (0: not one bit)"), strips, name="strip"
    )


def _combinations(given: Given, report: Report) -> Table:
    """The leak from the future in the decoder, for each pair of the two masks."""
    rows: list[list[Any]] = []
    for causal in (True, False):
        for cross in (False, True):
            masks = Masks(causal=causal, cross_causal=cross)
            rows.append([causal, cross, future(of_target(given, masks, report=report))])
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
