"""Looks at [CLS] layer by layer, and reads lines off it, off the mean and off the last word by a ridge probe."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from mlxformer.backend import to_numpy
from mlxformer.inspection.diagnostics import entropy
from mlxformer.inspection.probes import fit_probe
from questions.bilingual import Bilingual
from tui.experiments.cls_vector.declaration import EXPERIMENT
from tui.experiments.cls_vector.lines import (
    line_vectors,
    lines,
    passage_vectors,
    reader,
    same_passage_auc,
)
from tui.experiments.cls_vector.trained import PLACES, STEPS, accuracy, of_letters_alone
from tui.experiments.contract import Check, Report, Result
from tui.experiments.shared.reported_trace import traced
from tui.figures.data import Bars, Curve, Figure, Heatmap, Label, Series, Stage, Table

NO_TEXT = Bilingual("还没有句子：请输入一句。", "No text yet: type one.")
SEEN = 16  # lines at whose attention is looked
LABELS: dict[str, Label] = {
    "cls": "[CLS]",
    "mean": Bilingual("平均", "mean"),
    "max": Bilingual("最大", "max"),
    "last": Bilingual("最后一个字", "last word"),
}


class Probing:
    """One split of the lines into those that the probe is fitted to and the rest."""

    def __init__(self, knobs: Mapping[str, Any]) -> None:
        _, labels = lines()
        generator = np.random.default_rng(int(knobs["seed"]))
        order = generator.permutation(len(labels))
        self.fitted, self.rest = np.split(order, [int(knobs["examples"])])
        self.labels = generator.permutation(labels) if knobs["shuffle_labels"] else labels
        self.strength = float(knobs["strength"])
        self.cls = "first" if knobs["first_word"] else "cls"

    def accuracy(self, how: str, layer: int) -> float:
        """On the lines that the probe has not seen, in per cent."""
        features = line_vectors()[self.cls if how == "cls" else how][layer]
        probe = fit_probe(features[self.fitted], self.labels[self.fitted], strength=self.strength)
        return 100.0 * probe.accuracy(features[self.rest], self.labels[self.rest])

    def commoner(self) -> float:
        """What is right when the commoner class of the fitted lines is always said."""
        said = int(np.bincount(self.labels[self.fitted], minlength=2).argmax())
        return 100.0 * float((self.labels[self.rest] == said).mean())


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    text = str(knobs["text"]).encode(errors="replace").decode()  # half a character can be pasted into a terminal
    if not text.strip():
        return EXPERIMENT.nothing_to_run(NO_TEXT)
    report(0.0, "bert-mini")
    seed, layer, probing = int(knobs["seed"]), int(knobs["layer"]), Probing(knobs)
    top = len(line_vectors()["cls"]) - 1
    report(0.4, "probe")
    raw_vectors, passages = passage_vectors()
    raw = {how: 100.0 * same_passage_auc(raw_vectors[how][top], passages) for how in LABELS}
    if knobs["swap_raw"]:
        raw["cls"], raw["mean"] = raw["mean"], raw["cls"]
    empty = line_vectors()[probing.cls][0]
    trained: dict[str, float] = {}
    for how in PLACES:
        report(0.5, how)
        trained[how] = accuracy(how, seed, 0 if knobs["untrained"] else STEPS)
    measured = EXPERIMENT.measured
    checks = [
        measured("starts-empty", float(np.abs(empty - empty[0]).max()), 0.0, 1e-5),
        measured("probe-layer-0", probing.accuracy("cls", 0), probing.commoner(), 1e-9),
        measured("probe-cls", probing.accuracy("cls", top), 75.0),
        measured("letters-alone", of_letters_alone(seed, first_only=bool(knobs["see_the_front"])), 60.0),
        *(measured(f"loss-at-{how}", trained[how], 90.0) for how in PLACES),
        *_inside(report),
        measured("raw-cosine-cls", raw["cls"], raw["mean"] - 3.0),
        measured("raw-cosine-mean", raw["mean"], raw["cls"] + 3.0),
    ]
    figures: list[Figure] = [
        _trained(trained, checks),
        _rows(text, report),
        _by_layer(probing, layer),
        _table(probing, layer, raw),
    ]
    return Result(figures, checks)


def _inside(report: Report) -> list[Check]:
    """Of whole lines, in a trace of its own: where [CLS] looks, and what it keeps of itself."""
    texts = lines()[0][:: len(lines()[0]) // SEEN]
    batch = reader().tokenizer(list(texts))
    layers = range(len(reader().model.bert.encoder.layers))
    with traced(report, 0.7, measure=True) as steps:
        reader().model.bert(**batch)
    path = "encoder.layers.{}.{}"
    weights = steps[path.format(layers[-1], "self_attention.weights")].value[:, :, 0]  # [N, H, T]: [CLS]'s rows
    own = []
    for layer in layers:
        before = steps[path.format(layer, "input")].value[:, 0]
        brought = steps[path.format(layer, "self_attention.output")].value[:, 0]
        own.append(float((np.linalg.norm(before, axis=-1) / np.linalg.norm(brought, axis=-1)).mean()))
    return [
        EXPERIMENT.measured("not-uniform", 100.0 * float(entropy(weights, normalized=True).mean()), 85.0),
        EXPERIMENT.measured("own-part", min(own), 0.5),
    ]


def _trained(found: Mapping[str, float], checks: list[Check]) -> Bars:
    alone = next(check.measured for check in checks if check.name == "letters-alone")
    return Bars(
        Bilingual("句首是 A 还是 B？损失接在哪里都学得会（没见过的句子）",
                  "A at the front, or B? Learned wherever the loss is attached (unseen texts)"),
        [Bilingual("只数字母", "letters alone"), Bilingual("[CLS]", "[CLS]"),
         Bilingual("最后一个字母", "last letter"), Bilingual("平均", "mean")],
        [float(alone or 0.0), *(found[how] for how in PLACES)],
        value_label=Bilingual("猜对 %", "right, %"),
        reference=(50.0, Bilingual("瞎猜", "chance")),
        name="trained",
    )  # fmt: skip


def _rows(text: str, report: Report) -> Heatmap:
    batch = reader().tokenizer(text, max_length=48)
    tokens = reader().tokenizer.tokens(to_numpy(batch.input_ids)[0])
    layers = len(reader().model.bert.encoder.layers)
    with traced(report, 0.8, measure=True) as steps:
        reader().model.bert(**batch)
    rows = [steps[f"encoder.layers.{n}.self_attention.weights"].value[0, :, 0].mean(0) for n in range(layers)]
    share = 1.0 / len(tokens)
    return Heatmap(
        Bilingual(f"[CLS] 每层看哪里（各头平均；均匀是 {share:.2f}）",
                  f"Where [CLS] looks, by layer (mean of the heads; uniform is {share:.2f})"),
        [Stage("weights", Bilingual("权重", "weights"), np.array(rows)[None])],
        rows=[str(n + 1) for n in range(layers)],
        columns=[token.strip("[]") if token in ("[CLS]", "[SEP]") else token for token in tokens],
        row_axis=Bilingual("层", "layer"),
        name="cls-attention",
    )  # fmt: skip


def _by_layer(probing: Probing, layer: int) -> Curve:
    layers = range(len(line_vectors()["cls"]))
    return Curve(
        Bilingual("唐诗还是《论语》：探针从各层读出多少（没见过的句子）",
                  "Tang poem or Analects: what a probe reads off each layer (unseen lines)"),
        Bilingual("层", "layer"),
        Bilingual("猜对 %", "right, %"),
        [
            Series(LABELS[how], [float(n) for n in layers], [probing.accuracy(how, n) for n in layers])
            for how in ("cls", "mean", "last")
        ],
        marks=[(float(layer), Bilingual("现在这层", "here"))],
        name="probe",
    )  # fmt: skip


def _table(probing: Probing, layer: int, raw: Mapping[str, float]) -> Table:
    return Table(
        Bilingual("四种取法", "Four ways to one vector"),
        columns=[
            "",
            Bilingual(f"探针，第 {layer} 层 %", f"probe, layer {layer}, %"),
            Bilingual("不训练，余弦 AUC %", "untrained, cosine AUC %"),
        ],
        rows=[[LABELS[how], probing.accuracy(how, layer), raw[how]] for how in LABELS],
        name="poolings",
    )  # fmt: skip
