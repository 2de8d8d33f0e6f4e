"""Runs the two shipped models on stretches that come twice: where heads look, and what is lost without them."""

from __future__ import annotations

import contextvars
from collections.abc import Mapping
from typing import Any

import numpy as np

from mlxformer.errors import ArgumentError
from mlxformer.pretrained.repeats.evaluation import prefix_matching, previous_token
from mlxformer.pretrained.repeats.signs import SignTokenizer
from mlxformer.pretrained.seeds import read_results
from questions.bilingual import Bilingual
from tui.experiments.contract import Check, Report, Result
from tui.experiments.induction.circuit import Ran, copies, losses, model, of_the_poet, ran, right, roles, texts
from tui.experiments.induction.declaration import EXPERIMENT
from tui.figures.data import Bars, Curve, Figure, Heatmap, Label, Series, Stage


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    try:
        stretch = np.array(SignTokenizer().encode(str(knobs["stretch"])), np.int32)
    except ArgumentError as error:
        return EXPERIMENT.nothing_to_run(Bilingual("只能用字母 a–z 和数字。", f"{error}"))
    if len(stretch) > 24 or len(set(stretch.tolist())) < len(stretch):
        reason = Bilingual(
            "最多 24 个符号，每个只出现一次：重复的符号后面跟着谁，一个词元说不清。",
            "At most 24 signs, each once: after a sign that comes twice, one token does not tell what follows.",
        )
        return EXPERIMENT.nothing_to_run(reason)
    report(0.1, "induction")
    previous, heads = contextvars.Context().run(roles)
    ids = texts(int(knobs["length"]), int(knobs["seed"]), not knobs["no_repeat"])
    whole = ran("induction", ids)
    twin = ran("induction" if knobs["deep_twin"] else "induction-one-layer", ids)
    report(0.4, "without")
    off: dict[str, dict[int, list[int]]] = {
        "none": {},
        "previous": {0: [previous]},
        "one": {1: heads[:1]},
        "both": {1: heads},
    }
    arms = {name: whole if knobs["keep_on"] else ran("induction", ids, each) for name, each in off.items()}
    blind = ran("induction", ids, off["previous"])  # what layer 2 would read without the previous-token head
    patched = {part: ran("induction", ids, put_in=_of(blind, part)) for part in ("queries", "keys", "values")}
    shares = {name: right(each, ids) for name, each in arms.items()}
    shares |= {part: right(each, ids) for part, each in patched.items()}
    shares["twin"] = right(twin, ids)
    report(0.8, "poet")
    poet = contextvars.Context().run(of_the_poet)
    asked = np.array([prefix_matching(whole.weights(layer)) for layer in (0, 1)]) if knobs["ask_induction"] else poet
    name = str(knobs["off"])
    drawn = np.concatenate([stretch, stretch])[None]
    figures: list[Figure] = [
        _maps(ran("induction", drawn, off[name]), drawn, previous, heads),
        _bars(shares),
        _by_place(arms[name], twin, ids),
        _training(),
        _scores(whole, poet),
    ]
    return Result(figures, _checks(shares, whole, asked, knobs, heads), tuple(whole.steps))


def _of(found: Ran, part: str) -> dict[str, np.ndarray]:
    return {part: np.asarray(found.steps[f"stack.layers.1.{part}"].value)}


def _checks(
    shares: Mapping[str, float], whole: Ran, poet: np.ndarray, knobs: Mapping[str, Any], heads: list[int]
) -> list[Check]:
    measured = EXPERIMENT.measured
    through = shares["queries" if knobs["patch_queries"] else "keys"]
    not_through = shares["keys" if knobs["patch_keys"] else "queries"]
    layer = 0 if knobs["first_layer"] else 1
    return [
        measured("two-layers", shares["none"], 95.0),
        measured("one-layer", shares["twin"], 65.0),
        measured("prefix-matching", 100.0 * float(prefix_matching(whole.weights(1)).max()), 80.0),
        measured("previous-token", 100.0 * float(previous_token(whole.weights(0)).max()), 60.0),
        measured("copying", min(copies(layer, head) for head in heads), 90.0),
        measured("without-previous", shares["previous"], 25.0),
        measured("one-off", shares["one"], 95.0),
        measured("both-off", shares["both"], 25.0),
        measured("through-keys", through, 25.0),
        measured("not-through-queries", not_through, 95.0),
        measured("poet-has-none", 100.0 * float(poet.max()), 30.0),
    ]


