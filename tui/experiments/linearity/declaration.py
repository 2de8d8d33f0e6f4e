"""Which parts of a BERT layer are linear in their input, and which are not: superposition, measured."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, CheckDeclaration, Choice, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import SEED, hidden_switch

EXPERIMENT = Experiment(
    name="linearity",
    title=Bilingual("线性检测器：BERT 的非线性从哪来", "Linearity detector: where BERT bends"),
    summary=Bilingual(
        "对每个部件测叠加原理：先减去 f(0)，再看 f(aX + bY) 与 a·f(X) + b·f(Y) 差多少（权重和偏置随机）。"
        "有偏置的投影是仿射的，不减 f(0) 就会被误判。",
        "Superposition, part by part: with f(0) subtracted, how far is f(aX + bY) from a·f(X) + b·f(Y)? (Random "
        "weights and biases; a projection with a bias is affine, and would fail the test on f itself.)",
    ),
    knobs=(
        Knob("a", "a", "number", 1.0, minimum=-2, maximum=2, step=0.5),
        Knob("b", "b", "number", 1.0, minimum=-2, maximum=2, step=0.5),
        Knob("activation", Bilingual("前馈层的激活函数", "activation of the feed-forward"), "choice", "gelu", choices=(
            Choice("gelu", "GELU"),
            Choice("relu", "ReLU"),
            Choice("silu", "SiLU"),
        )),
        Knob("tokens", Bilingual("词元数", "tokens"), "number", 12, minimum=2, maximum=64),
        SEED,
    ),
    hidden_knobs=(
        hidden_switch("thaw", "“冻结权重”一支没有冻结", "the frozen arm is not frozen"),
        hidden_switch("freeze", "“softmax 注意力”一支冻结了权重", "the softmax arm is frozen"),
        hidden_switch("keep_softmax", "“去掉 softmax”一支没有去掉", "the cubic arm keeps softmax"),
        hidden_switch("flatten", "“有激活函数”一支没有", "the arm with activation has none"),
        hidden_switch("bend", "“没有激活函数”一支有", "the arm without activation has one"),
        hidden_switch("skip_norm", "层归一化什么也不做", "the layer norm does nothing"),
        hidden_switch("skip_tanh", "池化层不做 tanh", "the pooler has no tanh"),
        Knob("hidden_width", Bilingual("BERT 前馈层的宽度", "width of BERT's feed-forward"), "number", 3072,
             minimum=768, maximum=3072, step=768),
    ),
    figures=(
        Drawn("errors", Bilingual("叠加误差", "errors"), made.RANDOM),
        Drawn("growth", Bilingual("放大", "growth"), made.RANDOM),
        Drawn("parts", Bilingual("各部件", "parts"), made.RANDOM),
    ),
    checks=(
        CheckDeclaration(
            "gelu-feed-forward-is-not-linear",
            Bilingual("前馈层带激活函数：叠加误差明显不为 0", "Feed-forward with its activation: superposition fails"),
            ">=", BreakKnobs({"flatten": True}),
        ),
        CheckDeclaration(
            "softmax-attention-is-not-linear",
            Bilingual("softmax 注意力：叠加误差明显不为 0", "Softmax attention: superposition fails"),
            ">=", BreakKnobs({"freeze": True}),
        ),
        CheckDeclaration(
            "layer-norm-is-not-linear",
            Bilingual("层归一化：叠加误差明显不为 0（它除以输入自己的标准差）",
                      "Layer norm: superposition fails (it divides by the input's own deviation)"),
            ">=", BreakKnobs({"skip_norm": True}),
        ),
        CheckDeclaration(
            "pooler-is-not-linear",
            Bilingual("池化层的 tanh：叠加误差明显不为 0", "The pooler's tanh: superposition fails"),
            ">=", BreakKnobs({"skip_tanh": True}),
        ),
        CheckDeclaration(
            "frozen-attention-is-linear",
            Bilingual("注意力权重冻结之后，注意力对 X 是线性的", "With its weights frozen, attention is linear in X"),
            "==", BreakKnobs({"thaw": True}),
        ),
        CheckDeclaration(
            "attention-without-softmax-is-cubic",
            Bilingual("去掉 softmax 和偏置，注意力仍不是线性的：(XW_Q)(XW_K)ᵀXW_V 是三次的，f(2X) / f(X) = 8",
                      "Nor is attention linear without softmax and biases: (XW_Q)(XW_K)ᵀXW_V is cubic, "
                      "f(2X) / f(X) = 8"),
            "==", BreakKnobs({"keep_softmax": True}), unit="x",
        ),
        CheckDeclaration(
            "feed-forward-without-activation-is-linear",
            Bilingual("前馈层去掉激活函数：线性", "The feed-forward without its activation is linear"),
            "==", BreakKnobs({"bend": True}),
        ),
        CheckDeclaration(
            "two-matrices-collapse-into-one",
            Bilingual("去掉激活函数，两层合成一层：FFN(x) = x·(W_1 W_2) + b_1 W_2 + b_2（列的是最大相对差）",
                      "Without it two layers are one: FFN(x) = x·(W_1 W_2) + b_1 W_2 + b_2 (the largest relative "
                      "difference)"),
            "==", BreakKnobs({"bend": True}),
        ),
        CheckDeclaration(
            "layer-norm-ignores-scale",
            Bilingual("层归一化：f(2X) = f(X)（列的是 ‖f(2X)‖ / ‖f(X)‖，线性的话是 2）",
                      "Layer norm: f(2X) = f(X) (‖f(2X)‖ / ‖f(X)‖, which would be 2 were it linear)"),
            "==", BreakKnobs({"skip_norm": True}), unit="x",
        ),
        CheckDeclaration(
            "feed-forward-share-of-parameters",
            Bilingual("BERT-base 的一层里，前馈层占注意力与前馈层参数的三分之二",
                      "Of attention and feed-forward in a layer of BERT-base, the feed-forward has two thirds"),
            "==", BreakKnobs({"hidden_width": 768}), unit="%",
        ),
    ),
)  # fmt: skip
