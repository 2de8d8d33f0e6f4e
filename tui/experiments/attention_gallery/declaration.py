"""The variants of attention on one input: what each may see, what it costs, and how far it is from full attention."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, BreakTensor, CheckDeclaration, Choice, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import SEED, hidden_switch

EXPERIMENT = Experiment(
    name="attention-gallery",
    title=Bilingual("注意力变体陈列室", "A gallery of attention variants"),
    summary=Bilingual(
        "同一份 Q、K、V（8 个头，因果），换成各种注意力：能看哪些、算多少、要缓存多少、和全注意力差多少。"
        "哪些是精确的，哪些换了函数。",
        "One Q, K, V (8 heads, causal) through several attentions: what each may see, computes and caches, and how far "
        "its output is from full attention. Which are exact, and which are other functions?",
    ),
    knobs=(
        Knob("variant", Bilingual("画哪一种", "variant shown"), "choice", "window", choices=(
            Choice("full", Bilingual("完整", "full")),
            Choice("flash", Bilingual("分块（FlashAttention）", "by blocks (FlashAttention)")),
            Choice("grouped", Bilingual("分组查询 GQA", "grouped queries (GQA)")),
            Choice("multi-query", Bilingual("多查询 MQA", "multi-query (MQA)")),
            Choice("window", Bilingual("滑动窗口", "sliding window")),
            Choice("global", Bilingual("窗口 + 全局词元", "window + global tokens")),
            Choice("linear", Bilingual("线性注意力", "linear")),
        )),
        Knob("tokens", Bilingual("词元数 n", "tokens n"), "number", 32, minimum=16, maximum=256, log=True),
        Knob("window", Bilingual("窗口 w", "window w"), "number", 8, minimum=1, maximum=256, log=True,
             help=Bilingual("每个查询看自己和前面的 w − 1 个。", "Each query sees itself and the w − 1 before it.")),
        Knob("kv_heads", Bilingual("GQA 的键值头数 g", "key/value heads g of GQA"), "number", 2, minimum=1, maximum=8,
             log=True),
        Knob("block", Bilingual("分块大小", "block size"), "number", 8, minimum=1, maximum=64, log=True),
        SEED,
    ),
    hidden_knobs=(
        hidden_switch("no_window", "窗口一支其实没有窗口", "the window arm has no window"),
        hidden_switch("half_window", "“窗口等于 n”一支只有 n/2", "the window of n is n/2"),
        hidden_switch("wrong_groups", "按错的次序分组", "heads grouped in the wrong order"),
        hidden_switch("all_heads", "GQA 一支留下所有键值头", "the GQA arm keeps all key/value heads"),
        hidden_switch("one_rotated", "平移时只平移查询", "only the query is moved"),
    ),
    figures=(
        Drawn("variant", Bilingual("看到什么", "seen"), made.RANDOM),
        Drawn("variants", Bilingual("各变体", "variants"), made.RANDOM),
        Drawn("growth", Bilingual("增长", "growth"), made.COUNTED),
    ),
    checks=(
        CheckDeclaration(
            "flash-is-exact",
            Bilingual("分块 + 在线 softmax（FlashAttention 的算法）等于全注意力（最大差与最大输出之比）",
                      "Blocks with an online softmax (FlashAttention's algorithm) equal full attention (largest "
                      "difference over the largest output)"),
            "==", BreakTensor("block_scores", "double"),
        ),
        CheckDeclaration(
            "wide-window-is-full",
            Bilingual("窗口 w = n 就是完整的因果注意力", "A window of w = n is full causal attention"),
            "==", BreakKnobs({"half_window": True}),
        ),
        CheckDeclaration(
            "window-pairs",
            Bilingual("窗口注意力要打分的对数：w(w + 1)/2 + (n − w)w，对 n 是线性的（由掩码数出）",
                      "Pairs that a window scores: w(w + 1)/2 + (n − w)w, linear in n (counted from the mask)"),
            "==", BreakKnobs({"no_window": True}),
        ),
        CheckDeclaration(
            "grouped-is-repeated",
            Bilingual("GQA 等于把 g 份 K、V 各重复给一组头的多头注意力（最大差与最大输出之比）",
                      "GQA equals multi-head attention with the g keys and values repeated in each group (largest "
                      "difference over the largest output)"),
            "==", BreakKnobs({"wrong_groups": True}),
        ),
        CheckDeclaration(
            "grouped-cache",
            Bilingual("GQA 的缓存是多头的 g/h", "GQA's cache is g/h of multi-head's"),
            "==", BreakKnobs({"all_heads": True}),
        ),
        CheckDeclaration(
            "linear-two-forms",
            Bilingual("线性注意力：并行形式等于递推形式（最大差与最大输出之比）",
                      "Linear attention: the parallel form equals the recurrent one (largest difference over the "
                      "largest output)"),
            "==", BreakTensor("weights", "shuffle"),
        ),
        CheckDeclaration(
            "others-differ",
            Bilingual("窗口、窗口加全局、线性：与全注意力的相对差，取三者中最小的",
                      "Window, window with global tokens, linear: the smallest relative distance from full attention"),
            ">=", BreakKnobs({"no_window": True}),
        ),
        CheckDeclaration(
            "rotary-sees-offsets",
            Bilingual("RoPE 属于位置类：查询和键一起平移 1000，得分不变（相对差）",
                      "RoPE is about positions: move query and key by 1000 and the score stays (relative difference)"),
            "==", BreakKnobs({"one_rotated": True}),
        ),
    ),
)  # fmt: skip
