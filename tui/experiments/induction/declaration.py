"""Induction heads in a shipped model of two layers of attention: found, taken apart, and missing in its twin of one."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, BreakTensor, CheckDeclaration, Choice, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import SEED, hidden_switch

EXPERIMENT = Experiment(
    name="induction",
    title=Bilingual("归纳头：找到上次出现的地方，抄下一个", "Induction heads: find it before, copy what followed"),
    summary=Bilingual(
        "自带的两层纯注意力小模型，随机的一段符号写两遍：第二遍全是第一遍能推出来的。看第二层的头看向哪里，"
        "关掉第一层的“前一个词元头”会怎样，只有一层的对照模型差多少，写诗的 poet 里有没有这种头。",
        "A small model of two layers of attention alone, which ships, reads a random stretch twice: the first copy "
        "foretells the second. Where do the heads of layer 2 look, what if layer 1's previous-token head is off, how "
        "far does the twin of one layer get, and does the poet have such a head?",
    ),
    knobs=(
        Knob("length", Bilingual("一段几个符号", "signs of a stretch"), "number", 16, minimum=10, maximum=24, step=2),
        Knob("off", Bilingual("关掉", "switched off"), "choice", "none", choices=(
            Choice("none", Bilingual("都开着", "none")),
            Choice("previous", Bilingual("前一个词元头", "the previous-token head")),
            Choice("one", Bilingual("一个归纳头", "one induction head")),
            Choice("both", Bilingual("两个归纳头", "both induction heads")),
        )),
        Knob("stretch", Bilingual("画哪一段", "the stretch drawn"), "text", "x7kq9m2ahb", max_length=24,
             help=Bilingual("字母和数字，各出现一次；写两遍。", "Letters and digits, each once; it is written twice.")),
        SEED,
    ),
    hidden_knobs=(
        hidden_switch("no_repeat", "第二遍换成别的", "the second copy is another stretch"),
        hidden_switch("deep_twin", "对照模型也用两层", "the twin has two layers too"),
        hidden_switch("keep_on", "不真的关", "nothing is switched off"),
        hidden_switch("patch_queries", "换掉的是查询", "the queries are replaced"),
        hidden_switch("patch_keys", "换掉的是键", "the keys are replaced"),
        hidden_switch("first_layer", "看第一层的头", "the heads of layer 1"),
        hidden_switch("ask_induction", "看的是归纳模型", "the induction model is asked"),
    ),
    figures=(
        Drawn("weights", Bilingual("注意力", "attention"), made.REPEATERS),
        Drawn("foretold", Bilingual("猜对", "foretold"), made.REPEATERS),
        Drawn("by-place", Bilingual("按位置", "by place"), made.REPEATERS),
        Drawn("training", Bilingual("训练中", "training"), made.IN_TRAINING),
        Drawn("prefix-matching", Bilingual("前缀匹配", "prefixes"), made.REPEATERS),
    ),
    checks=(
        CheckDeclaration(
            "two-layers",
            Bilingual("两层：第二遍的符号猜对的 %", "Two layers: signs of the second copy foretold, %"),
            ">=", BreakKnobs({"no_repeat": True}), unit="%",
        ),
        CheckDeclaration(
            "one-layer",
            Bilingual("只有一层的对照模型，同样训练，猜对的 %", "The twin of one layer, trained alike: foretold, %"),
            "<=", BreakKnobs({"deep_twin": True}), unit="%",
        ),
        CheckDeclaration(
            "prefix-matching",
            Bilingual("第二层最好的头：第二遍的符号把多少注意力给了“上次出现处的下一个”，%",
                      "Best head of layer 2: attention from a sign of the second copy to the one after it in the "
                      "first, %"),
            ">=", BreakKnobs({"no_repeat": True}), unit="%",
        ),
        CheckDeclaration(
            "previous-token",
            Bilingual("第一层最好的头：第一遍的符号把多少注意力给了前一个，%",
                      "Best head of layer 1: attention from a sign of the first copy to the one before, %"),
            ">=", BreakTensor("stack.layers.0.weights", "uniform"), unit="%",
        ),
        CheckDeclaration(
            "copying",
            Bilingual("归纳头的 W_U W_O W_V W_E：多少符号最抬高的是自己的 logit，%（两个头里差的那个）",
                      "Of the induction heads' W_U W_O W_V W_E: signs that raise their own logit most, % (the worse "
                      "of both heads)"),
            ">=", BreakKnobs({"first_layer": True}), unit="%",
        ),
        CheckDeclaration(
            "without-previous",
            Bilingual("关掉第一层的前一个词元头，猜对的 %", "Layer 1's previous-token head off: foretold, %"),
            "<=", BreakKnobs({"keep_on": True}), unit="%",
        ),
        CheckDeclaration(
            "one-off",
            Bilingual("只关一个归纳头（留下另一个），猜对的 %", "One induction head off, the other left: foretold, %"),
            ">=", BreakKnobs({"no_repeat": True}), unit="%",
        ),
        CheckDeclaration(
            "both-off",
            Bilingual("两个归纳头都关，猜对的 %", "Both induction heads off: foretold, %"),
            "<=", BreakKnobs({"keep_on": True}), unit="%",
        ),
        CheckDeclaration(
            "through-keys",
            Bilingual("只让第二层的键看不到前一个词元头写的东西，猜对的 %",
                      "Only layer 2's keys without what the previous-token head wrote: foretold, %"),
            "<=", BreakKnobs({"patch_queries": True}), unit="%",
        ),
        CheckDeclaration(
            "not-through-queries",
            Bilingual("只让第二层的查询看不到，猜对的 %", "Only layer 2's queries without it: foretold, %"),
            ">=", BreakKnobs({"patch_keys": True}), unit="%",
        ),
        CheckDeclaration(
            "poet-has-none",
            Bilingual("poet 的 24 个头里最好的一个，重复的诗句上给“上次出现处的下一个”的注意力，%",
                      "Best of the poet's 24 heads, on lines that come twice: attention to what followed before, %"),
            "<=", BreakKnobs({"ask_induction": True}), unit="%",
        ),
    ),
)  # fmt: skip
