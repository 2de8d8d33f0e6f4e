"""RoPE beyond the trained length: what direct extrapolation, PI, NTK and YaRN do to every pair."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, CheckDeclaration, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import SEED, hidden_switch

EXPERIMENT = Experiment(
    name="rope-scaling",
    title=Bilingual("RoPE 外推：PI、NTK、YaRN 各改了哪些角", "RoPE for longer texts: the angles of PI, NTK and YaRN"),
    summary=Bilingual(
        "训练长度 L，要用到 s·L。先看每对维度的转速各变成几倍；再看转得慢的对会不会转到训练没见过的角度；"
        "最后把一个头的得分拟合在 L 以内，看 L 以外会怎样（没有训练语言模型）。",
        "Trained on length L, used at s·L. How many times as fast each pair turns; whether slow "
        "pairs reach angles that "
        "training never saw; and a head's scores fitted within L, read beyond it (no language model is trained here).",
    ),
    knobs=(
        Knob("factor", Bilingual("要长几倍 s", "times longer s"), "number", 4, minimum=2, maximum=32, log=True),
        Knob("length", Bilingual("训练长度 L", "trained length L"), "number", 512, minimum=256, maximum=1024, log=True),
        Knob("head_dim", Bilingual("头宽 D", "head width D"), "number", 64, minimum=32, maximum=128, log=True),
        SEED,
    ),
    hidden_knobs=(
        hidden_switch("no_scale", "PI 不缩放位置", "PI does not scale positions"),
        hidden_switch("same_base", "NTK 不换底数", "NTK keeps the base"),
        hidden_switch("ntk_squeezed", "NTK 也缩放位置", "NTK scales positions too"),
        hidden_switch("one_part", "YaRN 不分段，全部插值", "YaRN interpolates every pair"),
        hidden_switch("no_part", "YaRN 不分段，全不插值", "YaRN interpolates no pair"),
        hidden_switch("within", "只看训练长度以内", "within the trained length only"),
    ),
    figures=(
        Drawn("speeds", Bilingual("转速", "speeds"), made.BY_FORMULA),
        Drawn("reach", Bilingual("转多远", "reach"), made.BY_FORMULA),
        Drawn("fitted", Bilingual("拟合的头", "fitted"), made.RANDOM_DATA),
        Drawn("recipes", Bilingual("各做法", "recipes"), made.BY_FORMULA),
    ),
    checks=(
        CheckDeclaration(
            "extrapolation-runs-off",
            Bilingual("直接外推：L 到 s·L 之间的最大得分，是 L 以内的几倍（拟合的头）",
                      "Extrapolated: the largest score from L to s·L over that within L (a fitted head)"),
            ">=", BreakKnobs({"within": True}), unit="x",
        ),
        CheckDeclaration(
            "interpolation-stays",
            Bilingual("PI：同一个头的这个倍数", "PI: the same for the same head"),
            "<=", BreakKnobs({"no_scale": True}), unit="x",
        ),
        CheckDeclaration(
            "pi-squeezes-all",
            Bilingual("PI：最快一对的转速是原来的几倍（应为 1/s）", "PI: speed of the fastest pair over before (1/s)"),
            "==", BreakKnobs({"no_scale": True}), unit="x",
        ),
        CheckDeclaration(
            "ntk-fast-pair",
            Bilingual("NTK：最快一对的转速是原来的几倍", "NTK: speed of the fastest pair over before"),
            "==", BreakKnobs({"ntk_squeezed": True}), unit="x",
        ),
        CheckDeclaration(
            "ntk-slow-pair",
            Bilingual("NTK：最慢一对的转速是原来的几倍（应为 1/s）",
                      "NTK: speed of the slowest pair over before (1/s)"),
            "==", BreakKnobs({"same_base": True}), unit="x",
        ),
        CheckDeclaration(
            "yarn-no-new-angle",
            Bilingual("YaRN：训练时转不满一圈的对，在 s·L 处的角度最多是训练见过的几倍",
                      "YaRN: of pairs that made less than a turn in training, the angle at s·L over the largest seen"),
            "<=", BreakKnobs({"no_part": True}), unit="x",
        ),
        CheckDeclaration(
            "yarn-keeps-near",
            Bilingual("相邻 1 到 8 个位置的编码变了多少：YaRN 是 PI 的几倍",
                      "How far the codes of places 1 to 8 apart change: YaRN over PI"),
            "<=", BreakKnobs({"one_part": True}), unit="x",
        ),
    ),
)  # fmt: skip
