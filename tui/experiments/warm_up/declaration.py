"""Learning-rate warm-up: the schedule, the size of Adam's first updates, and a post-norm stack with and without."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, CheckDeclaration, Choice, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import SEED, hidden_switch

EXPERIMENT = Experiment(
    name="warm-up",
    title=Bilingual("学习率预热", "Learning-rate warm-up"),
    summary=Bilingual(
        "BERT 的学习率曲线，Adam 头几步的更新有多大、多不准；再用同一个峰值学习率训练 5 层 Post-LN，比较预热与不预热。",
        "BERT's schedule, how large and how unsure Adam's first updates are, and 5 post-LN layers trained at one peak "
        "rate with warm-up and without.",
    ),
    knobs=(
        Knob("race_warmup", Bilingual("比赛里预热几步（共 24 步）", "warm-up in the race (of 24 steps)"), "number", 16,
             minimum=0, maximum=24, step=4),
        Knob("warmup", Bilingual("BERT 的预热步数（共 100 万步）", "BERT's warm-up steps (of 1 M)"), "number", 10_000,
             minimum=1_000, maximum=64_000, log=True),
        Knob("beta2", Bilingual("Adam 的 β₂", "Adam's β₂"), "choice", "0.999",
             choices=(Choice("0.999", "0.999"), Choice("0.98", "0.98"))),
        SEED,
    ),
    hidden_knobs=(
        hidden_switch("no_warmup", "都不预热", "no warm-up anywhere"),
        hidden_switch("flip_correction", "偏差校正对调", "swap bias correction"),
        hidden_switch("swap_times", "第 1 步与第 100 步对调", "swap steps 1 and 100"),
        hidden_switch("swap_norms", "Post-LN 与 Pre-LN 对调", "swap post-LN and pre-LN"),
    ),
    figures=(
        Drawn("race", Bilingual("比赛", "race"), made.TRAINED_BEFORE),
        Drawn("adaptive-rates", "1/√v̂", made.RANDOM_DATA),
        Drawn("schedules", Bilingual("学习率", "schedules"), made.BY_FORMULA),
    ),
    checks=(
        CheckDeclaration(
            "peak-after-warm-up",
            Bilingual("BERT 的学习率在第几步最大：预热结束时",
                      "The step at which BERT's rate is highest: the end of warm-up"),
            "==", BreakKnobs({"no_warmup": True}),
        ),
        CheckDeclaration(
            "first-update-is-the-rate",
            Bilingual("Adam 的第一次更新是学习率的几倍（梯度大小从 1e-4 到 100 都一样）",
                      "Adam's first update over the learning rate (alike for gradients from 1e-4 to 100)"),
            "==", BreakKnobs({"flip_correction": True}),
        ),
        CheckDeclaration(
            "uncorrected-first-update",
            Bilingual("不做偏差校正（BERT 的代码如此）时，第一次更新是学习率的几倍（推导：(1 − β₁)/√(1 − β₂)）",
                      "Without bias correction, as in BERT's code, the first update over the rate (derived: "
                      "(1 − β₁)/√(1 − β₂))"),
            "==", BreakKnobs({"flip_correction": True}),
        ),
        CheckDeclaration(
            "early-rate-is-unsure",
            Bilingual("高斯梯度，第 1 步的 1/√v̂：每 20 个参数里有 1 个超过多少（推导：15.95）",
                      "Gaussian gradients, 1/√v̂ at step 1: what one parameter of 20 exceeds (derived: 15.95)"),
            "==", BreakKnobs({"swap_times": True}),
        ),
        CheckDeclaration(
            "late-rate-is-sure",
            Bilingual("同样，到第 100 步（稳定时应为 1）", "The same at step 100 (1 once settled)"),
            "<=", BreakKnobs({"swap_times": True}),
        ),
        CheckDeclaration(
            "post-without-warm-up-stalls",
            Bilingual("5 层 Post-LN，不预热：最后 4 步的训练损失（瞎猜是 ln 16 = 2.77）",
                      "5 post-LN layers without warm-up: the training loss of the last 4 steps (chance: ln 16 = 2.77)"),
            ">=", BreakKnobs({"swap_norms": True}),
        ),
        CheckDeclaration(
            "warm-up-lets-it-learn",
            Bilingual("同一个 Post-LN，同一个峰值，加上预热：最后 4 步的训练损失",
                      "The same post-LN at the same peak with warm-up: the training loss of the last 4 steps"),
            "<=", BreakKnobs({"no_warmup": True}),
        ),
        CheckDeclaration(
            "pre-needs-none",
            Bilingual("换成 Pre-LN，不预热：最后 4 步的训练损失",
                      "With pre-LN and no warm-up: the training loss of the last 4 steps"),
            "<=", BreakKnobs({"swap_norms": True}),
        ),
    ),
)  # fmt: skip
