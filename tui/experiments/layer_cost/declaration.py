"""What one encoder layer computes and keeps, and where n² overtakes: operations late, memory early."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, CheckDeclaration, Choice, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import hidden_switch

EXPERIMENT = Experiment(
    name="layer-cost",
    title=Bilingual("一层要算多少、存多少", "What a layer computes and keeps"),
    summary=Bilingual(
        "真跑一层编码器（F = 4d），从形状数出运算和激活值：n² 何时才是大头？运算要等到 n = 6d，内存只要 n = 6d/H。",
        "One real encoder layer (F = 4d), operations and activations counted from the shapes that ran. When does "
        "the n² term dominate? Operations wait for n = 6d, memory only for n = 6d/H.",
    ),
    knobs=(
        Knob("tokens", Bilingual("序列长度 n", "length n"), "number", 128, minimum=32, maximum=512, log=True),
        Knob("d_model", Bilingual("宽度 d", "width d"), "number", 192, minimum=192, maximum=768, step=192),
        Knob("heads", Bilingual("头数 H", "heads H"), "choice", "3",
             choices=tuple(Choice(str(h), str(h)) for h in (1, 2, 3, 4, 6, 12))),
    ),
    hidden_knobs=(
        hidden_switch("attention_only", "只数注意力", "count attention alone"),
        Knob("shorten", Bilingual("“一半长”一支短几倍", "the half-length arm is so many times shorter"), "number", 2,
             minimum=2, maximum=4),
        hidden_switch("keep_width", "“一半宽”一支不减宽", "the half-width arm stays wide"),
        hidden_switch("count_vectors", "偏置和归一化也算成矩阵", "biases and norms are counted too"),
        hidden_switch("one_head", "只用一个头", "run one head"),
    ),
    figures=(
        Drawn("products", Bilingual("运算", "products"), made.COUNTED),
        Drawn("shares", Bilingual("n² 占比", "n² share"), made.COUNTED),
        Drawn("lengths", Bilingual("三种长度", "lengths"), made.RANDOM_TIMED),
    ),
    checks=(
        CheckDeclaration(
            "flops-of-a-layer",
            Bilingual("一层的矩阵乘法：24nd² + 4n²d 次运算（乘加算两次）",
                      "The matrix products of a layer: 24nd² + 4n²d operations, a multiply-add being two"),
            "==", BreakKnobs({"attention_only": True}), unit="FLOP",
        ),
        CheckDeclaration(
            "quadratic-share",
            Bilingual("其中 n² 那一项（Q Kᵀ 与乘 V）占 n / (6d + n)",
                      "Of these the n² term (Q Kᵀ and times V) has n / (6d + n)"),
            "==", BreakKnobs({"attention_only": True}), unit="%",
        ),
        CheckDeclaration(
            "length-doubled",
            Bilingual("n 加倍，运算变成几倍：(12d + 2n) / (6d + n/2)，n 远小于 6d 时只是 2 倍多一点",
                      "With n doubled they grow by (12d + 2n) / (6d + n/2): hardly over 2 while n is far under 6d"),
            "==", BreakKnobs({"shorten": 4}), unit="x",
        ),
        CheckDeclaration(
            "width-doubled",
            Bilingual("d 加倍，运算变成几倍：(12d + 2n) / (3d + n)，接近 4 倍",
                      "With d doubled they grow by (12d + 2n) / (3d + n), nearly 4"),
            "==", BreakKnobs({"keep_width": True}), unit="x",
        ),
        CheckDeclaration(
            "two-per-weight",
            Bilingual("不算 n² 那一项：每个词元、每个权重恰好两次运算（一乘一加）",
                      "Without the n² term: two operations for each weight and token, a multiply and an add"),
            "==", BreakKnobs({"count_vectors": True}),
        ),
        CheckDeclaration(
            "map-bytes",
            Bilingual("注意力权重图的字节数：H·n² 个 float32", "Bytes of the attention maps: H·n² float32 numbers"),
            "==", BreakKnobs({"one_head": True}), unit="B",
        ),
        CheckDeclaration(
            "map-over-hidden-state",
            Bilingual("权重图是一份隐藏状态 [n, d] 的几倍：n / (d/H)，句子一超过头宽就反超",
                      "The maps over one hidden state [n, d]: n / (d/H), larger once n passes the head width"),
            "==", BreakKnobs({"one_head": True}), unit="x",
        ),
        CheckDeclaration(
            "quadratic-share-of-memory",
            Bilingual("一层产生的数里，n × n 的（得分、缩放后、权重）占 n / (n + 6d/H)",
                      "Of all the numbers that a layer makes, n × n ones (scores, scaled, weights) are n / (n + 6d/H)"),
            "==", BreakKnobs({"one_head": True}), unit="%",
        ),
    ),
)  # fmt: skip
