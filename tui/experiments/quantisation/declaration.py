"""Absmax quantization: what one outlier does to a shared scale, to a product, and few bits to a trained model."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, CheckDeclaration, Choice, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import SEED, hidden_switch

EXPERIMENT = Experiment(
    name="quantisation",
    title=Bilingual("量化：缩放系数该分多细", "Quantization: how fine the scales must be"),
    summary=Bilingual(
        "一个离群的通道怎样拖累共用的缩放系数；激活里的离群特征为什么更难办、怎么办；随包的日期模型能压到几位。",
        "How one outlying channel spoils a shared scale; why an outlying feature of the activations is harder, and "
        "what is done about it; how few bits the shipped date model stands.",
    ),
    knobs=(
        Knob("outlier", Bilingual("离群的大小（倍）", "size of the outlier (times)"), "number", 30, minimum=1,
             maximum=100,
             help=Bilingual("权重里第 7 个输出通道、激活里第 5 个特征，各放大这么多倍。",
                            "Output channel 7 of the weights, and feature 5 of the activations, are so many times "
                            "as large.")),
        Knob("bits", Bilingual("位数（随机矩阵）", "bits (random matrices)"), "choice", "8",
             choices=tuple(Choice(bits, bits) for bits in ("8", "6", "4"))),
        Knob("alpha", Bilingual("SmoothQuant 的 α", "SmoothQuant's α"), "number", 0.5, minimum=0, maximum=1, step=0.25),
        SEED,
    ),
    hidden_knobs=(
        hidden_switch("coarser", "少一位", "one bit fewer"),
        hidden_switch("share", "每通道一支也共用", "the per-channel arm shares a scale"),
        hidden_switch("own", "共用一支也每通道", "the shared arm has scales of its own"),
        hidden_switch("no_outlier", "激活里没有离群", "no outlier in the activations"),
        hidden_switch("keep_outlier", "离群特征也量化", "outliers are quantized, too"),
        hidden_switch("one_side", "只缩激活，不乘权重", "smooth the activations alone"),
        hidden_switch("no_smoothing", "不平滑", "no smoothing"),
        Knob("dates_bits", Bilingual("日期模型改用几位（0 不改）", "bits of the date model (0: as said)"), "number", 0,
             minimum=0, maximum=8),
    ),
    figures=(
        Drawn("outlier", Bilingual("离群通道", "outlier"), made.RANDOM_DATA),
        Drawn("products", Bilingual("乘积", "products"), made.RANDOM_DATA),
        Drawn("dates", Bilingual("日期模型", "dates"), made.DATES),
        Drawn("readings", Bilingual("读日期", "readings"), made.DATES),
    ),
    checks=(
        CheckDeclaration(
            "half-a-step",
            Bilingual("任何一个数的误差都不超过半格 s/2（列的是最大误差与 s/2 之比）",
                      "No number errs by more than half a step, s/2 (the largest error over s/2)"),
            "<=", BreakKnobs({"coarser": True}), unit="x",
        ),
        CheckDeclaration(
            "one-scale-error",
            Bilingual("整个矩阵共用一个缩放系数：普通通道的相对误差，至少是每通道一个的 3 倍",
                      "One scale for the matrix: the relative error of ordinary channels, at least 3 times that with "
                      "scales of their own"),
            ">=", BreakKnobs({"own": True}),
        ),
        CheckDeclaration(
            "own-scales-error",
            Bilingual("每个输出通道一个缩放系数：相对误差就是 s/√12 推出来的那么大，离群与它无关",
                      "A scale for each output channel: the relative error is what s/√12 gives, whatever the outlier"),
            "==", BreakKnobs({"share": True}),
        ),
        CheckDeclaration(
            "outlying-feature-error",
            Bilingual("激活里有一个离群特征，逐词元缩放：乘积的误差，至少是没有它时的 2.5 倍",
                      "An outlying feature, a scale for each token: the error of the product, at least two and a half "
                      "times that without it"),
            ">=", BreakKnobs({"no_outlier": True}),
        ),
        CheckDeclaration(
            "decomposition-error",
            Bilingual("把离群特征单独用高精度乘（LLM.int8()）：误差回到没有它时的水平",
                      "The outlying feature multiplied in full precision (LLM.int8()): the error is back where it was"),
            "<=", BreakKnobs({"keep_outlier": True}),
        ),
        CheckDeclaration(
            "smoothing-is-exact",
            Bilingual("SmoothQuant：激活除以 s、权重乘以 s，量化之前乘积不变（列的是最大相对差）",
                      "SmoothQuant: activations over s, weights times s; before quantizing the product is the same "
                      "(largest relative difference)"),
            "==", BreakKnobs({"one_side": True}),
        ),
        CheckDeclaration(
            "smoothing-error",
            Bilingual("平滑之后再量化（α = 0.5）：误差不到直接量化的六成",
                      "Quantized after smoothing (α = 0.5): less than six tenths of the error without"),
            "<=", BreakKnobs({"no_smoothing": True}),
        ),
        CheckDeclaration(
            "dates-eight-bits",
            Bilingual("日期模型的权重压到 8 位（每矩阵一个缩放系数）：整个日期仍写对的比例",
                      "The date model's weights in 8 bits (a scale for each matrix): whole dates still right"),
            ">=", BreakKnobs({"dates_bits": 3}), unit="%",
        ),
        CheckDeclaration(
            "dates-four-bits-one-scale",
            Bilingual("压到 4 位、每矩阵一个缩放系数：开始写错", "In 4 bits, a scale for each matrix: some go wrong"),
            "<=", BreakKnobs({"dates_bits": 8}), unit="%",
        ),
        CheckDeclaration(
            "dates-four-bits-own-scales",
            Bilingual("同样 4 位、每行一个缩放系数：几乎全对", "In 4 bits too, a scale for each row: nearly all right"),
            ">=", BreakKnobs({"dates_bits": 3}), unit="%",
        ),
    ),
)  # fmt: skip
