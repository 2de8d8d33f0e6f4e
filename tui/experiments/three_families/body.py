"""Makes the three training examples of one sentence, and asks the three stacks what each prediction depends on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlxformer.training.masked_lm import mask_tokens
from mlxformer.training.span_corruption import corrupt_spans, restore_spans, span_noise_mask
from questions.bilingual import Bilingual
from tui.experiments.contract import Check, Report, Result
from tui.experiments.leak_tester.models import future
from tui.experiments.shared.random_weights import embed
from tui.experiments.shared.reported_trace import traced
from tui.experiments.shared.sentence import split
from tui.experiments.three_families.declaration import EXPERIMENT
from tui.experiments.three_families.models import (
    COUNTED,
    WIDTH,
    Families,
    changed_alone,
    families_of,
    matrices,
    of_one_stack,
    of_pair,
    operations,
)
from tui.figures.data import Figure, Heatmap, Stage, Table, TokenRow, Tokens

MOST = 24
START, MASK = "<s>", "[MASK]"
SEEN = 1e-6  # a change of outputs of unit variance that rounding does not make
TOO_FEW = Bilingual("至少要两个词元：一个留着，一个挖掉。", "Two tokens are needed: one to keep and one to hide.")


@dataclass(frozen=True)
class Example:
    """What goes in and what is predicted from it; ``rows`` are the outputs that the predictions are read from."""

    inputs: list[str]
    targets: list[str]
    rows: list[int]


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    words = split(str(knobs["sentence"]))[:MOST]
    if len(words) < 2:
        return EXPERIMENT.nothing_to_run(TOO_FEW)
    seed = int(knobs["seed"])
    families = families_of(seed)
    bert, gpt = _bert(words, knobs), _gpt(words)
    source, target, wrong = _t5(words, knobs)
    report(0.1, "bert")
    x_t5 = embed([*source, *target.inputs], WIDTH, seed)
    of_bert = of_one_stack("bert", tuple(bert.inputs), seed, bool(knobs["bert_is_causal"]), report=report)
    of_gpt = of_one_stack("gpt", tuple(gpt.inputs), seed, not knobs["gpt_is_open"], report=report)
    triangle = None if knobs["t5_decoder_is_open"] else "causal"
    of_t5 = of_pair(tuple(source), tuple(target.inputs), seed, triangle, report=report)
    maps = {
        "bert": (of_bert[bert.rows], bert.targets, bert.inputs),
        "gpt": (of_gpt, gpt.targets, gpt.inputs),
        "t5": (of_t5, target.targets, [*source, *target.inputs]),
    }
    left = of_t5[:, len(source) :]
    unchanged = {name for name in ("mask", "norm", "positions") if knobs[f"keep_{name}"]}
    changes = changed_alone(families, bert.inputs, seed, unchanged)
    measured = EXPERIMENT.measured
    checks = [
        measured("bert-sees-both-sides", float(of_bert.min()), SEEN),
        measured("gpt-sees-the-left", future(of_gpt), 0.0),
        measured("t5-reads-the-whole-source", float(of_t5[:, : len(source)].min()), SEEN),
        measured("t5-writes-left-to-right", future(left), 0.0),
        *_alone(changes),
        measured("spans-lose-nothing", float(wrong), 0.0),
        *_counted(families, bool(knobs["encoder_only"])),
    ]
    with traced(report, 0.9, families) as steps:
        families.run_t5(x_t5[None], len(source))
    figures: list[Figure] = [
        _strips(words, bert, gpt, source, target),
        _map(str(knobs["family"]), *maps[str(knobs["family"])]),
        _table(bert, gpt, source, target, families),
        _ablated(changes),
    ]
    return Result(figures, checks, tuple(steps))


def _bert(words: list[str], knobs: Mapping[str, Any]) -> Example:
    """80 % of the chosen become [MASK], 10 % another word of the sentence, 10 % stay."""
    vocabulary = list(dict.fromkeys(words))
    mask = len(vocabulary)
    masked = mask_tokens(
        np.array([vocabulary.index(word) for word in words]), np.random.default_rng([int(knobs["seed"]), 1]),
        rate=float(knobs["density"]), special=[mask], mask_id=mask, vocab_size=mask + 1, at_least_one=True,
    )  # fmt: skip
    rows = np.flatnonzero(masked.treatment).tolist()
    inputs = [[*vocabulary, MASK][token] for token in masked.input_ids]
    return Example(inputs, [words[row] for row in rows], rows)


def _gpt(words: list[str]) -> Example:
    return Example([START, *words[:-1]], list(words), list(range(len(words))))


def _t5(words: list[str], knobs: Mapping[str, Any]) -> tuple[list[str], Example, int]:
    """The source, the target, and how many tokens the two give back wrongly."""
    ids = list(range(len(words)))
    sentinels = list(range(len(words), 2 * len(words) + 1))
    generator = np.random.default_rng([int(knobs["seed"]), 2])
    hidden = span_noise_mask(
        len(words), generator, density=float(knobs["density"]), mean_span=int(knobs["mean_span"]), roll=True
    )
    inputs, targets = corrupt_spans(ids, hidden, sentinels)
    if knobs["lose_a_token"]:
        targets = np.delete(targets, 1)
    restored = restore_spans(inputs, targets, sentinels).tolist()
    wrong = sum(a != b for a, b in zip(restored, ids, strict=False)) + abs(len(restored) - len(ids))
    names = [*words, *(f"<{number}>" for number in range(len(words) + 1))]
    target = [names[token] for token in targets]
    return [names[token] for token in inputs], Example([START, *target[:-1]], target, list(range(len(target)))), wrong


def _alone(changes: Mapping[str, float]) -> list[Check]:
    """A hundredth is far above rounding, and far below what any of the three makes of random weights."""
    return [
        EXPERIMENT.measured(check, 100 * changes[name], 1.0)
        for check, name in (("mask-alone", "mask"), ("norm-place-alone", "norm"), ("positions-alone", "positions"))
    ]


def _counted(families: Families, encoder_only: bool) -> list[Check]:
    t5 = [families.encoder] if encoder_only else [families.encoder, families.decoder]
    mine, other = operations(families, encoder_only=encoder_only)
    k, d = COUNTED, WIDTH
    expected = (56 * k * d**2 + 12 * k**2 * d) / (48 * k * d**2 + 16 * k**2 * d)
    return [
        EXPERIMENT.measured("t5-parameters", matrices(*t5) / matrices(families.gpt), 28 / 12, 1e-6),
        EXPERIMENT.measured("t5-operations", mine / other, expected, 1e-6),
    ]


def _strips(words: list[str], bert: Example, gpt: Example, source: list[str], target: Example) -> Tokens:
    chosen = dict(zip(bert.rows, bert.targets, strict=True))
    marks = [
        "" if row not in chosen else chosen[row] if token != chosen[row] else f"={chosen[row]}"
        for row, token in enumerate(bert.inputs)
    ]
    return Tokens(
        Bilingual(
            "同一句话的三个训练样本（着色的要预测）", "One sentence, three training examples (colored: predicted)"
        ),
        [
            TokenRow(Bilingual("原句", "sentence"), words),
            TokenRow(Bilingual("BERT 输入，目标", "BERT in, targets"), bert.inputs,
                     [1.0 if row in chosen else 0.0 for row in range(len(words))], marks),
            TokenRow(Bilingual("GPT 输入", "GPT in"), gpt.inputs),
            TokenRow(Bilingual("GPT 目标", "GPT target"), gpt.targets, [1.0] * len(gpt.targets)),
            TokenRow(Bilingual("T5 编码器输入", "T5 encoder in"), source),
            TokenRow(Bilingual("T5 解码器输入", "T5 decoder in"), target.inputs),
            TokenRow(Bilingual("T5 目标", "T5 target"), target.targets, [1.0] * len(target.targets)),
        ],
        name="examples",
    )  # fmt: skip


def _map(family: str, changes: np.ndarray, targets: list[str], inputs: list[str]) -> Heatmap:
    title = {
        "bert": Bilingual(
            "BERT：每个被挖掉的词元，看得到哪些输入", "BERT: which inputs each hidden token is predicted from"
        ),
        "gpt": Bilingual("GPT：每个下一词元，看得到哪些输入", "GPT: which inputs each next token is predicted from"),
        "t5": Bilingual(
            "T5：目标的每个词元，看得到哪些源词元和目标词元",
            "T5: which source and target tokens each token of the target is predicted from",
        ),
    }[family]
    return Heatmap(
        title,
        [
            Stage("moved", Bilingual("看得到", "seen"), (changes > 0)[None], "mask"),
            Stage("change", Bilingual("预测变多少", "change of the prediction"), changes[None]),
        ],
        rows=targets,
        columns=inputs,
        row_axis=Bilingual("预测", "predicted"),
        column_axis=Bilingual("改动的输入", "changed input"),
        name="seen",
    )


def _table(bert: Example, gpt: Example, source: list[str], target: Example, families: Families) -> Table:
    read = len(source) + len(target.inputs)
    stack, t5 = matrices(families.bert), matrices(families.encoder, families.decoder)
    return Table(
        Bilingual("三家对照", "The three side by side"),
        [Bilingual("模型", "model"), Bilingual("掩码", "mask"), Bilingual("读入", "tokens read"),
         Bilingual("预测", "predictions"), Bilingual("矩阵参数", "matrix parameters")],
        [
            ["BERT", Bilingual("无（双向）", "none (both ways)"), len(bert.inputs), len(bert.targets), stack],
            ["GPT", Bilingual("因果", "causal"), len(gpt.inputs), len(gpt.targets), stack],
            ["T5", Bilingual("无 + 因果 + 交叉", "none, causal, cross"), read, len(target.targets), t5],
        ],
        name="table",
    )  # fmt: skip


def _ablated(changes: Mapping[str, float]) -> Table:
    return Table(
        Bilingual("BERT 的堆栈，权重不变，一次只换一样", "BERT's stack, weights kept, one thing changed at a time"),
        [Bilingual("换什么", "changed"), Bilingual("换成谁家的", "to that of"),
         Bilingual("输出变多少 %", "change of output, %")],
        [
            [Bilingual("双向 → 因果掩码", "both ways → causal mask"), "GPT", 100 * changes["mask"]],
            [Bilingual("归一化：之后 → 之前", "norm: after → before"), "GPT-2, T5", 100 * changes["norm"]],
            [Bilingual("绝对位置 → 相对偏置", "absolute → relative positions"), "T5", 100 * changes["positions"]],
        ],
        name="changed",
    )  # fmt: skip
