"""Cross-encoder and bi-encoder: passes counted, vectors kept, and scores that no dot product gives."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, BreakTensor, CheckDeclaration, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import SEED, hidden_switch

EXPERIMENT = Experiment(
    name="cross-encoder",
    title=Bilingual("交叉编码器与双塔", "Cross-encoder and bi-encoder"),
    summary=Bilingual(
        "同样大小的小 BERT（随机权重）两种用法：两句拼起来打分，或各编码一次再点积。"
        "数一数各跑几遍、多少计算量，向量能不能存。再让训练好的 bert-mini 给没训练过的句子排序。",
        "One size of small BERT (random weights) used in two ways: both sentences in one input, or each encoded once "
        "and a dot product. Passes and operations are counted, and whether a vector can be kept. Then the trained "
        "bert-mini ranks held-out lines in both ways.",
    ),
    knobs=(
        Knob("sentences", Bilingual("句子", "sentences"), "text",
             "猫在追老鼠；老鼠怕猫；今天下雨了；出门带伞；我爱吃鱼；鱼在水里游",
             max_length=140,
             english="the cat chases the mouse; a mouse fears it; it is raining here today; take an umbrella out; "
             "I love eating fish; fish swim in the sea",
             help=Bilingual("用分号隔开，最多 10 句；中文按字切成词元。",
                            "Separated by semicolons, at most 10; Chinese is split by character.")),
        Knob("count", Bilingual("要两两比较的句子数", "sentences to compare pairwise"), "number", 10_000, minimum=100,
             maximum=100_000, step=100),
        Knob("hidden", Bilingual("BERT 的宽度", "width of BERT"), "number", 32, minimum=16, maximum=128, log=True),
        SEED,
    ),
    hidden_knobs=(
        hidden_switch("ordered", "两个方向都算", "score both orders"),
        Knob("keep", Bilingual("存下向量", "keep the vectors"), "switch", True),
        Knob("table_rank", Bilingual("表格的秩", "rank compared with"), "number", 8, minimum=1, maximum=24),
        hidden_switch("blind", "交叉编码器看不到真正的前一句", "the cross-encoder reads another first line"),
        Knob("factor", Bilingual("句对的长度", "length of a pair in the formula"), "number", 2, minimum=1, maximum=2),
    ),
    figures=(
        Drawn("passes", Bilingual("几遍", "passes"), made.BY_FORMULA),
        Drawn("costs", Bilingual("代价", "cost"), made.COUNTED),
        Drawn("ranking", Bilingual("排序", "ranking"), made.BERT_MINI),
        Drawn("scores", Bilingual("打分", "scores"), made.RANDOM_WEIGHTS),
    ),
    checks=(
        CheckDeclaration(
            "cross-passes",
            Bilingual("交叉编码器：n 句两两打分，跑 n(n − 1) / 2 遍（在踪迹里数）",
                      "Cross-encoder: scoring all pairs of n sentences takes n(n − 1) / 2 passes (counted in the "
                      "trace)"),
            "==", BreakKnobs({"ordered": True}),
        ),
        CheckDeclaration(
            "bi-passes",
            Bilingual("双塔：n 遍就够", "Bi-encoder: n passes do"),
            "==", BreakKnobs({"keep": False}),
        ),
        CheckDeclaration(
            "one-more-sentence",
            Bilingual("存好向量后再来一句：双塔只多跑 1 遍（交叉编码器要 n 遍）",
                      "With the vectors kept, one more sentence takes the bi-encoder 1 pass (the cross-encoder n)"),
            "==", BreakKnobs({"keep": False}),
        ),
        CheckDeclaration(
            "flops-ratio",
            Bilingual("两种用法的矩阵乘法运算量之比，与按长度算的公式 Σ 8Td² + 4T²d + 4TdF 一致",
                      "Operations of the two uses, as a ratio: as the formula Σ 8Td² + 4T²d + 4TdF over the lengths "
                      "says"),
            "==", BreakKnobs({"factor": 1}), unit="×",
        ),
        CheckDeclaration(
            "vector-does-not-change",
            Bilingual("双塔：一句话的向量，单独算与和别的句子一批算一样（列的是最大差）",
                      "Bi-encoder: a sentence's vector is the same alone and in a batch with others (largest "
                      "difference)"),
            "==", BreakTensor("bi.bert.embeddings.output", "noise"),
        ),
        CheckDeclaration(
            "tokens-change-with-partner",
            Bilingual("交叉编码器：换一个搭档，同一句话里各词元的表示就变了（相对变化，各对的平均）",
                      "Cross-encoder: with another partner the states of the same tokens change (relative, mean over "
                      "pairs)"),
            ">=", BreakTensor("cross.bert.encoder.layers.*.self_attention.weights", "first"),
        ),
        CheckDeclaration(
            "bi-table-is-low-rank",
            Bilingual("双塔的打分表（24 句，向量 8 维）秩不超过 8：秩 8 近似的误差",
                      "Bi-encoder: the table of scores (24 sentences, vectors of width 8) has rank 8 at most: error of "
                      "the nearest of rank 8"),
            "==", BreakKnobs({"table_rank": 4}),
        ),
        CheckDeclaration(
            "cross-table-is-not",
            Bilingual("同样宽的交叉编码器，打分表（去掉行列均值）写不成 8 维向量的点积：秩 8 近似的误差",
                      "A cross-encoder of that width: its table (less row and column means) is no table of dot "
                      "products of width 8: error of the nearest of rank 8"),
            ">=", BreakKnobs({"table_rank": 24}),
        ),
        CheckDeclaration(
            "cross-ranks",
            Bilingual("bert-mini，没训练过的唐诗：一起读（NSP 头），下一句排在别的诗的一句之前的 %（比余弦至少高 5）",
                      "bert-mini, held-out Tang poems: read together (NSP head), % of next lines ranked above another "
                      "poem's (at least 5 more than by the cosine)"),
            ">=", BreakKnobs({"blind": True}), unit="%",
        ),
        CheckDeclaration(
            "cosine-ranks",
            Bilingual("同样的句子各自编码，用平均池化的余弦来排，%",
                      "The same lines, each encoded alone, ranked by the cosine of their mean-pooled vectors, %"),
            "<=", BreakKnobs({"blind": True}), unit="%",
        ),
    ),
)  # fmt: skip
