"""Attention block by block with a running softmax, as FlashAttention computes it: exact, in less memory."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, BreakTensor, CheckDeclaration, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import SEED, hidden_switch

EXPERIMENT = Experiment(
    name="flash-attention",
    title=Bilingual("FlashAttention：一块一块算，结果不差", "FlashAttention: block by block, and exact"),
    summary=Bilingual(
        "先看读写慢速存储的量随长度怎样涨；再跟着一个查询，看最大值 m、分母 l 和累加的输出 o 怎样随每块键更新；"
        "最后与一次算完的结果、显存和运算次数比较。",
        "First, how the traffic to slow memory grows with the length. Then one query: how the maximum m, the "
        "denominator l and the output o are updated and rescaled block by block; against the result, memory and "
        "operations of computing it all at once.",
    ),
    knobs=(
        Knob("length", Bilingual("词元数 n", "tokens n"), "number", 32, minimum=4, maximum=256, log=True),
        Knob("block", Bilingual("每块的键数", "keys in a block"), "number", 8, minimum=1, maximum=64, log=True),
        Knob("sram", Bilingual("快速存储能放几个数", "numbers that fast memory holds"), "number", 65536,
             minimum=32768, maximum=131072, log=True,
             help=Bilingual("只用于读写量：d = 64 的一个头。", "For the traffic only: one head of d = 64.")),
        Knob("query", Bilingual("看哪个查询", "query to follow"), "number", 3, minimum=0, maximum=255,
             help=Bilingual("超过最后一个就看最后一个。", "Beyond the last it is the last.")),
        Knob("gain", Bilingual("得分放大", "gain of the scores"), "number", 2, minimum=1, maximum=32, log=True),
        Knob("causal", Bilingual("因果掩码", "causal mask"), "switch", False),
        SEED,
    ),
    hidden_knobs=(
        Knob("run_block", Bilingual("真正用的块（0 为 block）", "block that runs (0 for block)"), "number", 0,
             minimum=0, maximum=256),
        hidden_switch("half", "只看前一半的键", "the first half of the keys only"),
        hidden_switch("tiny_sram", "快速存储只放 4096 个数", "fast memory holds 4096 numbers only"),
    ),
    figures=(
        Drawn("traffic", Bilingual("读写量", "traffic"), made.COUNTED),
        Drawn("provisional", Bilingual("临时权重", "blocks"), made.RANDOM_DATA),
        Drawn("state", Bilingual("状态", "state"), made.RANDOM_DATA),
        Drawn("convergence", Bilingual("收敛", "error"), made.RANDOM_DATA),
        Drawn("memory", Bilingual("内存", "memory"), made.COUNTED),
    ),
    checks=(
        CheckDeclaration(
            "blockwise-equals-full",
            Bilingual("分块算的输出，等于 float64 逐行算的完整 softmax（列的是最大差与最大输出之比）",
                      "Block by block, the output equals a full softmax in float64 (largest difference over largest "
                      "output)"),
            "<=", BreakTensor("running_sum", "double"),
        ),
        CheckDeclaration(
            "any-block-size",
            Bilingual("块取 1、取所选的、取全部，输出一样（列的是最大差与最大输出之比）",
                      "Blocks of 1, of the chosen size and of all keys give the same (largest difference over largest "
                      "output)"),
            "<=", BreakTensor("accumulated", "noise"),
        ),
        CheckDeclaration(
            "running-max",
            Bilingual("每块之后的 m，就是到此为止所有得分的最大值（列的是最大差）",
                      "After each block m is the largest score so far (the largest difference)"),
            "==", BreakTensor("running_max", "double"),
        ),
        CheckDeclaration(
            "averaging-is-wrong",
            Bilingual("各块各做 softmax 再平均，是错的（列的是相对误差）",
                      "A softmax for each block and then the mean is wrong (relative error)"),
            ">=", BreakTensor("heads", "ones"),
        ),
        CheckDeclaration(
            "scores-held",
            Bilingual("同时存在的得分，是完整得分矩阵的“块 / n”",
                      "Of the full matrix of scores, a share of block / n exists at a time"),
            "==", BreakKnobs({"run_block": 32}),
        ),
        CheckDeclaration(
            "same-operations",
            Bilingual("打分和混合的运算次数与一次算完之比是 1：省的不是运算（由实际跑过的形状数出）",
                      "Operations of scoring and mixing, over those of doing it at once, are 1: it is not operations "
                      "that are saved (counted from traced shapes)"),
            "==", BreakKnobs({"half": True}),
        ),
        CheckDeclaration(
            "traffic-falls",
            Bilingual("n = 1024、d = 64：一次算完读写慢速存储的数，是分块的几倍（逐次读写数出来）",
                      "n = 1024, d = 64: numbers moved to and from slow memory at once, over those in blocks (every "
                      "transfer counted)"),
            ">=", BreakKnobs({"tiny_sram": True}), unit="x",
        ),
    ),
)  # fmt: skip
