"""What a sentence teaches under three objectives: how many predictions, from how much context, how probable."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, CheckDeclaration, Choice, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import CAT, CAT_IN_ENGLISH, SEED, hidden_switch

EXPERIMENT = Experiment(
    name="training-signal",
    title=Bilingual("训练信号：因果、掩码、前缀", "Training signals: causal, masked, prefix"),
    summary=Bilingual(
        "同一个小模型（随机权重）、同一句话，三种目标：数一数每种有几个预测、每个预测凭几个词；用损失对输入的梯度查它们各靠什么；"
        "再把所有可能的短句的概率加起来，看谁给出的是真正的概率。",
        "One small model of random weights, one sentence, three objectives: how many predictions each makes and from "
        "how many words; by the gradient of each loss, what it leans on; and the probabilities of all possible short "
        "sentences added up, to see which objective gives a distribution.",
    ),
    knobs=(
        Knob("sentence", Bilingual("句子", "sentence"), "text", CAT, max_length=80,
             english=CAT_IN_ENGLISH,
             help=Bilingual("中文按字、其他文字按空格切；至少两个词元，只用前 24 个。",
                            "Chinese is split by character, other scripts at spaces; two tokens at least, of which "
                            "the first 24 are used.")),
        Knob("objective", Bilingual("热图画哪种目标", "objective of the map"), "choice", "causal", choices=(
            Choice("causal", Bilingual("因果 LM", "causal LM")),
            Choice("masked", Bilingual("掩码 LM", "masked LM")),
            Choice("prefix", Bilingual("前缀 LM", "prefix LM")),
        )),
        Knob("rate", Bilingual("掩码比例", "masking rate"), "number", 0.15, minimum=0.05, maximum=0.8, step=0.05),
        Knob("prefix", Bilingual("前缀几个词元", "tokens in the prefix"), "number", 4, minimum=1, maximum=23),
        SEED,
    ),
    hidden_knobs=(
        hidden_switch("causal_is_open", "因果 LM 不带掩码", "the causal LM without its mask"),
        hidden_switch("masked_is_causal", "掩码 LM 带因果掩码", "the masked LM with a causal mask"),
        hidden_switch("prefix_is_causal", "前缀 LM 的前缀也因果", "the prefix under a causal mask, too"),
        hidden_switch("loss_everywhere", "掩码 LM 处处算损失", "the masked LM has a loss everywhere"),
        hidden_switch("every_other", "因果 LM 隔一个算损失", "the causal LM has every other loss"),
        hidden_switch("twice_the_rate", "掩码比例翻倍", "mask at twice the rate"),
        hidden_switch("by_chain_rule", "掩码 LM 一支改用链式法则", "the masked arm uses the chain rule"),
    ),
    figures=(
        Drawn("gradients", Bilingual("梯度", "gradients"), made.RANDOM_WEIGHTS),
        Drawn("context", Bilingual("凭几个", "context"), made.RANDOM_WEIGHTS),
        Drawn("signals", Bilingual("信号", "signals"), made.RANDOM_WEIGHTS),
    ),
    checks=(
        CheckDeclaration(
            "causal-signals",
            Bilingual("因果 LM：平均每个词元有几个损失项（看损失对 logits 的梯度）",
                      "Causal LM: loss terms per token (by the gradient of the loss by the logits)"),
            "==", BreakKnobs({"every_other": True}),
        ),
        CheckDeclaration(
            "masked-signals",
            Bilingual("掩码 LM：平均每个词元有几个损失项，等于掩码比例（512 条 64 个词元的句子）",
                      "Masked LM: loss terms per token are the masking rate (512 rows of 64 tokens)"),
            "==", BreakKnobs({"twice_the_rate": True}), unit="%",
        ),
        CheckDeclaration(
            "masked-ignores-the-rest",
            Bilingual("掩码 LM：损失对没选中位置的 logits 的梯度",
                      "Masked LM: gradient of the loss by the logits where nothing was chosen"),
            "==", BreakKnobs({"loss_everywhere": True}),
        ),
        CheckDeclaration(
            "causal-context",
            Bilingual("因果 LM：一个预测平均凭几个词元，(n − 1) / 2（看梯度到不到得了）",
                      "Causal LM: tokens that a prediction leans on, on average (n − 1) / 2 (by its gradient)"),
            "==", BreakKnobs({"causal_is_open": True}),
        ),
        CheckDeclaration(
            "masked-context",
            Bilingual("掩码 LM：一个预测凭几个词元，就是没被遮住的全部",
                      "Masked LM: tokens that a prediction leans on, all that are not masked"),
            "==", BreakKnobs({"masked_is_causal": True}),
        ),
        CheckDeclaration(
            "prefix-sees-its-answer",
            Bilingual("前缀 LM：前缀里的位置已经看得到自己的下一个词元，所以那里不能算损失（列的是它的影响）",
                      "Prefix LM: a place in the prefix already sees its next token, so there can be no loss there "
                      "(that token's influence)"),
            ">=", BreakKnobs({"prefix_is_causal": True}),
        ),
        CheckDeclaration(
            "causal-sums-to-one",
            Bilingual("因果 LM：3 个词能组成的 81 个四词句，概率（各条件概率的积）之和（6 个模型中离 1 最远的）",
                      "Causal LM: the probabilities (products of its conditionals) of all 81 sentences of four words "
                      "out of 3 add up to (of six models the one furthest from 1)"),
            "==", BreakKnobs({"causal_is_open": True}),
        ),
        CheckDeclaration(
            "masked-does-not",
            Bilingual("掩码 LM：同样 81 句，把逐个遮住得到的概率相乘再相加，离 1 多远（6 个模型中最远的）",
                      "Masked LM: for the same 81 the products of the probabilities of each word masked in turn add up "
                      "to a number this far from 1 (the furthest of six models)"),
            ">=", BreakKnobs({"by_chain_rule": True}),
        ),
    ),
)  # fmt: skip
