"""What queries, keys and values each do: change one of them and see what moves and what does not."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, BreakTensor, CheckDeclaration, Choice, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import SEED, hidden_switch, sentence_knob

EXPERIMENT = Experiment(
    name="qkv",
    title=Bilingual("Q、K、V 各管什么", "What Q, K and V each do"),
    summary=Bilingual(
        "同一句话过同一个注意力头，只动一个投影矩阵：交换、置零、共用、旋转、放大，看权重图和输出哪个变、哪个不变。",
        "One sentence through one attention head with one projection changed: swapped, zeroed, shared, rotated, "
        "scaled. Which of the map and the output moves, and which does not?",
    ),
    knobs=(
        sentence_knob(),
        Knob("d_model", "d_model", "number", 64, minimum=16, maximum=256, log=True),
        Knob("change", Bilingual("改动", "change"), "choice", "tie-qk", choices=(
            Choice("none", Bilingual("不改", "none")),
            Choice("swap-qk", Bilingual("交换 W_Q 与 W_K", "swap W_Q and W_K")),
            Choice("zero-v", "W_V = 0"),
            Choice("tie-qk", "W_Q = W_K"),
            Choice("rotate-qk", Bilingual("W_Q、W_K 同乘一个正交矩阵", "rotate W_Q and W_K alike")),
        )),
        Knob("value_scale", Bilingual("值放大几倍", "values times"), "number", 1.0, minimum=0, maximum=3, step=0.25),
        SEED,
    ),
    hidden_knobs=(
        hidden_switch("keys_are_values", "键与值共用投影", "keys and values share a projection"),
    ),
    figures=(
        Drawn("attention", Bilingual("注意力", "attention"), made.RANDOM_WEIGHTS),
        Drawn("projections", "Q K V", made.RANDOM_WEIGHTS),
        Drawn("changes", Bilingual("变化", "changes"), made.RANDOM_WEIGHTS),
        Drawn("self-weight", Bilingual("自身权重", "own weight"), made.RANDOM),
    ),
    checks=(
        CheckDeclaration(
            "value-scale-scales-output",
            Bilingual("值乘以 c，输出就乘以 c（列的是偏离最远的那个比值；旋钮为 1 时取 c = 2）",
                      "Values times c give the output times c (the ratio farthest from it; c = 2 where the knob is 1)"),
            "==", BreakTensor("values", "ones"),
        ),
        CheckDeclaration(
            "weights-ignore-values",
            Bilingual("值放大或置零，权重一位都不变（列的是最大差）",
                      "With values scaled or zeroed the weights do not change by one bit (the largest difference)"),
            "==", BreakKnobs({"keys_are_values": True}),
        ),
        CheckDeclaration(
            "rotation-changes-nothing",
            Bilingual("W_Q 与 W_K 同乘一个正交矩阵，权重不变：起作用的只是乘积 W_Q W_Kᵀ（列的是最大差）",
                      "Rotating W_Q and W_K alike leaves the weights: only W_Q W_Kᵀ matters (the largest difference)"),
            "==", BreakTensor("queries", "shuffle"),
        ),
        CheckDeclaration(
            "distinct-projections-asymmetric",
            Bilingual("W_Q ≠ W_K 时得分不对称：‖S − Sᵀ‖ / ‖S‖ 与独立的元素一致",
                      "With W_Q ≠ W_K scores are asymmetric: ‖S − Sᵀ‖ / ‖S‖ is that of independent entries"),
            "==", BreakTensor("scores", "symmetric"),
        ),
        CheckDeclaration(
            "tied-projections-symmetric",
            Bilingual("W_Q = W_K 时得分对称：‖S − Sᵀ‖ / ‖S‖ = 0",
                      "With W_Q = W_K scores are symmetric: ‖S − Sᵀ‖ / ‖S‖ = 0"),
            "==", BreakTensor("scores", "shuffle"),
        ),
        CheckDeclaration(
            "zero-values-zero-output",
            Bilingual("W_V = 0 时输出全为 0，尽管权重照旧（列的是最大的绝对值）",
                      "With W_V = 0 the output is 0, although the weights stay (the largest absolute value)"),
            "==", BreakTensor("values", "ones"),
        ),
        CheckDeclaration(
            "all-equal-is-identity",
            Bilingual("Q = K = V = X、d = 256 时，每个词元几乎只看自己（列的是放在自己身上的平均权重）",
                      "With Q = K = V = X at d = 256 each token looks at itself only (its mean weight on itself)"),
            "==", BreakTensor("weights", "uniform"),
        ),
    ),
)  # fmt: skip
