"""What a training step holds: weights, gradients, Adam's moments and activations, kept or made again."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, CheckDeclaration, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import hidden_switch

EXPERIMENT = Experiment(
    name="training-memory",
    title=Bilingual("训练的显存：激活与重算", "Memory of training: activations and recomputation"),
    summary=Bilingual(
        "一个小 GPT 真的训练一步（float32，注意力显式算出权重），量出内存峰值：全部保留、只重算注意力的中间结果、"
        "逐层重算、几层一段重算。梯度必须和不重算时相同，dropout 也要抽到同样的掩码。",
        "A small GPT takes a real training step (float32, attention with explicit weights) and its memory's peak is "
        "measured: with everything kept, with the inside of attention made again, or each layer, or segments of "
        "layers. Gradients must be those without recomputation, with the same dropout masks drawn again.",
    ),
    knobs=(
        Knob("layers", Bilingual("层数 L", "layers L"), "number", 4, minimum=4, maximum=8, step=4),
        Knob("tokens", Bilingual("词元数 n", "tokens n"), "number", 64, minimum=64, maximum=128, log=True),
        Knob("batch", Bilingual("批大小 B", "batch B"), "number", 1, minimum=1, maximum=4),
        Knob("every", Bilingual("几层一段重算 k", "layers of a segment k"), "number", 1, minimum=1, maximum=4),
    ),
    hidden_knobs=(
        hidden_switch("keep", "什么都不重算", "nothing is made again"),
        hidden_switch("fresh_masks", "重算时 dropout 另抽掩码", "dropout draws new masks when made again"),
        hidden_switch("wider", "加倍的是批，不是长度", "the batch is doubled, not the length"),
        hidden_switch("plain_sgd", "优化器只有一个矩（SGD）", "an optimizer with one moment (SGD)"),
    ),
    figures=(
        Drawn("peaks", Bilingual("峰值", "peaks"), made.MEASURED_MEMORY),
        Drawn("lengths", Bilingual("长度", "lengths"), made.MEASURED_MEMORY),
        Drawn("segments", Bilingual("分段", "segments"), made.MEASURED_MEMORY),
        Drawn("states", Bilingual("状态", "states"), made.BY_FORMULA),
    ),
    checks=(
        CheckDeclaration(
            "gradients-same",
            Bilingual("重算与不重算：全部梯度的相对差（dropout 0.1）",
                      "With and without recomputation: relative difference of all gradients (dropout 0.1)"),
            "<=", BreakKnobs({"fresh_masks": True}),
        ),
        CheckDeclaration(
            "extra-compute",
            Bilingual("逐层重算多做的计算占一步的 %（反向按前向的两倍）",
                      "Work that recomputation adds to a step, % (backward as two forwards)"),
            "==", BreakKnobs({"keep": True}), unit="%",
        ),
        CheckDeclaration(
            "peak-falls",
            Bilingual("重算后的内存峰值，是全部保留的 %", "Peak with layers made again, % of that with all kept"),
            "<=", BreakKnobs({"keep": True}), unit="%",
        ),
        CheckDeclaration(
            "selective-peak",
            Bilingual("只重算注意力的得分和权重：峰值是全部保留的 %",
                      "Peak with only scores and weights made again, % of that with all kept"),
            "<=", BreakKnobs({"keep": True}), unit="%",
        ),
        CheckDeclaration(
            "scores-quadratic",
            Bilingual("长度加倍：得分、掩码后的得分和权重这几张图的字节变成几倍",
                      "The length doubled: bytes of the maps, scores to weights, over those before"),
            "==", BreakKnobs({"wider": True}), unit="x",
        ),
        CheckDeclaration(
            "long-segments-cost",
            Bilingual("四层一段重算的峰值，是逐层重算的几倍：一层里面的激活远多于它的输入",
                      "Peak with segments of four layers over that of single layers: a layer holds far more inside "
                      "than its input"),
            ">=", BreakKnobs({"keep": True}), unit="x",
        ),
        CheckDeclaration(
            "sixteen-bytes",
            Bilingual("float32 加 Adam：每个参数的权重、梯度和两个矩共几个字节",
                      "float32 with Adam: bytes of weight, gradient and two moments for each parameter"),
            "==", BreakKnobs({"plain_sgd": True}),
        ),
    ),
)  # fmt: skip
