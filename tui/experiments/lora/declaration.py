"""LoRA on a trained model: what is trained, what it starts as, what it learns, and what remains after merging."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, CheckDeclaration, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import SEED, hidden_switch

EXPERIMENT = Experiment(
    name="lora",
    title=Bilingual("LoRA：教日期模型一种新格式", "LoRA: a new format for the date model"),
    summary=Bilingual(
        "自带的日期模型没见过“日.月.年”（23.11.2026）。冻结它，只在注意力的投影旁训练 A、B 几十步："
        "训练集之外的日期能读对多少，"
        "增量的秩是多少，合并之后变不变。",
        "The date model that ships has never seen day.month.year (23.11.2026). It is frozen, and only A and B beside "
        "the projections of attention are trained, for a few dozen steps: how many held-out dates it reads then, what "
        "rank the change has, and whether merging changes anything.",
    ),
    knobs=(
        Knob("rank", Bilingual("秩 r", "rank r"), "number", 4, minimum=1, maximum=32, log=True),
        Knob("steps", Bilingual("训练步数", "steps of training"), "number", 60, minimum=0, maximum=60, step=10),
        SEED,
    ),
    hidden_knobs=(
        hidden_switch("b_drawn", "B 也随机初始化", "B is drawn too"),
        hidden_switch("full", "不冻结，全部参数都训练", "nothing is frozen, all parameters are trained"),
        hidden_switch("unscaled", "合并时忘了 α / r", "α / r is forgotten in merging"),
        hidden_switch("wrong_dates", "用错的日期训练", "trained on wrong dates"),
    ),
    figures=(
        Drawn("accuracy", Bilingual("读对", "accuracy"), made.DATES_FURTHER),
        Drawn("singular-values", Bilingual("奇异值", "singular"), made.DATES_FURTHER),
        Drawn("sizes", Bilingual("大小", "sizes"), made.COUNTED),
    ),
    checks=(
        CheckDeclaration(
            "starts-as-it-was",
            Bilingual("加上 A、B 而未训练时，logits 与原模型的最大差",
                      "Before training: largest difference of the logits "
                      "from the model without A and B"),
            "==", BreakKnobs({"b_drawn": True, "steps": 0}),
        ),
        CheckDeclaration(
            "a-waits-for-b",
            Bilingual("第一步 A 的最大梯度：B = 0，所以是 0，只有 B 先动",
                      "Largest gradient of A in the first step: 0, "
                      "as B = 0; B moves first"),
            "==", BreakKnobs({"b_drawn": True, "steps": 0}),
        ),
        CheckDeclaration(
            "trained-share",
            Bilingual("训练的参数占全部的 %（应为各投影 r(in + out) 之和）",
                      "Trained parameters, % of all (r (in + out) "
                      "for each projection)"),
            "==", BreakKnobs({"full": True, "steps": 10}), unit="%",
        ),
        CheckDeclaration(
            "learns-the-format",
            Bilingual("新格式：训练集之外的日期读对的 %", "The new format: held-out dates read correctly, %"),
            ">=", BreakKnobs({"wrong_dates": True, "steps": 50}), unit="%",
        ),
        CheckDeclaration(
            "rank-of-the-change",
            Bilingual("训练之后，各投影权重改变量的秩，最大的一个",
                      "After training: the largest rank among the changes of "
                      "the projections"),
            "<=", BreakKnobs({"full": True, "steps": 10}),
        ),
        CheckDeclaration(
            "base-untouched",
            Bilingual("训练之后拿掉 A、B，logits 与原模型的最大差",
                      "After training, without A and B: largest difference of "
                      "the logits from the model before"),
            "==", BreakKnobs({"full": True, "steps": 10}),
        ),
        CheckDeclaration(
            "merged-is-the-same",
            Bilingual("合并成一个矩阵之后，logits 与合并前的最大差和最大值之比", "Merged into one matrix: largest "
                      "difference of the logits, over the largest"),
            "<=", BreakKnobs({"unscaled": True, "steps": 10}),
        ),
    ),
)  # fmt: skip
