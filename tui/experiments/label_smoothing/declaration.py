"""Where a smoothed cross-entropy has its minimum, what its floor is, and what it does to perplexity."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, CheckDeclaration, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import SEED, hidden_switch

EXPERIMENT = Experiment(
    name="label-smoothing",
    title=Bilingual("标签平滑", "Label smoothing"),
    summary=Bilingual(
        "用梯度下降训练一组 logits：平滑后差距停在有限的值，不平滑就一直涨；再看困惑度随 ε 怎么变，标签多少各如何。",
        "Logits trained by gradient descent: with smoothing their gap stops at a finite value, without it grows on; "
        "then perplexity against ε, with many labels and with few.",
    ),
    knobs=(
        Knob("smoothing", Bilingual("平滑 ε", "smoothing ε"), "number", 0.1, minimum=0.0, maximum=0.5, step=0.05,
             help=Bilingual("目标里有多少概率均分给整个词表；论文用 0.1。",
                            "How much of the target is spread over the whole vocabulary; the paper has 0.1.")),
        Knob("vocab", Bilingual("词表大小 V", "vocabulary V"), "number", 10, minimum=2, maximum=10240, log=True),
        Knob("labels", Bilingual("每个上下文的标签数", "labels per context"), "number", 32, minimum=4, maximum=4096,
             log=True,
             help=Bilingual("只影响第三张图：从真实分布里抽多少个标签来训练。",
                            "For the third figure: how many labels are drawn from the true distribution.")),
        SEED,
    ),
    hidden_knobs=(
        Knob("smooth_training", Bilingual("平滑那一支真的平滑", "smooth the smoothed arm"), "switch", True),
        hidden_switch("smooth_plain", "不平滑那一支也平滑", "smooth the plain arm too"),
        hidden_switch("claim_labels_alone", "声称最小值就是标签的分布", "claim the minimum at the labels themselves"),
        hidden_switch("reverse", "把词元的次序倒过来比", "compare with the tokens reversed"),
        hidden_switch("all_labels", "标签多到等于真实分布", "as many labels as give the true distribution"),
    ),
    figures=(
        Drawn("by-gap", Bilingual("按差距", "by gap"), made.BY_FORMULA),
        Drawn("by-step", Bilingual("按步", "by step"), made.TRAINED_NOW),
        Drawn("by-smoothing", Bilingual("按 ε", "by ε"), made.TRAINED_NOW),
    ),
    checks=(
        CheckDeclaration(
            "optimal-gap",
            Bilingual("平滑之后训练，正确词元的 logit 比别的高出 ln((1 − ε + ε/V)/(ε/V))，就不再涨了",
                      "Trained with smoothing, the right token's logit ends ln((1 − ε + ε/V)/(ε/V)) above the others"),
            "==", BreakKnobs({"smooth_training": False}),
        ),
        CheckDeclaration(
            "loss-floor",
            Bilingual("训练到头的平滑损失不是 0，而是目标分布的熵",
                      "The smoothed loss at the end of training is not 0 but the entropy of its target"),
            "==", BreakKnobs({"smooth_training": False}),
        ),
        CheckDeclaration(
            "unsmoothed-gap-grows",
            Bilingual("不平滑时差距没有尽头：步数加倍，差距就再多 ln 2",
                      "Without smoothing the gap has no end: twice the steps add ln 2"),
            "==", BreakKnobs({"smooth_plain": True}),
        ),
        CheckDeclaration(
            "perplexity-hurt",
            Bilingual("标签完全确定时，平滑训练出的模型困惑度停在 1/(1 − ε + ε/V)，到不了 1",
                      "With labels that are certain, the perplexity of the smoothed model stops at 1/(1 − ε + ε/V) "
                      "instead of 1"),
            "==", BreakKnobs({"smooth_training": False}),
        ),
        CheckDeclaration(
            "mixture-is-the-minimum",
            Bilingual("logits 取 ln((1 − ε)p + ε/V) 时损失的梯度为 0：平滑学到的是真实分布与均匀分布的混合",
                      "At logits ln((1 − ε)p + ε/V) the loss has gradient 0: what is learned is the true distribution "
                      "mixed with the uniform one (the largest derivative)"),
            "==", BreakKnobs({"claim_labels_alone": True}),
        ),
        CheckDeclaration(
            "uncertain-perplexity-ratio",
            Bilingual("真实分布已知时，平滑之后的困惑度与不平滑之比等于 exp KL(p ‖ (1 − ε)p + ε/V)，大于 1",
                      "With the true distribution known, perplexity with smoothing over that without is "
                      "exp KL(p ‖ (1 − ε)p + ε/V), above 1"),
            "==", BreakKnobs({"smooth_training": False}),
        ),
        CheckDeclaration(
            "order-kept",
            Bilingual("混合均匀分布不改变词元的次序：首选变了的上下文有几个",
                      "Mixing with the uniform distribution keeps the tokens' order: contexts whose first choice "
                      "changes"),
            "==", BreakKnobs({"reverse": True}),
        ),
        CheckDeclaration(
            "few-labels-want-smoothing",
            Bilingual("标签少、有词元没见过时，困惑度最低的 ε 大于 0",
                      "With few labels, some token never seen, perplexity is least at an ε above 0"),
            ">=", BreakKnobs({"all_labels": True}),
        ),
    ),
)  # fmt: skip
