"""What a next-sentence head has learned: pairs that follow, swapped ones, strangers of one kind and of another."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, CheckDeclaration, Choice, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import SEED, hidden_switch

EXPERIMENT = Experiment(
    name="next-sentence",
    title=Bilingual("下一句预测学到了什么", "What next-sentence prediction learns"),
    summary=Bilingual(
        "自带的小 BERT 用 NSP 训练过：给它的 NSP 头看真正的下一句、前后对调的两句、同文体别处的一句（都没训练过），"
        "看它说“接得上”的比例。",
        "The small BERT that ships was trained with NSP. Its NSP head is shown true neighbors, the same two swapped, "
        "and a sentence of elsewhere, all held out: how often does it say that B follows A?",
    ),
    knobs=(
        Knob("texts", Bilingual("哪种文本", "texts"), "choice", "tang", choices=(
            Choice("tang", Bilingual("唐诗", "Tang poems")),
            Choice("lunyu", Bilingual("论语", "Analects")),
            Choice("verse", Bilingual("英文经文", "English verses")),
        )),
        Knob("held_out", Bilingual("用没训练过的", "held-out texts"), "switch", True,
             help=Bilingual("关掉就用训练过的文本。", "Off: texts of training.")),
        Knob("first", Bilingual("第一句 A", "first sentence A"), "text", "床前明月光，疑是地上霜。", max_length=24,
             english="The Lord is my shepherd;"),
        Knob("second", Bilingual("第二句 B", "second sentence B"), "text", "举头望明月，低头思故乡。", max_length=24,
             english="I shall not want."),
        SEED,
    ),
    hidden_knobs=(
        hidden_switch("next_is_random", "“下一句”换成别处的一句", "the true next is a stranger"),
        hidden_switch("swapped_is_random", "“对调”换成别处的一句", "the swapped pair is a stranger"),
        hidden_switch("verse_is_next", "经文的“对调”换成不对调", "the swapped verses are not swapped"),
        hidden_switch("half_swapped", "对调时换掉一句", "swapping replaces one of the two"),
        hidden_switch("exchanged", "两个孪生模型互换", "the twins change places"),
    ),
    figures=(
        Drawn("twins", Bilingual("孪生模型", "twins"), made.PAIR_TWINS),
        Drawn("follows", Bilingual("接得上", "follows"), made.BERT_MINI),
        Drawn("typed", Bilingual("你的两句", "yours"), made.BERT_MINI),
    ),
    checks=(
        CheckDeclaration(
            "next-is-told-from-strangers",
            Bilingual("真正的下一句判“接得上”的比例，比别处的一句高多少（所选文本）",
                      "How much more often a true next sentence is said to follow than a stranger (the texts chosen)"),
            ">=", BreakKnobs({"next_is_random": True}), unit="%",
        ),
        CheckDeclaration(
            "swapped-passes",
            Bilingual("唐诗、论语：前后对调的两句仍判“接得上”的比例，与真正的下一句相差不到 15 个百分点",
                      "Tang poems, Analects: how often two sentences in the wrong order are still said to follow, less "
                      "than 15 points below true ones"),
            ">=", BreakKnobs({"swapped_is_random": True}), unit="%",
        ),
        CheckDeclaration(
            "verses-tell-order",
            Bilingual("英文经文：真下一句比对调的高多少，这里顺序有线索",
                      "English verses: how much more often a true next is said to follow than a swapped one; here "
                      "order leaves a trace"),
            ">=", BreakKnobs({"verse_is_next": True}), unit="%",
        ),
        CheckDeclaration(
            "swapping-keeps-the-words",
            Bilingual("对调前后，两句合起来的词元差几个：话题一点没变，只能靠顺序",
                      "Tokens by which a pair and the swapped pair differ as bags: the topic is the very same"),
            "==", BreakKnobs({"half_swapped": True}),
        ),
        CheckDeclaration(
            "swapped-negatives-teach-order",
            Bilingual("孪生模型，没训练过的唐诗：判先后，用 SOP 训练的比用 NSP 训练的多对几个百分点",
                      "Twins, held-out Tang poems: points by which the one trained by SOP tells order more often than "
                      "the one trained by NSP"),
            ">=", BreakKnobs({"exchanged": True}), unit="%",
        ),
        CheckDeclaration(
            "strangers-teach-strangers",
            Bilingual("同样的孪生模型：判是不是别处的一句，用 NSP 训练的比用 SOP 训练的多对几个百分点",
                      "The same twins: points by which the one trained by NSP tells strangers more often than the one "
                      "trained by SOP"),
            ">=", BreakKnobs({"exchanged": True}), unit="%",
        ),
        CheckDeclaration(
            "nsp-twin-tells-order",
            Bilingual("用 NSP 训练的那个判先后的准确率（乱猜 50），不到 65",
                      "Accuracy at order of the one trained by NSP (guessing gets 50), below 65"),
            "<=", BreakKnobs({"exchanged": True}), unit="%",
        ),
    ),
)  # fmt: skip
