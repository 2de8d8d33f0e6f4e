"""What several heads can do that one cannot, and what nothing makes them do."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, BreakTensor, CheckDeclaration, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import SEED, hidden_switch

EXPERIMENT = Experiment(
    name="head-ablation",
    title=Bilingual("关掉一个头", "Switching a head off"),
    summary=Bilingual(
        "训练好的模型里逐个关掉头，看哪些用得着、哪些多余；一个头为什么只能取平均；又为什么没有什么逼着各个头分工。",
        "A trained model's heads, one off at a time: which it needs and which it does not; why one head can only "
        "average; and why nothing forces heads to differ.",
    ),
    knobs=(
        Knob("heads", Bilingual("头数 h", "heads h"), "number", 8, minimum=1, maximum=16, log=True,
             help=Bilingual("须整除 d_model。", "Must divide d_model.")),
        Knob("d_model", "d_model", "number", 64, minimum=16, maximum=256, log=True),
        Knob("tokens", Bilingual("词元数", "tokens"), "number", 16, minimum=2, maximum=64),
        Knob("ablate", Bilingual("关掉哪个头", "head switched off"), "number", 0, minimum=-1, maximum=15,
             help=Bilingual("从 0 数起；−1 为都不关；超出就是最后一个。",
                            "Counted from 0; −1 switches none off; past the end it is the last one.")),
        SEED,
    ),
    hidden_knobs=(
        hidden_switch("split_single_head", "“一个头”一支实际用两个头", "the single-head arm has two heads"),
        hidden_switch("prune_most_needed", "剪掉的是最要紧的头", "the heads pruned are the most needed ones"),
        hidden_switch("count_needed", "数的是关掉就变差的头", "the heads counted are those that are missed"),
        hidden_switch("best_head", "列的是最不要紧的头", "the head shown is the least needed one"),
    ),
    figures=(
        Drawn("trained", Bilingual("训练过的", "trained"), made.DATES),
        Drawn("attention", Bilingual("注意力", "attention"), made.RANDOM),
        Drawn("changes", Bilingual("关掉一个", "one off"), made.RANDOM),
        Drawn("similarity", Bilingual("相似度", "alike"), made.RANDOM),
        Drawn("compromise", Bilingual("折中", "compromise"), made.BY_FORMULA),
    ),
    checks=(
        CheckDeclaration(
            "ablation-changes-output-by-its-term",
            Bilingual("关掉一个头，输出恰好少了它那一项 head_i W_i^O（每个头都试；列的是最大差）",
                      "Without a head the output lacks just its term head_i W_i^O (largest difference of all heads)"),
            "==", BreakTensor("output", "double"),
        ),
        CheckDeclaration(
            "no-ablation-no-change",
            Bilingual("一个头都不关，输出一位都不变（列的是最大差）",
                      "With no head off the output does not change by one bit (the largest difference)"),
            "==", BreakTensor("heads", "noise"),
        ),
        CheckDeclaration(
            "rank-at-most-head-width",
            Bilingual("一个头的得分矩阵 Q Kᵀ 的秩不超过 d_k（列的是各头中最大的）",
                      "The scores Q Kᵀ of a head have rank d_k at most (the largest over the heads)"),
            "<=", BreakTensor("scores", "noise"),
        ),
        CheckDeclaration(
            "nothing-forces-diversity",
            Bilingual("两个头起点相同，训练几步之后参数和权重仍然相同：损失里没有一项要它们分工（列的是最大差）",
                      "Two heads that begin alike are still alike after some training steps: "
                      "no term of the loss sets them apart (the largest difference)"),
            "==", BreakTensor("weights", "noise"),
        ),
        CheckDeclaration(
            "single-head-averages",
            Bilingual("一半分量要取自一个词元、另一半取自另一个时，一个头只能折中：平方误差不低于 a²b²/(a²+b²)，"
                      "a、b 是两个值在这两半上的距离",
                      "Asked for half the features of one token and the other half of another, one head must "
                      "compromise: its squared error is at least a²b²/(a²+b²), a and b being the distances of the two "
                      "values in the halves"),
            ">=", BreakKnobs({"split_single_head": True}),
        ),
        CheckDeclaration(
            "two-heads-separate",
            Bilingual("同样的要求，两个半宽的头可以做到：平方误差趋于 0",
                      "Two heads of half the width can do as asked: the squared error tends to 0"),
            "<=", BreakTensor("heads", "double"),
        ),
        CheckDeclaration(
            "trained-heads-spared",
            Bilingual("训练好的日期模型有 24 个头：单独关掉而读对的日期一个不少的，超过一半（列的是个数）",
                      "The trained date model has 24 heads: over half can be switched off alone and no date is lost "
                      "(how many)"),
            ">=", BreakKnobs({"count_needed": True}),
        ),
        CheckDeclaration(
            "trained-head-needed",
            Bilingual("但有的头关掉一个就坏：最要紧的那个关掉，读对的日期不到八成",
                      "But a single head can matter: without the most needed one fewer than 80 % of dates are read"),
            "<=", BreakKnobs({"best_head": True}), unit="%",
        ),
        CheckDeclaration(
            "trained-heads-pruned",
            Bilingual("一次剪掉三分之一的头（在另一批日期上挑最不要紧的 8 个），读对的日期仍在八成以上",
                      "A third of the heads pruned together (the 8 least needed, chosen on other dates): over 80 % of "
                      "dates are still read"),
            ">=", BreakKnobs({"prune_most_needed": True}), unit="%",
        ),
    ),
)  # fmt: skip
