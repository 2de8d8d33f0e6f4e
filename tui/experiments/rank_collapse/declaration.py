"""Attention stacked with and without the residual sum: how alike the tokens become, and whose gradients die of it."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, CheckDeclaration, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import SEED, hidden_switch

EXPERIMENT = Experiment(
    name="rank-collapse",
    title=Bilingual("残差连接与秩坍塌", "Residual connections and rank collapse"),
    summary=Bilingual(
        "只有注意力的网络，同一组随机权重，一支有残差、一支没有：逐层看词元之间还剩多少差别。",
        "Networks of attention alone with the same random weights, with and without the residual sum: what is left of "
        "the differences between tokens, layer by layer.",
    ),
    knobs=(
        Knob("depth", Bilingual("层数", "layers"), "number", 8, minimum=4, maximum=24),
        Knob("tokens", Bilingual("词元数 T", "tokens T"), "number", 16, minimum=16, maximum=64, log=True),
        Knob("heads", Bilingual("头数", "heads"), "number", 4, minimum=1, maximum=8, log=True),
        Knob("shrink", Bilingual("差别缩小到几分之一", "differences divided by"), "number", 8, minimum=2, maximum=16,
             log=True,
             help=Bilingual("测单层的阶数时，把词元间的差别缩小这么多，看输出的差别缩小多少。",
                            "To find one layer's order, tokens' differences are divided by this, and the output's "
                            "looked at.")),
        SEED,
    ),
    hidden_knobs=(
        hidden_switch("skip_everywhere", "两支都有残差", "residuals in both arms"),
        hidden_switch("skip_nowhere", "两支都没有残差", "residuals in neither arm"),
    ),
    figures=(
        Drawn("by-layer", Bilingual("按层", "by layer"), made.RANDOM),
        Drawn("cosines", Bilingual("余弦", "cosines"), made.RANDOM),
        Drawn("summary", Bilingual("对照", "compared"), made.RANDOM),
    ),
    checks=(
        CheckDeclaration(
            "pure-collapses",
            Bilingual("没有残差，4 层之后词元之间的差别占全部的多少", "Without residuals, the share in which tokens "
                      "differ after 4 layers"),
            "<=", BreakKnobs({"skip_everywhere": True}),
        ),
        CheckDeclaration(
            "skip-keeps-tokens-apart",
            Bilingual("有残差，4 层之后词元之间的差别占全部的多少",
                      "With residuals, the share in which tokens differ after 4 layers"),
            ">=", BreakKnobs({"skip_nowhere": True}),
        ),
        CheckDeclaration(
            "pure-rank-is-one",
            Bilingual("没有残差，4 层之后 X 的数值秩（有 T 个词元）",
                      "Without residuals, the numerical rank of X after 4 layers (of T tokens)"),
            "==", BreakKnobs({"skip_everywhere": True}),
        ),
        CheckDeclaration(
            "one-layer-cubes",
            Bilingual("一层注意力：输入的差别缩小到 1/s，输出的差别缩小到 1/s 的几次方（推导：3）",
                      "One attention layer: differences divided by s come out divided by s to this power (derived: 3)"),
            "==", BreakKnobs({"skip_everywhere": True}),
        ),
        CheckDeclaration(
            "skip-is-first-order",
            Bilingual("一层注意力加残差：同样的幂次（推导：1）",
                      "One attention layer with the residual sum: the same power (derived: 1)"),
            "==", BreakKnobs({"skip_nowhere": True}),
        ),
        CheckDeclaration(
            "query-gradient-dies",
            Bilingual("第 4 层 W_Q 的梯度：没有残差的除以有残差的",
                      "The gradient of the 4th layer's W_Q: without residuals over with"),
            "<=", BreakKnobs({"skip_everywhere": True}),
        ),
    ),
)  # fmt: skip
