"""Greedy search and beam search on trees known by heart and on the trained date model; sampling with the poet."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, CheckDeclaration, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import SEED, hidden_switch

EXPERIMENT = Experiment(
    name="beam-search",
    title=Bilingual("贪心、束搜索与采样", "Greedy search, beam search and sampling"),
    summary=Bilingual(
        "小树上看贪心漏掉什么、束搜索找到什么又漏掉什么；日期模型上看几束结果；"
        "再看温度、top-k、top-p 在写诗模型 poet 的 4528 个词元里留下哪些，抽出来的诗是什么样。",
        "What greedy search misses on a small tree, what beam search finds there and what it misses too; the beams of "
        "the trained date model; which of the 4528 tokens of the trained poet temperature, top-k and top-p keep, and "
        "what is drawn.",
    ),
    knobs=(
        Knob("beams", Bilingual("束宽 K", "beams K"), "number", 2, minimum=1, maximum=8,
             help=Bilingual("1 就是贪心。", "1 is greedy search.")),
        Knob("alpha", Bilingual("长度惩罚 α", "length penalty α"), "number", 0.6, minimum=0.0, maximum=2.0, step=0.1,
             help=Bilingual("得分是 log p / |Y|^α；0 偏爱短句。",
                            "The score is log p / |Y|^α; 0 favors short ones.")),
        Knob("temperature", Bilingual("温度 τ", "temperature τ"), "number", 0.8, minimum=0.1, maximum=2.0, step=0.1),
        Knob("top_k", "top-k", "number", 0, minimum=0, maximum=100, least=Bilingual("全部", "all"),
             help=Bilingual("只留概率最大的几个词元；0 是不限。", "How many of the likeliest are kept; 0 keeps all.")),
        Knob("top_p", "top-p", "number", 0.9, minimum=0.05, maximum=1.0, step=0.05),
        Knob("date", Bilingual("日期", "date"), "text", "November 2026", max_length=24,
             help=Bilingual("日期模型读的文字。缺了日子，它只能猜，几束就分得开。",
                            "What the date model reads. Without a day it must guess, and the beams differ.")),
        Knob("beginning", Bilingual("诗的开头", "a poem's beginning"), "text", "楼殿倚明月，参", max_length=30,
             help=Bilingual("poet 接着它抽；尖的和平的分布，就在其中最有把握和最没把握的地方。",
                            "The poet goes on from it; the peaked and the flat distribution are where in it the poet "
                            "is surest and least sure.")),
        SEED,
    ),
    hidden_knobs=(
        Knob("greedy_beams", Bilingual("贪心那一支的束宽", "beams of the greedy arm"), "number", 1, minimum=1,
             maximum=4),
        Knob("beam_arm", Bilingual("束搜索那一支的束宽（0 表示照旋钮）", "beams of the beam arm (0: as the knob says)"),
             "number", 0, minimum=0, maximum=4),
        Knob("trap_beams", Bilingual("陷阱树上多给几束", "more beams on the trap tree"), "number", 0, minimum=0,
             maximum=2),
        Knob("penalise", Bilingual("长度惩罚起作用", "apply the length penalty"), "switch", True),
        hidden_switch("take_worst", "取最差的一束", "take the worst beam"),
        hidden_switch("fixed_number", "用 top-k 代替 top-p", "top-k in place of top-p"),
        hidden_switch("ignore_temperature", "不用温度", "ignore the temperature"),
        hidden_switch("unfiltered", "抽样时不过滤", "draw without the filters"),
    ),
    figures=(
        Drawn("trees", Bilingual("树", "trees"), made.BY_FORMULA),
        Drawn("dates", Bilingual("日期", "dates"), made.DATES_TYPED),
        Drawn("filtered", Bilingual("过滤", "filtered"), made.POET),
        Drawn("poems", Bilingual("诗", "poems"), made.POET),
    ),
    checks=(
        CheckDeclaration(
            "greedy-probability",
            Bilingual("树一：贪心每步取最大，整句的概率",
                      "Tree 1: greedy takes the best token each time; the probability of its sequence"),
            "==", BreakKnobs({"greedy_beams": 2}),
        ),
        CheckDeclaration(
            "beam-probability",
            Bilingual("树一：两束以上的束搜索找到的句子的概率，就是穷举的最大值",
                      "Tree 1: with two beams or more, the probability of what is found is the largest of all"),
            "==", BreakKnobs({"beam_arm": 1}),
        ),
        CheckDeclaration(
            "beam-is-not-exact",
            Bilingual("树二：K 束搜索找到的概率与穷举的最大概率之比，不是 1",
                      "Tree 2: the probability that K beams find over the largest there is, which is not 1"),
            "==", BreakKnobs({"trap_beams": 1}),
        ),
        CheckDeclaration(
            "length-penalty-crossing",
            Bilingual("树三：α 超过 ln(log p₁/log p₂)/ln(|Y₁|/|Y₂|)，赢家从短句变成长句",
                      "Tree 3: above α = ln(log p₁/log p₂)/ln(|Y₁|/|Y₂|) the long sequence wins instead of the short"),
            "==", BreakKnobs({"penalise": False}),
        ),
        CheckDeclaration(
            "dates-not-below-greedy",
            Bilingual("日期模型，12 条文字：束搜索找到的 log p 不低于贪心的（最小的差）",
                      "Date model, 12 texts: the log p that beam search finds is not below greedy's (the least "
                      "difference)"),
            ">=", BreakKnobs({"take_worst": True}),
        ),
        CheckDeclaration(
            "nucleus-adapts",
            Bilingual("同一个 top-p，poet 最没把握的地方留下的词元是最有把握处的几倍",
                      "One top-p keeps how many times as many tokens where the poet is least sure as where surest"),
            ">=", BreakKnobs({"fixed_number": True}),
        ),
        CheckDeclaration(
            "temperature-divides-log-ratios",
            Bilingual("除以温度 τ，两个词元的对数概率之差就是原来的 1/τ（列的是差）",
                      "A temperature of τ leaves 1/τ of the difference between two tokens' log-probabilities (the "
                      "difference)"),
            "==", BreakKnobs({"ignore_temperature": True}),
        ),
        CheckDeclaration(
            "removed-never-drawn",
            Bilingual("被 top-k、top-p 去掉的词元，抽 20,000 次一次也抽不到",
                      "A token that top-k or top-p removed is not drawn once in 20,000"),
            "==", BreakKnobs({"unfiltered": True}),
        ),
    ),
)  # fmt: skip
