"""Layer norm after or before the residual sum, and RMS norm: the last gradient against depth, and the stream's size."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, CheckDeclaration, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import SEED, hidden_switch

EXPERIMENT = Experiment(
    name="norm-placement",
    title=Bilingual("归一化放在哪：Post-LN、Pre-LN 与 RMSNorm", "Where the norm stands: post-LN, pre-LN and RMSNorm"),
    summary=Bilingual(
        "同样的随机权重搭成三种编码器，从 L 层到 4L 层：看最后一个前馈层的梯度、残差流的大小，和 RMSNorm 省掉了什么。",
        "Encoders of three kinds with the same random weights, L to 4L layers deep: the gradient of the last "
        "feed-forward layer, the size of the residual stream, and what RMSNorm leaves out.",
    ),
    knobs=(
        Knob("depth", Bilingual("深度 L（另一支是 4L）", "depth L (the other arm has 4L)"), "number", 6,
             minimum=4, maximum=8, step=1),
        Knob("width", Bilingual("宽度 C", "width C"), "number", 32, minimum=32, maximum=64, log=True),
        Knob("offset", Bilingual("给每个特征加上的常数 c", "constant c added to each feature"), "number", 2.0,
             minimum=0.5, maximum=8.0, step=0.5,
             help=Bilingual("层归一化会减掉它，RMSNorm 不会。", "Layer norm takes it off again, RMSNorm does not.")),
        SEED,
    ),
    hidden_knobs=(
        hidden_switch("swap", "两支互换", "swap the two arms"),
        hidden_switch("no_final_norm", "Pre-LN 去掉末尾的归一化", "pre-LN without its last norm"),
        hidden_switch("centre", "RMSNorm 换成层归一化", "layer norm in place of RMSNorm"),
        hidden_switch("keep_mean", "对照那支不减均值", "do not center what the two norms share"),
    ),
    figures=(
        Drawn("against-depth", Bilingual("按深度", "by depth"), made.RANDOM),
        Drawn("by-layer", Bilingual("按层", "by layer"), made.RANDOM),
        Drawn("summary", Bilingual("对照", "compared"), made.RANDOM),
    ),
    checks=(
        CheckDeclaration(
            "pre-gradient-shrinks",
            Bilingual("Pre-LN：深度变成 4 倍，最后一个前馈层的梯度是原来的多少（理论 1/√4）",
                      "Pre-LN: at 4 times the depth, the last feed-forward layer's gradient as a share of what it was "
                      "(theory: 1/√4)"),
            "==", BreakKnobs({"swap": True}),
        ),
        CheckDeclaration(
            "post-gradient-stays",
            Bilingual("Post-LN：深度变成 4 倍，最后一个前馈层的梯度是原来的多少（理论上与深度无关）",
                      "Post-LN: at 4 times the depth, the last feed-forward layer's gradient as a share of what it was "
                      "(theory: no dependence)"),
            "between", BreakKnobs({"swap": True}),
        ),
        CheckDeclaration(
            "rms-gradient-shrinks",
            Bilingual("Pre-LN 换成 RMSNorm，同样的比值：不减均值也照样缩小",
                      "The same share with RMSNorm in pre-LN: without centring it shrinks alike"),
            "==", BreakKnobs({"no_final_norm": True}),
        ),
        CheckDeclaration(
            "pre-stream-grows",
            Bilingual("Pre-LN：残差流的均方每层平均增加多少（理论在 1/2 与 3/2 之间）",
                      "Pre-LN: how much the residual stream's mean square grows by layer (theory: 1/2 to 3/2)"),
            "between", BreakKnobs({"swap": True}),
        ),
        CheckDeclaration(
            "final-norm-divides",
            Bilingual("Pre-LN：梯度缩小的倍数，乘残差流增大的倍数，约为 1：是末尾的归一化除掉的",
                      "Pre-LN: what the gradient shrinks by times what the stream grows by is about 1: the last norm "
                      "divides by it"),
            "==", BreakKnobs({"no_final_norm": True}),
        ),
        CheckDeclaration(
            "pre-path-is-identity",
            Bilingual("子层全部输出 0 时，Pre-LN 的残差流原样穿过所有层（列的是最大变化）",
                      "With all sub-layers giving 0, the pre-LN stream passes all layers unchanged (largest change)"),
            "==", BreakKnobs({"swap": True}),
        ),
        CheckDeclaration(
            "rms-keeps-the-mean",
            Bilingual("给每个特征加上 c，RMSNorm 的输出变多少（最大变化；层归一化是 0）",
                      "With c added to each feature, how far RMSNorm's output moves (largest change; layer norm: 0)"),
            ">=", BreakKnobs({"centre": True}),
        ),
        CheckDeclaration(
            "rms-is-ln-when-centred",
            Bilingual("均值本来就是 0 的输入上，RMSNorm 等于层归一化（列的是最大差）",
                      "On inputs whose mean is 0 already, RMSNorm is layer norm (largest difference)"),
            "==", BreakKnobs({"keep_mean": True}),
        ),
    ),
)  # fmt: skip
