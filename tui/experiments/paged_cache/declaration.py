"""A cache in blocks and batches that change at each step, with a model that writes poems."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, CheckDeclaration, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import SEED, hidden_switch

EXPERIMENT = Experiment(
    name="paged-cache",
    title=Bilingual("PagedAttention 与连续批处理", "PagedAttention and continuous batching"),
    summary=Bilingual(
        "自带的小诗人接到一批长短不一的请求（长度由种子抽出），用连续批处理真的写出来，静态的调度只由长度定：各用几步，"
        "连续的缓存和分块的缓存各留了多少、用了多少，共享前缀省几块。",
        "The small poet that ships serves requests of various lengths (drawn by the seed) for real in continuous "
        "batches, beside the schedule of static ones, which the lengths alone decide: their steps, what contiguous and "
        "paged caches reserve and use, and what a shared prefix saves.",
    ),
    knobs=(
        Knob("block", Bilingual("每块几个词元 S", "tokens of a block S"), "number", 4, minimum=1, maximum=16, log=True),
        Knob("slots", Bilingual("同时几个请求", "requests at once"), "number", 4, minimum=2, maximum=4),
        Knob("requests", Bilingual("请求数", "requests"), "number", 12, minimum=12, maximum=16),
        SEED,
    ),
    hidden_knobs=(
        hidden_switch("wrong_table", "块表的顺序错了", "the block table is in another order"),
        hidden_switch("unmasked", "不掩掉别的行前面的空位", "what stands before a shorter row is not masked"),
        hidden_switch("full_length", "每个请求都写到最长", "each request is as long as can be"),
        hidden_switch("one_block", "一块就是最长的长度", "one block is the longest length"),
        hidden_switch("own_prefix", "每个样本各存一份前缀", "each sample stores its own prefix"),
        hidden_switch("only_static", "两次都是静态批处理", "both are static batches"),
    ),
    figures=(
        Drawn("schedule", Bilingual("调度", "schedule"), made.SMALL_POET),
        Drawn("memory", Bilingual("内存", "memory"), made.SMALL_POET),
        Drawn("requests", Bilingual("请求", "requests"), made.SMALL_POET),
    ),
    checks=(
        CheckDeclaration(
            "same-logits",
            Bilingual("分块缓存与连续缓存：logits 的最大差，相对最大值",
                      "Paged and contiguous cache: largest difference of logits, over the largest"),
            "<=", BreakKnobs({"wrong_table": True}),
        ),
        CheckDeclaration(
            "same-text",
            Bilingual("连续批处理写的词元，单独把这条请求读一遍（没有缓存）时不是最可能的：几个",
                      "Tokens written in continuous batches that are not the likeliest where a request is read alone, "
                      "without a cache"),
            "==", BreakKnobs({"unmasked": True}),
        ),
        CheckDeclaration(
            "contiguous-used",
            Bilingual("每个请求预留最长长度：写完时用到了预留的 %",
                      "The longest length reserved for each request: used when it ends, % of that"),
            "<=", BreakKnobs({"full_length": True}), unit="%",
        ),
        CheckDeclaration(
            "paged-used",
            Bilingual("分块：各步里已占的块，平均用到了 %", "In blocks: used of what is held, mean of all steps, %"),
            ">=", BreakKnobs({"one_block": True}), unit="%",
        ),
        CheckDeclaration(
            "more-at-once",
            Bilingual("同样的内存，分块能同时跑的请求是预留最长长度的几倍",
                      "In the same memory, requests at once with blocks over those with the longest length reserved"),
            ">=", BreakKnobs({"one_block": True}), unit="x",
        ),
        CheckDeclaration(
            "prefix-shared",
            Bilingual("同一开头抽 4 首，各写 1 个词元后：占几块（应为 ⌊p/S⌋ + 4）",
                      "Four samples of one beginning, one token each: blocks held (⌊p/S⌋ + 4)"),
            "==", BreakKnobs({"own_prefix": True}),
        ),
        CheckDeclaration(
            "fewer-steps",
            Bilingual("连续批处理的解码步数，是静态的 %", "Decoding steps in continuous batches, % of those in static"),
            "<=", BreakKnobs({"only_static": True}), unit="%",
        ),
        CheckDeclaration(
            "occupied",
            Bilingual("连续批处理：各步的行里在写词元的 %", "Continuous batches: rows at work, % over all steps"),
            ">=", BreakKnobs({"only_static": True}), unit="%",
        ),
    ),
)  # fmt: skip
