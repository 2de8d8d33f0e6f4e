"""Teacher forcing is one pass with the gold prefix; what one wrong token does when the prefix is the model's own."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, BreakTensor, CheckDeclaration, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import DATES, SEED, hidden_switch

EXPERIMENT = Experiment(
    name="teacher-forcing",
    title=Bilingual("教师强制与暴露偏差", "Teacher forcing and exposure bias"),
    summary=Bilingual(
        "用自带的、训练好的日期模型：教师强制一次前向算完所有位置，等于逐步喂正确前缀；再在某一步塞进一个错词元，看后面接着喂正确答案和接着喂自己的输出各错多少。",
        "On the shipped, trained date model: one teacher-forced pass equals feeding the gold prefix step by step; then "
        "one wrong token is put in, and later errors are counted with the gold prefix and with the model's own.",
    ),
    knobs=(
        Knob("date", Bilingual("日期", "date"), "text", "23 November 2026", max_length=48, presets=DATES,
             help=Bilingual("画在词元条里的那一个；检查用的是固定抽出的 12 个训练集之外的日期。",
                            "The one drawn as tokens; the checks use 12 held-out dates.")),
        Knob("step", Bilingual("在第几个词元出错", "place of the error"), "number", 6, minimum=1, maximum=10,
             help=Bilingual("输出形如 2026-11-23：1 到 4 是年，5 和 8 是横线，6、7 是月，9、10 是日。",
                            "Outputs read as 2026-11-23: 1 to 4 the year, 5 and 8 dashes, 6, 7 the month, "
                            "9, 10 the day.")),
        Knob("offset", Bilingual("错的数字与对的差多少", "how far off the wrong digit is"), "number", 5,
             minimum=1, maximum=9,
             help=Bilingual("数字加上它再取个位；横线换成这个数字。",
                            "Added to the digit, modulo 10; a dash becomes this digit.")),
        SEED,
    ),
    hidden_knobs=(
        Knob("inject", Bilingual("真的塞进错词元", "put the wrong token in"), "switch", True),
        Knob("own_prefix", Bilingual("出错后喂自己的输出", "feed its own output after the error"), "switch", True),
        Knob("gold_steps", Bilingual("逐步那一支喂正确前缀", "feed the gold prefix in the stepwise arm"), "switch",
             True),
        hidden_switch("together", "逐步那一支也一次算完", "compute the stepwise arm in one pass too"),
    ),
    figures=(
        Drawn("one-error", Bilingual("一处错", "one error"), made.DATES_TYPED),
        Drawn("later-errors", Bilingual("后面错", "later"), made.DATES),
    ),
    checks=(
        CheckDeclaration(
            "one-pass-equals-steps",
            Bilingual("教师强制的一次前向，等于逐个喂正确前缀（列的是 logits 的最大差与最大值之比）",
                      "One teacher-forced pass equals feeding the gold prefix one by one (largest difference of the "
                      "logits over the largest)"),
            "==", BreakKnobs({"gold_steps": False}),
        ),
        CheckDeclaration(
            "decoder-calls",
            Bilingual("逐步生成要调用解码器的次数（教师强制只要 1 次）：每个目标词元一次",
                      "Calls of the decoder to generate (teacher forcing takes 1): one for each target token"),
            "==", BreakKnobs({"together": True}),
        ),
        CheckDeclaration(
            "past-unchanged",
            Bilingual("换掉输入里的一个词元，它之前各位置的 logits 不变（列的是最大变化与最大值之比）",
                      "Changing one input token changes no logits before it (largest change over the largest)"),
            "==", BreakTensor("decoder.layers.*.self_attention.weights", "uniform"),
        ),
        CheckDeclaration(
            "clean-error",
            Bilingual("不塞错，自己生成的词元错的比例与模型卡上的一致",
                      "With no error put in, as many generated tokens are wrong as the model's card says"),
            "==", BreakTensor("decoder.layers.*.cross_attention.output", "zeros"), unit="%",
        ),
        CheckDeclaration(
            "forced-error",
            Bilingual("塞一个错之后仍喂正确答案：后面的词元错的比例，低于接着喂自己的输出",
                      "After the error the gold prefix goes on: fewer later tokens are wrong than with its own"),
            "<=", BreakKnobs({"own_prefix": False}), unit="%",
        ),
        CheckDeclaration(
            "free-error",
            Bilingual("塞一个错之后喂自己的输出：后面的词元错的比例，比没塞错时至少高 5 个百分点",
                      "After the error its own output goes on: at least 5 points more later tokens are wrong than "
                      "without the error"),
            ">=", BreakKnobs({"inject": False}), unit="%",
        ),
        CheckDeclaration(
            "year-recovers",
            Bilingual("错在年的最后一位：后面几乎全对，错误没有累积（喂自己的输出）",
                      "An error in the year's last digit: next to nothing later is wrong, nothing compounds "
                      "(own output)"),
            "<=", BreakTensor("decoder.layers.*.cross_attention.output", "zeros"), unit="%",
        ),
        CheckDeclaration(
            "dash-derails",
            Bilingual("该写横线却写了数字：紧接着的那个词元几乎总是错（喂自己的输出）",
                      "A digit where a dash is due: the next token is nearly always wrong (own output)"),
            ">=", BreakKnobs({"inject": False}), unit="%",
        ),
    ),
)  # fmt: skip
