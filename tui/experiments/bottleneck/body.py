"""Live strings through the twins, the contexts that their decoders get, and the curves that training measured."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mlxformer.pretrained.reverse.evaluation import LENGTHS, held_out
from questions.bilingual import Bilingual
from tui.experiments.bottleneck import dates
from tui.experiments.bottleneck.declaration import EXPERIMENT
from tui.experiments.bottleneck.twins import (
    MODELS,
    accuracy,
    alignment,
    attend,
    by_place,
    letters_of,
    over_seeds,
    reader,
    written,
)  # fmt: skip
from tui.experiments.contract import Check, Report, Result
from tui.figures.data import Curve, Figure, Heatmap, Series, Stage, TokenRow, Tokens

LIVE = 16  # strings
TRACED = 8  # of them are traced
LONG = 12  # from this length on the one without attention has little left of the string
NAMES = {
    "gru": Bilingual("GRU，无注意力", "GRU, no attention"),
    "gru-attention": Bilingual("GRU＋注意力", "GRU + attention"),
    "transformer": Bilingual("Transformer", "Transformer"),
}
SHORT = Bilingual(
    f"只在长度不小于 {LONG} 时成立：短串一个向量也装得下。",
    f"Claimed from length {LONG} on: one vector holds a short string.",
)


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    without = "gru-attention" if knobs["swap"] else "gru"
    length, uniform = int(knobs["length"]), bool(knobs["uniform"])
    texts = tuple(held_out(length, LIVE, int(knobs["seed"])))
    live = {}
    for model in MODELS:
        report(0.1, model)
        used = without if model == "gru" else model
        live[model] = accuracy(used, texts, uniform and model == "gru-attention")
    checks = [
        *_contexts(without, texts[:TRACED], report, half=bool(knobs["half"]), uniform=uniform),
        *_accuracies(without, length, live),
        _date_head(bool(knobs["worst_head"])),
    ]
    by_name = {check.name: check for check in checks}
    figures: list[Figure] = [_by_length(length, live), _by_place()]
    letters, steps = letters_of(str(knobs["text"])), tuple[Any, ...]()
    if letters:
        text, weights, trace = alignment(str(knobs["model"]), letters, report=report)
        figures = [
            _strips(letters, text, weights, str(knobs["model"]), int(knobs["step"])),
            _map(letters, text, weights, str(knobs["model"])),
            *figures,
        ]
        steps = tuple(trace)
    if str(knobs["date"]).strip():
        figures.append(_date_map(str(knobs["date"]), report))
    return Result(figures, [by_name[declared.name] for declared in EXPERIMENT.checks], steps)


def _contexts(without: str, texts: tuple[str, ...], report: Report, *, half: bool, uniform: bool) -> list[Check]:
    measured = EXPERIMENT.measured
    one = attend(without, texts, False, False, report=report)
    many = attend("gru-attention", texts, half, uniform, report=report)
    assert many.weights is not None
    contexts = many.contexts.astype(np.float64)
    largest = np.abs(contexts).max()
    moved = np.abs(np.diff(contexts, axis=1)).max((0, 2))  # [Tt - 1]
    mixed = np.zeros_like(contexts)
    for place in range(many.annotations.shape[1]):
        weight = many.weights[:, :, place, None].astype(np.float64)
        mixed += weight * many.annotations[:, None, place].astype(np.float64)
    config = reader("gru-attention").model.config
    hidden, width = config.hidden_dims, config.attention_dims
    sizes = {model: reader(model).card.parameters for model in (without, "gru-attention")}
    source, target = len(texts[0]) + 2, len(texts[0]) + 1  # tokens with [BOS] and [EOS]; steps with [EOS]
    return [
        measured("context-constant", float(np.abs(one.contexts - one.contexts[:, :1]).max()), 0.0),
        measured("contexts-differ", float(moved.min() / largest), 1e-3),
        measured("context-is-mixture", float(np.abs(mixed - contexts).max() / largest), 0.0, 1e-5),
        measured(
            "same-but-attention",
            float(sizes["gru-attention"] - sizes[without]),
            float(width * hidden + width * 2 * hidden + width),
        ),
        measured("scores-per-sentence", float(many.scores), float(source * target)),
        _aligned(many.weights, len(texts[0])),
    ]


def _accuracies(without: str, length: int, live: Mapping[str, float]) -> list[Check]:
    measured = EXPERIMENT.measured
    gap = 100 * (live["gru-attention"] - live["gru"])
    best_without, worst_with = (
        over_seeds(without, "accuracy@40").max(),
        over_seeds("gru-attention", "accuracy@40").min(),
    )
    places = by_place(without)
    lost = over_seeds(without, "accuracy@4") - over_seeds(without, "accuracy@40")
    return [
        measured("live-gap", gap, 40.0) if length >= LONG else EXPERIMENT.undefined("live-gap", SHORT),
        measured("gap-from-every-seed", float(100 * (worst_with - best_without)), 30.0),
        measured("falls-with-length", float(100 * lost.min()), 50.0),
        measured("first-letters-best", float(100 * (places[0] - places[10:].mean())), 10.0),
    ]


def _aligned(weights: np.ndarray, length: int) -> Check:
    peaks = weights.argmax(-1)[:, :length]  # [N, n]: not the step that writes [EOS]
    wanted = np.arange(1, length + 1)[::-1][: peaks.shape[1]]
    return EXPERIMENT.measured("aligned", float(100 * (np.abs(peaks - wanted) <= 1).mean()), 80.0)


def _date_head(worst: bool) -> Check:
    shares = dates.by_head()
    share = min(shares.values()) if worst else shares[dates.best_head()]
    return EXPERIMENT.measured("date-head-aligns", 100 * share, 90.0)


def _date_map(text: str, report: Report) -> Heatmap:
    head = dates.best_head()
    source, written, weights = dates.weights(head, text, report=report)
    return Heatmap(
        Bilingual(
            f"对齐：Transformer 把“{text}”写成 {written}，交叉注意力头 {head}",
            f"Alignment: a Transformer writes “{text}” as {written}; cross-attention head {head}",
        ),
        [Stage("weights", Bilingual("权重 α", "weights α"), weights[None])],
        rows=list(written),
        columns=["␣" if token == " " else token for token in source],
        row_axis=Bilingual("写出", "written"),
        column_axis=Bilingual("源", "source"),
        heads=[head],
        name="date-alignment",
    )


def _strips(letters: str, text: str, weights: np.ndarray, model: str, step: int) -> Tokens:
    step = min(step, weights.shape[1])
    seen = [min(1.0, round(float(weight), 2)) for weight in weights[:, step - 1].mean(0)]
    right = letters[::-1]
    outputs = {name: text if name == model else written(name, letters) for name in MODELS}

    def strip(name: str) -> TokenRow:
        marks = ["" if letter == wanted else "✗" for letter, wanted in zip(outputs[name], right, strict=False)]
        marks += ["✗"] * (len(outputs[name]) - len(marks))
        return TokenRow(NAMES[name], list(outputs[name]), marks=marks)

    said = NAMES[model]
    return Tokens(
        Bilingual(f"倒着写（✗ 写错）；第一行的颜色：{said.zh} 第 {step} 步的权重",
                  f"Written backwards (✗ wrong); first row: {said.en}, weights of step {step}"),
        [
            TokenRow(Bilingual("源", "source"), ["[BOS]", *letters, "[EOS]"], seen),
            TokenRow(Bilingual("应写", "wanted"), list(right)),
            *(strip(name) for name in MODELS if outputs[name]),
        ],
        name="written",
    )  # fmt: skip


def _map(letters: str, text: str, weights: np.ndarray, model: str) -> Heatmap:
    said = NAMES[model]
    return Heatmap(
        Bilingual(
            f"对齐：{said.zh} 写每个字母时看源的哪里", f"Alignment: where {said.en} looks for each letter it writes"
        ),
        [Stage("weights", Bilingual("权重 α", "weights α"), weights)],
        rows=[*text, "[EOS]"][: weights.shape[1]],
        columns=["[BOS]", *letters, "[EOS]"],
        row_axis=Bilingual("写出", "written"),
        column_axis=Bilingual("源", "source"),
        heads=[str(head) for head in range(len(weights))],
        name="alignment",
    )


def _by_length(length: int, live: Mapping[str, float]) -> Curve:
    lengths = [float(each) for each in LENGTHS]
    series = [
        Series(
            Bilingual(f"{NAMES[model].zh}（训练，{seeds} 个种子）", f"{NAMES[model].en} ({seeds} seeds, in training)"),
            lengths,
            [float(100 * over_seeds(model, f"accuracy@{each}").mean()) for each in LENGTHS],
        )
        for model, seeds in ((model, len(over_seeds(model, "accuracy@40"))) for model in MODELS)
    ]
    series += [
        Series(Bilingual(f"现场：{NAMES[model].zh}", f"live: {NAMES[model].en}"), [float(length)], [100 * live[model]])
        for model in MODELS
    ]
    return Curve(
        Bilingual(f"准确率随长度：训练时测的各种子的平均（不是现场），和现场 {LIVE} 串",
                  f"Accuracy by length: mean over seeds, measured in training (not live); {LIVE} strings live"),
        Bilingual("串长", "length"),
        Bilingual("字母准确率 %", "letters right, %"),
        series,
        marks=[(float(length), Bilingual("现在这里", "here"))],
        name="by-length",
    )  # fmt: skip


def _by_place() -> Curve:
    places = [float(place) for place in range(1, len(by_place("gru")) + 1)]
    return Curve(
        Bilingual("长度 40 的串，输出的第几个字母错得多（各种子的平均，训练时测）",
                  "Strings of 40: accuracy by place in the output (mean over seeds, measured in training)"),
        Bilingual("输出的第几个字母", "place in the output"),
        Bilingual("字母准确率 %", "letters right, %"),
        [Series(NAMES[model], places, [float(100 * share) for share in by_place(model)]) for model in MODELS],
        name="by-place",
    )  # fmt: skip
