"""Multi-head latent attention: what is cached, why it need not be expanded, and why RoPE needs "
"dimensions of its own."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, BreakTensor, CheckDeclaration, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import SEED, hidden_switch

EXPERIMENT = Experiment(
    name="latent-attention",
    title=Bilingual("MLA：只缓存一个窄向量", "MLA: one narrow vector is cached"),
    summary=Bilingual(
        "同一层 MLA 按两种形式跑：展开每个头的 K、V，或把升维矩阵吸收进查询和输出。比较缓存、运算和结果；"
        "再看旋转夹在中间时为什么吸收不了，解耦的那一小段又带来了什么。",
        "One MLA layer in two forms: with K and V of each head expanded, or with the expansions "
        "absorbed into query and "
        "output. Cache, operations and results compared; then why a rotation between them blocks the absorption, and "
        "what the decoupled part adds.",
    ),
    knobs=(
        Knob("latent_dims", Bilingual("潜向量宽 d_c", "latent width d_c"), "number", 64, minimum=8, maximum=128,
             log=True),
        Knob("rope_dims", Bilingual("解耦的宽 d_R", "decoupled width d_R"), "number", 8, minimum=2, maximum=32,
             log=True),
        Knob("length", Bilingual("上文词元数 T", "context T"), "number", 128, minimum=16, maximum=512, log=True),
        SEED,
    ),
    hidden_knobs=(
        hidden_switch("keep_keys", "缓存展开的 K、V", "the expanded K and V are cached"),
        hidden_switch("no_turn", "旋转角为零", "nothing is turned"),
        hidden_switch("no_rope", "没有解耦的部分", "no decoupled part"),
        hidden_switch("swapped", "两种形式对调", "the two forms change places"),
    ),
    figures=(
        Drawn("cached", Bilingual("缓存", "cached"), made.COUNTED),
        Drawn("decoding", Bilingual("解码", "decoding"), made.COUNTED),
        Drawn("forms", Bilingual("两形式", "forms"), made.RANDOM),
    ),
    checks=(
        CheckDeclaration(
            "absorbed-is-expanded",
            Bilingual("吸收与展开两种形式，输出的最大差与最大值之比",
                      "Absorbed and expanded: largest difference of outputs over the largest"),
            "<=", BreakTensor("*absorbed_queries", "double"),
        ),
        CheckDeclaration(
            "cache-share",
            Bilingual("逐个词元解码之后，缓存的数是 MHA 的 %（应为 (d_c + d_R) / 2hD）",
                      "After decoding token by token: numbers cached, % of MHA's ((d_c + d_R) / 2hD)"),
            "==", BreakKnobs({"keep_keys": True}), unit="%",
        ),
        CheckDeclaration(
            "decoding-saves",
            Bilingual("解码一步：展开的运算是吸收的几倍（由实际的形状数出）",
                      "A decoding step: operations expanded over absorbed (counted from shapes)"),
            ">=", BreakKnobs({"swapped": True}), unit="x",
        ),
        CheckDeclaration(
            "prefill-prefers-expanded",
            Bilingual("预填充 T 个词元：吸收的运算是展开的几倍",
                      "Prefill of T tokens: operations absorbed over expanded"),
            ">=", BreakKnobs({"swapped": True}), unit="x",
        ),
        CheckDeclaration(
            "rotation-blocks",
            Bilingual("直接给展开的键加 RoPE：W_UKᵀ R W_Q 在距离 0 和 8 相差多少（相对）",
                      "RoPE on expanded keys: W_UKᵀ R W_Q at distances 0 and 8 differ by (relative)"),
            ">=", BreakKnobs({"no_turn": True}),
        ),
        CheckDeclaration(
            "order-is-seen",
            Bilingual("打乱前面的词元，最后一个的输出变了多少（相对）",
                      "Earlier tokens shuffled: how much the last output changes (relative)"),
            ">=", BreakKnobs({"no_rope": True}),
        ),
    ),
)  # fmt: skip
