"""Distances added to the scores: ALiBi's slopes, T5's buckets, Shaw's keys, and what a longer text does."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, BreakTensor, CheckDeclaration, Choice, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import SEED

EXPERIMENT = Experiment(
    name="relative-bias",
    title=Bilingual("相对位置偏置：ALiBi、T5、Shaw", "Relative biases: ALiBi, T5, Shaw"),
    summary=Bilingual(
        "把距离直接加到得分上：ALiBi 的固定斜率、T5 的可学分桶、Shaw 的相对键。每个头能看多远，文本加长又怎样。",
        "Distances added straight to the scores: ALiBi's fixed slopes, T5's learned buckets, Shaw's relative keys. How "
        "far each head sees, and what a text twice as long does to the weights.",
    ),
    knobs=(
        Knob("kind", Bilingual("画哪一种", "which is drawn"), "choice", "alibi",
             choices=(Choice("alibi", "ALiBi"), Choice("t5", "T5"), Choice("shaw", "Shaw"))),
        Knob("heads", Bilingual("头数 H", "heads H"), "number", 8, minimum=1, maximum=16, log=True),
        Knob("length", Bilingual("词元数 n", "tokens n"), "number", 32, minimum=8, maximum=128, log=True),
        SEED,
    ),
    hidden_knobs=(
        Knob("add_bias", Bilingual("加 ALiBi", "add ALiBi"), "switch", True),
        Knob("buckets", Bilingual("T5 的桶数", "T5's buckets"), "number", 32, minimum=16, maximum=64, step=4),
        Knob("shift", Bilingual("短文本错开", "offset of the short text"), "number", 0, minimum=0, maximum=8),
    ),
    figures=(
        Drawn("bias", Bilingual("偏置", "bias"), made.RANDOM),
        Drawn("distance", Bilingual("距离", "distance"), made.BY_FORMULA),
        Drawn("buckets", Bilingual("T5 分桶", "T5 buckets"), made.RANDOM_DATA),
        Drawn("slopes", Bilingual("斜率", "slopes"), made.BY_FORMULA),
    ),
    checks=(
        CheckDeclaration(
            "alibi-is-linear",
            Bilingual("ALiBi 加到得分上的是 −m_h·|i − j|，m_h = 2^(−8h/H)（列的是最大误差）",
                      "What ALiBi adds to the scores is −m_h·|i − j|, m_h = 2^(−8h/H) (the largest error)"),
            "==", BreakTensor("alibi.biased", "double"),
        ),
        CheckDeclaration(
            "alibi-head-range",
            Bilingual("内容得分全为 0 时，最陡的头给自己的权重是 (1 − e^(−m)) / (1 − e^(−m·n))",
                      "With content scores of 0 the steepest head gives itself (1 − e^(−m)) / (1 − e^(−m·n))"),
            "==", BreakKnobs({"add_bias": False}),
        ),
        CheckDeclaration(
            "alibi-longer-text",
            Bilingual("文本加长一倍，最陡的头落在新增远处的权重不超过 e^(−m·n) / (1 + e^(−m·n))",
                      "In a text twice as long the steepest head puts at most e^(−m·n) / (1 + e^(−m·n)) on what is "
                      "newly far"),
            "<=", BreakKnobs({"add_bias": False}),
        ),
        CheckDeclaration(
            "no-bias-longer-text",
            Bilingual("不加偏置，同样的新增远处分走一半权重",
                      "Without a bias what is newly far takes half of the weights"),
            "==", BreakTensor("longer_plain.weights", "first"),
        ),
        CheckDeclaration(
            "short-is-part-of-long",
            Bilingual("ALiBi 短文本的偏置，就是长文本偏置的右下角：加长不需要新参数（列的是最大差）",
                      "ALiBi's bias of a short text is the lower right corner of a long one's: longer needs nothing "
                      "new (largest difference)"),
            "==", BreakKnobs({"shift": 1}),
        ),
        CheckDeclaration(
            "t5-far-share-a-bucket",
            Bilingual("T5 里距离 128 和 200 的偏置一样：远处共用一个桶（列的是最大差）",
                      "In T5 distances 128 and 200 have one bias: far ones share a bucket (largest difference)"),
            "==", BreakTensor("t5.output", "noise"),
        ),
        CheckDeclaration(
            "t5-parameters",
            Bilingual("T5 的偏置一共 32·H 个参数", "T5's bias has 32·H parameters"),
            "==", BreakKnobs({"buckets": 16}),
        ),
        CheckDeclaration(
            "shaw-sees-content",
            Bilingual("Shaw 的偏置随查询的内容变：同一距离，不同查询不一样（列的是同一距离上的极差与最大值之比）",
                      "Shaw's bias depends on the query: at one distance it differs between queries (range at one "
                      "distance over the largest)"),
            ">=", BreakTensor("shaw.output", "ones"),
        ),
    ),
)  # fmt: skip
