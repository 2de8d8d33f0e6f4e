"""Weight, contribution and effect of a key: what a high attention weight does and does not say."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, BreakTensor, CheckDeclaration, Choice, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import DATES, SEED, hidden_switch

EXPERIMENT = Experiment(
    name="weight-and-effect",
    title=Bilingual("权重、贡献与去掉它的后果", "Weight, contribution, and what leaving it out does"),
    summary=Bilingual(
        "自带的、训练好的日期模型写出一个词元时：交叉注意力给每个源词元多少权重、它实际加进去的向量多长、去掉它下一个词元的分布变多少。",
        "As the shipped, trained date model writes a token: the weight its cross-attention gives each source token, "
        "the length of the vector that token adds, and how far the next token's distribution moves without it.",
    ),
    knobs=(
        Knob("date", Bilingual("日期", "date"), "text", "23 November 2026", max_length=48, presets=DATES),
        Knob("step", Bilingual("写到第几个词元", "output token"), "number", 6, minimum=1, maximum=10,
             help=Bilingual("输出形如 2026-11-23：1 到 4 是年，5 和 8 是横线，6、7 是月，9、10 是日。",
                            "Outputs read as 2026-11-23: 1 to 4 the year, 5 and 8 dashes, 6, 7 the month, "
                            "9, 10 the day.")),
        Knob("layer", Bilingual("看解码器第几层", "decoder layer"), "choice", "2", choices=(
            Choice("1", "1"), Choice("2", "2"),
        )),
        Knob("weight", Bilingual("值为零的那个键分到的权重 %", "weight of a key whose value is zero, %"), "number", 90,
             minimum=5, maximum=99),
        SEED,
    ),
    hidden_knobs=(
        Knob("zero_value", Bilingual("把值清零", "set the value to zero"), "switch", True),
        Knob("pairing", Bilingual("与哪一步的后果比", "effects compared with"), "choice", "same", choices=(
            Choice("same", Bilingual("同一步", "the same step")), Choice("other", Bilingual("别的步", "another step")),
        )),
        hidden_switch("exchange_layers", "对调两层", "exchange the layers"),
    ),
    figures=(
        Drawn("alignment", Bilingual("对齐", "alignment"), made.DATES_TYPED),
        Drawn("strips", Bilingual("源词元", "source"), made.DATES_TYPED),
        Drawn("keys", Bilingual("各词元", "tokens"), made.DATES_TYPED),
        Drawn("by-layer", Bilingual("各层", "layers"), made.DATES),
    ),
    checks=(
        CheckDeclaration(
            "weights-follow-input",
            Bilingual("同一组参数，两个日期：交叉注意力的权重不同（列的是各行总变差距离的平均）",
                      "One set of parameters, two dates: the cross-attention weights differ (mean total variation of "
                      "their rows)"),
            ">=", BreakTensor("decoder.layers.*.cross_attention.weights", "uniform"),
        ),
        CheckDeclaration(
            "contributions-add-up",
            Bilingual("每个键的贡献 Σ_h α v W_O 加起来就是这一层的输出（列的是最大差与最大值之比）",
                      "The contributions Σ_h α v W_O of the keys add up to the layer's output (largest difference over "
                      "the largest)"),
            "==", BreakTensor("decoder.layers.*.cross_attention.output", "double"),
        ),
        CheckDeclaration(
            "zero-value-adds-nothing",
            Bilingual("值为零的键权重再大，贡献也是 0（列的是它的贡献与其余贡献之和的长度比）",
                      "A key whose value is zero adds 0 whatever its weight (its contribution over the rest's)"),
            "==", BreakKnobs({"zero_value": False}),
        ),
        CheckDeclaration(
            "zero-value-takes-share",
            Bilingual("但它占着权重：去掉它，输出的长度变成 1 / (1 − 权重) 倍",
                      "Yet it takes a share: without it the output is 1 / (1 − weight) times as long"),
            "==", BreakKnobs({"zero_value": False}), unit="×",
        ),
        CheckDeclaration(
            "values-differ-in-length",
            Bilingual("同一个头里，最长的 v W_O 至少是最短的 2 倍：同样的权重，搬来的多少不同（列的是各头的中位数）",
                      "Within a head the longest v W_O is at least twice the shortest, so that one weight moves more "
                      "or less (median over heads)"),
            ">=", BreakTensor("decoder.layers.*.cross_attention.values", "ones"), unit="×",
        ),
        CheckDeclaration(
            "last-layer-weight-tells",
            Bilingual("第 2 层：权重与“去掉它的后果”的秩相关（在后果不小的步上）", 
                      "Layer 2: rank correlation of weight and leave-one-out effect (steps where that is not small)"),
            ">=", BreakKnobs({"pairing": "other"}),
        ),
        CheckDeclaration(
            "last-layer-norm-tells",
            Bilingual("第 2 层：‖贡献‖ 与“去掉它的后果”的秩相关",
                      "Layer 2: rank correlation of ‖contribution‖ and effect"),
            ">=", BreakKnobs({"pairing": "other"}),
        ),
        CheckDeclaration(
            "heavy-key-idle",
            Bilingual("第 2 层、后果不小的步：去掉后几乎没有后果（总变差 < 0.001）的键里，权重最大的拿到多少",
                      "Layer 2, steps where some key matters: the largest weight of a key whose own effect is next to "
                      "none (total variation < 0.001)"),
            ">=", BreakTensor("decoder.layers.*.cross_attention.weights", "uniform"),
        ),
        CheckDeclaration(
            "first-layer-top-key-idle",
            Bilingual("第 1 层：去掉权重最大的那个键，下一个词元的分布几乎不变（总变差 < 0.01）的步所占比例",
                      "Layer 1: share of steps at which leaving out the key of the largest weight hardly moves the "
                      "next token's distribution (total variation < 0.01)"),
            ">=", BreakKnobs({"exchange_layers": True}), unit="%",
        ),
        CheckDeclaration(
            "last-layer-top-key-idle",
            Bilingual("第 2 层：同样的比例，比第 1 层至少低 10 个百分点",
                      "Layer 2: the same share, at least 10 points lower than in layer 1"),
            "<=", BreakKnobs({"exchange_layers": True}), unit="%",
        ),
    ),
)  # fmt: skip
