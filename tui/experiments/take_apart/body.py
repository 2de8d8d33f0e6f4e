"""Switches the date model's parts off one at a time, reads held-out dates, and counts what an original is made of."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from typing import Any

import mlxformer as mf
from mlxformer.inspection.ablation import PARTS, Part
from mlxformer.models.counting import parameter_shapes
from questions.bilingual import Bilingual
from tui.experiments.contract import Check, Report, Result, silent
from tui.experiments.shared.kept import kept
from tui.experiments.shared.reported_trace import traced
from tui.experiments.take_apart.declaration import EXPERIMENT
from tui.experiments.take_apart.reading import Reading, Without, change, read, reader, write
from tui.figures.data import Bars, Table

NO_DATE = Bilingual("还没有日期：请输入一个，例如 23 November 2026。", "No date yet: type one, as 23 November 2026.")
WHOLE = Bilingual("完整", "whole")
ARMS: dict[Bilingual, Without] = {
    WHOLE: Without(),
    Bilingual("没有位置", "no positions"): Without(("positions",)),
    Bilingual("没有自注意力", "no self-attention"): Without(("self_attention",)),
    Bilingual("没有交叉注意力", "no cross-attention"): Without(("cross_attention",)),
    Bilingual("没有前馈层", "no feed-forward"): Without(("feed_forward",)),
    Bilingual("没有残差", "no residuals"): Without(("residual",)),
    Bilingual("没有层归一化", "no layer norms"): Without(("layer_norm",)),
    Bilingual("只留一个头", "one head kept"): Without(heads=1),
}
TWIN = Bilingual("不带位置训练的对照模型", "trained without positions")
YOURS = Bilingual("按旋钮", "as the knobs say")
NOTHING = Bilingual("（什么也没写）", "(nothing)")
BASE = 63_045_632


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    text = str(knobs["date"])
    if not text.strip():
        return EXPERIMENT.nothing_to_run(NO_DATE)
    report(0.0, "dates")
    readings = _readings(text, knobs, report)
    chosen = _chosen(knobs)
    steps = _steps(text, chosen, report=report)
    return Result(
        [_bars(readings, chosen), _table(readings, text)],
        [*_reading(readings), *_ignored(knobs, report), _twin(readings), *_counted(knobs)],
        steps,
        {"vocab": reader().tokenizer.tokens},
    )


@kept(size=4)
def _steps(text: str, off: Without, *, report: Report = silent) -> tuple[mf.Step, ...]:
    with traced(report, 0.9) as steps:
        write(text, off, report)
    return tuple(steps)


def _readings(text: str, knobs: Mapping[str, Any], report: Report) -> dict[Bilingual, Reading]:
    """Of every arm, the twin and the knobs' own."""
    seed, readings = int(knobs["seed"]), {}
    for name, off in ARMS.items():
        if knobs["keep_everything"]:
            off = Without()
        elif name == WHOLE and knobs["blind"]:
            off = Without(("cross_attention",))
        readings[name] = read(seed, text, off, report)
    readings[TWIN] = read(seed, text, Without(), report, "dates" if knobs["no_twin"] else "dates-no-positions")
    readings[YOURS] = read(seed, text, _chosen(knobs), report)
    return readings


def _chosen(knobs: Mapping[str, Any]) -> Without:
    return Without(tuple(part for part in PARTS if not knobs[part]), int(knobs["heads"]))


def _reading(readings: Mapping[Bilingual, Reading]) -> list[Check]:
    promised = 100.0 * float(reader().card.scores["worst-format"])
    best = max(reading.dates for name, reading in readings.items() if name not in (WHOLE, TWIN, YOURS))
    return [
        EXPERIMENT.measured("whole-model-reads", readings[WHOLE].dates, promised, 5.0),
        EXPERIMENT.measured("every-part-is-relied-on", best, 50.0),
    ]


def _twin(readings: Mapping[Bilingual, Reading]) -> Check:
    return EXPERIMENT.measured("trained-without-positions", readings[TWIN].dates, 50.0)


def _ignored(knobs: Mapping[str, Any], report: Report) -> list[Check]:
    seed = int(knobs["seed"])
    blind: tuple[Part, ...] = () if knobs["keep_cross_attention"] else ("cross_attention",)
    bag: tuple[Part, ...] = () if knobs["keep_positions"] else ("positions",)
    return [
        EXPERIMENT.measured(
            "without-cross-attention-blind", change(seed, "other sources", blind, report=report)[0], 0.0
        ),
        EXPERIMENT.measured("without-positions-a-bag", change(seed, "shuffled", bag, report=report)[1], 0.0, 1e-5),
    ]


def _counted(knobs: Mapping[str, Any]) -> list[Check]:
    """From the modules of Vaswani's base model, 6 + 6 layers of width 512."""
    norms, attention, total = base_model(bool(knobs["pre_norm"]), bool(knobs["attention_bias"]))
    return [
        EXPERIMENT.measured("layer-norms-counted", float(norms), 2.0 * 6 + 3.0 * 6),
        EXPERIMENT.measured(
            "attention-share-of-parameters", 100.0 * attention / total, 100.0 * 18 * 4 * 512**2 / BASE, 0.005
        ),
    ]


@cache
def base_model(pre_norm: bool, attention_bias: bool) -> tuple[int, int, int]:
    """Its layer norms, the parameters of its attentions, and all of its parameters."""
    config = mf.TransformerConfig(37_000, norm="pre" if pre_norm else "post", attention_bias=attention_bias)
    shapes = parameter_shapes(config)
    attention = sum(math.prod(shape) for path, shape in shapes.items() if "attention." in path)
    norms = sum(path.endswith("norm.weight") for path in shapes)
    return norms, attention, sum(map(math.prod, shapes.values()))


def _bars(readings: Mapping[Bilingual, Reading], chosen: Without) -> Bars:
    names = [name for name in readings if name != YOURS or not chosen.is_whole()]
    return Bars(
        Bilingual(
            "前缀都对时，下一个字符对的 %（96 个训练集之外的日期）",
            "After a right prefix, % of next characters right (96 held-out dates)",
        ),
        names,
        [readings[name].characters for name in names],
        value_label=Bilingual("写对的字符 %", "characters right, %"),
        name="characters",
    )


def _table(readings: Mapping[Bilingual, Reading], text: str) -> Table:
    return Table(
        Bilingual(f"整个日期读对的 %，和 “{text}” 写成什么", f"% of whole dates right, and what “{text}” becomes"),
        [Bilingual("模型", "model"), Bilingual("日期对 %", "dates right, %"), Bilingual("写出", "writes")],
        [[name, reading.dates, reading.written or NOTHING] for name, reading in readings.items()],
        name="written",
    )
