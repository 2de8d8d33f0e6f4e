"""One sentence as BERT, GPT and T5 are trained on it: what goes in, what is asked, and what each prediction sees."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, BreakTensor, CheckDeclaration, Choice, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import SEED, hidden_switch

EXPERIMENT = Experiment(
    name="three-families",
    title=Bilingual("三个家族：BERT、GPT、T5", "Three families: BERT, GPT, T5"),
    summary=Bilingual(
        "同一句话，三种掩码、三种目标：BERT 填空，GPT 续写，T5 把挖掉的片段写出来。"
        "三个真实的层堆栈（随机权重），逐个改动输入，看每个预测看得到什么；再数参数和计算量。",
        "One sentence, three masks, three targets: BERT fills gaps, GPT continues, T5 spells out dropped spans. In "
        "three real stacks (of random weights) one input at a time is changed, to see what each prediction sees; "
        "parameters and operations are counted.",
    ),
    knobs=(
        Knob("sentence", Bilingual("句子", "sentence"), "text", "Thank you for inviting me to your party last week",
             max_length=80,
             help=Bilingual("中文按字、其他文字按空格切；至少两个词元，只用前 24 个。",
                            "Chinese is split by character, other scripts at spaces; two tokens at least, of which "
                            "the first 24 are used.")),
        Knob("family", Bilingual("热图画哪一家", "family of the map"), "choice", "t5", choices=(
            Choice("bert", Bilingual("BERT：编码器", "BERT: encoder")),
            Choice("gpt", Bilingual("GPT：解码器", "GPT: decoder")),
            Choice("t5", Bilingual("T5：编码器 + 解码器", "T5: encoder and decoder")),
        )),
        Knob("density", Bilingual("挖掉多少", "share that is hidden"), "number", 0.3,
             minimum=0.05, maximum=0.6, step=0.05,
             help=Bilingual("BERT 和 T5 的论文都用 0.15；句子短，默认挖多一点。",
                            "0.15 in the papers of BERT and T5; more here, as the sentence is short.")),
        Knob("mean_span", Bilingual("T5 片段的平均长度", "T5's mean span length"), "number", 2, minimum=1, maximum=6,
             help=Bilingual("T5 的论文用 3。", "3 in T5's paper.")),
        SEED,
    ),
    hidden_knobs=(
        hidden_switch("bert_is_causal", "BERT 带因果掩码", "BERT with a causal mask"),
        hidden_switch("gpt_is_open", "GPT 不带因果掩码", "GPT without its causal mask"),
        hidden_switch("t5_decoder_is_open", "T5 的解码器不带因果掩码", "T5's decoder without its causal mask"),
        hidden_switch("keep_mask", "掩码不换", "the mask is not changed"),
        hidden_switch("keep_norm", "归一化的位置不换", "the norms are not moved"),
        hidden_switch("keep_positions", "位置不换", "the positions are not changed"),
        hidden_switch("encoder_only", "数 T5 时不数解码器", "T5 is counted without its decoder"),
        hidden_switch("lose_a_token", "T5 的目标漏一个词元", "T5's target lacks a token"),
    ),
    figures=(
        Drawn("examples", Bilingual("样本", "examples"), made.ARRANGED),
        Drawn("seen", Bilingual("看到什么", "seen"), made.RANDOM_WEIGHTS),
        Drawn("table", Bilingual("对照", "compared"), made.RANDOM_WEIGHTS),
        Drawn("changed", Bilingual("换一样", "changed"), made.RANDOM_WEIGHTS),
    ),
    checks=(
        CheckDeclaration(
            "bert-sees-both-sides",
            Bilingual("BERT：改动任何一个输入，每个位置的输出都变（列的是最小的变化）",
                      "BERT: any input changes the output at every position (the smallest change)"),
            ">=", BreakKnobs({"bert_is_causal": True}),
        ),
        CheckDeclaration(
            "gpt-sees-the-left",
            Bilingual("GPT：改动后面的输入，前面的预测一位不变（列的是最大的变化）",
                      "GPT: a later input changes not one bit of an earlier prediction (the largest change)"),
            "==", BreakKnobs({"gpt_is_open": True}),
        ),
        CheckDeclaration(
            "t5-reads-the-whole-source",
            Bilingual("T5：改动源端任何一个词元，目标的每个预测都变（列的是最小的变化）",
                      "T5: any source token changes every prediction of the target (the smallest change)"),
            ">=", BreakTensor("*cross_attention.output", "zeros"),
        ),
        CheckDeclaration(
            "t5-writes-left-to-right",
            Bilingual("T5：改动目标端后面的词元，前面的预测一位不变（列的是最大的变化）",
                      "T5: a later target token changes not one bit of an earlier prediction (the largest change)"),
            "==", BreakKnobs({"t5_decoder_is_open": True}),
        ),
        CheckDeclaration(
            "mask-alone",
            Bilingual("同一套权重，BERT 的堆栈只换成因果掩码：输出的相对变化",
                      "BERT's stack, its weights kept, with a causal mask: relative change of the outputs"),
            ">=", BreakKnobs({"keep_mask": True}), unit="%",
        ),
        CheckDeclaration(
            "norm-place-alone",
            Bilingual("同一套权重，只把层归一化挪到子层之前（GPT-2）：输出的相对变化",
                      "BERT's stack, its weights kept, with the norms before the sub-layers (GPT-2): relative change"),
            ">=", BreakKnobs({"keep_norm": True}), unit="%",
        ),
        CheckDeclaration(
            "positions-alone",
            Bilingual("同一套权重，只把绝对位置换成 T5 的相对偏置：输出的相对变化",
                      "BERT's stack, its weights kept, with T5's relative biases for absolute positions: relative "
                      "change"),
            ">=", BreakKnobs({"keep_positions": True}), unit="%",
        ),
        CheckDeclaration(
            "spans-lose-nothing",
            Bilingual("T5 的输入加目标能还原整句：还原错的词元数",
                      "T5's input and target give the sentence back: tokens restored wrongly"),
            "==", BreakKnobs({"lose_a_token": True}),
        ),
        CheckDeclaration(
            "t5-parameters",
            Bilingual("L + L 层的 T5 的矩阵参数是 L 层单堆栈的几倍：(12 + 16) / 12",
                      "Matrix parameters of T5 with L + L layers over those of a single stack of L: (12 + 16) / 12"),
            "==", BreakKnobs({"encoder_only": True}), unit="×",
        ),
        CheckDeclaration(
            "t5-operations",
            Bilingual("源 k、目标 k 个词元，T5 的运算量是同宽 L 层 GPT 读 2k 个词元的几倍："
                      "(56kd² + 12k²d) / (48kd² + 16k²d)",
                      "Operations of T5 on k source and k target tokens over those of an L-layer GPT of its width on "
                      "2k: (56kd² + 12k²d) / (48kd² + 16k²d)"),
            "==", BreakKnobs({"encoder_only": True}), unit="×",
        ),
    ),
)  # fmt: skip
