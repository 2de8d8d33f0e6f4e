"""One text as characters, as WordPieces and as words: lengths, what is unknown, and what masking takes together."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, CheckDeclaration, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import SEED, hidden_switch

EXPERIMENT = Experiment(
    name="token-granularity",
    title=Bilingual("字、词、子词", "Characters, words, subwords"),
    summary=Bilingual(
        "同一段文字按字符、WordPiece、词切开：各有多长、多少未知、注意力多贵；再看全词遮盖一起遮住什么。",
        "One text as characters, WordPieces and words: how long, how much of it unknown, what attention costs; and "
        "what whole-word masking takes together.",
    ),
    knobs=(
        Knob("text", Bilingual("文字", "text"), "text", "That is unforgivable! 自然语言处理很有趣", max_length=100),
        Knob("words", Bilingual("词级的词表有多少个词", "words in the word vocabulary"), "number", 1000,
             minimum=125, maximum=2000, log=True,
             help=Bilingual("训练文字里最常见的那些；别的都是 [UNK]。",
                            "The most frequent ones of the training text; all others are [UNK].")),
        Knob("whole_word", Bilingual("全词遮盖", "whole-word masking"), "switch", True,
             help=Bilingual("只影响第一张图最后一行。", "For the last strip of the first figure.")),
        Knob("rate", Bilingual("遮盖率", "masking rate"), "number", 0.15, minimum=0.05, maximum=0.8, step=0.05),
        SEED,
    ),
    hidden_knobs=(
        Knob("cjk_spaces", Bilingual("汉字两边加空格", "blanks around Chinese characters"), "switch", True),
        hidden_switch("shortest_match", "改取最短的块", "shortest match"),
        hidden_switch("know_held_out", "词表里放进没见过的词", "put the unseen words into the vocabulary"),
        hidden_switch("words_for_pieces", "用词代替 WordPiece", "words in place of WordPieces"),
        hidden_switch("equal_lengths", "两种切法一样长", "both of one length"),
        hidden_switch("by_piece", "全词那一支也逐块遮", "mask the whole-word arm piece by piece"),
        hidden_switch("by_word", "逐块那一支也全词遮", "mask the piecewise arm by words"),
    ),
    figures=(
        Drawn("splits", Bilingual("切法", "splits"), made.SPLITS),
        Drawn("summary", Bilingual("对照", "compared"), made.SPLITS),
        Drawn("unknown-by-size", Bilingual("未知词", "unknown"), made.SPLITS),
    ),
    checks=(
        CheckDeclaration(
            "words-in-pieces",
            Bilingual("没见过的英文句子里，被 WordPiece 拆成两块以上的词占多少",
                      "Share of the words of unseen English sentences that WordPiece splits in two or more"),
            ">=", BreakKnobs({"words_for_pieces": True}), unit="%",
        ),
        CheckDeclaration(
            "chinese-by-character",
            Bilingual("一串汉字，WordPiece 切出几个词元：一个字一个",
                      "A run of Chinese characters is as many WordPiece tokens as characters"),
            "==", BreakKnobs({"cjk_spaces": False}),
        ),
        CheckDeclaration(
            "longest-match",
            Bilingual("切出的每一块都是词表里最长的前缀（不是的有几块）",
                      "Each piece is the longest prefix that the vocabulary has (how many are not)"),
            "==", BreakKnobs({"shortest_match": True}),
        ),
        CheckDeclaration(
            "unknown-words",
            Bilingual("词级：没见过的英文句子里，不在词表的词占多少（至少比 WordPiece 的 [UNK] 多 5 个百分点）",
                      "Words: share of unseen English that is not in the vocabulary (at least 5 points above "
                      "WordPiece's [UNK])"),
            ">=", BreakKnobs({"know_held_out": True}), unit="%",
        ),
        CheckDeclaration(
            "unknown-pieces",
            Bilingual("WordPiece：同样的句子里，[UNK] 占多少", "WordPiece: share of [UNK] in the same sentences"),
            "<=", BreakKnobs({"words_for_pieces": True}), unit="%",
        ),
        CheckDeclaration(
            "attention-cost",
            Bilingual("得分 QKᵀ 的运算量，按字符是按 WordPiece 的几倍：长度之比的平方",
                      "Operations for the scores QKᵀ, characters over WordPieces: the ratio of lengths, squared"),
            "==", BreakKnobs({"equal_lengths": True}), unit="x",
        ),
        CheckDeclaration(
            "whole-words-together",
            Bilingual("全词遮盖：一个词的各块要么全选、要么全不选（选了一部分的词有几个）",
                      "Whole-word masking: a word's pieces are all chosen or none (words chosen in part)"),
            "==", BreakKnobs({"by_piece": True}),
        ),
        CheckDeclaration(
            "pieces-apart",
            Bilingual("逐块遮盖：被选中的多块词里，只选了一部分的占多少",
                      "Piece by piece: share of the chosen words of several pieces that are chosen in part"),
            ">=", BreakKnobs({"by_word": True}), unit="%",
        ),
    ),
)  # fmt: skip
