"""Training in float16: gradients that vanish, a loss scale that saves them, and weights that need float32."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, CheckDeclaration, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import SEED, hidden_switch

EXPERIMENT = Experiment(
    name="mixed-precision",
    title=Bilingual("混合精度：损失缩放与主权重", "Mixed precision: loss scaling and master weights"),
    summary=Bilingual(
        "一个前馈层用 float16 算前向和反向，损失是一大批词元的平均。不缩放、缩放 2 的 k 次方时，"
        "多少梯度下溢成 0、多少溢出；再看小更新加在 float16 和 float32 的权重上各剩多少。",
        "A feed-forward layer computes forward and backward in float16; the loss is a mean over a large batch of "
        "tokens. How many gradients round to 0 or overflow with the loss times 2 to the k; and what small updates "
        "make of weights in float16 and in float32.",
    ),
    knobs=(
        Knob("tokens", Bilingual("一批的词元数（千）", "tokens of a batch (thousands)"), "number", 4096, minimum=2048,
             maximum=32768, log=True),
        Knob("power", Bilingual("缩放 2 的几次方", "scale: 2 to the"), "number", 16, minimum=12, maximum=20),
        SEED,
    ),
    hidden_knobs=(
        hidden_switch("wide", "全用 float32", "everything in float32"),
        hidden_switch("unscaled", "不缩放", "nothing is scaled"),
        hidden_switch("left_scaled", "忘了除回来", "gradients are not divided again"),
        hidden_switch("half_master", "主权重也用 float16", "master weights in float16 too"),
        hidden_switch("fixed", "缩放不调整", "the scale does not follow"),
    ),
    figures=(
        Drawn("scales", Bilingual("缩放", "scales"), made.RANDOM),
        Drawn("weights", Bilingual("权重", "weights"), made.BY_FORMULA),
        Drawn("sizes", Bilingual("梯度大小", "sizes"), made.RANDOM),
        Drawn("formats", Bilingual("格式", "formats"), made.BY_FORMULA),
    ),
    checks=(
        CheckDeclaration(
            "vanish-unscaled",
            Bilingual("不缩放：float32 下不为零的梯度，在 float16 里成了 0 的 %",
                      "Unscaled: gradients that are not 0 in float32 and 0 in float16, %"),
            ">=", BreakKnobs({"wide": True}), unit="%",
        ),
        CheckDeclaration(
            "vanish-scaled",
            Bilingual("缩放之后，同样成了 0 的 %", "The same with the loss scaled, %"),
            "<=", BreakKnobs({"unscaled": True}), unit="%",
        ),
        CheckDeclaration(
            "scaled-is-right",
            Bilingual("缩放再除回来：与 float32 的梯度的相对差 %",
                      "Scaled and divided again: relative difference from the gradient in float32, %"),
            "<=", BreakKnobs({"left_scaled": True}), unit="%",
        ),
        CheckDeclaration(
            "too-large-overflows",
            Bilingual("缩放到 2 的 44 次方：溢出（inf 或 NaN）的梯度 %",
                      "Scaled by 2 to the 44: gradients that overflow (inf or NaN), %"),
            ">=", BreakKnobs({"wide": True}), unit="%",
        ),
        CheckDeclaration(
            "dynamic-settles",
            Bilingual("动态缩放从 2 的 44 次方开始：最后 8 步里被跳过的步数",
                      "A dynamic scale from 2 to the 44 on: steps left out among the last 8"),
            "==", BreakKnobs({"fixed": True}),
        ),
        CheckDeclaration(
            "half-stands-still",
            Bilingual("float16 的权重 1，每步加 0.0001，100 步：走了多远",
                      "A weight of 1 in float16, 0.0001 more in each of 100 steps: how far it moved"),
            "==", BreakKnobs({"wide": True}),
        ),
        CheckDeclaration(
            "master-moves",
            Bilingual("float32 的主权重，同样的更新：走了多远", "The same updates on a master weight in float32"),
            "==", BreakKnobs({"half_master": True}),
        ),
        CheckDeclaration(
            "sixteen-bytes",
            Bilingual("混合精度加 Adam：每个参数的权重、梯度和状态共几个字节",
                      "Mixed precision with Adam: bytes of weight, gradient and state for each parameter"),
            "==", BreakKnobs({"half_master": True}),
        ),
    ),
)  # fmt: skip
