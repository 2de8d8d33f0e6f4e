"""DPO against the optimum of RLHF, PPO's clip, and GRPO's groups, on a policy small enough to know all about it."""

from __future__ import annotations

from questions.bilingual import Bilingual
from tui.experiments.contract import BreakKnobs, CheckDeclaration, Drawn, Experiment, Knob
from tui.experiments.shared import made
from tui.experiments.shared.knobs import SEED, hidden_switch

EXPERIMENT = Experiment(
    name="preferences",
    title=Bilingual("DPO、PPO、GRPO：从偏好和奖励学习", "DPO, PPO, GRPO: learning from preferences and rewards"),
    summary=Bilingual(
        "8 个提问，每个有 6 种可能的回答，策略就是一张 softmax 表，所以一切都能精确算出："
        "DPO 训练出的策略与 RLHF 的最优解差多少，PPO 的截断在哪里没有梯度，GRPO 怎样把奖励提上去。",
        "8 prompts with 6 possible answers each; the policy is a table under a softmax, so that everything can be "
        "known exactly: how far DPO ends from the optimum of RLHF, where PPO's clip has no gradient, how GRPO raises "
        "rewards.",
    ),
    knobs=(
        Knob("beta", Bilingual("DPO 的 β", "DPO's β"), "number", 1.0, minimum=0.5, maximum=2.0, step=0.5),
        Knob("clip", Bilingual("截断 ε", "clip ε"), "number", 0.2, minimum=0.1, maximum=0.4, step=0.1),
        Knob("group", Bilingual("GRPO 一组几个回答 G", "answers of a group G"), "number", 8, minimum=4, maximum=16,
             log=True),
        SEED,
    ),
    hidden_knobs=(
        hidden_switch("flipped", "偏好反着标", "preferences are the wrong way round"),
        hidden_switch("unlike", "起点不是参照策略", "the policy does not start as the reference"),
        hidden_switch("unclipped", "截断取得很大", "a clip so wide that it never acts"),
        hidden_switch("both_clipped", "两边的梯度都当作 0", "gains are clipped whatever their sign"),
        hidden_switch("raw", "优势直接用奖励", "raw rewards for advantages"),
        hidden_switch("by_chance", "奖励与回答无关", "rewards that have nothing to do with the answer"),
    ),
    figures=(
        Drawn("policies", "DPO", made.TRAINED_BEFORE),
        Drawn("objective", "PPO", made.BY_FORMULA),
        Drawn("grpo", "GRPO", made.TRAINED_BEFORE),
        Drawn("models", Bilingual("要哪些", "models"), made.BY_FORMULA),
    ),
    checks=(
        CheckDeclaration(
            "starts-at-ln-2",
            Bilingual("策略等于参照时，DPO 的损失（ln 2）", "DPO's loss where policy and reference agree (ln 2)"),
            "==", BreakKnobs({"unlike": True}),
        ),
        CheckDeclaration(
            "dpo-is-rlhf",
            Bilingual("DPO 训练之后与 RLHF 的最优解 π_ref·exp(R/β)/Z 的总变差（各提问平均）",
                      "After DPO: total variation distance from RLHF's optimum π_ref exp(R/β)/Z (mean of prompts)"),
            "<=", BreakKnobs({"flipped": True}),
        ),
        CheckDeclaration(
            "reference-was-far",
            Bilingual("训练之前的同一距离，减去训练之后的", "That distance before training, less that after"),
            ">=", BreakKnobs({"flipped": True}),
        ),
        CheckDeclaration(
            "clipped-gain",
            Bilingual("A > 0 而比值已大于 1 + ε：最大的梯度",
                      "A > 0 and the ratio above 1 + ε already: largest gradient"),
            "==", BreakKnobs({"unclipped": True}),
        ),
        CheckDeclaration(
            "unclipped-loss",
            Bilingual("A < 0 而比值大于 1 + ε：梯度与不截断时之比",
                      "A < 0 and the ratio above 1 + ε: gradient over that without a clip"),
            "==", BreakKnobs({"both_clipped": True}), unit="x",
        ),
        CheckDeclaration(
            "groups-sum-to-zero",
            Bilingual("GRPO：一组优势之和（最大）", "GRPO: the sum of a group's advantages (largest)"),
            "<=", BreakKnobs({"raw": True}),
        ),
        CheckDeclaration(
            "equal-rewards-teach-nothing",
            Bilingual("全组奖励相同的提问，得到的最大梯度",
                      "Largest gradient at a prompt all of whose answers earn the same"),
            "<=", BreakKnobs({"raw": True}),
        ),
        CheckDeclaration(
            "grpo-learns",
            Bilingual("GRPO 60 步之后，平均奖励（答对的概率 %）提高了多少",
                      "After 60 steps of GRPO: rise of the mean reward (right answers, percentage points)"),
            ">=", BreakKnobs({"by_chance": True}), unit="%",
        ),
    ),
)  # fmt: skip
