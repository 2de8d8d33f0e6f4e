"""BERT's parameters, part by part: counted from the real modules beside a formula for each."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, CheckDeclaration, Choice, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import hidden_switch

EXPERIMENT = Experiment(
    name="bert-ledger",
    title=Bilingual("BERT 的参数账本", "BERT's ledger of parameters"),
    summary=Bilingual(
        "改词表、宽度、层数、头数、前馈层宽度和位置数，看每一笔参数：真实模块数出的与公式算的相等。默认是 BERT-base。",
        "Turn vocabulary, width, layers, heads, feed-forward and positions and read every entry: counted from the real "
        "modules, and equal to its formula. The defaults are BERT-base.",
    ),
    knobs=(
        Knob("vocabulary", Bilingual("词表大小 V", "vocabulary V"), "number", 30_522, minimum=1_000, maximum=120_000,
             help=Bilingual("英文 base 是 30522，中文 base 是 21128。", "30522 in English base, 21128 in Chinese.")),
        Knob("d_model", Bilingual("宽度 d", "width d"), "number", 768, minimum=192, maximum=1536, step=192),
        Knob("layers", Bilingual("层数 L", "layers L"), "number", 12, minimum=1, maximum=24),
        Knob("heads", Bilingual("头数 H", "heads H"), "choice", "12",
             choices=tuple(Choice(str(h), str(h)) for h in (1, 2, 4, 6, 12, 16))),
        Knob("ratio", Bilingual("前馈层宽 F 是 d 的几倍", "feed-forward width F over d"), "number", 4, minimum=1,
             maximum=8),
        Knob("positions", Bilingual("位置数 P", "positions P"), "number", 512, minimum=64, maximum=8192, log=True),
        Knob("with_heads", Bilingual("算上两个预训练头", "with the heads of pre-training"), "switch", False,
             help=Bilingual("MLM 头和 NSP 头；账本里列不列出，实测两种都数。",
                            "MLM and NSP: whether the ledger lists them. The checks count both.")),
    ),
    hidden_knobs=(
        Knob("types", Bilingual("段类型数", "segment types"), "number", 2, minimum=1, maximum=8),
        hidden_switch("untie", "MLM 的输出矩阵另存一份", "the MLM matrix is a second one"),
        hidden_switch("wider", "数的那一层前馈层多宽 d", "the counted feed-forward is d wider"),
        hidden_switch("full_width", "每个头都是全宽", "every head is d wide"),
        Knob("large_layers", Bilingual("large 的层数", "layers of large"), "number", 24, minimum=12, maximum=24),
    ),
    figures=(
        Drawn("ledger", Bilingual("账本", "ledger"), made.COUNTED),
        Drawn("width", Bilingual("宽度", "width"), made.COUNTED),
        Drawn("models", Bilingual("各模型", "models"), made.COUNTED),
    ),
    checks=(
        CheckDeclaration(
            "all-parameters",
            Bilingual("编码器加池化层：由模块数出的总数，与公式一个不差",
                      "Encoder and pooler: the modules count to what the formula gives"),
            "==", BreakKnobs({"types": 1}),
        ),
        CheckDeclaration(
            "with-pretraining-heads",
            Bilingual("再加 MLM、NSP 两个头：输出矩阵就是词嵌入，只多 d² + 5d + V + 2",
                      "With the MLM and NSP heads: the output matrix is the word embeddings, so d² + 5d + V + 2 more"),
            "==", BreakKnobs({"untie": True}),
        ),
        CheckDeclaration(
            "embedding-parameters",
            Bilingual("嵌入：(V + P + 2)·d，再加一个层归一化 2d", "Embeddings: (V + P + 2)·d, and a norm of 2d"),
            "==", BreakKnobs({"types": 1}),
        ),
        CheckDeclaration(
            "layer-parameters",
            Bilingual("一层：4d² + 2dF + F + 9d；F = 4d 时是 12d² + 13d",
                      "One layer: 4d² + 2dF + F + 9d, which is 12d² + 13d where F = 4d"),
            "==", BreakKnobs({"wider": True}),
        ),
        CheckDeclaration(
            "attention-whatever-the-heads",
            Bilingual("一层的注意力：4d² + 4d，与头数无关",
                      "A layer's attention: 4d² + 4d, whatever the number of heads"),
            "==", BreakKnobs({"full_width": True}),
        ),
        CheckDeclaration(
            "feed-forward-share-of-layer",
            Bilingual("一层里前馈层占多少：差不多 F / (F + 2d)，F = 4d 时三分之二",
                      "The feed-forward's share of a layer: nearly F / (F + 2d), two thirds where F = 4d"),
            "==", BreakKnobs({"wider": True}), unit="%",
        ),
        CheckDeclaration(
            "feed-forward-share-of-model",
            Bilingual("整个模型里前馈层占多少：L·(2dF + F + d) 除以总数，嵌入把它摊薄了",
                      "The feed-forward's share of the whole model: L·(2dF + F + d) over the total"),
            "==", BreakKnobs({"wider": True}), unit="%",
        ),
        CheckDeclaration(
            "large-fits-the-paper",
            Bilingual("BERT-large（L = 24，d = 1024，带预训练头）：与论文写的 340M 差不到 2 %",
                      "BERT-large (L = 24, d = 1024, with its heads): within 2 % of the 340M that the paper prints"),
            "between", BreakKnobs({"large_layers": 12}), unit="M",
        ),
    ),
)  # fmt: skip
