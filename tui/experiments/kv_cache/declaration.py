"""Why keys and values are kept while a text is generated, what that saves, and what it costs in memory."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, BreakTensor, CheckDeclaration, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import SEED, hidden_switch, sentence_knob

EXPERIMENT = Experiment(
    name="kv-cache",
    title=Bilingual("KV 缓存：省了什么，凭什么能省", "The KV cache: what it saves, and why it may"),
    summary=Bilingual(
        "同一个因果解码器跑两遍：每步重算整个前缀，和每步只算新词元、其余查缓存。输出一样，算的行数差很多；去掉因果掩码就不能这样省。"
        "最后由训练好的 poet 两种办法各写一句诗。",
        "One causal stack run twice: computing the whole prefix at every step, and only the new token with a cache. "
        "Same outputs, far fewer rows; and without the causal mask it could not be done. Then the trained poet writes "
        "a line in both ways.",
    ),
    knobs=(
        sentence_knob(),
        Knob("prompt", Bilingual("提示长度", "prompt length"), "number", 3, minimum=1, maximum=32,
             help=Bilingual("先一次算完的词元数（预填充），其余逐个生成。",
                            "Tokens computed at once (the prefill); the others come one by one.")),
        Knob("layers", Bilingual("层数", "layers"), "number", 2, minimum=1, maximum=4),
        Knob("heads", Bilingual("查询头数", "query heads"), "number", 4, minimum=1, maximum=8, log=True),
        Knob("kv_heads", Bilingual("键值头数", "key/value heads"), "number", 4, minimum=1, maximum=8, log=True,
             help=Bilingual("多于查询头数时按查询头数算。", "Where larger than the query heads, as many as those.")),
        SEED,
    ),
    hidden_knobs=(
        hidden_switch("forget", "每步后忘掉最后一个词元", "forget the last token after each step"),
        Knob("use_cache", Bilingual("用缓存", "use the cache"), "switch", True),
        Knob("causal", Bilingual("因果掩码", "causal mask"), "switch", True),
        Knob("run_kv_heads", Bilingual("真正用的键值头数（0 为 kv_heads）",
             "key/value heads that run (0 for kv_heads)"),
             "number", 0, minimum=0, maximum=8),
    ),
    figures=(
        Drawn("work", Bilingual("工作量", "work"), made.RANDOM_WEIGHTS),
        Drawn("memory", Bilingual("内存", "memory"), made.COUNTED),
        Drawn("last-step", Bilingual("最后一步", "last step"), made.RANDOM_WEIGHTS),
        Drawn("attention", Bilingual("注意力", "attention"), made.RANDOM_WEIGHTS),
        Drawn("poem", Bilingual("诗", "poem"), made.POET),
    ),
    checks=(
        CheckDeclaration(
            "cached-equals-full",
            Bilingual("逐个词元查缓存算出的输出，等于整句一次算出的（列的是最大差与最大输出之比）",
                      "Token by token with a cache, the outputs equal those of one pass over the whole text "
                      "(largest difference over largest output)"),
            "<=", BreakKnobs({"forget": True}),
        ),
        CheckDeclaration(
            "past-never-changes",
            Bilingual("因果掩码下，后面来的词元不会改变过去的 K 和 V（列的是最大变化）",
                      "Under a causal mask later tokens never change the K and V of the past (the largest change)"),
            "==", BreakKnobs({"causal": False}),
        ),
        CheckDeclaration(
            "without-mask-past-changes",
            Bilingual("没有因果掩码，从第二层起过去的 K 和 V 会变，缓存就过期了（列的是最大变化）",
                      "Without the mask the past's K and V change from the second layer on, and a cache is stale "
                      "(the largest change)"),
            ">=", BreakTensor("unmasked.*.self_attention.output", "zeros"),
        ),
        CheckDeclaration(
            "rows-saved",
            Bilingual("不用缓存要算的行数，是用缓存的多少倍（由实际跑过的形状数出，是 Σt / n，t 从预填充数到 n）",
                      "How many times more rows are computed without a cache (counted from traced shapes; Σt / n for "
                      "t from p to n)"),
            "==", BreakKnobs({"use_cache": False}),
        ),
        CheckDeclaration(
            "scores-saved",
            Bilingual("不用缓存要算的得分个数，是用缓存的多少倍（由实际跑过的形状数出）",
                      "How many times more scores are computed without a cache (counted from traced shapes)"),
            "==", BreakKnobs({"use_cache": False}),
        ),
        CheckDeclaration(
            "cache-bytes",
            Bilingual("缓存实际占的字节数是 2·L·H_kv·D·n·4（float32）",
                      "The cache really holds 2·L·Hkv·D·n·4 bytes (float32)"),
            "==", BreakKnobs({"run_kv_heads": 1}), unit="B",
        ),
        CheckDeclaration(
            "poet-same-text",
            Bilingual("训练好的 poet 用与不用缓存各写一句：不同的词元数",
                      "The trained poet writes a line with and without a cache: tokens that differ"),
            "==", BreakKnobs({"forget": True}),
        ),
        CheckDeclaration(
            "poet-rows-saved",
            Bilingual("写这一句，不用缓存要算的行数是用缓存的多少倍（数出来的）",
                      "For this line, rows without a cache over rows with one (counted)"),
            "==", BreakKnobs({"use_cache": False}), unit="x",
        ),
    ),
)  # fmt: skip
