"""How padding is kept out of attention, and the ways in which that goes wrong."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, CheckDeclaration, Choice, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import CAT, CAT_IN_ENGLISH, SEED, hidden_switch

EXPERIMENT = Experiment(
    name="padding",
    title=Bilingual("填充掩码：补齐的位置怎样屏蔽", "Padding masks: keeping padding out"),
    summary=Bilingual(
        "一句话补上几个填充，与不补时对照：布尔掩码、加 −10000、加 −10、softmax 之后再遮、遮错了轴，各差多少。",
        "A sentence with padding against the same without: a boolean mask, −10000 added, −10 added, masking after the "
        "softmax, masking the wrong axis. How far off is each?",
    ),
    knobs=(
        Knob("sentence", Bilingual("句子", "sentence"), "text", CAT, max_length=100,
             english=CAT_IN_ENGLISH,
             help=Bilingual("中文按字、其他文字按空格切成词元。", "Chinese by character, other scripts at spaces.")),
        Knob("pads", Bilingual("填充的个数", "padding tokens"), "number", 4, minimum=0, maximum=12),
        Knob("recipe", Bilingual("怎样屏蔽", "recipe"), "choice", "mask", choices=(
            Choice("mask", Bilingual("softmax 前遮键（对）", "keys masked before the softmax (right)")),
            Choice("none", Bilingual("不遮", "no mask")),
            Choice("additive", Bilingual("加 −10000（BERT）", "−10000 added (BERT)")),
            Choice("small", Bilingual("加 −10", "−10 added")),
            Choice("after", Bilingual("softmax 之后置零", "zeroed after the softmax")),
            Choice("renormalised", Bilingual("softmax 之后置零，再归一化", "zeroed after it, then renormalized")),
            Choice("queries", Bilingual("遮查询（遮错了轴）", "queries masked (the wrong axis)")),
        ), help=Bilingual("画哪一种；实测总是都跑。", "Which one is drawn; the checks run all of them.")),
        SEED,
    ),
    hidden_knobs=(
        hidden_switch("forget", "“布尔掩码”一支忘了遮", "the masked arm is not masked"),
        hidden_switch("always", "“不遮”与“遮错轴”两支其实遮对了", "the arms without mask are masked right"),
        Knob("large_fill", Bilingual("“−10000”一支加多少", "what the −10000 arm adds"), "number", -10_000.0,
             minimum=-1e9, maximum=0, step=0.5),
        Knob("small_fill", Bilingual("“−10”一支加多少", "what the −10 arm adds"), "number", -10.0, minimum=-100,
             maximum=0, step=0.5),
        Knob("half_fill", Bilingual("float16 里加多少", "what is added in float16"), "number", -1e9, minimum=-1e9,
             maximum=0, step=0.5),
        hidden_switch("swap_after", "对调“归一化”与“不归一化”两支", "exchange the renormalized arm and the other"),
    ),
    figures=(
        Drawn("attention", Bilingual("注意力", "attention"), made.RANDOM_WEIGHTS),
        Drawn("errors", Bilingual("误差", "errors"), made.RANDOM_WEIGHTS),
        Drawn("by-padding", Bilingual("按填充", "padding"), made.RANDOM_WEIGHTS),
        Drawn("batch", Bilingual("批次", "batch"), made.ARRANGED),
    ),
    checks=(
        CheckDeclaration(
            "padded-equals-unpadded",
            Bilingual("两层编码器，键上加布尔掩码：真实位置的输出与不补时相同（列的是最大差）",
                      "Two encoder layers with the keys masked: real positions come out as without padding (largest "
                      "difference)"),
            "==", BreakKnobs({"forget": True}),
        ),
        CheckDeclaration(
            "weight-on-padding-is-zero",
            Bilingual("填充得到的权重恰好是 0（列的是最大的）", "Padding gets a weight of exactly 0 (the largest)"),
            "==", BreakKnobs({"forget": True}),
        ),
        CheckDeclaration(
            "padding-content-is-irrelevant",
            Bilingual("填充换成别的内容，真实位置的输出一位不变（列的是最大差）",
                      "With other contents in the padding, real positions do not move by one bit (the largest "
                      "difference)"),
            "==", BreakKnobs({"forget": True}),
        ),
        CheckDeclaration(
            "no-mask-leaks",
            Bilingual("不遮：真实位置的输出与不补时不同（列的是最大差）",
                      "Without a mask real positions differ from those without padding (the largest difference)"),
            ">=", BreakKnobs({"always": True}),
        ),
        CheckDeclaration(
            "minus-ten-thousand-is-enough",
            Bilingual("BERT 的做法，加 −10000：float32 里与不补时相同（列的是最大差）",
                      "BERT's way, −10000 added: as without padding, in float32 (the largest difference)"),
            "==", BreakKnobs({"large_fill": -10.0}),
        ),
        CheckDeclaration(
            "minus-ten-leaks",
            Bilingual("加 −10 不够：漏给填充的权重是 w·e⁻¹⁰ / (w·e⁻¹⁰ + 1 − w)，w 是不遮时的（列的是最大的）",
                      "−10 is not enough: padding keeps a weight of w·e⁻¹⁰ / (w·e⁻¹⁰ + 1 − w), w being that without a "
                      "mask (the largest)"),
            "==", BreakKnobs({"small_fill": -20.0}),
        ),
        CheckDeclaration(
            "after-softmax-rows-fall-short",
            Bilingual("softmax 之后再置零：每行加起来只剩 1 − w（列的是最小的一行）",
                      "Zeroed after the softmax, rows add up to 1 − w only (the smallest row)"),
            "==", BreakKnobs({"swap_after": True}),
        ),
        CheckDeclaration(
            "renormalised-is-right",
            Bilingual("softmax 之后置零再归一化：与 softmax 之前遮相同（列的是最大差）",
                      "Zeroed after the softmax and renormalized: as if masked before it (the largest difference)"),
            "==", BreakKnobs({"swap_after": True}),
        ),
        CheckDeclaration(
            "masking-queries-stops-nothing",
            Bilingual("遮查询而不是键：真实位置的误差与不遮时一样（列的是两个误差之差）",
                      "Queries masked instead of keys: real positions err as without a mask (their difference)"),
            "==", BreakKnobs({"always": True}),
        ),
        CheckDeclaration(
            "empty-row-of-infinities-is-nan",
            Bilingual("整条都是填充、float16 里加 −1e9（成了 −∞）：权重全是 NaN（列的是 NaN 的比例）",
                      "A sequence of nothing but padding, −1e9 added in float16 (which is −∞): all weights are NaN "
                      "(their share)"),
            "==", BreakKnobs({"half_fill": -10_000.0}),
        ),
        CheckDeclaration(
            "empty-row-ignores-additive-mask",
            Bilingual("整条都是填充、加 −10000：每个得分加了同一个数，等于没加，权重与不遮时一样（列的是最大差）",
                      "Nothing but padding and −10000 added: one number added to every score cancels, and the weights "
                      "are those without a mask (the largest difference)"),
            "==", BreakKnobs({"large_fill": -1e9}),
        ),
        CheckDeclaration(
            "empty-row-gives-zeros",
            Bilingual("整条都是填充、布尔掩码：这个库输出 0，没有 NaN（列的是最大的输出）",
                      "Nothing but padding under a boolean mask: this library gives zeros, no NaN (largest output)"),
            "==", BreakKnobs({"forget": True}),
        ),
        CheckDeclaration(
            "mean-pooling-needs-the-mask",
            Bilingual("句向量取平均时忘了掩码：填充位置的输出也被平均进去（列的是最大差）",
                      "A sentence vector averaged without the mask takes in the padding's outputs (the largest "
                      "difference)"),
            ">=", BreakKnobs({"always": True}),
        ),
    ),
)  # fmt: skip
