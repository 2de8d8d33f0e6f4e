"""The factor √C on embeddings: words beside positions, logits of the tied matrix, and a trained model without it."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, CheckDeclaration, Choice, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import SEED, hidden_switch

EXPERIMENT = Experiment(
    name="embedding-scale",
    title=Bilingual("嵌入为什么乘 √d", "Why embeddings are multiplied by √d"),
    summary=Bilingual(
        "新初始化的 Transformer：乘与不乘 √d，词嵌入和正弦位置各占多少；训练好的日期模型，运行时改掉倍数会怎样。",
        "A newly initialized Transformer: what words and sinusoids each make up, with √d and without; then the "
        "shipped, trained date model with the factor changed at run time.",
    ),
    knobs=(
        Knob("d_model", Bilingual("宽度 d", "width d"), "number", 512, minimum=64, maximum=512, log=True),
        Knob("factor", Bilingual("训练好的模型：原倍数的几倍", "trained model: the factor times"), "choice", "1/√d",
             choices=tuple(Choice(text, text) for text in ("1/√d", "1/2", "3/4", "1", "3/2", "2")),
             help=Bilingual("1/√d 就是去掉它。", "1/√d takes it away.")),
        SEED,
    ),
    hidden_knobs=(
        hidden_switch("unit_rows", "嵌入按 N(0, 1) 初始化", "embeddings drawn from N(0, 1)"),
        hidden_switch("no_scale", "两支都不乘 √d", "no √d in either arm"),
        hidden_switch("keep_factor", "训练好的模型不改倍数", "leave the trained factor alone"),
    ),
    figures=(
        Drawn("trained", Bilingual("改倍数", "factor"), made.DATES),
        Drawn("by-width", Bilingual("按宽度", "by width"), made.RANDOM),
        Drawn("summary", Bilingual("对照", "compared"), made.RANDOM),
        Drawn("readings", Bilingual("写出", "written"), made.DATES),
    ),
    checks=(
        CheckDeclaration(
            "raw-std",
            Bilingual("嵌入按 N(0, 1/d) 初始化：元素的标准差（应为 1/√d）",
                      "Embeddings drawn from N(0, 1/d): the standard deviation of their elements (1/√d)"),
            "==", BreakKnobs({"unit_rows": True}),
        ),
        CheckDeclaration(
            "scaled-std",
            Bilingual("乘 √d 之后元素的标准差", "The standard deviation after √d"),
            "==", BreakKnobs({"no_scale": True}),
        ),
        CheckDeclaration(
            "positions-without",
            Bilingual("不乘时，位置编码占和的平方的多少（推导：d/(d + 2)）",
                      "Without the factor, the share of the sum's square that positions are (derived: d/(d + 2))"),
            "==", BreakKnobs({"unit_rows": True}), unit="%",
        ),
        CheckDeclaration(
            "positions-with",
            Bilingual("乘了之后，位置编码占和的平方的多少（推导：1/3）",
                      "With the factor, the share of the sum's square that positions are (derived: 1/3)"),
            "==", BreakKnobs({"no_scale": True}), unit="%",
        ),
        CheckDeclaration(
            "tied-logits-std",
            Bilingual("同一个矩阵当输出层：单位方差的输出给出的 logits 的标准差",
                      "The same matrix as output layer: the standard deviation of the logits of unit-variance outputs"),
            "==", BreakKnobs({"unit_rows": True}),
        ),
        CheckDeclaration(
            "scores-grow-by-d",
            Bilingual("没有位置编码时，第一层的得分（已除以 √d_k）乘与不乘差多少倍：不是 1，是 d",
                      "Without positions, the first layer's scores (divided by √d_k already) with the factor over "
                      "without: not 1 but d"),
            "==", BreakKnobs({"no_scale": True}),
        ),
        CheckDeclaration(
            "trained-as-it-is",
            Bilingual("训练好的日期模型，倍数照旧：训练集之外的日期全对的比例",
                      "The trained date model as it is: held-out dates read without an error"),
            ">=", BreakKnobs({"no_scale": True}), unit="%",
        ),
        CheckDeclaration(
            "trained-without",
            Bilingual("训练好的日期模型，运行时去掉 √d：全对的比例",
                      "The trained date model with √d taken away at run time: dates read without an error"),
            "<=", BreakKnobs({"keep_factor": True}), unit="%",
        ),
        CheckDeclaration(
            "trained-doubled",
            Bilingual("训练好的日期模型，运行时倍数加倍：全对的比例，至少少 30 个百分点",
                      "The trained date model with the factor doubled at run time: at least 30 points fewer dates are "
                      "read without an error"),
            "<=", BreakKnobs({"keep_factor": True}), unit="%",
        ),
    ),
)  # fmt: skip
