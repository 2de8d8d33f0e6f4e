"""What heads of d/h features cost and can do, against heads of the full width d."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, BreakTensor, CheckDeclaration, Choice, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import SEED, hidden_switch

EXPERIMENT = Experiment(
    name="head-width",
    title=Bilingual("头宽：为什么只用 d/h 维", "Head width: why d/h"),
    summary=Bilingual(
        "h 个宽 d/h 的头与 h 个全宽的头并排跑：参数、乘加次数（由实际的形状数出）、得分矩阵的秩。",
        "h heads of width d/h beside h heads of the full width: parameters, operations (counted from the shapes that "
        "ran) and the rank of the scores.",
    ),
    knobs=(
        Knob("heads", Bilingual("头数 h", "heads h"), "number", 8, minimum=1, maximum=16, log=True),
        Knob("d_model", "d_model", "number", 128, minimum=64, maximum=256, log=True),
        Knob("tokens", Bilingual("词元数 n", "tokens n"), "number", 64, minimum=16, maximum=256, log=True),
        Knob("width", Bilingual("头宽", "head width"), "choice", "reduced", choices=(
            Choice("reduced", "d/h"),
            Choice("full", Bilingual("d（不缩）", "d (not reduced)")),
        ), help=Bilingual("画哪一种；实测总是两种都跑。", "Which one is drawn; the checks run both.")),
        SEED,
    ),
    hidden_knobs=(
        hidden_switch("reduced_is_full", "“d/h”一支其实全宽", "the reduced arm is not reduced"),
        hidden_switch("full_is_reduced", "“全宽”一支其实是 d/h", "the full arm is reduced"),
        Knob("run_heads", Bilingual("真正用的头数（0 为 h）", "heads that really run (0 for h)"), "number", 0,
             minimum=0, maximum=16),
        hidden_switch("without_feed_forward", "不算前馈层", "the feed-forward is not counted"),
        Knob("lengthen", Bilingual("“两倍长”一支是几倍长", "the doubled arm is so many times as long"), "number", 2,
             minimum=1, maximum=3),
    ),
    figures=(
        Drawn("singular", Bilingual("奇异值", "singular"), made.RANDOM),
        Drawn("costs", Bilingual("代价", "cost"), made.COUNTED),
        Drawn("attention", Bilingual("注意力", "attention"), made.RANDOM),
        Drawn("share", Bilingual("占比", "share"), made.BY_FORMULA),
    ),
    checks=(
        CheckDeclaration(
            "reduced-parameters",
            Bilingual("头宽 d/h：四个矩阵共 4d² 个参数，与 h 无关",
                      "Heads of d/h: four matrices of 4d² parameters in all, whatever h"),
            "==", BreakKnobs({"reduced_is_full": True}),
        ),
        CheckDeclaration(
            "full-width-parameters",
            Bilingual("头宽 d：四个矩阵共 4hd² 个参数", "Heads of d: four matrices of 4hd² parameters in all"),
            "==", BreakKnobs({"full_is_reduced": True}),
        ),
        CheckDeclaration(
            "reduced-flops",
            Bilingual("头宽 d/h：矩阵乘法共 8nd² + 4n²d 次运算，与 h 无关",
                      "Heads of d/h: the products take 8nd² + 4n²d operations, whatever h"),
            "==", BreakKnobs({"reduced_is_full": True}), unit="FLOP",
        ),
        CheckDeclaration(
            "full-width-flops-ratio",
            Bilingual("头宽 d：运算次数恰是头宽 d/h 时的 h 倍", "Heads of d take exactly h times the operations"),
            "==", BreakKnobs({"full_is_reduced": True}), unit="x",
        ),
        CheckDeclaration(
            "rank-is-head-width",
            Bilingual("头宽 d/h：每个头的得分矩阵 Q Kᵀ 的秩就是 d/h，再多也没有（列的是最大的）",
                      "Heads of d/h: the scores Q Kᵀ of a head have rank d/h and no more (the largest)"),
            "==", BreakTensor("reduced.scores", "noise"),
        ),
        CheckDeclaration(
            "full-width-rank-is-higher",
            Bilingual("头宽 d：得分矩阵的秩高得多，一半以上的 min(n, d)（列的是最小的）",
                      "Heads of d: the scores' rank is far higher, over half of min(n, d) (the smallest)"),
            ">=", BreakKnobs({"full_is_reduced": True}),
        ),
        CheckDeclaration(
            "weight-maps-grow-with-heads",
            Bilingual("注意力权重占 h·n² 个 float32：乘加次数不变，这一项仍随 h 涨",
                      "The weights take h·n² float32 numbers: with constant operations, this still grows with h"),
            "==", BreakKnobs({"run_heads": 1}), unit="B",
        ),
        CheckDeclaration(
            "core-quadruples-with-length",
            Bilingual("n 加倍，核心部分（Q Kᵀ 与乘 V）的运算变成 4 倍",
                      "With n doubled the core (Q Kᵀ and times V) takes 4 times the operations"),
            "==", BreakKnobs({"lengthen": 3}), unit="x",
        ),
        CheckDeclaration(
            "core-share-of-layer",
            Bilingual("整层（含前馈层，F = 4d）里核心部分占 n / (6d + n)",
                      "Of a whole layer (with its feed-forward, F = 4d) the core is n / (6d + n)"),
            "==", BreakKnobs({"without_feed_forward": True}), unit="%",
        ),
    ),
)  # fmt: skip
