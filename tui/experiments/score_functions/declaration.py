"""One recipe, four score functions side by side: what each does to the weights, and what a temperature does to each."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, BreakTensor, CheckDeclaration, Choice, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import SEED, hidden_switch, sentence_knob

EXPERIMENT = Experiment(
    name="score-functions",
    title=Bilingual("打分函数并排比", "Score functions side by side"),
    summary=Bilingual(
        "同一句话、同一组投影，只换打分函数：加性、点积、缩放点积、余弦。其余步骤（温度、掩码、softmax、加权求和）都一样。",
        "One sentence and one set of projections under four score functions (additive, dot, scaled dot, cosine); the "
        "other steps (temperature, mask, softmax, weighted sum) stay the same.",
    ),
    knobs=(
        sentence_knob("大黑猫追小白猫", "the black cat chases the white cat"),
        Knob("temperature", Bilingual("温度 τ", "temperature τ"), "number", 1.0, minimum=0.015625, maximum=64, log=True,
             help=Bilingual("得分除以 τ 再做 softmax：越小越尖，越大越平。",
                            "Scores are divided by τ before the softmax: smaller is sharper, larger is flatter.")),
        Knob("d_k", "d_k", "number", 64, minimum=4, maximum=128, log=True,
             help=Bilingual("查询和键的维数。", "The width of queries and keys.")),
        Knob("query", Bilingual("看第几个查询", "query shown in the table"), "number", 3, minimum=1, maximum=200,
             help=Bilingual("超出句长就取最后一个。", "Beyond the end it is the last.")),
        Knob("shift", Bilingual("给这一行的得分都加上", "added to every score of that row"), "number", 5, minimum=0,
             maximum=50),
        Knob("causal", Bilingual("因果掩码", "causal mask"), "switch", False),
        SEED,
    ),
    hidden_knobs=(
        hidden_switch("shift_one", "只给一个键加", "add to one key only"),
        Knob("rows", Bilingual("看哪些行", "rows measured"), "choice", "as-claimed", choices=(
            Choice("as-claimed", Bilingual("各按其说", "as each check claims")),
            Choice("exchanged", Bilingual("对调", "exchanged")),
        )),
        hidden_switch("forbid_self", "不许看自己", "forbid a token to see itself"),
        Knob("bounded_score", Bilingual("有界的打分函数", "the bounded score"), "choice", "cosine", choices=(
            Choice("cosine", Bilingual("余弦", "cosine")), Choice("dot", Bilingual("点积", "dot")),
        )),
        Knob("hot", Bilingual("最高的温度", "the highest temperature"), "number", 100_000.0, minimum=1,
             maximum=100_000),
        hidden_switch("compress", "加性打分只用 1 维", "additive score of width 1"),
    ),
    figures=(
        Drawn("maps", Bilingual("四张图", "maps"), made.RANDOM_WEIGHTS),
        Drawn("row", Bilingual("一行", "one row"), made.RANDOM_WEIGHTS),
        Drawn("by-temperature", Bilingual("温度", "temperature"), made.RANDOM_WEIGHTS),
    ),
    checks=(
        CheckDeclaration(
            "recipe-matches-loop",
            Bilingual("换的只是得分：四种输出都与逐对计算的 float64 循环一致（列的是最大相对差）",
                      "Only the score differs: all four outputs equal a float64 loop over pairs (largest relative "
                      "difference)"),
            "==", BreakTensor("*.tempered", "double"),
        ),
        CheckDeclaration(
            "shift-changes-nothing",
            Bilingual("一行的得分都加同一个数，权重不变（列的是最大变化）",
                      "The same number added to every score of a row leaves the weights (largest change)"),
            "==", BreakKnobs({"shift_one": True}),
        ),
        CheckDeclaration(
            "factor-sharpens",
            Bilingual("得分都乘 5：每行最大权重的平均值，四种打分合起来至少升 0.05",
                      "All scores times 5: the mean largest weight of a row, over the four, rises by at least 0.05"),
            ">=", BreakTensor("*.scores", "zeros"),
        ),
        CheckDeclaration(
            "clear-winner-takes-all",
            Bilingual("τ = 0.01，最大与次大相差不小于 0.1 的行：最大权重的最小值不低于 1 / (1 + 7e⁻¹⁰)",
                      "At τ = 0.01, among rows whose top two differ by 0.1 or more, the least largest weight is at "
                      "least 1 / (1 + 7e⁻¹⁰)"),
            ">=", BreakKnobs({"rows": "exchanged"}),
        ),
        CheckDeclaration(
            "near-tie-is-shared",
            Bilingual("τ = 0.01，400 个随机行全算上：有的行前两名几乎打平，最大权重不到 0.9",
                      "At τ = 0.01, over all of 400 random rows: some have a near tie, and their largest weight is "
                      "below 0.9"),
            "<=", BreakKnobs({"rows": "exchanged"}),
        ),
        CheckDeclaration(
            "hot-is-uniform",
            Bilingual("τ = 100,000：每个权重都是 1/n（列的是最大偏差）",
                      "At τ = 100,000 every weight is 1/n (largest deviation)"),
            "==", BreakKnobs({"hot": 1.0}),
        ),
        CheckDeclaration(
            "cosine-cannot-be-sharp",
            Bilingual("余弦得分在 −1 与 1 之间，τ = 1 时 8 个键里最大权重不超过 e² / (e² + 7)",
                      "Cosines lie in −1 … 1, so at τ = 1 the largest weight among 8 keys is at most e² / (e² + 7)"),
            "<=", BreakKnobs({"bounded_score": "dot"}),
        ),
        CheckDeclaration(
            "own-key-counts",
            Bilingual("键里也有自己：给自己的权重，平均是均分 1/n 的几倍（缩放点积，τ = 1，不加掩码）",
                      "The keys include its own: a token's mean weight on itself, in multiples of the fair share 1/n "
                      "(scaled dot, τ = 1, no mask)"),
            ">=", BreakKnobs({"forbid_self": True}), unit="×",
        ),
        CheckDeclaration(
            "additive-memory",
            Bilingual("加性打分的中间量有 n²·d_k 个数，是得分矩阵的 d_k 倍；点积没有这一步",
                      "The additive score makes n²·d_k numbers on the way, d_k times its scores; the dot product none"),
            "==", BreakKnobs({"compress": True}), unit="×",
        ),
    ),
)  # fmt: skip
