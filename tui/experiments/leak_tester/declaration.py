"""Which mask stops which leak: change one position of the input and see which outputs move."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, CheckDeclaration, Choice, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import CAT, CAT_IN_ENGLISH, SEED, hidden_switch

EXPERIMENT = Experiment(
    name="leak-tester",
    title=Bilingual("泄漏检测：哪个掩码挡住什么", "Leak tester: which mask stops what"),
    summary=Bilingual(
        "只改一个位置的输入，看哪些位置的输出跟着变：BERT、GPT、编码器-解码器，每个掩码都可以开关（权重随机）。",
        "Change the input at one position and see which outputs move: BERT, GPT and an encoder-decoder, every mask to "
        "be switched on and off (random weights).",
    ),
    knobs=(
        Knob("sentence", Bilingual("句子（源端）", "sentence (source)"), "text", CAT, max_length=40,
             english=CAT_IN_ENGLISH,
             help=Bilingual("中文按字、其他文字按空格切成词元。", "Chinese by character, other scripts at spaces.")),
        Knob("model", Bilingual("模型", "model"), "choice", "encoder-decoder", choices=(
            Choice("bert", Bilingual("BERT：只有编码器", "BERT: an encoder alone")),
            Choice("gpt", Bilingual("GPT：同样的权重加因果掩码", "GPT: the same weights, causal mask")),
            Choice("encoder-decoder", Bilingual("编码器-解码器", "encoder-decoder")),
        ), help=Bilingual("画哪一个；实测总是都跑。", "Which one is drawn; the checks run all of them.")),
        Knob("causal", Bilingual("解码器自注意力加因果掩码", "causal mask in decoder self-attention"), "switch", True),
        Knob("cross_causal", Bilingual("交叉注意力也遮住“后面”的源词元", "cross-attention masks “later” source tokens"),
             "switch", False,
             help=Bilingual("流传的说法：靠它防止看到未来。", "The claim in circulation: this keeps the future out.")),
        Knob("padding_mask", Bilingual("填充掩码", "padding mask"), "switch", True),
        Knob("pads", Bilingual("源端补几个填充", "padding after the source"), "number", 2, minimum=0, maximum=6),
        Knob("position", Bilingual("改哪个位置", "position changed"), "number", 4, minimum=0, maximum=39,
             help=Bilingual("从 0 数起；超出就是最后一个。", "Counted from 0; past the end it is the last one.")),
        SEED,
    ),
    hidden_knobs=(
        hidden_switch("bert_is_causal", "BERT 一支加因果掩码", "the BERT arm has a causal mask"),
        hidden_switch("gpt_is_open", "GPT 一支不加掩码", "the GPT arm has no mask"),
        hidden_switch("decoder_is_open", "“有因果掩码”一支没有", "the causal arm has no mask"),
        hidden_switch("decoder_is_closed", "“没有因果掩码”一支有", "the open arm has a causal mask"),
        hidden_switch("cross_is_causal", "“交叉注意力不遮”一支遮住", "the open cross-attention is causal"),
        hidden_switch("no_source_mask", "“有填充掩码”一支没有", "the padded arm has no mask"),
        hidden_switch("mask_cross_too", "“只遮编码器”一支也遮交叉注意力", "the half-masked arm is fully masked"),
    ),
    figures=(
        Drawn("strip", Bilingual("输出", "outputs"), made.RANDOM_WEIGHTS),
        Drawn("influence-0", Bilingual("影响", "influence"), made.RANDOM_WEIGHTS),
        Drawn("influence-1", Bilingual("源端", "source"), made.RANDOM_WEIGHTS),
        Drawn("combinations", Bilingual("各种掩码", "masks"), made.RANDOM_WEIGHTS),
    ),
    checks=(
        CheckDeclaration(
            "bert-sees-both-sides",
            Bilingual("BERT：改任何一个位置，所有位置的输出都变（列的是最小的变化）",
                      "BERT: whichever position is changed, the outputs of all positions move (the smallest change)"),
            ">=", BreakKnobs({"bert_is_causal": True}),
        ),
        CheckDeclaration(
            "causal-hides-the-future",
            Bilingual("GPT：同样的权重，只加因果掩码，改位置 j，j 之前的输出一位都不变（列的是最大的变化）",
                      "GPT: the same weights and a causal mask; changing j leaves every output before j bit for bit "
                      "(the largest change)"),
            "==", BreakKnobs({"gpt_is_open": True}),
        ),
        CheckDeclaration(
            "causal-alone-is-enough",
            Bilingual("编码器-解码器：只有因果自注意力掩码，交叉注意力什么都不遮，未来也不泄漏（列的是最大的变化）",
                      "Encoder-decoder: with the causal self-attention mask alone, cross-attention open, no future "
                      "leaks (the largest change)"),
            "==", BreakKnobs({"decoder_is_open": True}),
        ),
        CheckDeclaration(
            "cross-mask-does-not-stop-leaks",
            Bilingual("去掉因果掩码，只在交叉注意力上遮：未来照样泄漏（列的是最大的变化）",
                      "Without the causal mask, and cross-attention masked instead, the future leaks all the same "
                      "(the largest change)"),
            ">=", BreakKnobs({"decoder_is_closed": True}),
        ),
        CheckDeclaration(
            "cross-attention-sees-whole-source",
            Bilingual("交叉注意力：每个目标位置都看得到每个源词元（列的是最小的变化）",
                      "Cross-attention: every target position sees every source token (the smallest change)"),
            ">=", BreakKnobs({"cross_is_causal": True}),
        ),
        CheckDeclaration(
            "source-padding-hidden",
            Bilingual("编码器和交叉注意力都用源端填充掩码：填充里写什么都不影响解码器（列的是最大的变化）",
                      "With the source's padding mask in encoder and cross-attention, what stands in the padding moves "
                      "no decoder output (the largest change)"),
            "==", BreakKnobs({"no_source_mask": True}),
        ),
        CheckDeclaration(
            "padding-leaks-through-cross-attention",
            Bilingual("只在编码器里遮填充、交叉注意力忘了遮：填充照样漏进解码器（列的是最大的变化）",
                      "Padding masked in the encoder and forgotten in cross-attention leaks into the decoder all the "
                      "same (the largest change)"),
            ">=", BreakKnobs({"mask_cross_too": True}),
        ),
        CheckDeclaration(
            "mask-token-is-attended",
            Bilingual("[MASK] 是改输入，不是注意力掩码：每个位置都给它正的权重（列的是最小的权重）",
                      "[MASK] changes the input and is no attention mask: every position gives it positive weight "
                      "(the smallest weight)"),
            ">=", BreakKnobs({"bert_is_causal": True}),
        ),
    ),
)  # fmt: skip
