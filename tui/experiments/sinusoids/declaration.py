"""What sinusoidal positions offer (Vaswani et al. 2017, §3.5): linear shifts, and dot products that see distances."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, BreakTensor, CheckDeclaration, Choice, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import SEED, sentence_knob

EXPERIMENT = Experiment(
    name="sinusoids",
    title=Bilingual("正弦位置编码：平移是线性的", "Sinusoidal positions: a shift is linear"),
    summary=Bilingual(
        "画出正弦表；验证平移 k 位就是乘一个固定矩阵、点积只看距离；再看没有位置时，同一个词元站在哪里都一样。",
        "The table of sinusoids; that a shift by k is one fixed matrix, and dot products see distances alone; and that "
        "without positions a token is the same wherever it stands.",
    ),
    knobs=(
        sentence_knob("我看见猫，猫看见我", "the cat sees me and I see the cat"),
        Knob("width", Bilingual("宽度 d", "width d"), "number", 64, minimum=8, maximum=512, log=True),
        Knob("length", Bilingual("位置个数", "positions"), "number", 64, minimum=16, maximum=256, step=16),
        Knob("offset", Bilingual("平移 k", "shift k"), "number", 5, minimum=1, maximum=12),
        SEED,
    ),
    hidden_knobs=(
        Knob("layout", Bilingual("排列", "layout"), "choice", "interleaved",
             choices=(Choice("interleaved", "interleaved"), Choice("halves", "halves"))),
        Knob("base", Bilingual("底数", "base"), "number", 10_000, minimum=100, maximum=1_000_000),
    ),
    figures=(
        Drawn("table", Bilingual("正弦表", "table"), made.BY_FORMULA),
        Drawn("similarity", Bilingual("相似度", "similarity"), made.BY_FORMULA),
        Drawn("distance", Bilingual("距离", "distance"), made.BY_FORMULA),
        Drawn("wavelengths", Bilingual("波长", "wavelength"), made.BY_FORMULA),
    ),
    checks=(
        CheckDeclaration(
            "shift-is-linear",
            Bilingual("PE(pos + k) = M_k · PE(pos)，M_k 对每个 pos 都是同一个旋转矩阵（列的是最大误差）",
                      "PE(pos + k) = M_k · PE(pos) with one rotation M_k for every pos (the largest error)"),
            "==", BreakKnobs({"layout": "halves"}),
        ),
        CheckDeclaration(
            "norm-constant",
            Bilingual("每个位置的 ‖PE‖² 都是 d/2（列的是最大偏离）",
                      "‖PE‖² is d/2 at every position (largest deviation)"),
            "==", BreakTensor("positions.output", "double"),
        ),
        CheckDeclaration(
            "dot-sees-distance",
            Bilingual("PE(pos)·PE(pos + k) 与 pos 无关，等于 Σ cos(k·ω_i)（列的是最大误差）",
                      "PE(pos)·PE(pos + k) does not depend on pos: it is Σ cos(k·ω_i) (the largest error)"),
            "==", BreakTensor("positions.output", "double"),
        ),
        CheckDeclaration(
            "dot-blind-to-direction",
            Bilingual("往前 k 位和往后 k 位，点积一样：直接点积分不出方向（列的是最大差）",
                      "k places before and k after have the same dot product: it cannot tell them apart (largest "
                      "difference)"),
            "==", BreakTensor("positions.output", "noise"),
        ),
        CheckDeclaration(
            "projections-see-direction",
            Bilingual("过了不同的 W_Q、W_K，前后就分得出来了（列的是前后得分之差与最大得分之比）",
                      "Through W_Q and W_K, which differ, before and after are told apart (their difference over the "
                      "largest score)"),
            ">=", BreakTensor("projected.scores", "ones"),
        ),
        CheckDeclaration(
            "longest-wavelength",
            Bilingual("最慢的一对，波长是 2π·10000^((d−2)/d)", "The slowest pair has wavelength 2π·10000^((d−2)/d)"),
            "==", BreakKnobs({"base": 100}),
        ),
        CheckDeclaration(
            "without-positions-alike",
            Bilingual("没有位置，同一个词元出现两次，两处的输出一样（列的是最大差）",
                      "Without positions a token that occurs twice has the same output at both places (largest "
                      "difference)"),
            "==", BreakTensor("plain.output", "noise"),
        ),
        CheckDeclaration(
            "with-positions-different",
            Bilingual("加上位置，两处的输出就不同（列的是与最大输出之比）",
                      "With positions added the outputs differ (over the largest output)"),
            ">=", BreakTensor("placed.output", "ones"),
        ),
    ),
)  # fmt: skip
