"""Prefill and decoding of one stack: the operations and bytes of each, counted, against a machine's balance."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, CheckDeclaration, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import hidden_switch

EXPERIMENT = Experiment(
    name="prefill-decode",
    title=Bilingual("预填充和解码：每读一个字节做几次运算", "Prefill and decoding: operations for each byte read"),
    summary=Bilingual(
        "同一个堆栈，先一遍读完提示，再逐个词元解码。运算由实际跑过的形状数出，字节是每遍要读的权重和缓存（float16）。"
        "两者之比与机器的算力带宽比相比，就知道卡在哪里。",
        "One stack reads a prompt in one pass, then decodes token by token. Operations are counted "
        "from the shapes that "
        "ran; bytes are the weights and the cache that each pass reads (float16). Their ratio, beside that of the "
        "machine's operations and bandwidth, tells what binds.",
    ),
    knobs=(
        Knob("prompt", Bilingual("提示的词元数 n", "tokens of the prompt n"), "number", 512, minimum=8, maximum=1024,
             log=True),
        Knob("batch", Bilingual("解码的批大小 B", "batch in decoding B"), "number", 8, minimum=1, maximum=64, log=True),
        Knob("kv_heads", Bilingual("键值头数 g（共 8 个查询头）", "key/value heads g (of 8 query heads)"), "number", 8,
             minimum=1, maximum=8, log=True),
        Knob("ridge", Bilingual("机器：每字节能做的运算", "the machine: operations per byte"), "number", 295,
             minimum=10, maximum=1000, help=Bilingual("H100：989 万亿次/秒（BF16）除以 3.35 万亿字节/秒，约 295。",
                                          "H100: 989 tera-operations a second (BF16) over 3.35 TB a "
                                          "second, about 295.")),
    ),
    hidden_knobs=(
        hidden_switch("one_by_one", "提示也逐个词元读", "the prompt is read token by token too"),
        hidden_switch("one_row", "解码只有一行", "decoding has one row only"),
        hidden_switch("no_cache", "解码不用缓存", "decoding without a cache"),
        hidden_switch("own_kv", "每个查询头有自己的键值", "each query head has its own key and value"),
        hidden_switch("shared_batch", "一批当一行算", "the batch counts as one row"),
    ),
    figures=(
        Drawn("intensity", Bilingual("强度", "intensity"), made.COUNTED),
        Drawn("two-phases", Bilingual("两阶段", "phases"), made.COUNTED),
        Drawn("times", Bilingual("时间", "times"), made.BY_FORMULA),
    ),
    checks=(
        CheckDeclaration(
            "same-result",
            Bilingual("逐个词元解码与一遍预填充，输出的最大差与最大值之比",
                      "Token by token and in one pass: largest difference of outputs over the largest"),
            "<=", BreakKnobs({"no_cache": True}),
        ),
        CheckDeclaration(
            "weights-read-again",
            Bilingual("读同样 16 个词元：逐个读权重的字节，是一遍读完的几倍",
                      "The same 16 tokens: bytes of weights read one by one, over those in one pass"),
            "==", BreakKnobs({"one_by_one": True}), unit="x",
        ),
        CheckDeclaration(
            "prefill-intensity",
            Bilingual("预填充：每读一个字节的权重做几次运算（应为 n）",
                      "Prefill: operations for each byte of weights read (n)"),
            "==", BreakKnobs({"one_by_one": True}),
        ),
        CheckDeclaration(
            "decode-intensity",
            Bilingual("解码：每读一个字节的权重做几次运算（应为 B）",
                      "Decoding: operations for each byte of weights read (B)"),
            "==", BreakKnobs({"one_row": True}),
        ),
        CheckDeclaration(
            "cache-intensity",
            Bilingual("解码：每读一个字节的缓存做几次运算（应为 8/g，与 B 无关）",
                      "Decoding: operations for each byte of cache read (8/g, whatever B)"),
            "==", BreakKnobs({"shared_batch": True}),
        ),
        CheckDeclaration(
            "decode-below-ridge",
            Bilingual("B = 1 的解码：每字节的运算", "Decoding with B = 1: operations per byte, all bytes"),
            "<=", BreakKnobs({"no_cache": True}),
        ),
        CheckDeclaration(
            "prefill-above-ridge",
            Bilingual("预填充：每字节的运算", "Prefill: operations per byte, all bytes"),
            ">=", BreakKnobs({"one_by_one": True}),
        ),
    ),
)  # fmt: skip
