"""DeepSeek's experts: finer ones, shared ones, and a balance kept by a bias instead of a loss."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, CheckDeclaration, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import SEED, hidden_switch

EXPERIMENT = Experiment(
    name="expert-balance",
    title=Bilingual("细粒度、共享专家，和不靠损失的均衡", "Fine-grained and shared experts, balanced without a loss"),
    summary=Bilingual(
        "词元彼此相像，路由偏斜。每一批之后按负载调一次偏置，看负载怎样变平、路由器的权重和门控动没动；"
        "再比较粗、细两种专家的参数、运算和组合数（随机的权重和词元，没有训练）。",
        "Tokens are alike, so routing is skewed. After each batch a bias follows the load: how the load evens out, and "
        "whether the router's weights or the gates move; then coarse and fine experts by parameters, operations and "
        "combinations (random weights and tokens, nothing is trained).",
    ),
    knobs=(
        Knob("experts", Bilingual("路由专家数 E", "routed experts E"), "number", 16, minimum=8, maximum=32, log=True),
        Knob("rate", Bilingual("偏置每步 u", "step of the bias u"), "number", 0.01, minimum=0.001,
             maximum=0.1, step=0.001),
        Knob("steps", Bilingual("批数", "batches"), "number", 80, minimum=0, maximum=200, step=20),
        Knob("skew", Bilingual("词元相像的程度", "how alike the tokens are"), "number", 1.0, minimum=0.5, maximum=2.0,
             step=0.5),
        SEED,
    ),
    hidden_knobs=(
        hidden_switch("still", "偏置不动", "the bias does not move"),
        hidden_switch("bias_in_gates", "偏置也进门控", "the bias enters the gates too"),
        hidden_switch("by_loss", "改用均衡损失的梯度", "by the gradient of a balancing loss"),
        hidden_switch("wide", "细专家不变窄", "fine experts are as wide as coarse ones"),
        hidden_switch("by_chance", "专家由掷骰子选", "experts are chosen by chance"),
        hidden_switch("no_shared", "没有共享专家", "no shared expert"),
    ),
    figures=(
        Drawn("load", Bilingual("负载", "load"), made.RANDOM),
        Drawn("bias", Bilingual("偏置", "bias"), made.RANDOM),
        Drawn("fine", Bilingual("细专家", "fine"), made.COUNTED),
    ),
    checks=(
        CheckDeclaration(
            "load-before",
            Bilingual("调偏置之前，最忙的专家的负载是平均的几倍", "Before: the busiest expert's load over the mean"),
            ">=", BreakKnobs({"by_chance": True}), unit="x",
        ),
        CheckDeclaration(
            "load-after",
            Bilingual("调完之后（新的一批），最忙的是平均的几倍",
                      "Afterwards, on a fresh batch: the busiest over the mean"),
            "<=", BreakKnobs({"still": True}), unit="x",
        ),
        CheckDeclaration(
            "least-after",
            Bilingual("调完之后，最闲的是平均的几倍", "Afterwards: the least loaded over the mean"),
            ">=", BreakKnobs({"still": True}), unit="x",
        ),
        CheckDeclaration(
            "router-untouched",
            Bilingual("均衡给路由器的权重带来的梯度（最大值）",
                      "Gradient that balancing gives the router's weights (largest)"),
            "==", BreakKnobs({"by_loss": True}),
        ),
        CheckDeclaration(
            "gates-without-bias",
            Bilingual("门控与“只由得分算出的”相差多少（最大值）",
                      "Gates against those of the scores alone (largest difference)"),
            "<=", BreakKnobs({"bias_in_gates": True}),
        ),
        CheckDeclaration(
            "fine-costs-the-same",
            Bilingual("专家切成 4 份、多选 4 倍：一个词元的运算是原来的几倍",
                      "Experts cut in 4, 4 times as many chosen: operations for a token over before"),
            "==", BreakKnobs({"wide": True}), unit="x",
        ),
        CheckDeclaration(
            "shared-reads-all",
            Bilingual("共享专家读过的词元，占全部的 %", "Tokens that the shared expert reads, % of all"),
            "==", BreakKnobs({"no_shared": True}), unit="%",
        ),
    ),
)  # fmt: skip
