"""The delta rule as a memory: what a key stores is replaced, not added to; what fits, and what a gate forgets."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, BreakTensor, CheckDeclaration, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import SEED, hidden_switch

EXPERIMENT = Experiment(
    name="delta-rule",
    title=Bilingual("Delta 规则：改写记忆，而不是往上加", "The delta rule: rewriting a memory, not adding to it"),
    summary=Bilingual(
        "把键值对一个个写进固定大小的状态，再用键去读：线性注意力只会累加，delta "
        "规则先减去旧的再写新的。看存多少对开始读错，"
        "改写同一个键会怎样，换话题时门有什么用（随机的键和值，没有训练）。",
        "Pairs of keys and values are written into a state of fixed size and read by their keys. Linear attention only "
        "adds; the delta rule takes the old value out first. How many pairs fit, what happens when a key is written "
        "again, and what a gate does for a new topic (random keys and values, nothing is trained).",
    ),
    knobs=(
        Knob("head_dim", Bilingual("头宽 D", "head width D"), "number", 32, minimum=16, maximum=64, log=True),
        Knob("pairs", Bilingual("键值对数 N", "pairs N"), "number", 16, minimum=4, maximum=128, log=True),
        SEED,
    ),
    hidden_knobs=(
        hidden_switch("half_step", "β 取 0.5", "β is 0.5"),
        hidden_switch("too_many", "正交的键取两倍", "twice as many orthogonal keys"),
        hidden_switch("few", "超载时只写 D/4 对", "D/4 pairs where it should be too many"),
        hidden_switch("no_gate", "换话题时不关门", "no gate at the new topic"),
        hidden_switch("uphill", "梯度反着走", "the gradient is climbed"),
        hidden_switch("same_arm", "线性注意力也用 delta 规则", "linear attention uses the delta rule too"),
    ),
    figures=(
        Drawn("capacity", Bilingual("容量", "capacity"), made.RANDOM_DATA),
        Drawn("rewritten", Bilingual("再写", "rewritten"), made.RANDOM_DATA),
        Drawn("sizes", Bilingual("大小", "sizes"), made.COUNTED),
    ),
    checks=(
        CheckDeclaration(
            "replaced",
            Bilingual("同一个键写两次，读出与新值之差（相对，β = 1）",
                      "A key written twice: what is read against the new value (relative, β = 1)"),
            "<=", BreakKnobs({"half_step": True}),
        ),
        CheckDeclaration(
            "linear-mixes",
            Bilingual("同样的读写用线性注意力：与新值之差（相对）", "The same with linear attention (relative)"),
            ">=", BreakKnobs({"same_arm": True}),
        ),
        CheckDeclaration(
            "is-a-gradient-step",
            Bilingual("写一步与在 ½‖Sᵀk − v‖² 上走一步梯度，状态的最大差",
                      "A write and a gradient step on ½‖Sᵀk − v‖²: largest difference of the states"),
            "<=", BreakKnobs({"uphill": True}),
        ),
        CheckDeclaration(
            "orthogonal-keys-fit",
            Bilingual("D 个正交的键：读出的相对误差", "D orthogonal keys: relative error of what is read"),
            "<=", BreakKnobs({"too_many": True}),
        ),
        CheckDeclaration(
            "more-do-not-fit",
            Bilingual("2D 个随机的键：读出的平均相对误差", "2 D random keys: mean relative error of what is read"),
            ">=", BreakKnobs({"few": True}),
        ),
        CheckDeclaration(
            "gate-clears",
            Bilingual("写完 2D 对旧的再写 D/8 对新的：从没写过的键读出的大小，换话题时门关一次是不关的几倍",
                      "2 D old pairs, then D/8 new ones: what unwritten keys read, the gate closed "
                      "once between, over without"),
            "<=", BreakKnobs({"no_gate": True}), unit="x",
        ),
        CheckDeclaration(
            "chunks-are-steps",
            Bilingual("分块的矩阵乘与逐个递推，输出的最大差与最大值之比",
                      "In chunks and token by token: largest difference of outputs over the largest"),
            "<=", BreakTensor("heads", "noise"),
        ),
    ),
)  # fmt: skip
