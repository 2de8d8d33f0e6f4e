"""Does the unscaled softmax make gradients explode? The claim, row by row, against what is measured."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, BreakTensor, CheckDeclaration, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import SEED, hidden_switch

EXPERIMENT = Experiment(
    name="explosion-court",
    title=Bilingual("误解法庭：不缩放会梯度爆炸吗", "On trial: do gradients explode unscaled?"),
    summary=Bilingual(
        "同一批随机查询和键，缩放与不缩放，逐行量 ∂L/∂logits 和 ∂L/∂q：中位数和最大值一起看。",
        "The same random queries and keys, scaled and not; ∂L/∂logits and ∂L/∂q row by row, medians beside maxima.",
    ),
    knobs=(
        Knob("d_k", "d_k", "number", 512, minimum=4, maximum=1024, log=True,
             help=Bilingual("一个头里查询和键的宽度。", "The width of queries and keys in one head.")),
        Knob("keys", Bilingual("键的个数", "keys"), "number", 32, minimum=4, maximum=64, step=4),
        Knob("queries", Bilingual("查询的个数", "queries"), "number", 500, minimum=100, maximum=2000, step=100),
        SEED,
    ),
    hidden_knobs=(
        Knob("unscaled_power", Bilingual("“不缩放”一支除以 d_k 的几次方", "power of d_k that divides the unscaled arm"),
             "number", 0.0, minimum=0, maximum=1, step=0.5),
        Knob("scaled_power", Bilingual("“缩放”一支除以 d_k 的几次方", "power of d_k that divides the scaled arm"),
             "number", 0.5, minimum=0, maximum=1, step=0.5),
        Knob("amplify", Bilingual("softmax 的梯度被放大几倍", "the softmax's gradient is amplified by"), "number", 1,
             minimum=1, maximum=10),
        hidden_switch("right_label", "交叉熵的标签是对的", "the cross-entropy's label is right"),
    ),
    figures=(
        Drawn("histogram-logits", "∂logits", made.RANDOM_DATA),
        Drawn("histogram-query", "∂q", made.RANDOM_DATA),
        Drawn("dead", Bilingual("无梯度", "dead rows"), made.RANDOM_DATA),
        Drawn("verdict", Bilingual("判决", "verdict"), made.RANDOM_DATA),
    ),
    checks=(
        CheckDeclaration(
            "jacobian-at-most-half",
            Bilingual("softmax 的雅可比，谱范数不超过 1/2，缩放与否都一样（列的是最大的一行）",
                      "The softmax's Jacobian has a spectral norm of 1/2 at most, scaled or not (the largest row)"),
            "<=", BreakTensor("weights", "double"),
        ),
        CheckDeclaration(
            "logit-gradient-never-amplified",
            Bilingual("梯度过 softmax 只会变小：‖∂L/∂logits‖ 不超过上游梯度 ‖∂L/∂p‖ 的一半（列的是最大的比值）",
                      "A gradient only shrinks on its way through the softmax: ‖∂L/∂logits‖ is at most half of what "
                      "comes in, ‖∂L/∂p‖ (the largest ratio)"),
            "<=", BreakKnobs({"amplify": 10}),
        ),
        CheckDeclaration(
            "dead-rows-unscaled",
            Bilingual("不缩放：几乎没有梯度的行（‖J‖ < 0.001）占多少（应为理论值）",
                      "Unscaled: rows nearly without a gradient, ‖J‖ < 0.001 (theory's share)"),
            "==", BreakKnobs({"unscaled_power": 0.5}), unit="%",
        ),
        CheckDeclaration(
            "dead-rows-scaled",
            Bilingual("缩放后：这样的行几乎没有", "Scaled: next to no such row"),
            "<=", BreakKnobs({"scaled_power": 0.0}), unit="%",
        ),
        CheckDeclaration(
            "median-logit-gradient-vanishes",
            Bilingual("‖∂L/∂logits‖ 的中位数：不缩放与缩放之比",
                      "Median ‖∂L/∂logits‖: unscaled over scaled"),
            "<=", BreakKnobs({"unscaled_power": 0.5}), unit="x",
        ),
        CheckDeclaration(
            "median-query-gradient-smaller",
            Bilingual("‖∂L/∂q‖ 的中位数：不缩放与缩放之比", "Median ‖∂L/∂q‖: unscaled over scaled"),
            "<=", BreakKnobs({"unscaled_power": 0.5}), unit="x",
        ),
        CheckDeclaration(
            "largest-query-gradient-larger",
            Bilingual("‖∂L/∂q‖ 的最大值：不缩放与缩放之比，少数行是尖峰",
                      "Largest ‖∂L/∂q‖: unscaled over scaled; a few rows are spikes"),
            ">=", BreakKnobs({"unscaled_power": 0.5}), unit="x",
        ),
        CheckDeclaration(
            "scaling-is-folding-into-the-query",
            Bilingual("除以 √d_k 等于把 1/√d_k 并进查询（或 W_Q），也等于温度 √d_k（列的是权重的最大差）",
                      "Dividing by √d_k is folding 1/√d_k into the query (or W_Q), or a temperature of √d_k (the "
                      "largest difference of weights)"),
            "==", BreakKnobs({"scaled_power": 0.0}),
        ),
        CheckDeclaration(
            "cross-entropy-does-not-saturate",
            Bilingual("交叉熵接在 softmax 上，错得再有把握，对 logits 的梯度 p − y 也有 √2",
                      "With cross-entropy on top, however surely wrong, the gradient p − y of the logits is √2"),
            "==", BreakKnobs({"right_label": True}),
        ),
    ),
)  # fmt: skip
