"""Rotary positions: what is turned, by how much, and why only distances are left in the scores (Su et al. 2021)."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, BreakTensor, CheckDeclaration, Choice, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import SEED, sentence_knob

EXPERIMENT = Experiment(
    name="rotary",
    title=Bilingual("RoPE：转动查询和键，得分里只剩距离", "RoPE: turned queries and keys leave only distances"),
    summary=Bilingual(
        "把整句话往后挪几千个位置：用 RoPE，注意力图一点不变；把正弦位置加到输入上，图就变了。再看每对分量转多快。",
        "The sentence is moved thousands of positions on: with RoPE its attention stays the same, with sinusoids added "
        "to the input it does not. And how fast each pair of features turns.",
    ),
    knobs=(
        sentence_knob(),
        Knob("shift", Bilingual("整句后移", "shift"), "number", 1000, minimum=0, maximum=5000, step=100,
             help=Bilingual("第一个词元站在哪个位置上。", "The position of the first token.")),
        Knob("head_dim", Bilingual("头宽 D", "head width D"), "number", 64, minimum=4, maximum=128, log=True),
        Knob("base", Bilingual("底数", "base"), "choice", "10000",
             choices=(Choice("1000", "1,000"), Choice("10000", "10,000"), Choice("500000", "500,000"))),
        SEED,
    ),
    hidden_knobs=(
        Knob("turn_keys", Bilingual("转动键", "turn the keys"), "switch", True),
        Knob("add_positions", Bilingual("给输入加正弦位置", "add sinusoids to the input"), "switch", True),
        Knob("other_layout", Bilingual("另一种配对", "the other layout"), "choice", "halves",
             choices=(Choice("halves", "halves"), Choice("interleaved", "interleaved"))),
        Knob("run_base", Bilingual("真正用的底数（0 为 base）", "base that runs (0 for base)"), "number", 0,
             minimum=0, maximum=1_000_000),
        Knob("squeeze", Bilingual("位置乘以", "positions are multiplied by"), "number", 0.5, minimum=0.25, maximum=1,
             step=0.25),
    ),
    figures=(
        Drawn("by-shift", Bilingual("后移", "moved"), made.RANDOM),
        Drawn("attention", Bilingual("注意力", "attention"), made.RANDOM_WEIGHTS),
        Drawn("distance", Bilingual("距离", "distance"), made.BY_FORMULA),
        Drawn("pairs", Bilingual("各对", "pairs"), made.BY_FORMULA),
    ),
    checks=(
        CheckDeclaration(
            "shift-changes-nothing",
            Bilingual("整句后移，RoPE 的注意力权重不变：得分只取决于距离（列的是最大差）",
                      "With RoPE a shifted sentence has the same weights: scores depend on distances (largest "
                      "difference)"),
            "==", BreakKnobs({"turn_keys": False}),
        ),
        CheckDeclaration(
            "shift-changes-added-positions",
            Bilingual("把正弦位置加到输入上，整句后移权重就变（列的是最大差）",
                      "With sinusoids added to the input a shifted sentence has other weights (largest difference)"),
            ">=", BreakKnobs({"add_positions": False}),
        ),
        CheckDeclaration(
            "is-complex-product",
            Bilingual("转动就是复数乘法：每对分量乘 e^(i·m·θ)（列的是与 float64 复数算法的最大差）",
                      "Turning is a complex product: each pair times e^(i·m·θ) (largest difference from float64)"),
            "==", BreakTensor("turned.queries", "shuffle"),
        ),
        CheckDeclaration(
            "norm-kept",
            Bilingual("转动不改变长度（列的是 |R q| / |q| 偏离 1 最多多少）",
                      "Turning keeps lengths (the largest deviation of |R q| / |q| from 1)"),
            "==", BreakTensor("turned.queries", "double"),
        ),
        CheckDeclaration(
            "values-not-turned",
            Bilingual("V 不转（列的是与不用 RoPE 时的最大差）", "V is not turned (largest difference from no RoPE)"),
            "==", BreakTensor("turned.values", "double"),
        ),
        CheckDeclaration(
            "slowest-wavelength",
            Bilingual("转得最慢的一对，转一圈要 2π·base^((D−2)/D) 个位置",
                      "The slowest pair takes 2π·base^((D−2)/D) positions for a turn"),
            "==", BreakKnobs({"run_base": 100}),
        ),
        CheckDeclaration(
            "interpolation",
            Bilingual("位置插值：位置乘 1/2，2m 处的转角就是原来 m 处的（列的是最大差）",
                      "Position interpolation: positions halved, 2m is turned as m was (largest difference)"),
            "==", BreakKnobs({"squeeze": 1.0}),
        ),
        CheckDeclaration(
            "layouts-do-not-mix",
            Bilingual("用一种配对训练的权重，换另一种配对就错（列的是输出的相对误差）",
                      "Weights for one layout of pairs are wrong with the other (relative error of the output)"),
            ">=", BreakKnobs({"other_layout": "interleaved"}),
        ),
    ),
)  # fmt: skip
