"""Which parameters a Transformer shares and which it does not, counted; and what a trained one has in its layers."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, BreakTensor, CheckDeclaration, Choice, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import hidden_switch

EXPERIMENT = Experiment(
    name="weight-sharing",
    title=Bilingual("权重共享：参数账本", "Weight sharing: the parameter ledger"),
    summary=Bilingual(
        "由真实的模块数出参数：嵌入三处共用、各层共用、都不共用，哪一种对得上论文；再看训练好的 dates 各层像不像。",
        "Parameters counted from real modules: one matrix for three embeddings, one for all layers, or none shared. "
        "Which one is the paper's? And are the layers of the trained dates model alike?",
    ),
    knobs=(
        Knob("vocabulary", Bilingual("词表大小 V", "vocabulary V"), "number", 37_000, minimum=1000, maximum=50_000,
             step=1000),
        Knob("d_model", "d_model", "number", 512, minimum=64, maximum=1024, log=True,
             help=Bilingual("前馈层宽 4·d_model，8 个头。", "The feed-forward is 4·d_model wide; 8 heads.")),
        Knob("layers", Bilingual("编码器、解码器各几层 N", "layers N in each stack"), "number", 6, minimum=1,
             maximum=12),
        Knob("tie", Bilingual("嵌入", "embeddings"), "choice", "three-way", choices=(
            Choice("three-way", Bilingual("三处共用一个矩阵（论文）", "one matrix for three (the paper)")),
            Choice("none", Bilingual("各用各的", "three matrices")),
        ), help=Bilingual("画哪一种；实测总是几种都数。", "Which one is drawn; the checks count all of them.")),
        Knob("share_layers", Bilingual("各层共用一套权重", "one set of weights for all layers"), "switch", False,
             help=Bilingual("论文没有这样做；ALBERT 这样做。", "The paper does not; ALBERT does.")),
    ),
    hidden_knobs=(
        hidden_switch("attention_bias", "注意力投影带偏置", "attention projections with biases"),
        hidden_switch("tie_all", "“不共用嵌入”一支也共用", "the untied arm is tied"),
        hidden_switch("unshare", "“各层共用”几支不共用", "the shared arms share nothing"),
        hidden_switch("claim_sharing", "“论文”一支各层共用", "the paper's arm shares its layers"),
        Knob("bert_vocabulary", Bilingual("BERT 的词表", "BERT's vocabulary"), "number", 30_522, minimum=1000,
             maximum=50_000),
        hidden_switch("run_once", "共用的层只跑一次", "the shared layer runs once"),
        hidden_switch("copy_layers", "把第 0 层抄到各层", "copy layer 0 into the others"),
    ),
    figures=(
        Drawn("ledger", Bilingual("账本", "ledger"), made.COUNTED),
        Drawn("depth", Bilingual("层数", "depth"), made.COUNTED),
        Drawn("models", Bilingual("各模型", "models"), made.COUNTED),
        Drawn("distances", Bilingual("层间距离", "distances"), made.DATES_TYPED),
    ),
    checks=(
        CheckDeclaration(
            "tied-parameters",
            Bilingual("三处嵌入共用、各层不共用：V·d + N·(4d² + 8d² + …) + …，由模块数出的与算出的一个不差",
                      "One matrix for three embeddings, layers apart: the modules count to what arithmetic gives"),
            "==", BreakKnobs({"attention_bias": True}),
        ),
        CheckDeclaration(
            "untied-parameters",
            Bilingual("三个嵌入矩阵各用各的：再多 2·V·d", "Three matrices instead of one: 2·V·d more"),
            "==", BreakKnobs({"tie_all": True}),
        ),
        CheckDeclaration(
            "shared-layer-parameters",
            Bilingual("要是编码器、解码器的各层各共用一套：只有一层编码器加一层解码器",
                      "Were all layers of a stack one set of weights: one encoder and one decoder layer"),
            "==", BreakKnobs({"unshare": True}),
        ),
        CheckDeclaration(
            "separate-layers-fit-the-paper",
            Bilingual("论文的 base，各层不共用：与表 3 的 65×10⁶ 差不到 5 %（词表“约 37000”）",
                      "The paper's base, layers apart: within 5 % of the 65×10⁶ of Table 3 (vocabulary “about 37000”)"),
            "between", BreakKnobs({"claim_sharing": True}), unit="M",
        ),
        CheckDeclaration(
            "shared-layers-miss-the-paper",
            Bilingual("论文的 base，要是各层共用：还不到表 3 的一半",
                      "The paper's base, were its layers shared: less than half of Table 3"),
            "<=", BreakKnobs({"unshare": True}), unit="M",
        ),
        CheckDeclaration(
            "bert-base-parameters",
            Bilingual("BERT-base（12 层，各用各的，含池化层）的参数，与手算一个不差",
                      "BERT-base (12 layers apart, with its pooler): as many as by hand"),
            "==", BreakKnobs({"bert_vocabulary": 21_128}),
        ),
        CheckDeclaration(
            "sharing-layers-alone",
            Bilingual("BERT-base 只把 12 层合成一套，嵌入不动：与手算一个不差",
                      "BERT-base with its 12 layers made one set and its embeddings as they are: as by hand"),
            "==", BreakKnobs({"unshare": True}),
        ),
        CheckDeclaration(
            "albert-base-parameters",
            Bilingual("ALBERT-base（12 层共用一套，嵌入分解成 V×128 与 128×768）的参数，与手算一个不差",
                      "ALBERT-base (12 layers of one set, embeddings in factors V×128 and 128×768): as by hand"),
            "==", BreakKnobs({"unshare": True}),
        ),
        CheckDeclaration(
            "sharing-saves-no-flops",
            Bilingual("ALBERT 共用一套与各用各的，跑一遍的乘加次数之比（由实际跑过的形状数出）",
                      "ALBERT with one set against a set per layer: the ratio of operations (from shapes that ran)"),
            "==", BreakKnobs({"run_once": True}), unit="x",
        ),
        CheckDeclaration(
            "output-reads-the-embedding",
            Bilingual("dates 的 logits 就是最后的隐藏状态乘嵌入矩阵的转置（列的是最大相对差）",
                      "The logits of dates are its last hidden states times the embedding matrix, transposed "
                      "(the largest relative difference)"),
            "==", BreakTensor("logits", "shuffle"),
        ),
        CheckDeclaration(
            "embeddings-times-sqrt-d",
            Bilingual("进编码器之前，嵌入乘了 √d_model：dates 的 d_model = 64",
                      "Before the encoder embeddings are multiplied by √d_model: dates has d_model = 64"),
            "==", BreakTensor("source_tokens", "double"), unit="x",
        ),
        CheckDeclaration(
            "trained-layers-differ",
            Bilingual("dates 的任意两层，同名矩阵的距离 ‖A − B‖ / √(‖A‖² + ‖B‖²)：共用为 0，不相干为 1（列的是最小的）",
                      "Of any two layers of dates, the distance of like matrices ‖A − B‖ / √(‖A‖² + ‖B‖²): shared 0, "
                      "unrelated 1 (the smallest)"),
            ">=", BreakKnobs({"copy_layers": True}),
        ),
        CheckDeclaration(
            "feed-forward-same-at-every-position",
            Bilingual("前馈层整句一起算与逐个位置单独算，结果相同：位置之间共用一套权重（列的是最大差）",
                      "The feed-forward on the whole sentence equals it on each position alone: one set of weights for "
                      "all positions (the largest difference)"),
            "==", BreakTensor("encoder.layers.0.feed_forward.activated", "noise"),
        ),
    ),
)  # fmt: skip
