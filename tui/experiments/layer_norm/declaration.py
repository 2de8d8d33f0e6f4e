"""Over which axis a normalization takes its mean and variance, and who therefore changes whose output."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, BreakTensor, CheckDeclaration, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import SEED, hidden_switch

EXPERIMENT = Experiment(
    name="layer-norm",
    title=Bilingual("层归一化与批归一化", "Layer norm and batch norm"),
    summary=Bilingual(
        "同一个词元，换掉批里其余的一切、补上填充、换成推理模式：两种归一化的输出各变多少。",
        "One token, while all else in the batch is replaced, padding is added, or training turns to inference: how far "
        "the output of each normalization moves.",
    ),
    knobs=(
        Knob("batch", Bilingual("批大小 B", "batch size B"), "number", 8, minimum=2, maximum=64, log=True),
        Knob("length", Bilingual("长度 T", "length T"), "number", 8, minimum=2, maximum=32, log=True),
        Knob("width", Bilingual("宽度 C", "width C"), "number", 32, minimum=8, maximum=256, log=True),
        Knob("padding", Bilingual("每句填充", "padding per sentence"), "number", 8, minimum=1, maximum=64, log=True,
             help=Bilingual("每句后面补多少个零向量。", "Zero vectors added after each sentence.")),
        Knob("spread", Bilingual("换来的数据的标准差", "deviation of what replaces"), "number", 3.0,
             minimum=0.5, maximum=8.0, step=0.5,
             help=Bilingual("原来的数据标准差是 1。", "The data it replaces have 1.")),
        SEED,
    ),
    hidden_knobs=(
        hidden_switch("always_inference", "训练也用滑动平均", "running averages in training too"),
        hidden_switch("always_training", "推理也用批统计", "batch statistics at inference too"),
        hidden_switch("drop_padding", "统计时去掉填充", "statistics without padding"),
        Knob("few", Bilingual("最小的批有几个词元", "tokens in the smallest batch"), "number", 2, minimum=2, maximum=8),
    ),
    figures=(
        Drawn("normalised", Bilingual("归一化", "normalized"), made.RANDOM_DATA),
        Drawn("by-batch-size", Bilingual("批大小", "batch size"), made.RANDOM_DATA),
        Drawn("summary", Bilingual("对照", "compared"), made.RANDOM_DATA),
    ),
    checks=(
        CheckDeclaration(
            "ln-tokens-normalised",
            Bilingual("层归一化之后，每个词元在特征上的均值都是 0（列的是最大偏差）",
                      "After layer norm each token has mean 0 over its features (the largest deviation)"),
            "==", BreakTensor("layer_norm_output", "ones"),
        ),
        CheckDeclaration(
            "bn-features-normalised",
            Bilingual("批归一化之后，每个特征在批和位置上的均值都是 0（列的是最大偏差）",
                      "After batch norm each feature has mean 0 over batch and positions (the largest deviation)"),
            "==", BreakTensor("batch_norm_output", "ones"),
        ),
        CheckDeclaration(
            "ln-ignores-the-rest",
            Bilingual("换掉其余所有词元（同句的和别的句子的），这个词元的层归一化输出不变（列的是最大变化）",
                      "With all other tokens replaced, of its own sentence and of others, a token's layer norm stays "
                      "(the largest change)"),
            "==", BreakTensor("layer_norm_output", "noise"),
        ),
        CheckDeclaration(
            "bn-follows-the-rest",
            Bilingual("换掉其余所有词元，这个词元的批归一化输出就变（训练时；列的是最大变化）",
                      "With all other tokens replaced, a token's batch norm changes (in training; the largest change)"),
            ">=", BreakKnobs({"always_inference": True}),
        ),
        CheckDeclaration(
            "bn-inference-ignores-the-rest",
            Bilingual("推理时批归一化用存下的滑动平均，换掉其余词元不再有影响（列的是最大变化）",
                      "At inference batch norm uses stored running averages, and the other tokens no longer matter "
                      "(the largest change)"),
            "==", BreakKnobs({"always_training": True}),
        ),
        CheckDeclaration(
            "ln-ignores-padding",
            Bilingual("补填充不改变真实词元的层归一化输出（列的是最大变化）",
                      "Padding leaves the layer norm of real tokens as it was (the largest change)"),
            "==", BreakTensor("layer_norm_output", "noise"),
        ),
        CheckDeclaration(
            "bn-padding-inflates",
            Bilingual("补零让批归一化的方差变小，真实词元的输出被放大（列的是均方根，没有填充时是 1）",
                      "Zeros make batch norm's variance smaller and blow up the real tokens (their root mean square; "
                      "1 without padding)"),
            "==", BreakKnobs({"drop_padding": True}),
        ),
        CheckDeclaration(
            "bn-two-tokens-leave-signs",
            Bilingual("批里只有两个词元时，批归一化只剩正负号：每个特征都是 ±1（列的是绝对值的中位数）",
                      "With two tokens in the batch, batch norm leaves signs alone: each feature is ±1 (the median "
                      "magnitude)"),
            "==", BreakKnobs({"few": 8}),
        ),
    ),
)  # fmt: skip
