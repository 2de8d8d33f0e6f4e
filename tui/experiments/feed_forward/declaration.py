"""What a feed-forward is for: a memory of keys and values, taken out of a trained model unit by unit; and its bill."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, BreakTensor, CheckDeclaration, Choice, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import DATES, SEED, hidden_switch

EXPERIMENT = Experiment(
    name="feed-forward",
    title=Bilingual("前馈层记住了什么", "What the feed-forward remembers"),
    summary=Bilingual(
        "把自带的、训练好的日期模型解码器的前馈层当成键值记忆：每个隐藏单元何时激活、推高哪个词元；关掉管横线的那几十个，它就只忘了横线。",
        "The decoder's feed-forward of the shipped date model as a key-value memory: when a unit fires and which token "
        "it promotes. Switch off those of the dash, and the dash is all that is forgotten.",
    ),
    knobs=(
        Knob("date", Bilingual("日期", "date"), "text", "23 November 2026", max_length=48, presets=DATES,
             help=Bilingual("画在词元条里的那一个；检查用的是固定抽出的 24 个训练集之外的日期。",
                            "The one drawn as tokens; the checks use 24 held-out dates.")),
        Knob("sign", Bilingual("关掉管哪个词元的单元", "switch off the units of"), "choice", "-",
             choices=tuple(Choice(sign, sign) for sign in "-0123456789")),
        Knob("units", Bilingual("关掉几个（共 256）", "units off (of 256)"), "number", 32, minimum=8, maximum=64,
             step=8),
        Knob("layer", Bilingual("解码器的第几层", "decoder layer"), "choice", "1",
             choices=(Choice("0", "0"), Choice("1", "1"))),
        Knob("d_model", Bilingual("账单里的宽度 d", "width d of the bill"), "number", 768, minimum=192, maximum=1536,
             step=192),
        SEED,
    ),
    hidden_knobs=(
        hidden_switch("shift_values", "值错开一个单元", "values one unit off"),
        hidden_switch("any_units", "改关随机的单元", "switch off any units"),
        hidden_switch("all_layers", "把整个前馈层都关掉", "switch off every feed-forward"),
        hidden_switch("strongest", "“随机”一支关最强的", "the random arm takes the strongest"),
        hidden_switch("keep", "“全关”一支不关", "the arm without it keeps it"),
        hidden_switch("bend", "“无激活”一支有激活", "the arm without activation has one"),
        hidden_switch("full_gate", "门控的也宽 4d", "the gated one is 4d wide, too"),
        hidden_switch("ungated", "“门控”一支没有门", "the gated arm has no gate"),
    ),
    figures=(
        Drawn("read", Bilingual("读成", "read"), made.DATES_TYPED),
        Drawn("by-token", Bilingual("按词元", "by token"), made.DATES),
        Drawn("keys-and-values", Bilingual("键与值", "keys"), made.DATES),
        Drawn("units-off", Bilingual("关几个", "units off"), made.DATES),
        Drawn("bill", Bilingual("账单", "bill"), made.COUNTED),
    ),
    checks=(
        CheckDeclaration(
            "sum-of-values",
            Bilingual("前馈层的输出就是各单元的值按激活加起来：Σ a_i·v_i + b（列的是最大相对差）",
                      "The output is the sum of the units' values by their activations, Σ a_i·v_i + b (largest "
                      "relative difference)"),
            "==", BreakTensor("decoder.layers.*.feed_forward.output", "shuffle"),
        ),
        CheckDeclaration(
            "values-match-keys",
            Bilingual("写哪个词元时激活最强，值就推高哪个词元：这样的单元至少是碰巧的两倍",
                      "Units whose value promotes the very token at which they fire most: at least twice as many as by "
                      "chance"),
            ">=", BreakKnobs({"shift_values": True}), unit="%",
        ),
        CheckDeclaration(
            "dash-forgotten",
            Bilingual("关掉管横线的单元：横线写对的比例", "With the units of the dash off: dashes still right"),
            "<=", BreakKnobs({"any_units": True}), unit="%",
        ),
        CheckDeclaration(
            "others-kept",
            Bilingual("这时其他词元写对的比例", "… and other tokens still right"),
            ">=", BreakKnobs({"all_layers": True}), unit="%",
        ),
        CheckDeclaration(
            "any-units-harmless",
            Bilingual("随机关掉一样多的单元：整个日期仍写对的比例",
                      "As many units off at random: whole dates still right"),
            ">=", BreakKnobs({"strongest": True}), unit="%",
        ),
        CheckDeclaration(
            "without-feed-forward",
            Bilingual("解码器的前馈层全关掉、只留注意力：整个日期写对的比例",
                      "Every feed-forward of the decoder off, attention kept: whole dates still right"),
            "<=", BreakKnobs({"keep": True}), unit="%",
        ),
        CheckDeclaration(
            "linear-collapses",
            Bilingual("没有激活函数，d → 4d → d 等于一个 d × d 矩阵 W_1 W_2（列的是最大相对差）",
                      "Without an activation d → 4d → d is one d × d matrix, W_1 W_2 (largest relative difference)"),
            "==", BreakKnobs({"bend": True}),
        ),
        CheckDeclaration(
            "gated-costs-the-same",
            Bilingual("SwiGLU 取 F = 8d/3：参数是 F = 4d 的普通前馈层的几倍",
                      "SwiGLU with F = 8d/3: its parameters over those of a plain one with F = 4d"),
            "==", BreakKnobs({"full_gate": True}), unit="x",
        ),
        CheckDeclaration(
            "gate-bends-by-itself",
            Bilingual("有门而没有激活函数也不是线性的：输入加倍，输出变 4 倍",
                      "With a gate and no activation it is still not linear: twice the input gives 4 times the output"),
            "==", BreakKnobs({"ungated": True}), unit="x",
        ),
    ),
)  # fmt: skip
