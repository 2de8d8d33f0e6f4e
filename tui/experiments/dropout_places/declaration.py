"""Dropout on attention weights, on sub-layer outputs and elsewhere: what it does to sums, means and evaluation."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, BreakTensor, CheckDeclaration, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import SEED, hidden_switch

EXPERIMENT = Experiment(
    name="dropout-places",
    title=Bilingual("Dropout 加在哪里", "Where dropout stands"),
    summary=Bilingual(
        "同一句话丢弃上千次：注意力每行的和怎样散开、平均又怎样回到 1；子层输出丢掉的地方，残差原样通过；推理时不丢。",
        "One sentence under a thousand masks: rows of attention weights scatter about a sum of 1, the residual passes "
        "where a sub-layer's output is dropped, and nothing is dropped in evaluation.",
    ),
    knobs=(
        Knob("p", Bilingual("丢弃概率 p", "drop probability p"), "number", 0.1, minimum=0.05, maximum=0.5, step=0.05),
        Knob("tokens", Bilingual("词元数 T", "tokens T"), "number", 8, minimum=4, maximum=16, log=True),
        Knob("masks", Bilingual("丢弃多少次", "masks drawn"), "number", 1024, minimum=256, maximum=2048, log=True),
        SEED,
    ),
    hidden_knobs=(
        hidden_switch("training_off", "训练那支也不丢", "drop nothing in training either"),
        hidden_switch("evaluation_off", "推理时也丢", "drop in evaluation too"),
    ),
    figures=(
        Drawn("weights", Bilingual("权重", "weights"), made.RANDOM),
        Drawn("by-probability", Bilingual("按概率", "by p"), made.RANDOM),
        Drawn("places", Bilingual("各处", "places"), made.RANDOM),
    ),
    checks=(
        CheckDeclaration(
            "row-sums-scatter",
            Bilingual("丢弃之后，每行权重之和偏离 1 的均方根（推导：√(p/(1 − p) · Σw²)）",
                      "After dropout, the root mean square by which rows' sums miss 1 (derived: √(p/(1 − p) · Σw²))"),
            "==", BreakKnobs({"training_off": True}),
        ),
        CheckDeclaration(
            "mean-row-sum-is-one",
            Bilingual("对许多次丢弃取平均，每行的和", "The sum of a row, averaged over many masks"),
            "==", BreakTensor("*dropped_weights", "double"),
        ),
        CheckDeclaration(
            "kept-weights-grow",
            Bilingual("留下的权重放大多少倍（应为 1/(1 − p)）", "What the kept weights are multiplied by (1/(1 − p))"),
            "==", BreakKnobs({"training_off": True}),
        ),
        CheckDeclaration(
            "dropped-share",
            Bilingual("被置 0 的权重占多少（应为 p）", "The share of weights that became 0 (p)"),
            "==", BreakKnobs({"training_off": True}), unit="%",
        ),
        CheckDeclaration(
            "mean-output-is-evaluation",
            Bilingual("对许多次丢弃取平均，注意力的输出与推理时的输出相差多少（相对）",
                      "Attention's output averaged over many masks against its output in evaluation (relative)"),
            "<=", BreakTensor("*dropped_weights", "double"),
        ),
        CheckDeclaration(
            "evaluation-repeats",
            Bilingual("推理时同样的输入跑两次，输出的最大差", "Two evaluations of one input: the largest difference"),
            "==", BreakKnobs({"evaluation_off": True}),
        ),
        CheckDeclaration(
            "residual-passes",
            Bilingual("子层输出上的 dropout：输出里与残差一模一样的元素占多少（应为 p）",
                      "Dropout on a sub-layer's output: elements that are just the residual's (a share of p)"),
            "==", BreakKnobs({"training_off": True}), unit="%",
        ),
    ),
)  # fmt: skip
