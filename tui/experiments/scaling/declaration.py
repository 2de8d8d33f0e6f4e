"""Why dot products are divided by √d_k (Vaswani et al. 2017, §3.2.1, footnote 4)."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, BreakTensor, CheckDeclaration, Choice, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import SEED

EXPERIMENT = Experiment(
    name="scaling",
    title=Bilingual("缩放：为什么除以 √d_k", "Scaling: why divide by √d_k"),
    summary=Bilingual(
        "随机的查询和键过真实的注意力，比较不缩放、1/√d_k 和 1/d_k：得分的方差、饱和的行、softmax 还剩多少梯度。",
        "Random queries and keys through the real attention, unscaled, by 1/√d_k and by 1/d_k: the variance of the "
        "scores, the rows that saturate, and how much gradient the softmax has left.",
    ),
    knobs=(
        Knob("d_k", "d_k", "number", 512, minimum=4, maximum=1024, log=True,
             help=Bilingual("一个头里查询和键的宽度。", "The width of queries and keys in one head.")),
        Knob("scale", Bilingual("缩放", "scale"), "choice", "none", choices=(
            Choice("sqrt", "1/√d_k"),
            Choice("none", Bilingual("1（不缩放）", "1 (unscaled)")),
            Choice("dk", "1/d_k"),
        ), help=Bilingual("画哪一种；实测总是几种都跑。", "Which one is drawn; the checks always run all of them.")),
        Knob("keys", Bilingual("键的个数", "keys"), "number", 32, minimum=4, maximum=64, step=4),
        Knob("queries", Bilingual("查询的个数", "queries"), "number", 500, minimum=100, maximum=2000, step=100),
        SEED,
    ),
    hidden_knobs=(
        Knob("component_std", Bilingual("分量的标准差", "standard deviation of a component"), "number", 1.0,
             minimum=0.01, maximum=10, step=0.01),
        Knob("unscaled_power", Bilingual("“不缩放”一支除以 d_k 的几次方", "power of d_k that divides the unscaled arm"),
             "number", 0.0, minimum=0, maximum=1, step=0.5),
    ),
    figures=(
        Drawn("attention", Bilingual("注意力", "map"), made.RANDOM_DATA),
        Drawn("saturation", Bilingual("饱和", "by d_k"), made.RANDOM_DATA),
        Drawn("histogram", Bilingual("得分", "scores"), made.RANDOM_DATA),
        Drawn("entropy", Bilingual("熵", "entropy"), made.RANDOM_DATA),
        Drawn("jacobian", Bilingual("雅可比", "‖J‖"), made.RANDOM_DATA),
        Drawn("saturated", Bilingual("饱和行", "share"), made.RANDOM_DATA),
        Drawn("rows", Bilingual("各行", "rows"), made.RANDOM_DATA),
    ),
    checks=(
        CheckDeclaration(
            "variance-grows",
            Bilingual("不缩放时，得分 q·k 的方差就是 d_k", "Unscaled, the variance of q·k is d_k"),
            "==", BreakKnobs({"component_std": 5.0}),
        ),
        CheckDeclaration(
            "variance-scaled",
            Bilingual("乘 1/√d_k 之后，得分的方差回到 1", "Scaled by 1/√d_k, the variance of the scores is 1"),
            "==", BreakKnobs({"component_std": 5.0}),
        ),
        CheckDeclaration(
            "saturated-rows",
            Bilingual("不缩放时饱和的行（最大权重 > 0.99）所占比例，与方差为 d_k 的得分该有的一致",
                      "Unscaled, as many rows saturate (largest weight > 0.99) as scores of variance d_k predict"),
            "==", BreakKnobs({"unscaled_power": 0.5}), unit="%",
        ),
        CheckDeclaration(
            "saturated-rows-64",
            Bilingual("同样的比例，在 d_k = 64（原论文的头宽）",
                      "The same share at d_k = 64, the paper's width of a head"),
            "==", BreakKnobs({"unscaled_power": 0.5}), unit="%",
        ),
        CheckDeclaration(
            "saturated-rows-128",
            Bilingual("同样的比例，在 d_k = 128（如今大模型常用的头宽）",
                      "The same share at d_k = 128, a common width of a head today"),
            "==", BreakKnobs({"unscaled_power": 0.5}), unit="%",
        ),
        CheckDeclaration(
            "saturated-rows-scaled",
            Bilingual("乘 1/√d_k 之后，几乎没有饱和的行", "Scaled by 1/√d_k, next to no row saturates"),
            "<=", BreakKnobs({"component_std": 5.0}), unit="%",
        ),
        CheckDeclaration(
            "median-jacobian-ratio",
            Bilingual("d_k 大时，不缩放一行的 softmax 雅可比 ‖J‖ 的中位数，不到缩放后的十分之一",
                      "At large d_k the median row's softmax Jacobian ‖J‖ is below a tenth of the scaled one's"),
            "<=", BreakKnobs({"unscaled_power": 0.5}),
        ),
        CheckDeclaration(
            "median-jacobian-64",
            Bilingual("d_k = 64 时，不缩放的 ‖J‖ 的中位数是缩放后的多少，与理论一致",
                      "At d_k = 64 the median ‖J‖ unscaled, as a share of the scaled one, is what theory says"),
            "==", BreakKnobs({"unscaled_power": 0.5}),
        ),
        CheckDeclaration(
            "jacobian-bounded",
            Bilingual("softmax 雅可比的谱范数不超过 1/2，缩不缩放都一样：softmax 本身不会让梯度爆炸",
                      "The spectral norm of the softmax Jacobian is at most 1/2, scaled or not: "
                      "the softmax itself cannot make gradients explode"),
            "<=", BreakTensor("weights", "double"),
        ),
        CheckDeclaration(
            "dk-flattens",
            Bilingual("乘 1/d_k 就过头了：归一化熵趋于 1，注意力几乎均匀",
                      "1/d_k overdoes it: the normalized entropy tends to 1, attention is nearly uniform"),
            "==", BreakKnobs({"component_std": 5.0}),
        ),
        CheckDeclaration(
            "mean-gradient-larger-unscaled",
            Bilingual("陷阱：不缩放时 ‖∂L/∂q‖ 的均值反而更大（∂s/∂q 少了一个 1/√d_k，少数行是尖峰），不能拿均值作证",
                      "The trap: unscaled, the mean of ‖∂L/∂q‖ is larger (∂s/∂q lacks a 1/√d_k, and a few rows are "
                      "spiky), so a mean proves nothing"),
            ">=", BreakKnobs({"unscaled_power": 1.0}),
        ),
        CheckDeclaration(
            "median-gradient-smaller-unscaled",
            Bilingual("d_k 很大时，不缩放的 ‖∂L/∂q‖ 中位数不到缩放后的一半",
                      "At a large d_k the median ‖∂L/∂q‖ unscaled is below half the scaled one"),
            "<=", BreakKnobs({"unscaled_power": 0.5}),
        ),
        CheckDeclaration(
            "median-logit-gradient-smaller",
            Bilingual("进入 softmax 的得分 s 上的梯度：不缩放时 ‖∂L/∂s‖ 的中位数比缩放后的小",
                      "The gradient at the scores s that enter the softmax: the median ‖∂L/∂s‖ unscaled is smaller "
                      "than the scaled one"),
            "<=", BreakKnobs({"unscaled_power": 0.5}),
        ),
    ),
)  # fmt: skip
