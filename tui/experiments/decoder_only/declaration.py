"""One causal stack against a prefix model and an encoder-decoder: what a growing conversation costs each."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, CheckDeclaration, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import SEED, hidden_switch

EXPERIMENT = Experiment(
    name="decoder-only",
    title=Bilingual("三种架构，同一场多轮对话", "Three architectures, one conversation"),
    summary=Bilingual(
        "对话每轮加几个词元。纯解码器的旧状态不变，只算新词元；前缀模型和编码器-解码器的上文是双向的，每轮都变，"
        "从第二层起旧的键值作废，要从头算。再数同样运算量下各有多少参数，看因果注意力矩阵的秩。",
        "Each turn of a conversation adds some tokens. In the decoder-only stack old states stay, and only new tokens "
        "are computed; a prefix model and an encoder-decoder read the history both ways, so it changes at each turn, "
        "from the second layer on old keys and values are void, and it is read again. Then: parameters at equal "
        "operations, and the rank of causal attention.",
    ),
    knobs=(
        Knob("turns", Bilingual("轮数", "turns"), "number", 6, minimum=2, maximum=12),
        Knob("turn_length", Bilingual("每轮词元数", "tokens a turn"), "number", 8, minimum=2, maximum=32, log=True),
        Knob("layers", Bilingual("层数", "layers"), "number", 2, minimum=1, maximum=4),
        SEED,
    ),
    hidden_knobs=(
        hidden_switch("two_way", "纯解码器不加因果掩码", "the decoder-only stack has no causal mask"),
        hidden_switch("all_causal", "前缀和编码器也用因果掩码", "prefix model and encoder are causal too"),
        hidden_switch("no_cache", "纯解码器每轮从头算", "the decoder-only stack reads everything at each turn"),
        hidden_switch("deep", "纯解码器加倍层数", "the decoder-only stack has twice the layers"),
    ),
    figures=(
        Drawn("turns", Bilingual("各轮", "turns"), made.COUNTED),
        Drawn("moved", Bilingual("变多少", "moved"), made.RANDOM),
        Drawn("maps", Bilingual("两张图", "maps"), made.RANDOM),
        Drawn("sizes", Bilingual("大小", "sizes"), made.COUNTED),
    ),
    checks=(
        CheckDeclaration(
            "history-stays",
            Bilingual("纯解码器：新的一轮来了，旧词元的状态相对变了多少",
                      "Decoder-only: how much a new turn changes the states of old tokens (relative)"),
            "<=", BreakKnobs({"two_way": True}),
        ),
        CheckDeclaration(
            "two-way-history-moves",
            Bilingual("前缀模型和编码器：旧词元的状态相对变了多少（取小的）",
                      "Prefix model and encoder: how much the states of old tokens change (relative, the smaller)"),
            ">=", BreakKnobs({"all_causal": True}),
        ),
        CheckDeclaration(
            "rows-ratio",
            Bilingual("整场对话要过各层的上文词元：前缀模型是纯解码器的几倍",
                      "Tokens of history that pass the layers in the whole conversation: prefix "
                      "model over decoder-only"),
            "==", BreakKnobs({"no_cache": True}), unit="x",
        ),
        CheckDeclaration(
            "parameters-ratio",
            Bilingual("层数各 L：编码器-解码器的参数是 L 层纯解码器的几倍",
                      "L layers each: parameters of the encoder-decoder over those of L decoder-only layers"),
            ">=", BreakKnobs({"deep": True}), unit="x",
        ),
        CheckDeclaration(
            "operations-ratio",
            Bilingual("读一半、写一半时，编码器-解码器的运算是 L 层纯解码器的几倍",
                      "Half read, half written: operations of the encoder-decoder over those of L decoder-only layers"),
            "between", BreakKnobs({"deep": True}), unit="x",
        ),
        CheckDeclaration(
            "causal-is-triangular",
            Bilingual("因果注意力矩阵对角线以上的最大权重：是 0 而对角线都为正，所以满秩",
                      "Largest weight above the diagonal of causal attention: 0, with a positive "
                      "diagonal, so of full rank"),
            "==", BreakKnobs({"two_way": True}),
        ),
        CheckDeclaration(
            "two-way-rank-is-lower",
            Bilingual("没有掩码时，注意力矩阵的有效秩是因果时的几倍",
                      "Effective rank of the attention matrix without a mask, over that of the causal one"),
            "<=", BreakKnobs({"all_causal": True}), unit="x",
        ),
    ),
)  # fmt: skip
