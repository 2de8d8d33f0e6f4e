"""Attention and a fully connected layer over positions: where the mixing weights come from."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, BreakTensor, CheckDeclaration, Choice, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import SEED, hidden_switch

EXPERIMENT = Experiment(
    name="static-mixing",
    title=Bilingual("注意力和全连接层差在哪", "Attention and a fully connected layer"),
    summary=Bilingual(
        "两个不同的输入过同一个注意力层、同一个位置上的全连接层，把两张混合矩阵摆在一起；再换长度、打乱顺序、冻住权重。",
        "Two inputs through one attention layer and one fully connected layer over positions, their mixing matrices "
        "side by side; then another length, another order, and frozen weights.",
    ),
    knobs=(
        Knob("layer", Bilingual("看哪一个", "shown"), "choice", "attention", choices=(
            Choice("attention", Bilingual("注意力", "attention")),
            Choice("dense", Bilingual("全连接层", "fully connected")),
        ), help=Bilingual("画哪一个的图；实测总是两个都跑。", "Which one is drawn; the checks always run both.")),
        Knob("tokens", Bilingual("词元数 n", "tokens n"), "number", 12, minimum=4, maximum=32, step=2),
        Knob("other", Bilingual("换成的长度", "other length"), "number", 24, minimum=5, maximum=63, step=2),
        Knob("d_model", "d", "number", 64, minimum=16, maximum=128, log=True),
        SEED,
    ),
    hidden_knobs=(
        hidden_switch("swap_layers", "换长度时两层对调", "exchange the layers at the other length"),
        Knob("dense_growth", Bilingual("参数按几倍长度数", "length factor in counting"), "number", 2, minimum=1,
             maximum=4),
    ),
    figures=(
        Drawn("mixing", Bilingual("混合矩阵", "mixing"), made.RANDOM),
        Drawn("differences", Bilingual("差别", "compared"), made.RANDOM),
        Drawn("parameters", Bilingual("参数", "parameters"), made.COUNTED),
    ),
    checks=(
        CheckDeclaration(
            "attention-mixes-by-input",
            Bilingual("注意力：两个输入的混合矩阵不同（列的是各行总变差距离的平均）",
                      "Attention: two inputs get different mixing matrices (mean total variation of their rows)"),
            ">=", BreakTensor("attention.weights", "uniform"),
        ),
        CheckDeclaration(
            "dense-mixes-alike",
            Bilingual("全连接层：两个输入的混合矩阵一位不差（列的是最大差）",
                      "Fully connected: two inputs get the same mixing matrix, bit by bit (the largest difference)"),
            "==", BreakTensor("dense.weights", "noise"),
        ),
        CheckDeclaration(
            "attention-parameters",
            Bilingual("注意力：4d² 个参数，里面没有 n；同一层跑得了两种长度（列的是参数数，跑不了则为 0）",
                      "Attention: 4d² parameters without n, and one layer runs at both lengths (parameters; 0 if not)"),
            "==", BreakKnobs({"swap_layers": True}),
        ),
        CheckDeclaration(
            "dense-parameters-quadruple",
            Bilingual("全连接层：长度翻倍，参数是原来的几倍",
                      "Fully connected: the parameters at twice the length, over those at n"),
            "==", BreakKnobs({"dense_growth": 1}), unit="×",
        ),
        CheckDeclaration(
            "dense-refuses-other-length",
            Bilingual("全连接层：换个长度就跑不了（列的是跑出来的行数）",
                      "Fully connected: it does not run at another length (rows that come out)"),
            "==", BreakKnobs({"swap_layers": True}),
        ),
        CheckDeclaration(
            "attention-equivariant",
            Bilingual("注意力：打乱词元，输出只跟着换行（列的是最大差）",
                      "Attention: shuffled tokens give the same rows, shuffled (the largest difference)"),
            "==", BreakTensor("attention.weights", "first"),
        ),
        CheckDeclaration(
            "dense-not-equivariant",
            Bilingual("全连接层：打乱词元，输出就变了（列的是相对误差 ‖差‖ / ‖输出‖）",
                      "Fully connected: shuffled tokens give other rows (relative error ‖difference‖ / ‖output‖)"),
            ">=", BreakTensor("dense.weights", "uniform"),
        ),
        CheckDeclaration(
            "attention-rows-convex",
            Bilingual("注意力的权重：每行和为 1（列的是偏离最大的行）",
                      "Weights of attention: each row sums to 1 (the largest deviation)"),
            "==", BreakTensor("attention.weights", "double"),
        ),
        CheckDeclaration(
            "dense-weights-signed",
            Bilingual("全连接层的权重：负数的比例", "Weights of the fully connected layer: the share of negative ones"),
            "==", BreakTensor("dense.weights", "ones"), unit="%",
        ),
        CheckDeclaration(
            "frozen-attention-linear",
            Bilingual("把权重冻住，注意力就是线性的：f(x + y) = f(x) + f(y)（列的是相对误差）",
                      "With its weights frozen attention is linear: f(x + y) = f(x) + f(y) (relative error)"),
            "==", BreakTensor("attention.values", "ones"),
        ),
        CheckDeclaration(
            "attention-not-linear",
            Bilingual("不冻住，叠加就不成立（列的是相对误差）", "Not frozen, superposition fails (relative error)"),
            ">=", BreakTensor("attention.weights", "uniform"),
        ),
    ),
)  # fmt: skip
