"""What [CLS] is worth as a text's vector: where it looks, what is read off it, and whether another place would do."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, BreakTensor, CheckDeclaration, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import SEED, hidden_switch

EXPERIMENT = Experiment(
    name="cls-vector",
    title=Bilingual("[CLS] 里有什么", "What is in [CLS]"),
    summary=Bilingual(
        "用自带的 bert-mini：[CLS] 每层看哪里，从它、从平均、从最后一个字各能读出多少，不训练、直接算余弦又如何。"
        "再现场训练三个一样的小 BERT，只有损失接的位置不同。",
        "On bert-mini, which ships: where [CLS] looks in each layer; how much can be read off it, off the mean and off "
        "the last word; what cosines are worth with nothing trained. And three equal small BERTs are trained on the "
        "spot that differ only in where the loss is attached.",
    ),
    knobs=(
        Knob("text", Bilingual("句子", "text"), "text", "学而时习之，不亦说乎？", max_length=40,
             english="The Lord is my shepherd"),
        Knob("layer", Bilingual("探针读第几层", "layer the probe reads"), "number", 4, minimum=0, maximum=4,
             help=Bilingual("第 0 层是嵌入。", "Layer 0 is the embeddings.")),
        Knob("examples", Bilingual("探针的训练句数", "lines the probe is fitted to"), "number", 96,
             minimum=48, maximum=96, log=True),
        Knob("strength", Bilingual("岭回归的 λ", "the ridge's λ"), "number", 8, minimum=1, maximum=64, log=True),
        SEED,
    ),
    hidden_knobs=(
        hidden_switch("first_word", "拿第一个字当 [CLS]", "take the first word for [CLS]"),
        hidden_switch("shuffle_labels", "打乱标签", "shuffle the labels"),
        hidden_switch("untrained", "现场的小 BERT 不训练", "the small BERT is not trained"),
        hidden_switch("see_the_front", "只看第一个字母", "see the first letter alone"),
        hidden_switch("swap_raw", "对调 [CLS] 和平均", "swap [CLS] and mean"),
    ),
    figures=(
        Drawn("trained", Bilingual("训练后", "trained"), made.TRAINED_BEFORE),
        Drawn("cls-attention", Bilingual("看哪里", "looks at"), made.BERT_MINI),
        Drawn("probe", Bilingual("探针", "probe"), made.BERT_MINI),
        Drawn("poolings", Bilingual("四种取法", "poolings"), made.BERT_MINI),
    ),
    checks=(
        CheckDeclaration(
            "starts-empty",
            Bilingual("嵌入层的 [CLS] 对每句话都是同一个向量（列的是最大差）",
                      "In the embeddings [CLS] is one and the same vector for every text (the largest difference)"),
            "==", BreakKnobs({"first_word": True}),
        ),
        CheckDeclaration(
            "probe-layer-0",
            Bilingual("所以从嵌入层的 [CLS] 什么也读不出来：总猜拟合时较多的那一类，猜对的就是它在其余句子里的份额",
                      "So nothing can be read off it there: always the commoner class of the fitted lines, right as "
                      "often as the rest hold it"),
            "==", BreakKnobs({"first_word": True}), unit="%",
        ),
        CheckDeclaration(
            "probe-cls",
            Bilingual("最后一层的 [CLS]，线性探针在没见过的句子上猜对至少七成半",
                      "Off [CLS] in the last layer a linear probe gets at least 75 % of unseen lines right"),
            ">=", BreakKnobs({"shuffle_labels": True}), unit="%",
        ),
        CheckDeclaration(
            "letters-alone",
            Bilingual("现场训练的任务（A 在句首还是 B 在句首，每句都有 A 和 B）：只数字母的探针只能猜，至多六成",
                      "The task trained on the spot (is A at the front or B? every text has both): a probe on "
                      "counts of letters guesses, 60 % at most"),
            "<=", BreakKnobs({"see_the_front": True}), unit="%",
        ),
        *(
            CheckDeclaration(
                f"loss-at-{name}",
                Bilingual(f"同一个小 BERT，分类损失接在{zh}：没见过的句子至少猜对九成",
                          f"One small BERT with the loss {en}: at least 90 % of unseen texts are right"),
                ">=", BreakKnobs({"untrained": True}), unit="%",
            )
            for name, zh, en in (("cls", " [CLS] 上", "at [CLS]"), ("last", "最后一个字母上", "at the last letter"),
                                 ("mean", "平均上", "on the mean"))
        ),
        CheckDeclaration(
            "not-uniform",
            Bilingual("最后一层，[CLS] 的注意力的熵与均匀分布之比：它不是平均",
                      "In the last layer the entropy of [CLS]'s attention over that of a uniform one: it is no mean"),
            "<=", BreakTensor("*.self_attention.weights", "uniform"), unit="%",
        ),
        CheckDeclaration(
            "own-part",
            Bilingual("每一层，残差里 [CLS] 自己的那一份与注意力带来的之比（长度；列的是最小的一层）",
                      "[CLS]'s own part in the residual over what attention brings (lengths; the least of all layers)"),
            ">=", BreakTensor("*.layers.*.input", "zeros"),
        ),
        CheckDeclaration(
            "raw-cosine-cls",
            Bilingual("不训练，只凭 [CLS] 的余弦挑出同一章的句子（AUC，瞎猜是 50 %）：比平均池化至少低 3 个百分点",
                      "Nothing trained: lines of one passage picked by [CLS]'s cosine (AUC, chance 50 %), at least 3 "
                      "points below mean pooling"),
            "<=", BreakKnobs({"swap_raw": True}), unit="%",
        ),
        CheckDeclaration(
            "raw-cosine-mean",
            Bilingual("同样不训练，凭平均池化的余弦", "The same, by the cosine of mean pooling"),
            ">=", BreakKnobs({"swap_raw": True}), unit="%",
        ),
    ),
)  # fmt: skip
