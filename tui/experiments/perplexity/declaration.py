"""Perplexity by token, and bits per byte: what can be compared between models that cut a text differently."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, CheckDeclaration, Choice, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import SEED, hidden_switch

EXPERIMENT = Experiment(
    name="perplexity",
    title=Bilingual("困惑度：换了分词器就不能比", "Perplexity: not to be compared across tokenizers"),
    summary=Bilingual(
        "同几首没训练过的绝句，由逐字的 poet、poet-small 和三元模型来预测；"
        "三元模型在另外 150 首上统计，文本切成字节或字节级 BPE。"
        "困惑度按词元算，比特按字节算，看两种排法差多少；再看标点占了多少便宜、只算一种切分少算了多少概率。",
        "The same held-out quatrains, foretold by poet and poet-small (by character) and by trigrams counted on 150 "
        "other poems cut into bytes or byte-level BPE. Perplexity by token and bits per byte rank them differently; "
        "what the marks do to a perplexity, and what is lost by counting one split alone.",
    ),
    knobs=(
        Knob("vocabulary", Bilingual("BPE 词表", "BPE vocabulary"), "choice", "1024",
             choices=(Choice("512", "512"), Choice("1024", "1024"), Choice("2048", "2048"))),
        Knob("poems", Bilingual("几首绝句", "quatrains"), "number", 12, minimum=4, maximum=32),
        Knob("poem", Bilingual("一首绝句", "a quatrain"), "text", "楼殿倚明月，参差如乱峰。宫花半夜发，不待景阳钟。",
             max_length=40,
             help=Bilingual("逐字看 poet 用了多少比特；四句，每句五字或七字。",
                            "How many bits the poet needs for each character; four lines of five or seven.")),
        SEED,
    ),
    hidden_knobs=(
        hidden_switch("per_byte", "困惑度也按字节算", "perplexity by byte too"),
        hidden_switch("per_token", "比特按词元算", "bits by token"),
        hidden_switch("scramble", "打乱每首诗", "shuffle each poem"),
        hidden_switch("with_marks", "标点也算进去", "count the marks too"),
        hidden_switch("best_alone", "只算最可能的切分", "count the likeliest split alone"),
        hidden_switch("signs_alone", "切成单字", "split into single characters"),
    ),
    figures=(
        Drawn("bits", Bilingual("比特", "bits"), made.POETS),
        Drawn("perplexities", Bilingual("困惑度", "perplexity"), made.POETS),
        Drawn("table", Bilingual("对照", "compared"), made.POETS),
        Drawn("strip", Bilingual("各词元", "tokens"), made.POETS),
    ),
    checks=(
        CheckDeclaration(
            "token-perplexity",
            Bilingual("按词元：poet 的困惑度是字节三元模型的几倍（看着更差）",
                      "By token: the poet's perplexity over that of the trigram of bytes (it looks worse)"),
            ">=", BreakKnobs({"per_byte": True}),
        ),
        CheckDeclaration(
            "bits-by-byte",
            Bilingual("按字节：poet 每字节的比特与字节三元模型之比（其实好得多）",
                      "By byte: the poet's bits over those of the trigram of bytes (it is far better)"),
            "<=", BreakKnobs({"scramble": True}),
        ),
        CheckDeclaration(
            "bpe-perplexity",
            Bilingual("同一种三元模型，从字节换成 BPE，按词元的困惑度是原来的几倍",
                      "One kind of trigram, BPE instead of bytes: perplexity by token, how many times as high"),
            ">=", BreakKnobs({"per_byte": True}),
        ),
        CheckDeclaration(
            "bpe-bits",
            Bilingual("同样换成 BPE，每字节的比特与原来之比：几乎没变",
                      "The same change: bits per byte over those before; they hardly change"),
            "between", BreakKnobs({"per_token": True}),
        ),
        CheckDeclaration(
            "small-poet",
            Bilingual("词元一样，才能按词元比：poet-small 的困惑度是 poet 的几倍",
                      "With the same tokens it can be compared: perplexity of poet-small over that of poet"),
            ">=", BreakKnobs({"scramble": True}),
        ),
        CheckDeclaration(
            "marks-cost",
            Bilingual("poet 预测标点和结尾，平均每个用的比特", "Bits that the poet needs for a mark or the end, mean"),
            "<=", BreakKnobs({"scramble": True}),
        ),
        CheckDeclaration(
            "without-marks",
            Bilingual("只数汉字，poet 的困惑度是连标点一起数的几倍",
                      "Counting characters alone, the poet's perplexity over that with the marks"),
            ">=", BreakKnobs({"with_marks": True}),
        ),
        CheckDeclaration(
            "one-split",
            Bilingual("一元模型：只算最可能的一种切分，比把所有切分加起来多算的比特，%",
                      "A unigram model: bits with the likeliest split alone over those with all splits, more by %"),
            ">=", BreakKnobs({"best_alone": True}), unit="%",
        ),
        CheckDeclaration(
            "split-is-the-tokenizer's",
            Bilingual("我们找到的最可能切分与 tokenizers 库切出来的，ln p 之差（最大）",
                      "The likeliest split found here against the tokenizers library's: largest difference of ln p"),
            "==", BreakKnobs({"signs_alone": True}),
        ),
    ),
)  # fmt: skip
