"""Scaled dot-product attention step by step, and what each skipped or misplaced step does to it."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakTensor, CheckDeclaration, Choice, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import MAX_CHARACTERS, SEED, sentence_knob

EXPERIMENT = Experiment(
    name="attention-steps",
    title=Bilingual("注意力逐步看", "Attention, step by step"),
    summary=Bilingual(
        "一句话过一个真实的注意力头：得分、缩放、掩码、softmax、加权求和，每一步都摊开；也可以故意做错一步。",
        "A sentence through one real attention head: scores, scaling, mask, softmax, weighted sum, each laid open; "
        "and any one of them done wrong on purpose.",
    ),
    knobs=(
        sentence_knob(),
        Knob("mistake", Bilingual("故意做错", "mistake"), "choice", "none", choices=(
            Choice("none", Bilingual("没有", "none")),
            Choice("no-scale", Bilingual("不缩放", "no scaling")),
            Choice("wrong-axis", Bilingual("softmax 沿查询轴", "softmax over queries")),
            Choice("mask-after-softmax", Bilingual("softmax 之后才加因果掩码", "causal mask after the softmax")),
            Choice("no-max-subtract", Bilingual("float16，不减最大值", "float16 without subtracting the maximum")),
        ), help=Bilingual("画出来的是做错的那一遍；实测总是对错都跑。",
                          "The wrong run is the one drawn; the checks always run right and wrong.")),
        Knob("causal", Bilingual("因果掩码", "causal mask"), "switch", False),
        Knob("temperature", Bilingual("温度", "temperature"), "number", 1.0, minimum=0.1, maximum=10, step=0.1,
             help=Bilingual("得分再除以它：小则尖，大则平。", "Divides the scores too: low sharpens, high flattens.")),
        Knob("shuffle", Bilingual("打乱词元", "shuffle the tokens"), "switch", False),
        Knob("query", Bilingual("看哪个查询", "query looked at"), "number", 3, minimum=0, maximum=MAX_CHARACTERS - 1,
             help=Bilingual("从 0 数起；超出句子就看最后一个。", "Counted from 0; past the end it is the last one.")),
        SEED,
    ),
    figures=(
        Drawn("attention", Bilingual("注意力", "attention"), made.RANDOM_WEIGHTS),
        Drawn("tokens", Bilingual("看向哪里", "looks at"), made.RANDOM_WEIGHTS),
        Drawn("row", Bilingual("一行权重", "one row"), made.RANDOM_WEIGHTS),
        Drawn("queries", Bilingual("各查询", "queries"), made.RANDOM_WEIGHTS),
        Drawn("sums", Bilingual("权重和", "sums"), made.RANDOM_WEIGHTS),
        Drawn("keys", Bilingual("K", "keys"), made.RANDOM_WEIGHTS),
        Drawn("values", Bilingual("V", "values"), made.RANDOM_WEIGHTS),
        Drawn("scores", Bilingual("得分", "scores"), made.RANDOM_WEIGHTS),
        Drawn("scaled", Bilingual("缩放后", "scaled"), made.RANDOM_WEIGHTS),
        Drawn("masked", Bilingual("掩码后", "masked"), made.RANDOM_WEIGHTS),
        Drawn("softmax", Bilingual("softmax", "softmax"), made.RANDOM_WEIGHTS),
        Drawn("weights", Bilingual("权重", "weights"), made.RANDOM_WEIGHTS),
        Drawn("heads", Bilingual("头", "heads"), made.RANDOM_WEIGHTS),
        Drawn("output", Bilingual("输出", "output"), made.RANDOM_WEIGHTS),
    ),
    checks=(
        CheckDeclaration(
            "rows-sum-to-one",
            Bilingual("每个查询的权重之和为 1（列的是最大偏差）",
                      "Each query's weights add up to 1 (the largest deviation)"),
            "==", BreakTensor("weights", "double"),
        ),
        CheckDeclaration(
            "output-in-value-range",
            Bilingual("输出是值的凸组合：逐个分量不超出值的最小与最大（列的是超出多少）",
                      "Outputs are convex combinations of values: no coordinate leaves the values' range "
                      "(by how much it does)"),
            "<=", BreakTensor("weights", "negate"),
        ),
        CheckDeclaration(
            "permutation-equivariance",
            Bilingual("没有掩码和位置时，词元换个顺序，输出只是跟着换（列的是最大差）",
                      "Without mask and positions, permuting the tokens permutes the outputs and nothing else "
                      "(the largest difference)"),
            "==", BreakTensor("weights", "shuffle"),
        ),
        CheckDeclaration(
            "wrong-axis-columns-sum-to-one",
            Bilingual("softmax 若沿查询轴做，和为 1 的就成了每一列（列的是最大偏差）",
                      "A softmax over the query axis makes the columns add up to 1 (the largest deviation)"),
            "==", BreakTensor("weights", "double"),
        ),
        CheckDeclaration(
            "mask-after-softmax-breaks-rows",
            Bilingual("softmax 之后才加掩码，行和不到 1：只剩 softmax 分给可见键的那部分（列的是最小的行和）",
                      "With the mask after the softmax rows add up to less than 1: what the softmax gave to the "
                      "allowed keys (the smallest row sum)"),
            "==", BreakTensor("weights", "uniform"),
        ),
        CheckDeclaration(
            "online-softmax-equals-full",
            Bilingual("分块的在线 softmax 与一次算完整行结果相同（列的是最大差）",
                      "An online softmax, block by block, equals the softmax of whole rows (the largest difference)"),
            "==", BreakTensor("running_sum", "double"),
        ),
        CheckDeclaration(
            "steps-match-reference",
            Bilingual("这些步骤连起来，等于逐行计算的 float64 参考实现（列的是最大差）",
                      "The steps together equal a reference that goes row by row in float64 (the largest difference)"),
            "==", BreakTensor("scores", "negate"),
        ),
        CheckDeclaration(
            "float16-exp-overflows",
            Bilingual("float16 里 exp(n) 变成无穷的最小整数 n（所以要先减去每行最大值）",
                      "The least whole n whose exp(n) is infinite in float16 (hence the row's maximum is subtracted)"),
            "==", BreakTensor("exponentials", "double"),
        ),
    ),
)  # fmt: skip
