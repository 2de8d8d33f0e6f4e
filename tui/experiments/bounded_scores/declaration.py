"""What keeps attention's scores from growing: normalized queries and keys, or a cap on the scores."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, CheckDeclaration, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import SEED, hidden_switch

EXPERIMENT = Experiment(
    name="bounded-scores",
    title=Bilingual("W_Q、W_K 变大时：QK-norm 与软截断", "W_Q and W_K grow: QK-norm and soft-capping"),
    summary=Bilingual(
        "把同一层的 W_Q、W_K 都乘 g，模拟训练中的增长（这里不训练）：什么都不做、加 "
        "QK-norm、加软截断，得分、熵和梯度各怎样。",
        "W_Q and W_K of one layer are both multiplied by g, as if they had grown in training "
        "(nothing is trained here): "
        "scores, entropy and gradients of the plain layer, with QK-norm, and with soft-capping.",
    ),
    knobs=(
        Knob("gain", Bilingual("W_Q、W_K 乘 g", "gain g of W_Q and W_K"), "number", 8, minimum=2, maximum=32, log=True),
        Knob("cap", Bilingual("截断 c", "cap c"), "number", 50, minimum=5, maximum=100),
        Knob("head_dim", Bilingual("头宽 D", "head width D"), "number", 64, minimum=16, maximum=128, log=True),
        SEED,
    ),
    hidden_knobs=(
        hidden_switch("plain_normed", "普通的也归一化", "the plain layer is normalized too"),
        hidden_switch("no_norm", "不归一化", "nothing is normalized"),
        hidden_switch("large_gains", "归一化的增益取 3", "the norms' gains are 3"),
        hidden_switch("no_cap", "不截断", "nothing is capped"),
        hidden_switch("tiny_cap", "截断取 1", "a cap of 1"),
    ),
    figures=(
        Drawn("scores", Bilingual("得分", "scores"), made.RANDOM),
        Drawn("entropy", Bilingual("熵", "entropy"), made.RANDOM),
        Drawn("weights", Bilingual("权重", "weights"), made.RANDOM),
    ),
    checks=(
        CheckDeclaration(
            "plain-scores-grow",
            Bilingual("什么都不做：最大得分是 g = 1 时的几倍（应为 g²）",
                      "Plain: largest score over that at g = 1 (g²)"),
            "==", BreakKnobs({"plain_normed": True}), unit="x",
        ),
        CheckDeclaration(
            "normed-scores-stay",
            Bilingual("QK-norm：最大得分是 g = 1 时的几倍", "QK-norm: largest score over that at g = 1"),
            "==", BreakKnobs({"no_norm": True}), unit="x",
        ),
        CheckDeclaration(
            "normed-bound",
            Bilingual("QK-norm：最大得分（增益为 1 时不超过 √D）",
                      "QK-norm: largest score (at most √D with gains of 1)"),
            "<=", BreakKnobs({"large_gains": True}),
        ),
        CheckDeclaration(
            "capped-bound",
            Bilingual("软截断：最大得分（不超过 c）", "Soft-capped: largest score (at most c)"),
            "<=", BreakKnobs({"no_cap": True}),
        ),
        CheckDeclaration(
            "cap-spares-small",
            Bilingual("g = 1 时软截断让权重最多变了多少", "At g = 1: largest change of a weight by the cap"),
            "<=", BreakKnobs({"tiny_cap": True}),
        ),
        CheckDeclaration(
            "entropy-kept",
            Bilingual("平均熵：QK-norm 比什么都不做多多少纳特", "Mean entropy: nats that QK-norm has more than plain"),
            ">=", BreakKnobs({"no_norm": True}),
        ),
        CheckDeclaration(
            "saturated-rows",
            Bilingual("几乎只看一个词元（权重 > 0.99）的行：什么都不做比 QK-norm 多的 %",
                      "Rows with nearly all weight on one token (> 0.99): % of plain minus % of QK-norm"),
            ">=", BreakKnobs({"no_norm": True}), unit="%",
        ),
    ),
)  # fmt: skip
