"""BERT's masking: what 15 % and 80/10/10 do to a text, and what models trained at other rates are worth."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, CheckDeclaration, Choice, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import SEED, hidden_switch

EXPERIMENT = Experiment(
    name="masking-rate",
    title=Bilingual("遮住多少：15 % 和 80/10/10", "How much to mask: 15 % and 80/10/10"),
    summary=Bilingual(
        "给一句话打掩码，数十几万个词元的比例；再看四个随包的小 BERT（训练时遮 5、15、40、80 %，其余全同）"
        "在没见过的句子上答得如何。",
        "Masks a sentence, counts the proportions over more than 100,000 tokens, and compares four small shipped "
        "BERTs, alike but for 5, 15, 40 and 80 % masked in training, on verses that none has seen.",
    ),
    knobs=(
        Knob("text", Bilingual("句子", "text"), "text", "In the beginning God created the heaven and the earth.",
             max_length=100),
        Knob("rate", Bilingual("遮住 %", "rate, %"), "number", 15, minimum=5, maximum=90, step=5),
        Knob("split", Bilingual("选中的换成什么", "what chosen ones become"), "choice", "80-10-10",
             choices=(
                 Choice("80-10-10", Bilingual("80 % [MASK]、10 % 随机、10 % 不变",
                                               "80 % [MASK], 10 % random, 10 % as is")),
                 Choice("100-0-0", Bilingual("全部 [MASK]", "always [MASK]")),
                 Choice("0-50-50", Bilingual("一半随机、一半不变", "half random, half as is")),
             )),
        Knob("dynamic", Bilingual("每轮重新抽", "drawn anew each epoch"), "switch", True,
             help=Bilingual("关上就是静态：预处理时抽一次，每轮都一样。",
                            "Off is static: drawn once in preprocessing, the same in every epoch.")),
        SEED,
    ),
    hidden_knobs=(
        hidden_switch("never_random", "随机的也不变", "random ones stay"),
        hidden_switch("always_mask", "选中的全换成 [MASK]", "all chosen become [MASK]"),
        hidden_switch("special_too", "特殊词元也选", "special tokens too"),
        hidden_switch("score_all", "没选中的也算损失", "score the unchosen as well"),
        hidden_switch("freeze", "动态那一支不重抽", "the dynamic arm is not redrawn"),
        Knob("high_rate", Bilingual("多遮时的比例 %", "the high rate, %"), "number", 80, minimum=15, maximum=80),
        hidden_switch("swap", "15 % 与 40 % 的模型对调", "swap the models of 15 and 40 %"),
        hidden_switch("kept_random", "不变的换成随机的", "kept ones become random"),
    ),
    figures=(
        Drawn("masked", Bilingual("选中谁", "chosen"), made.RANDOM_DATA),
        Drawn("twins", Bilingual("各比例", "rates"), made.IN_TRAINING),
        Drawn("treatments", Bilingual("各处理", "treatments"), made.MASKING_TWIN),
    ),
    checks=(
        CheckDeclaration(
            "mask-share",
            Bilingual("变成 [MASK] 的词元占全部的比例：遮住的比例 × [MASK] 的份额",
                      "Share of all tokens that become [MASK]: rate × its share"),
            "==", BreakKnobs({"always_mask": True}), unit="%",
        ),
        CheckDeclaration(
            "altered-share",
            Bilingual("真的变了样的词元占全部的比例：遮住的比例 ×（[MASK] 的份额 + 随机的份额）",
                      "Share of all tokens that look different: rate × (share of [MASK] + share of random)"),
            "==", BreakKnobs({"never_random": True}), unit="%",
        ),
        CheckDeclaration(
            "specials-chosen",
            Bilingual("被选中的 [CLS]、[SEP]、[PAD] 个数", "How many [CLS], [SEP] and [PAD] are chosen"),
            "==", BreakKnobs({"special_too": True}),
        ),
        CheckDeclaration(
            "unchosen-labels",
            Bilingual("改掉没选中位置的标签，损失的变化", "Change of the loss when the labels elsewhere are altered"),
            "==", BreakKnobs({"score_all": True}),
        ),
        CheckDeclaration(
            "ever-chosen",
            Bilingual("动态掩码 10 轮，至少被预测过一次的词元：1 − (1 − 比例)¹⁰",
                      "Tokens predicted at least once in 10 epochs of dynamic masking: 1 − (1 − rate)¹⁰"),
            "==", BreakKnobs({"freeze": True}), unit="%",
        ),
        CheckDeclaration(
            "nll-at-80",
            Bilingual("同一个模型（训练时 15 %），遮 80 % 再问：每个词元的损失，至少比遮 15 % 时高 0.4 纳特",
                      "One model (trained at 15 %), asked with 80 % masked: the loss per token, at least 0.4 nats "
                      "above that at 15 %"),
            ">=", BreakKnobs({"high_rate": 15}),
        ),
        CheckDeclaration(
            "nll-trained-at-40",
            Bilingual("同样遮 15 % 来考，训练时遮 40 % 的模型，每个词元的损失不高于训练时遮 15 % 的",
                      "Asked alike, at 15 %, the model trained at 40 % loses no more per token than that at 15 %"),
            "<=", BreakKnobs({"swap": True}),
        ),
        CheckDeclaration(
            "kept-accuracy",
            Bilingual("选中而不变的位置，猜对的比例至少比 [MASK] 处高 15 个百分点：看得见的词它也会用",
                      "At places chosen and kept as they are, at least 15 points more are right than at [MASK]: it "
                      "uses the word it sees"),
            ">=", BreakKnobs({"kept_random": True}), unit="%",
        ),
    ),
)  # fmt: skip
