"""The recurrent encoder-decoder with and without attention, and a Transformer, live on the shipped twins."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, BreakTensor, CheckDeclaration, Choice, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import DATES, SEED, hidden_switch

EXPERIMENT = Experiment(
    name="bottleneck",
    title=Bilingual("seq2seq 的瓶颈与注意力", "The bottleneck of seq2seq, and attention"),
    summary=Bilingual(
        "三个大小相近、任务相同（把 4 到 40 个字母倒着写）的自带模型：没有注意力的 GRU 编码器-解码器、"
        "只多了加性注意力的同款、Transformer。看上下文向量、对齐和准确率怎样随长度变化；最后看改写日期的模型怎样对齐。",
        "Three shipped models of similar size and one task (writing 4 to 40 letters backwards): a GRU encoder-decoder "
        "without attention, the same with additive attention, a Transformer. Watch the contexts, the alignment, and "
        "accuracy by length; at the end, how a model that rewrites dates aligns them.",
    ),
    knobs=(
        Knob("text", Bilingual("要倒写的字母", "letters to write backwards"), "text",
             "The quick brown fox jumps over a lazy dog", max_length=80,
             presets=("attention", "abcdefghijklmnopqrstuvwxyz"),
             help=Bilingual("只取其中的拉丁字母，最多 40 个，不分大小写。",
                            "Only its Latin letters are taken, at most 40, in any case.")),
        Knob("model", Bilingual("画谁的对齐", "whose alignment"), "choice", "gru-attention", choices=(
            Choice("gru-attention", Bilingual("GRU＋注意力", "GRU + attention")),
            Choice("transformer", Bilingual("Transformer 的交叉注意力", "the Transformer's cross-attention")),
        )),
        Knob("step", Bilingual("解码到第几步", "step of decoding"), "number", 1, minimum=1, maximum=41,
             help=Bilingual("字母条上显示这一步的权重；超过末尾就停在末尾。",
                            "The strip shows the weights of this step; past the end it stays at the last.")),
        Knob("length", Bilingual("现场样本的长度", "length of the live samples"), "number", 40, minimum=4, maximum=40,
             help=Bilingual("现抽 16 个没训练过的随机串，三个模型各倒写一遍。",
                            "16 random strings that were never trained, reversed by all three models now.")),
        Knob("date", Bilingual("要改写的日期", "date to rewrite"), "text", DATES[0], max_length=48,
             presets=(DATES[1], *DATES[3:]), english=DATES[2]),
        SEED,
    ),
    hidden_knobs=(
        hidden_switch("swap", "没有注意力的那个也换成有的", "the one with attention stands in for the other"),
        hidden_switch("uniform", "把注意力的权重换成均匀的", "make attention's weights uniform"),
        hidden_switch("worst_head", "换成对得最差的头", "the head that aligns worst"),
        hidden_switch("half", "只解码目标的一半", "decode half of the target only"),
    ),
    figures=(
        Drawn("written", Bilingual("倒着写", "written"), made.REVERSERS),
        Drawn("alignment", Bilingual("对齐", "alignment"), made.REVERSERS),
        Drawn("by-length", Bilingual("按长度", "by length"), made.REVERSERS_AND_CARDS),
        Drawn("by-place", Bilingual("按位置", "by place"), made.IN_TRAINING),
        Drawn("date-alignment", Bilingual("日期对齐", "dates"), made.DATES_TYPED),
    ),
    checks=(
        CheckDeclaration(
            "context-constant",
            Bilingual("没有注意力：每一步的上下文是同一个向量（列的是各步之间的最大差）",
                      "Without attention the context is one vector at all steps (largest difference between steps)"),
            "==", BreakKnobs({"swap": True}),
        ),
        CheckDeclaration(
            "contexts-differ",
            Bilingual("有注意力：相邻两步的上下文不同（最小的相邻差与最大值之比）",
                      "With attention, contexts of neighboring steps differ (smallest such difference over the "
                      "largest value)"),
            ">=", BreakKnobs({"uniform": True}),
        ),
        CheckDeclaration(
            "context-is-mixture",
            Bilingual("c_i 等于逐项算的 Σ_j α_ij h_j（float64，最大差与最大值之比）",
                      "c_i is Σ_j α_ij h_j, summed in float64 (largest difference over the largest value)"),
            "==", BreakTensor("attention.heads", "double"),
        ),
        CheckDeclaration(
            "same-but-attention",
            Bilingual("两个 GRU 的参数只差注意力的三个矩阵：A·H + A·2H + A",
                      "The two GRUs' parameters differ by attention's three matrices alone: A·H + A·2H + A"),
            "==", BreakKnobs({"swap": True}),
        ),
        CheckDeclaration(
            "scores-per-sentence",
            Bilingual("一个源句要算的打分个数：n × m（源与目标的词元数相乘）",
                      "Scores for one source: n × m, the source's tokens times the target's"),
            "==", BreakKnobs({"half": True}),
        ),
        CheckDeclaration(
            "live-gap",
            Bilingual("现场：有注意力比没有的字母准确率至少高 40 个百分点",
                      "Live: with attention at least 40 points more letters are right than without"),
            ">=", BreakKnobs({"uniform": True}), unit="%",
        ),
        CheckDeclaration(
            "gap-from-every-seed",
            Bilingual("训练时测的，长度 40：有注意力的最差的种子，也比没有的最好的种子高至少 30 个百分点",
                      "Measured in training, length 40: the worst seed with attention is at least 30 points above "
                      "the best without"),
            ">=", BreakKnobs({"swap": True}), unit="%",
        ),
        CheckDeclaration(
            "falls-with-length",
            Bilingual("训练时测的，没有注意力：从长度 4 到 40，每个种子的准确率至少都掉 50 个百分点",
                      "Measured in training, without attention: from length 4 to 40, every seed loses at least 50 "
                      "points"),
            ">=", BreakKnobs({"swap": True}), unit="%",
        ),
        CheckDeclaration(
            "first-letters-best",
            Bilingual("训练时测的，没有注意力，长度 40：输出的第 1 个字母比第 10 个以后的平均准，至少高 10 个百分点",
                      "Measured in training, without attention, length 40: the first letter written is right at least "
                      "10 points more often than those after the tenth"),
            ">=", BreakKnobs({"swap": True}), unit="%",
        ),
        CheckDeclaration(
            "aligned",
            Bilingual("对齐没有标注也学得到：权重的峰落在该抄的字母或它的邻居上的步数比例",
                      "Alignment without labels: share of steps whose peak lies at the letter to copy or beside it"),
            ">=", BreakKnobs({"uniform": True}), unit="%",
        ),
        CheckDeclaration(
            "date-head-aligns",
            Bilingual("改写日期的 Transformer：写每个数字时，一个交叉注意力头的峰落在源句对应的年、月、日上的比例",
                      "A Transformer that rewrites dates: share of the digits at which one cross-attention head peaks "
                      "in the source's year, month or day for it"),
            ">=", BreakKnobs({"worst_head": True}), unit="%",
        ),
    ),
)  # fmt: skip
