"""One trained BERT under its own mask and under a decoder's, and what its parameters are made of."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, CheckDeclaration, Choice, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import SEED, hidden_switch

EXPERIMENT = Experiment(
    name="encoder-half",
    title=Bilingual("BERT 是哪一半", "Which half BERT is"),
    summary=Bilingual(
        "随包训练好的小 BERT：同一句话把 [MASK] 放在头、中、尾，分别用双向和因果掩码填，看前五名和代价；"
        "再按公式数它的参数，找找有没有交叉注意力。",
        "The shipped, trained small BERT fills a [MASK] put first, in the middle and last, under no mask and under a "
        "causal one: its top guesses and what they cost. Its parameters are counted by formula, and searched for "
        "cross-attention.",
    ),
    knobs=(
        Knob("sentence", Bilingual("句子", "sentence"), "text", "画蛇添足", max_length=40,
             english="The Lord is my shepherd",
             presets=("学而时习之，不亦说乎？", "床前明月光，疑是地上霜。", "The heavens declare the glory of God"),
             help=Bilingual("成语、论语、唐诗、三字经里的中文，或圣经诗篇的英文；它只会这些。",
                            "Chinese of idioms, Analects, Tang poems; English of the Psalms: it knows no other.")),
        Knob("position", Bilingual("热图里 [MASK] 放哪", "place of [MASK] in the map"), "choice", "first", choices=(
            Choice("first", Bilingual("头", "first")),
            Choice("middle", Bilingual("中", "middle")),
            Choice("last", Bilingual("尾", "last")),
        )),
        Knob("mask", Bilingual("热图用哪种掩码", "mask of the map"), "choice", "both", choices=(
            Choice("both", Bilingual("双向（BERT）", "both ways (BERT)")),
            Choice("causal", Bilingual("因果（解码器）", "causal (a decoder's)")),
        )),
        Knob("texts", Bilingual("柱图用哪些句子", "texts of the bars"), "choice", "idioms", choices=(
            Choice("idioms", Bilingual("成语", "idioms")),
            Choice("lunyu", Bilingual("论语", "Analects")),
            Choice("tang", Bilingual("唐诗", "Tang poems")),
            Choice("verse", Bilingual("英文经文", "English verses")),
        )),
        SEED,
    ),
    hidden_knobs=(
        hidden_switch("causal_is_open", "因果那一支不带掩码", "the causal arm has no mask"),
        hidden_switch("first_is_last", "“头”一支实际在尾", "the first place is the last"),
        hidden_switch("decoder", "换成带解码器的模型来数", "count a model that has a decoder"),
        hidden_switch("large", "数 BERT-large", "count BERT-large"),
    ),
    figures=(
        Drawn("guesses", Bilingual("猜什么", "guesses"), made.BERT_MINI),
        Drawn("costs", Bilingual("代价", "cost"), made.BERT_MINI),
        Drawn("influence", Bilingual("影响", "influence"), made.BERT_MINI),
    ),
    checks=(
        CheckDeclaration(
            "no-cross-attention",
            Bilingual("参数名里带 cross 的张量个数", "Tensors whose name contains “cross”"),
            "==", BreakKnobs({"decoder": True}),
        ),
        CheckDeclaration(
            "parameters-by-formula",
            Bilingual("小 BERT 的参数量，等于按公式算的：嵌入 + 层 + 池化 + 两个头",
                      "The small BERT's parameters are those of the formula: embeddings, layers, pooler, two heads"),
            "==", BreakKnobs({"decoder": True}),
        ),
        CheckDeclaration(
            "base-parameters",
            Bilingual("BERT-base（带池化层）的参数量", "Parameters of BERT-base, with its pooler"),
            "==", BreakKnobs({"large": True}),
        ),
        CheckDeclaration(
            "causal-is-blind-to-the-right",
            Bilingual("[MASK] 在头、带因果掩码：后面换成别的句子，预测一位不变（列的是概率的最大差）",
                      "[MASK] first, causal mask: with another text after it not one bit of the prediction changes "
                      "(largest difference of the probabilities)"),
            "==", BreakKnobs({"causal_is_open": True}),
        ),
        CheckDeclaration(
            "right-context-helps",
            Bilingual("[MASK] 在头：换成因果掩码，正确字的 −log p 平均多几（24 个成语）",
                      "[MASK] first: under a causal mask the right character costs so many nats more (24 idioms)"),
            ">=", BreakKnobs({"causal_is_open": True}), unit="nats",
        ),
        CheckDeclaration(
            "last-place-suffers-less",
            Bilingual("[MASK] 在尾时因果掩码多出的代价，比在头时少几",
                      "How much less the causal mask costs with [MASK] last than with it first"),
            ">=", BreakKnobs({"first_is_last": True}), unit="nats",
        ),
    ),
)  # fmt: skip
