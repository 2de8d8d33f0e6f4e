"""Fine-tunes bert-mini once as the knobs say, and puts beside it what every way reached from five seeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from mlxformer.pretrained.masked.fine_tuning import Setting, Tuned, fine_tune, read_tuned
from questions.bilingual import Bilingual
from tui.experiments.contract import Check, Report, Result
from tui.experiments.fine_tuning.declaration import EXPERIMENT
from tui.experiments.shared.kept import kept
from tui.figures.data import Bars, Curve, Figure, Label, Series

ALL, SLOW, FAST = Setting(), Setting(rate=1e-4), Setting(rate=2e-3)
HEAD = Setting(layers=0)
RANDOM, RANDOM_LONGER = Setting(start="random", rate=1e-4), Setting(start="random", rate=1e-4, steps=60)
FEW, FEW_HEAD = Setting(examples=8), Setting(examples=8, layers=0)
WAYS: dict[Setting, Label] = {
    SLOW: Bilingual("全部，1e-4", "all, 1e-4"),
    ALL: Bilingual("全部，5e-4", "all, 5e-4"),
    FAST: Bilingual("全部，2e-3", "all, 2e-3"),
    HEAD: Bilingual("只训练头", "head alone"),
    RANDOM: Bilingual("随机权重，1e-4", "random start, 1e-4"),
}


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    setting = Setting(
        layers=4 if knobs["train_all"] else int(knobs["layers"]),
        rate=float(knobs["rate"]),
        examples=int(knobs["examples"]),
        steps=int(knobs["steps"]),
        seed=int(knobs["seed"]),
    )
    report(0.1, "bert-mini")
    live = _live(
        setting, bool(knobs["wrong_labels"]), report=report,
        so_far=lambda steps, right: EXPERIMENT.meanwhile(lambda: _curve(steps, right)),
    )  # fmt: skip
    report(0.9, "checks")
    figures: list[Figure] = [_curve(live.steps, live.right), _accuracy(), _recall(live)]
    if any(live.moved):
        figures.append(_moved(live))
    return Result(figures, [*_of_live(live, knobs), *_of_training(knobs)])


@kept(apart=True)
def _live(
    setting: Setting, wrong_labels: bool, *, report: Report, so_far: Callable[[list[int], list[float]], object]
) -> Tuned:
    def progress(share: float) -> None:
        report(0.1 + 0.8 * share, "bert-mini")

    return fine_tune(setting, progress, every=5, shuffle_labels=wrong_labels, judged=so_far)


def of(setting: Setting) -> list[Tuned]:
    """What training measured of one way, from each seed."""
    return [each for each in read_tuned() if Setting(**{**vars(each.setting), "seed": 0}) == setting]


def _right(setting: Setting) -> list[float]:
    return [100.0 * each.right[-1] for each in of(setting)]


def _kept(setting: Setting) -> float:
    return 100.0 * float(np.mean([each.recall for each in of(setting)]))


def _of_live(live: Tuned, knobs: Mapping[str, Any]) -> list[Check]:
    given = live.setting
    gentle = given.rate <= 5e-4 or int(knobs["layers"]) == 0
    if given.steps >= 10 and given.examples >= 16 and gentle:
        right = EXPERIMENT.measured("live", 100.0 * live.right[-1], 75.0)
    else:
        right = EXPERIMENT.undefined(
            "live",
            Bilingual("学习率不太大、16 个例子以上、10 步才有保证。",
                      "Promised at a moderate rate, with 16 examples or more and 10 steps."),
        )  # fmt: skip
    frozen = live.moved[: len(live.moved) - int(knobs["layers"])]
    if not frozen:
        none = Bilingual("没有冻结的层。", "No layer is frozen.")
        return [right, EXPERIMENT.undefined("frozen-unmoved", none)]
    return [right, EXPERIMENT.measured("frozen-unmoved", max(frozen), 0.0)]


def _of_training(knobs: Mapping[str, Any]) -> list[Check]:
    measured = EXPERIMENT.measured
    other_start, other_rate = bool(knobs["other_start"]), bool(knobs["other_rate"])
    few, few_head = (FEW_HEAD, FEW) if knobs["swap_arms"] else (FEW, FEW_HEAD)
    return [
        measured("pretrained", min(_right(RANDOM if other_start else SLOW)), 85.0),
        measured("random-start", max(_right(SLOW if other_start else RANDOM_LONGER)), 80.0),
        measured("head-alone", float(np.mean(_right(RANDOM if other_start else HEAD))), 88.0),
        measured("rate-too-high", float(np.mean(_right(SLOW if other_rate else FAST))), 65.0),
        measured("few-examples", float(np.mean(_right(few_head)) - np.mean(_right(few))), 5.0),
        measured("seeds-differ", max(_right(few)) - min(_right(few)), 20.0),
        measured("forgotten", _kept(SLOW if other_rate else FAST), 10.0),
        measured("kept", _kept(FAST if other_rate else SLOW), 85.0),
    ]


def _curve(steps: Sequence[int], right: Sequence[float]) -> Curve:
    series = [
        Series(label, [float(step) for step in of(way)[0].steps],
               [100.0 * float(share) for share in np.mean([each.right for each in of(way)], axis=0)])
        for way, label in WAYS.items()
    ]  # fmt: skip
    now = Series(Bilingual("当场", "live"), [float(step) for step in steps], [100.0 * share for share in right])
    return Curve(
        Bilingual("没用来训练的 100 句猜对多少（当场一次；其余是训练时测的，五个种子的平均）",
                  "Of 100 other lines right (one run live; the rest measured in training, mean of five seeds)"),
        Bilingual("训练步数", "steps of training"),
        Bilingual("猜对 %", "right, %"),
        [now, *series],
        name="accuracy",
    )  # fmt: skip


def _accuracy() -> Bars:
    ways = {
        **WAYS,
        RANDOM_LONGER: Bilingual("随机权重，60 步", "random start, 60 steps"),
        FEW: Bilingual("8 例，全部，5e-4", "8 examples, all, 5e-4"),
        FEW_HEAD: Bilingual("8 例，只训练头", "8 examples, head"),
    }
    return Bars(
        Bilingual("各种做法，五个种子的平均（训练时测的）", "Each way, mean of five seeds (measured in training)"),
        labels=list(ways.values()),
        values=[float(np.mean(_right(way))) for way in ways],
        value_label=Bilingual("猜对 %", "right, %"),
        reference=(50.0, Bilingual("瞎猜", "chance")),
        name="ways",
    )


def _recall(live: Tuned) -> Bars:
    ways = [HEAD, SLOW, Setting(layers=2), ALL, Setting(layers=2, rate=2e-3), FAST]
    labels: list[Label] = [
        WAYS[HEAD], WAYS[SLOW], Bilingual("上面两层，5e-4", "top two, 5e-4"), WAYS[ALL],
        Bilingual("上面两层，2e-3", "top two, 2e-3"), WAYS[FAST],
    ]  # fmt: skip
    return Bars(
        Bilingual("微调之后，原来的成语还补得出多少", "After fine-tuning: idioms that are still completed"),
        labels=[Bilingual("当场", "live"), *labels],
        values=[100.0 * live.recall, *(_kept(way) for way in ways)],
        value_label=Bilingual("补对的成语 %", "idioms completed, %"),
        name="recall",
    )


def _moved(live: Tuned) -> Bars:
    return Bars(
        Bilingual("当场微调：各层权重变了多少", "Fine-tuned live: how far each layer's weights moved"),
        labels=[Bilingual(f"第 {n + 1} 层", f"layer {n + 1}") for n in range(len(live.moved))],
        values=[100.0 * each for each in live.moved],
        value_label=Bilingual("权重变化 ‖ΔW‖/‖W‖，%", "weights moved, ‖ΔW‖/‖W‖ in %"),
        name="moved",
    )
