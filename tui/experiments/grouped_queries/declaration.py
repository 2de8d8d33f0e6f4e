"""Query heads that share keys and values: multi-query (Shazeer 2019) and grouped-query (Ainslie et al. 2023)."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, BreakTensor, CheckDeclaration, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import SEED, hidden_switch, sentence_knob

EXPERIMENT = Experiment(
    name="grouped-queries",
    title=Bilingual("MHA、GQA、MQA：几个查询头共用一组键值", "MHA, GQA, MQA: query heads that share keys and values"),
    summary=Bilingual(
        "键值头从 h 个减到 1 个：缓存、参数和解码读的字节变小，得分的计算量不变，每个查询头仍有自己的图。",
        "One layer whose key/value heads go from h down to 1: the cache, the parameters and the bytes read by a step "
        "shrink, the operations of attention do not, and each query head keeps a map of its own.",
    ),
    knobs=(
        sentence_knob(),
        Knob("heads", Bilingual("查询头数 h", "query heads h"), "number", 8, minimum=1, maximum=16, log=True),
        Knob("kv_heads", Bilingual("键值头数 g", "key/value heads g"), "number", 2, minimum=1, maximum=16, log=True,
             help=Bilingual("g = h 是 MHA，g = 1 是 MQA，其间是 GQA。",
                            "g = h is MHA, g = 1 is MQA, between them GQA.")),
        Knob("context", Bilingual("上下文长度", "context length"), "number", 4096,
             minimum=1024, maximum=131072, log=True,
             help=Bilingual("只用于大模型的内存表。", "For the table of a large model's memory only.")),
        SEED,
    ),
    hidden_knobs=(
        Knob("run_kv_heads", Bilingual("真正用的键值头数（0 为 g）", "key/value heads that run (0 for g)"), "number", 0,
             minimum=0, maximum=16),
        Knob("head_dim", Bilingual("头宽", "head width"), "number", 8, minimum=4, maximum=16, step=4),
        hidden_switch("keep_heads", "日期模型的头不取平均", "the date model keeps its heads"),
        hidden_switch("untrained", "日期模型不接着训练", "the date model is not trained further"),
        Knob("latent_dims", Bilingual("潜向量宽度 d_c", "width d_c of the latents"), "number", 16,
             minimum=4, maximum=64, step=4),
    ),
    figures=(
        Drawn("cache", Bilingual("缓存", "cache"), made.COUNTED),
        Drawn("quality", Bilingual("质量", "quality"), made.DATES_FURTHER),
        Drawn("large", Bilingual("大模型", "large"), made.COUNTED),
        Drawn("attention", Bilingual("注意力", "attention"), made.RANDOM_WEIGHTS),
    ),
    checks=(
        CheckDeclaration(
            "grouped-equals-repeated",
            Bilingual("GQA 等于这样一个 MHA：同组的头用同一份 W_K、W_V（列的是最大差与最大输出之比）",
                      "GQA equals an MHA whose heads of one group have the same W_K and W_V (largest difference over "
                      "largest output)"),
            "<=", BreakTensor("grouped.weights", "shuffle"),
        ),
        CheckDeclaration(
            "cache-shrinks",
            Bilingual("缓存的字节数是 MHA 的 g/h", "The cache holds g/h of the bytes of MHA's"),
            "==", BreakKnobs({"run_kv_heads": 8}),
        ),
        CheckDeclaration(
            "kv-parameters",
            Bilingual("W_K、W_V 一共 2·d·g·D 个参数", "W_K and W_V have 2·d·g·D parameters"),
            "==", BreakKnobs({"run_kv_heads": 8}),
        ),
        CheckDeclaration(
            "operations-unchanged",
            Bilingual("算得分和混合值的运算次数是 4n²·h·D，与 g 无关（由实际跑过的形状数出）",
                      "Scoring and mixing take 4n²·h·D operations, whatever g (counted from traced shapes)"),
            "==", BreakKnobs({"head_dim": 4}), unit="FLOP",
        ),
        CheckDeclaration(
            "operations-per-byte",
            Bilingual("解码一步，从缓存每读一个字节做的运算是 h/(2g) 次（float32）",
                      "A decoding step does h/(2g) operations for each byte it reads from the cache (float32)"),
            "==", BreakKnobs({"run_kv_heads": 8}),
        ),
        CheckDeclaration(
            "maps-in-a-group-differ",
            Bilingual("同组的查询头键相同、查询不同，图也不同（列的是同组两张图的最大差与最大权重之比）",
                      "Query heads of a group share keys but not queries, and their maps differ (largest "
                      "difference within a group over largest weight)"),
            ">=", BreakTensor("grouped.weights", "uniform"),
        ),
        CheckDeclaration(
            "pooled-is-broken",
            Bilingual("自带的日期模型，K、V 头按组取平均之后（g = 2、1），没训练过的日期读对多少（取平均前几乎全对）",
                      "The date model that ships, K and V heads averaged by group (g = 2, 1): held-out dates right "
                      "(nearly all before)"),
            "<=", BreakKnobs({"keep_heads": True}), unit="%",
        ),
        CheckDeclaration(
            "few-steps-heal",
            Bilingual("g = 2，接着训练 40 步（原来训练的百分之一）之后读对多少",
                      "g = 2, after 40 further steps (a hundredth of the training before): right"),
            ">=", BreakKnobs({"untrained": True}), unit="%",
        ),
        CheckDeclaration(
            "latent-cache",
            Bilingual("MLA 每个词元只缓存 d_c = 16 个数，是 MHA 的 d_c/(2·h·D)（实际数出，不含 RoPE 的解耦维度）",
                      "MLA caches d_c = 16 numbers for each token, d_c/(2·h·D) of MHA's, without RoPE's decoupled "
                      "dimensions (counted in two real caches)"),
            "==", BreakKnobs({"latent_dims": 32}),
        ),
    ),
)  # fmt: skip