def _maps(found: Ran, ids: np.ndarray, previous: int, heads: list[int]) -> Heatmap:
    signs = SignTokenizer().tokens
    names = [signs[each] for each in ids[0]]
    first = [previous, 1 - previous]
    return Heatmap(
        Bilingual(
            "同一段写两遍：第二层从第二遍看回第一遍的下一个", "A stretch twice: layer 2 looks back to what followed"
        ),
        [
            Stage("layer-1", Bilingual("第一层：前一个词元头", "layer 1: previous token"), found.weights(0)[0, first]),
            Stage("layer-2", Bilingual("第二层：归纳头", "layer 2: induction"), found.weights(1)[0, heads]),
        ],
        rows=names,
        columns=names,
        heads=["1", "2"],
        name="weights",
    )


def _bars(shares: Mapping[str, float]) -> Bars:
    labels: dict[str, Label] = {
        "none": Bilingual("两层", "two layers"),
        "previous": Bilingual("关：前一个词元头", "off: previous-token"),
        "one": Bilingual("关：一个归纳头", "off: one induction"),
        "both": Bilingual("关：两个归纳头", "off: both induction"),
        "keys": Bilingual("只有键看不到", "blind: keys"),
        "queries": Bilingual("只有查询看不到", "blind: queries"),
        "values": Bilingual("只有值看不到", "blind: values"),
        "twin": Bilingual("只有一层", "one layer"),
    }
    return Bars(
        Bilingual("第二遍的符号猜对多少（看不到：看不到前一个词元头写的）",
                  "The second copy foretold (blind: to what the previous-token head writes)"),
        labels=list(labels.values()),
        values=[shares[name] for name in labels],
        value_label=Bilingual("猜对的 %", "foretold, %"),
        name="foretold",
    )  # fmt: skip


def _by_place(found: Ran, twin: Ran, ids: np.ndarray) -> Curve:
    places = [float(place) for place in range(2, ids.shape[1] + 1)]
    return Curve(
        Bilingual("损失沿文本的变化：第二遍开始就掉下来", "Loss along the text: it drops as the second copy begins"),
        Bilingual("第几个符号", "sign of the text"),
        Bilingual("损失（nat）", "loss, nats"),
        [
            Series(Bilingual("两层", "two layers"), places, list(losses(found.logits, ids))),
            Series(Bilingual("一层", "one layer"), places, list(losses(twin.logits, ids))),
        ],
        marks=[(float(ids.shape[1] // 2 + 1), Bilingual("第二遍", "second copy"))],
        name="by-place",
    )


def _training() -> Curve:
    """From what training wrote, the first three seeds of each."""
    series = []
    for name, zh, en in (("induction", "两层", "two layers"), ("induction-one-layer", "一层", "one layer")):
        for each in read_results(name)[:3]:
            steps, values = zip(*each.loss, strict=True)
            label = Bilingual(f"{zh}，种子 {each.seed}", f"{en}, seed {each.seed}")
            series.append(Series(label, [float(step) for step in steps], list(values)))
    return Curve(
        Bilingual("训练时测的损失：两层的先停在平台上，然后突然掉下来",
                  "Loss, measured in training: with two layers a plateau, then a drop"),
        Bilingual("训练步数", "steps of training"),
        Bilingual("损失（nat）", "loss, nats"),
        series,
        name="training",
    )  # fmt: skip


def _scores(whole: Ran, poet: np.ndarray) -> Bars:
    layers = range(len(model("induction").stack.layers))
    labels: list[Label] = [
        *(Bilingual(f"归纳模型 第 {n + 1} 层", f"induction, layer {n + 1}") for n in layers),
        *(Bilingual(f"poet 第 {n + 1} 层", f"poet, layer {n + 1}") for n in range(len(poet))),
    ]
    values = [float(prefix_matching(whole.weights(n)).max()) for n in layers]
    return Bars(
        Bilingual("前缀匹配分，各层最好的头：诗里很少有重复，poet 也没有归纳头",
                  "Prefix matching, best head of each layer: poems hardly repeat, and the poet has no such head"),
        labels=labels,
        values=[100.0 * each for each in [*values, *(float(row.max()) for row in poet)]],
        value_label=Bilingual("前缀匹配的权重 %", "weight on the match, %"),
        name="prefix-matching",
    )  # fmt: skip
