"""Subword tokenizers learned on a small text: which pairs are joined, what is unknown, what comes back."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, CheckDeclaration, Choice, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import hidden_switch

EXPERIMENT = Experiment(
    name="subword-training",
    title=Bilingual("训练子词分词器", "Learning a subword tokenizer"),
    summary=Bilingual(
        "现场训练 BPE、WordPiece、Unigram 和字节级 BPE：看每一步合并什么，词元怎么变少，没见过的字符怎么办。",
        "BPE, WordPiece, Unigram and byte-level BPE learned live on a small public-domain text: what each step joins, "
        "how tokens become fewer, and what becomes of characters never seen.",
    ),
    knobs=(
        Knob("text", Bilingual("要切的文字", "text to split"), "text", "The unkindest shepherd 猫🙂", max_length=80),
        Knob("corpus", Bilingual("训练文字", "training text"), "choice", "english", choices=(
            Choice("english", Bilingual("英文（钦定本圣经 100 句）", "English (100 sentences, King James Bible)")),
            Choice("chinese", Bilingual("中文（唐诗、论语 100 句）", "Chinese (100 sentences, Tang poems, Analects)")),
        )),
        Knob("merges", Bilingual("合并次数", "merges"), "number", 200, minimum=0, maximum=400, step=10,
             help=Bilingual("词表 = 字符（或 256 个字节）+ 合并次数；WordPiece 和 Unigram 用同样大小的词表。",
                            "The vocabulary is the characters (or 256 bytes) and one piece a merge; WordPiece and "
                            "Unigram get as large a one.")),
    ),
    hidden_knobs=(
        hidden_switch("by_likelihood", "自己的合并改用似然准则", "our merges by likelihood"),
        hidden_switch("skip_last", "少用最后一次合并", "leave out the last merge"),
        hidden_switch("backwards", "合并从多到少", "from many merges to few"),
        hidden_switch("characters", "以字符代替字节", "characters in place of bytes"),
        hidden_switch("bytes", "以字节代替字符", "bytes in place of characters"),
        hidden_switch("show_probe", "训练时见过那些字符", "have those characters in the training text"),
        hidden_switch("same_criterion", "两种准则换成一种", "one criterion for both"),
        hidden_switch("longest_match", "Unigram 改用最长匹配", "longest match for Unigram"),
    ),
    figures=(
        Drawn("splits", Bilingual("切法", "splits"), made.SPLITS),
        Drawn("merges", Bilingual("合并", "merges"), made.SPLITS),
        Drawn("tokens-per-character", Bilingual("词元数", "tokens"), made.SPLITS),
    ),
    checks=(
        CheckDeclaration(
            "merges-equal-library",
            Bilingual("逐步学到的合并与 tokenizers 库训练出来的一致（不同的有几个）",
                      "The merges learned step by step are those of the tokenizers library (how many differ)"),
            "==", BreakKnobs({"by_likelihood": True}),
        ),
        CheckDeclaration(
            "merges-save-their-counts",
            Bilingual("每次合并减少的词元数就是那一对出现的次数：训练文字的词元数 = 字符数 − 各次之和",
                      "A merge saves as many tokens as its pair occurs: the text has its characters less the sum of "
                      "these"),
            "==", BreakKnobs({"skip_last": True}),
        ),
        CheckDeclaration(
            "never-more-tokens",
            Bilingual("合并越多，你写的这段文字的词元数不会变多（相邻两步最多增加多少）",
                      "With more merges the typed text never has more tokens (the most that one step adds)"),
            "<=", BreakKnobs({"backwards": True}),
        ),
        CheckDeclaration(
            "bytes-come-back",
            Bilingual("字节级：任何文字切开再拼回来都一样（你写的和 40 句没见过的，几句不同）",
                      "Byte level: any text comes back as it was (of yours and 40 unseen sentences, how many differ)"),
            "==", BreakKnobs({"characters": True}),
        ),
        CheckDeclaration(
            "unseen-characters-unknown",
            Bilingual("以字符打底的 BPE 遇到训练时没见过的字符，给出 [UNK]：“ж🙂Ω” 得到几个",
                      "BPE over characters gives [UNK] for a character it never saw: how many for “ж🙂Ω”"),
            "==", BreakKnobs({"bytes": True}),
        ),
        CheckDeclaration(
            "unseen-characters-cost-bytes",
            Bilingual("字节级的代价：没见过的字符，UTF-8 有几个字节就占几个词元（“ж🙂Ω”）",
                      "The price of bytes: an unseen character takes as many tokens as it has bytes in UTF-8 (“ж🙂Ω”)"),
            "==", BreakKnobs({"show_probe": True}),
        ),
        CheckDeclaration(
            "likelihood-prefers-the-inseparable",
            Bilingual("似然准则最先合并的 20 对，出现次数的中位数与频率准则的之比",
                      "The first 20 pairs joined by likelihood: their median count over that by frequency"),
            "<=", BreakKnobs({"same_criterion": True}),
        ),
        CheckDeclaration(
            "unigram-takes-the-most-probable",
            Bilingual("Unigram 给的切分就是总概率最大的（与动态规划的 log p 之差，20 句没见过的）",
                      "Unigram's split is the most probable one (log p below that of dynamic programming, 20 unseen "
                      "sentences)"),
            "==", BreakKnobs({"longest_match": True}),
        ),
    ),
)  # fmt: skip
