"""Who influences whom: |∂out_i / ∂in_j| of self-attention, a recurrent network and convolutions, by depth."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, BreakTensor, CheckDeclaration, Choice, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import SEED, hidden_switch

EXPERIMENT = Experiment(
    name="influence",
    title=Bilingual("谁影响谁：自注意力、循环网络、卷积",
                    "Who influences whom: self-attention, recurrence, convolution"),
    summary=Bilingual(
        "对每一对位置求导 ‖∂输出ᵢ / ∂输入ⱼ‖：自注意力一层全通，循环网络只看过去，卷积要靠叠层。再看长句里各要几层。",
        "The derivative ‖∂out_i / ∂in_j‖ for every pair: one layer of self-attention connects all, a recurrent one the "
        "past, convolutions must be stacked. Then how many layers each takes on a longer sequence.",
    ),
    knobs=(
        Knob("sentence", Bilingual("句子", "sentence"), "text", "我看见猫，猫也看见我", max_length=16,
             english="it is as it is",
             help=Bilingual("中文按字、其他文字按空格切成词元；最多 16 个字符。",
                            "Chinese is split by character, other scripts at spaces; at most 16 characters.")),
        Knob("depth", Bilingual("层数", "layers"), "number", 1, minimum=1, maximum=6),
        Knob("positions", Bilingual("加上位置编码", "positional encodings"), "switch", False),
        Knob("shuffle", Bilingual("打乱词元", "shuffle the tokens"), "switch", False),
        Knob("causal", Bilingual("注意力加因果掩码", "causal mask in attention"), "switch", False),
        Knob("length", Bilingual("长句的词元数", "tokens of the longer sequence"), "number", 32, minimum=16, maximum=48,
             step=4),
        SEED,
    ),
    hidden_knobs=(
        Knob("recurrence", Bilingual("循环那一支", "the recurrent arm"), "choice", "rnn", choices=(
            Choice("rnn", Bilingual("循环网络", "recurrent")), Choice("convolution", Bilingual("卷积", "convolution")),
        )),
        Knob("growth", Bilingual("每层空洞放大", "dilation growth"), "number", 3, minimum=1, maximum=3),
        Knob("plain_growth", Bilingual("普通卷积每层空洞放大", "dilation growth of the plain stack"), "number", 1,
             minimum=1, maximum=3),
        Knob("value_proj", Bilingual("值的投影", "projection of the values"), "choice", "drawn", choices=(
            Choice("drawn", Bilingual("随机", "drawn")), Choice("identity", Bilingual("恒等", "identity")),
        )),
        hidden_switch("swap_positions", "两支对调位置编码", "exchange the arms with and without positions"),
    ),
    figures=(
        Drawn("influence", Bilingual("影响", "influence"), made.RANDOM_WEIGHTS),
        Drawn("reach", Bilingual("够多远", "reach"), made.RANDOM),
        Drawn("distances", Bilingual("距离", "distance"), made.RANDOM),
    ),
    checks=(
        CheckDeclaration(
            "attention-dense",
            Bilingual("自注意力一层：每个输出依赖它能看到的每个输入（有影响的词元对的比例；带因果掩码时 (n + 1) / 2n）",
                      "One layer of self-attention: each output depends on every input it may see (share of pairs with "
                      "an influence; under a causal mask (n + 1) / 2n)"),
            "==", BreakTensor("attention.*.weights", "first"), unit="%",
        ),
        CheckDeclaration(
            "additive-dense",
            Bilingual("自注意力换成加性打分，一样全通：自注意力不等于缩放点积",
                      "Self-attention with additive scores is as dense: self-attention is not the same as scaled dot "
                      "product"),
            "==", BreakTensor("additive.weights", "first"), unit="%",
        ),
        CheckDeclaration(
            "recurrent-sees-past",
            Bilingual("循环网络一层：看到全部过去，看不到未来（有影响的词元对的比例是 (n + 1) / 2n）",
                      "One recurrent layer sees all of the past and none of the future (share of pairs: (n + 1) / 2n)"),
            "==", BreakKnobs({"recurrence": "convolution"}), unit="%",
        ),
        CheckDeclaration(
            "recurrent-fades",
            Bilingual("长句里最远输入对最后输出的影响，与最近输入之比：自注意力的至少是循环网络（增益 0.9）10 倍",
                      "On the longer sequence, the first input's influence on the last output over the last input's: "
                      "in self-attention at least 10 times that of the recurrent network (of gain 0.9)"),
            ">=", BreakTensor("attention.*.weights", "zeros"), unit="×",
        ),
        CheckDeclaration(
            "convolution-reach",
            Bilingual("卷积 k = 3：中间的输出依赖 2L + 1 个输入",
                      "Convolution, k = 3: the middle output depends on 2L + 1 inputs"),
            "==", BreakKnobs({"plain_growth": 3, "depth": 2}),
        ),
        CheckDeclaration(
            "dilated-reach",
            Bilingual("空洞卷积（空洞 1、3、9 …），层数取到 3 的幂不超过句长为止：依赖 3 的 L 次方个输入",
                      "Dilated convolution (1, 3, 9 …), as many layers L as 3 to the L fits the sequence: it "
                      "depends on 3 to the L inputs"),
            "==", BreakKnobs({"growth": 1}),
        ),
        CheckDeclaration(
            "sums-values",
            Bilingual("加权求和的是值 X W_V，不是输入 X：拿输入来加权，与真正的输出差多少（相对误差）",
                      "The weighted sum is of the values X W_V, not of the inputs X: how far the weighted inputs are "
                      "from the output (relative error)"),
            ">=", BreakKnobs({"value_proj": "identity"}),
        ),
        CheckDeclaration(
            "twins-alike",
            Bilingual("没有位置编码，句中相同的词元输出相同（列的是最大差）",
                      "Without positional encodings, equal tokens of the sentence get equal outputs (largest "
                      "difference)"),
            "==", BreakKnobs({"swap_positions": True}),
        ),
        CheckDeclaration(
            "twins-differ",
            Bilingual("加上位置编码，相同的词元输出就不同（列的是最大差）",
                      "With positional encodings equal tokens get different outputs (largest difference)"),
            ">=", BreakKnobs({"swap_positions": True}),
        ),
    ),
)  # fmt: skip
