"""How gradients die or explode through time, what a gate changes about it, and why attention has no such path."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, BreakTensor, CheckDeclaration, Choice, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import SEED, hidden_switch

EXPERIMENT = Experiment(
    name="recurrent-gradients",
    title=Bilingual("穿过时间的梯度", "Gradients through time"),
    summary=Bilingual(
        "用真实的自动求导，量 RNN、GRU、LSTM 和注意力里，一个时刻对很久以前的时刻还有多大的梯度。",
        "By real automatic differentiation: how large the gradient still is at a time long past, in an RNN, a GRU, an "
        "LSTM and in attention.",
    ),
    knobs=(
        Knob("cell", Bilingual("看哪一种", "cell looked at"), "choice", "rnn", choices=(
            Choice("rnn", "RNN"),
            Choice("gru", "GRU"),
            Choice("lstm", "LSTM"),
            Choice("attention", Bilingual("注意力", "attention")),
        )),
        Knob("steps", Bilingual("步数 T", "steps T"), "number", 50, minimum=1, maximum=100),
        Knob("sigma", Bilingual("循环矩阵的奇异值 σ", "singular values σ of the recurrent matrix"), "number", 0.9,
             minimum=0.3, maximum=2, step=0.1),
        Knob("activation", Bilingual("RNN 的激活函数", "activation of the RNN"), "choice", "tanh", choices=(
            Choice("tanh", "tanh"),
            Choice("relu", "ReLU"),
            Choice("linear", Bilingual("线性", "linear")),
        )),
        Knob("forget_bias", Bilingual("LSTM 遗忘门的偏置", "forget bias of the LSTM"), "number", 1.0,
             minimum=-2, maximum=5, step=0.5),
        Knob("clip", Bilingual("梯度范数裁剪到 1", "clip the gradient's norm to 1"), "switch", False),
        SEED,
    ),
    hidden_knobs=(
        hidden_switch("early_weights_only", "只算第一步用到的那份权重", "count the weight at the first step only"),
        Knob("large_sigma", Bilingual("“爆炸”一支的 σ", "σ of the exploding arm"), "number", 2.0,
             minimum=0.1, maximum=2, step=0.1),
        hidden_switch("cell_only", "“所有路径”一支只走细胞", "the arm of all paths follows the cell alone"),
        hidden_switch("same_init", "权重小的一支不缩小", "the weights of the smaller arm are not smaller"),
        Knob("large_bias", Bilingual("“LSTM 爆炸”一支的遗忘门偏置", "forget bias of the exploding LSTM"), "number", 3.0,
             minimum=-2, maximum=5, step=0.5),
        Knob("update_bias", Bilingual("GRU 更新门的偏置", "update bias of the GRU"), "number", 0.0,
             minimum=0, maximum=5, step=0.5),
        hidden_switch("rescale_each_term", "把每一步的那一项都放缩到 1", "rescale each step's term to 1 instead"),
    ),
    figures=(
        Drawn("norms", Bilingual("随距离", "distance"), made.RANDOM),
        Drawn("lstm", "LSTM", made.RANDOM),
        Drawn("shares", Bilingual("各步", "each step"), made.RANDOM),
        Drawn("gates", Bilingual("状态", "states"), made.RANDOM),
        Drawn("last-row", Bilingual("最后一行", "last row"), made.RANDOM),
        Drawn("ends", Bilingual("远与近", "far, near"), made.RANDOM),
    ),
    checks=(
        CheckDeclaration(
            "linear-norm-is-sigma-power",
            Bilingual("线性 RNN、循环矩阵为 σ 乘正交矩阵：‖∂h_T/∂h_0‖ 恰为 σ^T",
                      "A linear RNN whose recurrent matrix is σ times an orthogonal one: ‖∂h_T/∂h_0‖ is σ^T"),
            "==", BreakTensor("hidden", "double"),
        ),
        CheckDeclaration(
            "tanh-bounded-by-linear",
            Bilingual("激活函数的斜率不超过 1，所以 ‖∂h_T/∂h_k‖ ≤ σ^(T−k)（列的是各步中最大的比值）",
                      "The activation's slope is at most 1, so ‖∂h_T/∂h_k‖ ≤ σ^(T−k) (the largest ratio over all k)"),
            "<=", BreakTensor("hidden", "double"),
        ),
        CheckDeclaration(
            "lstm-path-is-forget-product",
            Bilingual("沿 LSTM 的细胞状态走，梯度恰为各步遗忘门之积（列的是各单元中最大的）",
                      "Along the LSTM's cell state the gradient is the product of forget gates (the largest unit's)"),
            "==", BreakTensor("forget_gate", "ones"),
        ),
        CheckDeclaration(
            "forget-gate-half-vanishes",
            Bilingual("遗忘门半开（偏置 0、输入 0）时，LSTM 的细胞路径照样消失：0.5^T",
                      "With forget gates half open (no bias, no input) the LSTM's cell path vanishes too: 0.5^T"),
            "==", BreakTensor("forget_gate", "ones"),
        ),
        CheckDeclaration(
            "near-terms-survive",
            Bilingual("远处那一项消失了，共享权重的梯度却没有：它至少是最近一步那一项的一半（列的是两者之比）",
                      "The far term has vanished and the shared weight's gradient has not: it is at least half the "
                      "nearest step's term (their ratio)"),
            ">=", BreakKnobs({"early_weights_only": True}),
        ),
        CheckDeclaration(
            "attention-path-is-direct",
            Bilingual("注意力里，把最远的词元与最近的对调，梯度只跟着词元走，与距离无关（列的是最大的相对变化）",
                      "In attention, with near and far tokens exchanged, gradients go with the tokens and not with the "
                      "distance (the largest relative change)"),
            "==", BreakTensor("weights", "shuffle"),
        ),
        CheckDeclaration(
            "lstm-paths-through-hidden",
            Bilingual("经过隐状态的路一并算上，LSTM 的 ‖∂c_T/∂c_0‖ 比只沿细胞的大多少个数量级（log₁₀）",
                      "With the paths through the hidden states, the LSTM's ‖∂c_T/∂c_0‖ is larger than along the cell "
                      "alone by so many orders of magnitude (log₁₀)"),
            ">=", BreakKnobs({"cell_only": True}),
        ),
        CheckDeclaration(
            "lstm-weights-decide",
            Bilingual("那有多大要看权重：换成 PyTorch 默认的大小（标准差小到 1/√3），小多少个数量级（log₁₀）",
                      "How large depends on the weights: at PyTorch's default size (1/√3 of the standard deviation) it "
                      "is smaller by so many orders of magnitude (log₁₀)"),
            ">=", BreakKnobs({"same_init": True}),
        ),
        CheckDeclaration(
            "lstm-can-explode",
            Bilingual("门不防爆炸：遗忘门偏置为 3 的 LSTM，‖∂c_T/∂c_0‖ > 10",
                      "Gates do not prevent exploding: an LSTM with a forget bias of 3 has ‖∂c_T/∂c_0‖ > 10"),
            ">=", BreakKnobs({"large_bias": -2.0}),
        ),
        CheckDeclaration(
            "gru-begins-half-open",
            Bilingual("没训练过的 GRU，更新门平均约为 1/2：每一步只留一半旧状态",
                      "An untrained GRU's update gates are 1/2 on average: each step keeps half of the old state"),
            "==", BreakKnobs({"update_bias": 2.0}),
        ),
        CheckDeclaration(
            "exploding-when-sigma-large",
            Bilingual("σ = 2 时梯度不是消失而是爆炸：‖∂h_T/∂h_0‖ > 10",
                      "At σ = 2 the gradient does not vanish, it explodes: ‖∂h_T/∂h_0‖ > 10"),
            ">=", BreakKnobs({"large_sigma": 0.9}),
        ),
        CheckDeclaration(
            "clipping-does-not-revive",
            Bilingual("裁剪只会缩小梯度，救不活消失的那一项（列的是裁剪给它乘上的倍数）",
                      "Clipping only shrinks: it cannot revive the vanished term (the factor it is multiplied by)"),
            "<=", BreakKnobs({"rescale_each_term": True}),
        ),
    ),
)  # fmt: skip
