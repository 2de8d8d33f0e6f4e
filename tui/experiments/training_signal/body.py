"""Counts the predictions of three objectives, follows their gradients to the inputs, and adds up probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx, to_numpy
from mlxformer.training.masked_lm import mask_tokens, masked_language_model_loss
from questions.bilingual import Bilingual
from tui.experiments.contract import Check, Report, Result
from tui.experiments.shared.reported_trace import traced
from tui.experiments.shared.sentence import split
from tui.experiments.training_signal.declaration import EXPERIMENT
from tui.experiments.training_signal.model import LanguageModel, reach, sums_over_all_sentences
from tui.figures.data import Curve, Figure, Heatmap, Series, Stage, Table

MOST = 24
ROWS, COLUMNS = 512, 64  # where the share of masked tokens is counted
START, MASK = "<s>", "[MASK]"
SEEN = 1e-6
OTHERS = 4  # words that the sentence does not have: with a single word there would be nothing to predict
TOO_FEW = Bilingual("至少要两个词元。", "Two tokens are needed.")
NAMES = {
    "causal": Bilingual("因果 LM", "causal LM"),
    "masked": Bilingual("掩码 LM", "masked LM"),
    "prefix": Bilingual("前缀 LM", "prefix LM"),
}


@dataclass(frozen=True)
class Objective:
    """What goes in, which outputs have a loss, which tokens they should be (numbers of the sentence's), and the mask.

    ``words`` says which token of the sentence stands at each input, -1 where it is the start or [MASK].
    """

    inputs: list[int]
    words: list[int]
    rows: list[int]
    answers: list[int]
    mask: Any


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    words = split(str(knobs["sentence"]))[:MOST]
    if len(words) < 2:
        return EXPERIMENT.nothing_to_run(TOO_FEW)
    seed = int(knobs["seed"])
    vocabulary = list(dict.fromkeys(words))
    ids = [vocabulary.index(word) for word in words]
    model = LanguageModel(len(vocabulary) + OTHERS, seed)
    objectives = {
        "causal": _causal(ids, model, knobs),
        "masked": _masked(ids, model, knobs),
        "prefix": _prefix(ids, model, knobs),
    }
    causal = None if knobs["causal_is_open"] else "causal"
    sums = sums_over_all_sentences(seed, causal, bool(knobs["by_chain_rule"]))
    with mf.trace(on_step=lambda path: report(0.3, path), only=""):
        maps = {
            name: reach(model, made.inputs, made.rows, [ids[answer] for answer in made.answers], made.mask)
            for name, made in objectives.items()
        }
        seen = {name: _seen(maps[name], made) for name, made in objectives.items()}
        checks = _checks(model, ids, objectives, seen, sums, knobs)
    chosen = str(knobs["objective"])
    with traced(report, 0.9, model) as steps:
        model(model.embed(mx.array(np.array([objectives[chosen].inputs], np.int32))), objectives[chosen].mask)
    figures: list[Figure] = [
        _map(chosen, maps[chosen], objectives[chosen], words, model),
        _curve(objectives, seen),
        _table(objectives, seen, sums, len(words)),
    ]
    return Result(figures, checks, tuple(steps))


def _causal(ids: list[int], model: LanguageModel, knobs: Mapping[str, Any]) -> Objective:
    rows = list(range(0, len(ids), 2 if knobs["every_other"] else 1))
    return Objective(
        [model.start, *ids[:-1]], [-1, *range(len(ids) - 1)], rows, rows, None if knobs["causal_is_open"] else "causal"
    )


def _masked(ids: list[int], model: LanguageModel, knobs: Mapping[str, Any]) -> Objective:
    """All that are chosen become [MASK], so that none of them is its own context."""
    masked = mask_tokens(
        np.array(ids), np.random.default_rng([int(knobs["seed"]), 1]), rate=float(knobs["rate"]), split=(1, 0, 0),
        special=[model.start, model.mask], mask_id=model.mask, vocab_size=model.mask + 1, at_least_one=True,
    )  # fmt: skip
    rows = np.flatnonzero(masked.predicted).tolist()
    words = [-1 if chosen else place for place, chosen in enumerate(masked.predicted)]
    return Objective(masked.input_ids.tolist(), words, rows, rows, "causal" if knobs["masked_is_causal"] else None)


def _prefix(ids: list[int], model: LanguageModel, knobs: Mapping[str, Any]) -> Objective:
    """The start and ``given`` tokens are read both ways; the output at the last of them is the first with a loss."""
    given = min(int(knobs["prefix"]), len(ids) - 1)
    rows = list(range(given, len(ids)))
    mask = mf.masks.prefix(len(ids), len(ids), 0 if knobs["prefix_is_causal"] else given + 1)
    return Objective([model.start, *ids[:-1]], [-1, *range(len(ids) - 1)], rows, rows, mask)


def _seen(gradients: np.ndarray, made: Objective) -> np.ndarray:
    """How many tokens of the sentence each prediction's gradient reaches."""
    return (gradients[:, np.array(made.words) >= 0] > 0).sum(-1)


def _checks(
    model: LanguageModel,
    ids: list[int],
    objectives: Mapping[str, Objective],
    seen: Mapping[str, np.ndarray],
    sums: tuple[float, float],
    knobs: Mapping[str, Any],
) -> list[Check]:
    measured, count, masked = EXPERIMENT.measured, len(ids), objectives["masked"]
    signals, rest = (
        _signals(model, ids, objectives["causal"]),
        _signals(model, ids, masked, bool(knobs["loss_everywhere"])),
    )
    rate = float(knobs["rate"])
    drawn = mask_tokens(
        np.zeros((ROWS, COLUMNS), int), np.random.default_rng(int(knobs["seed"])), special=[1], mask_id=1, vocab_size=2,
        rate=min(1.0, 2 * rate) if knobs["twice_the_rate"] else rate,
    )  # fmt: skip
    deviation = 100.0 * 4 * (rate * (1 - rate) / (ROWS * COLUMNS)) ** 0.5
    outside = np.setdiff1d(np.arange(count), masked.rows)
    return [
        measured("causal-signals", float((signals > 0).mean()), 1.0),
        measured("masked-signals", 100.0 * float(drawn.predicted.mean()), 100.0 * rate, deviation),
        measured("masked-ignores-the-rest", float(rest[outside].max(initial=0.0)), 0.0),
        measured("causal-context", float(seen["causal"].mean()), (count - 1) / 2, 1e-9),
        measured("masked-context", float(seen["masked"].mean()), float(count - len(masked.rows)), 1e-9),
        measured("prefix-sees-its-answer", _answer_in_prefix(model, objectives["prefix"], ids), SEEN),
        measured("causal-sums-to-one", sums[0], 1.0, 1e-4),
        measured("masked-does-not", abs(sums[1] - 1.0), 0.05),
    ]


def _signals(model: LanguageModel, ids: list[int], made: Objective, everywhere: bool = False) -> np.ndarray:
    """The largest gradient of the loss by the logits of each place, [T]."""
    predicted = np.zeros((1, len(ids)), bool)
    predicted[0, made.rows] = True
    logits = model(model.embed(mx.array(np.array([made.inputs], np.int32))), made.mask)
    chosen = np.ones_like(predicted) if everywhere else predicted
    gradient = mx.grad(lambda x: masked_language_model_loss(x, np.array([ids], np.int32), chosen))(logits)
    return np.abs(to_numpy(gradient)[0]).max(-1)


def _answer_in_prefix(model: LanguageModel, made: Objective, ids: list[int]) -> float:
    """How strongly the output that would predict the first token already depends on it."""
    return float(reach(model, made.inputs, [0], ids[:1], made.mask)[0, 1])


def _map(name: str, gradients: np.ndarray, made: Objective, words: list[str], model: LanguageModel) -> Heatmap:
    columns = [words[word] if word >= 0 else START if made.inputs[0] == model.start else MASK for word in made.words]
    title = Bilingual(
        f"{NAMES[name].zh}：每个损失项对每个输入的梯度", f"{NAMES[name].en}: gradient of each loss term by each input"
    )
    return Heatmap(
        title,
        [
            Stage("gradient", Bilingual("梯度的范数", "norm of the gradient"), gradients[None]),
            Stage("reached", Bilingual("够得着", "reached"), (gradients > 0)[None], "mask"),
        ],
        rows=[words[answer] for answer in made.answers],
        columns=columns,
        row_axis=Bilingual("要预测的词元", "token to predict"),
        column_axis=Bilingual("输入", "input"),
        name="gradients",
    )


def _curve(objectives: Mapping[str, Objective], seen: Mapping[str, np.ndarray]) -> Curve:
    series = []
    for name, made in objectives.items():
        if made.answers:
            series.append(Series(NAMES[name], [float(answer + 1) for answer in made.answers], seen[name].tolist()))
    return Curve(
        Bilingual("预测第几个词元，凭几个词元", "Which token is predicted, and from how many"),
        Bilingual("第几个词元", "place of the token"),
        Bilingual("凭几个", "from how many"),
        series,
        name="context",
    )


def _table(
    objectives: Mapping[str, Objective], seen: Mapping[str, np.ndarray], sums: tuple[float, float], count: int
) -> Table:
    totals: dict[str, float | None] = {"causal": sums[0], "masked": sums[1], "prefix": None}
    return Table(
        Bilingual("一句话的训练信号", "What one sentence teaches"),
        [
            Bilingual("目标", "objective"),
            Bilingual("损失项", "loss terms"),
            Bilingual("每词元", "per token"),
            Bilingual("平均凭几个", "from how many"),
            Bilingual("81 句之和", "sum over 81"),
        ],
        [
            [NAMES[name], len(made.rows), len(made.rows) / count, float(seen[name].mean()), totals[name]]
            for name, made in objectives.items()
        ],
        name="signals",
    )
