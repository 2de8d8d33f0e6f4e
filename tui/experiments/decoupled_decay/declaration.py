"""Adam and AdamW: what does not depend on the gradient's scale, what an L2 penalty becomes, and rare classes."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, CheckDeclaration, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import SEED, hidden_switch

EXPERIMENT = Experiment(
    name="decoupled-decay",
    title=Bilingual("L2 惩罚与解耦的权重衰减：Adam 与 AdamW", "An L2 penalty and decoupled decay: Adam and AdamW"),
    summary=Bilingual(
        "权重从 1 出发，梯度是均值为零的噪声，所以平均值只因衰减而变：噪声大小从 0.001 到 10，"
        "Adam + L2、AdamW、SGD + L2 各剩多少。再用一个线性分类器比较 SGD 和 Adam 学稀有类别。",
        "Weights start at 1 and gradients are noise of mean zero, so their mean moves by decay alone: with noise of "
        "0.001 to 10, what is left under Adam + L2, AdamW, and SGD + L2. Then a linear classifier learns rare classes "
        "by SGD and by Adam.",
    ),
    knobs=(
        Knob("decay", Bilingual("衰减 λ", "decay λ"), "number", 0.1, minimum=0.05, maximum=0.5, step=0.05),
        Knob("steps", Bilingual("步数", "steps"), "number", 100, minimum=50, maximum=300, step=50),
        SEED,
    ),
    hidden_knobs=(
        hidden_switch("sgd", "Adam 换成 SGD", "SGD in Adam's place"),
        hidden_switch("coupled", "AdamW 换成 Adam + L2", "Adam + L2 in AdamW's place"),
        hidden_switch("decoupled", "Adam + L2 换成 AdamW", "AdamW in the place of Adam + L2"),
        hidden_switch("adaptive", "SGD 换成 Adam", "Adam in SGD's place"),
    ),
    figures=(
        Drawn("left", Bilingual("剩下多少", "left"), made.RANDOM_DATA),
        Drawn("classes", Bilingual("各类", "classes"), made.TRAINED_NOW),
    ),
    checks=(
        CheckDeclaration(
            "scale-free",
            Bilingual("梯度全部乘 1000：Adam 走过的距离是原来的几倍",
                      "All gradients times 1000: how far Adam moves, over how far it did"),
            "==", BreakKnobs({"sgd": True}), unit="x",
        ),
        CheckDeclaration(
            "sgd-penalty-is-decay",
            Bilingual("SGD：L2 惩罚与解耦衰减的结果，最大相差",
                      "SGD: largest difference between an L2 penalty and decay"),
            "<=", BreakKnobs({"adaptive": True}),
        ),
        CheckDeclaration(
            "decoupled-keeps",
            Bilingual("AdamW：权重平均剩下的 %（应为 100·(1 − ηλ)^T）",
                      "AdamW: what is left of the weights on average, % (100 (1 − ηλ)^T)"),
            "==", BreakKnobs({"coupled": True}), unit="%",
        ),
        CheckDeclaration(
            "decoupled-alike",
            Bilingual("AdamW：梯度最大和最小的参数，剩下的 % 相差多少",
                      "AdamW: % left with the largest gradients minus % left with the smallest"),
            "==", BreakKnobs({"coupled": True}), unit="%",
        ),
        CheckDeclaration(
            "penalty-spares-large",
            Bilingual("Adam + L2：梯度最大和最小的参数，剩下的 % 相差多少",
                      "Adam + L2: % left with the largest gradients minus % left with the smallest"),
            ">=", BreakKnobs({"decoupled": True}), unit="%",
        ),
        CheckDeclaration(
            "two-numbers-more",
            Bilingual("Adam 为每个参数多存几个数", "Numbers that Adam keeps for each parameter"),
            "==", BreakKnobs({"sgd": True}),
        ),
        CheckDeclaration(
            "rare-by-adam",
            Bilingual("最稀有的一半类别：SGD（四个学习率里最好的）与 Adam 的交叉熵之差",
                      "The rarer half of the classes: cross-entropy by SGD (best of four rates) minus that by Adam"),
            ">=", BreakKnobs({"sgd": True}),
        ),
    ),
)  # fmt: skip
