"""The trained date model taken apart: one part of a Transformer off at a time, and what is left of its reading."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, CheckDeclaration, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import DATES, SEED, hidden_switch

EXPERIMENT = Experiment(
    name="take-apart",
    title=Bilingual("把 Transformer 拆开", "Taking a Transformer apart"),
    summary=Bilingual(
        "自带的、训练好的日期模型：逐个关掉位置、自注意力、交叉注意力、前馈层、残差、层归一化和多余的头，看训练集之外的日期还能读对多少；再与不带位置训练的对照模型相比。",
        "The shipped, trained date model: positions, self-attention, cross-attention, feed-forward, residuals, "
        "layer norms and all heads but one are switched off in turn, and held-out dates are read; beside it, a model "
        "that was trained without positions.",
    ),
    knobs=(
        Knob("date", Bilingual("日期", "date"), "text", "23 November 2026", max_length=48, presets=DATES,
             help=Bilingual("表里“写出”一栏读的那一个；读对的比例用抽出的 96 个训练集之外的日期算。",
                            "What the column “writes” reads; the shares are of 96 held-out dates.")),
        Knob("positions", Bilingual("位置", "positions"), "switch", True),
        Knob("self_attention", Bilingual("自注意力", "self-attention"), "switch", True),
        Knob("cross_attention", Bilingual("交叉注意力", "cross-attention"), "switch", True),
        Knob("feed_forward", Bilingual("前馈层", "feed-forward"), "switch", True),
        Knob("residual", Bilingual("残差连接", "residual connections"), "switch", True),
        Knob("layer_norm", Bilingual("层归一化", "layer norms"), "switch", True),
        Knob("heads", Bilingual("留几个头", "heads kept"), "number", 4, minimum=1, maximum=4),
        SEED,
    ),
    hidden_knobs=(
        hidden_switch("keep_positions", "“无位置”一支实际带位置", "the arm without positions has them"),
        hidden_switch("keep_cross_attention", "“无交叉注意力”一支实际带着它", "the arm without cross-attention has it"),
        hidden_switch("keep_everything", "各支实际什么都没关", "nothing is off in any arm"),
        hidden_switch("blind", "“完整”一支实际没有交叉注意力", "the whole model lacks cross-attention"),
        hidden_switch("no_twin", "对照模型换成原模型", "the model itself stands for its twin"),
        hidden_switch("pre_norm", "数 pre-norm 的层归一化", "count the layer norms of pre-norm"),
        hidden_switch("attention_bias", "注意力投影带偏置", "attention projections with biases"),
    ),
    figures=(
        Drawn("characters", Bilingual("字符", "characters"), made.DATES),
        Drawn("written", Bilingual("写出", "written"), made.DATES),
    ),
    checks=(
        CheckDeclaration(
            "whole-model-reads",
            Bilingual("什么都不关：96 个训练集之外的日期读对的比例，与模型卡上的一致",
                      "Nothing off: of 96 held-out dates as many are read right as the model's card says"),
            "==", BreakKnobs({"blind": True}), unit="%",
        ),
        CheckDeclaration(
            "every-part-is-relied-on",
            Bilingual("七样里任关一样，读对的日期都不到一半（列的是七样中最高的）",
                      "Whichever of seven parts is off, less than half of the dates are read (the best of the seven)"),
            "<=", BreakKnobs({"keep_everything": True}), unit="%",
        ),
        CheckDeclaration(
            "without-cross-attention-blind",
            Bilingual("关掉交叉注意力，换一个源句，logits 一位都不变（列的是最大差）",
                      "Without cross-attention another source changes not one bit of the logits (largest difference)"),
            "==", BreakKnobs({"keep_cross_attention": True}),
        ),
        CheckDeclaration(
            "without-positions-a-bag",
            Bilingual("关掉位置，把源句的字符打乱，logits 不变（列的是最大差与最大值之比）",
                      "Without positions the source's characters in another order give the same logits (largest "
                      "difference over the largest)"),
            "==", BreakKnobs({"keep_positions": True}),
        ),
        CheckDeclaration(
            "trained-without-positions",
            Bilingual("从头不带位置训练出来的对照模型，读对的日期也不到一半",
                      "A model trained without positions from the start reads less than half of the dates, too"),
            "<=", BreakKnobs({"no_twin": True}), unit="%",
        ),
        CheckDeclaration(
            "layer-norms-counted",
            Bilingual("6 + 6 层的原版模型里有多少个层归一化：编码器每层 2 个，解码器每层 3 个",
                      "Layer norms in the original, 6 + 6 layers: 2 in each of the encoder, 3 of the decoder"),
            "==", BreakKnobs({"pre_norm": True}),
        ),
        CheckDeclaration(
            "attention-share-of-parameters",
            Bilingual("原版基础模型（词表 37,000）的参数中，注意力占多少：18 个注意力各 4d²，除以 63,045,632",
                      "Share of attention in the parameters of the original base model (37,000 words): 18 attentions "
                      "of 4d² each over 63,045,632"),
            "==", BreakKnobs({"attention_bias": True}), unit="%",
        ),
    ),
)  # fmt: skip
