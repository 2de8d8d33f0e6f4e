"""A table of logits trained by DPO on drawn preferences and by GRPO on drawn answers; PPO's objective by its ratio."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from mlxformer.backend import mx, nn, optimizers, to_numpy
from mlxformer.training.preferences import clipped_objective, dpo_loss, group_advantages, grpo_loss
from questions.bilingual import Bilingual
from tui.experiments.contract import Report, Result
from tui.experiments.meanwhile import nobody
from tui.experiments.preferences.declaration import EXPERIMENT
from tui.experiments.shared.kept import kept
from tui.experiments.shared.knobs import SEEDS_BEFOREHAND
from tui.figures.data import Bars, Curve, Figure, Series, Table

PROMPTS, ANSWERS = 8, 6
PAIRS, DPO_STEPS, DPO_RATE = 6000, 120, 0.1
GRPO_STEPS, GRPO_RATE, INNER = 60, 0.05, 2  # INNER steps on each batch of answers: from the second on π ≠ π_old
RATIOS = np.linspace(0.4, 1.8, 29)
BETAS, CLIPS, GROUPS = (0.5, 1.0, 1.5, 2.0), (0.1, 0.2, 0.3, 0.4), (4, 8, 16)  # of the knobs


class Policy(nn.Module):
    """log π(answer | prompt) as a table [P, K]."""

    def __init__(self, logits: np.ndarray) -> None:
        super().__init__()
        self.logits = mx.array(logits.astype(np.float32))

    def __call__(self, prompts: Any, answers: Any) -> Any:
        """[N], [N] -> log-probabilities [N]."""
        whole = self.logits - mx.logsumexp(self.logits, axis=-1, keepdims=True)
        return whole[prompts, answers]


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    beta, clip, group, seed = float(knobs["beta"]), float(knobs["clip"]), int(knobs["group"]), int(knobs["seed"])
    reference, rewards, *_ = _drawn(seed)
    report(0.1, "DPO")
    start, policy = _dpo(seed, beta, bool(knobs["flipped"]), bool(knobs["unlike"]))
    ended = np.array(policy)
    wanted, before = _softmax(reference + rewards / beta), _softmax(reference)
    near, far = (float(0.5 * np.abs(each - wanted).sum(-1).mean()) for each in (ended, before))
    report(0.5, "PPO")
    gain, loss = (_slopes(sign, 10.0 if knobs["unclipped"] else clip) for sign in (1.0, -1.0))
    over = RATIOS - clip > 1 + 1e-6
    if knobs["both_clipped"]:
        loss = np.where(over, 0.0, loss)
    report(0.6, "GRPO")
    curves, sums, idle = _grpo(
        seed, clip, group, bool(knobs["by_chance"]), bool(knobs["raw"]),
        so_far=lambda curves: EXPERIMENT.meanwhile(lambda: _learning(curves)),
    )  # fmt: skip
    measured = EXPERIMENT.measured
    checks = [
        measured("starts-at-ln-2", start, float(np.log(2)), 1e-4),
        measured("dpo-is-rlhf", near, 0.12),
        measured("reference-was-far", far - near, 0.03),
        measured("clipped-gain", float(np.abs(gain[over]).max()), 0.0),
        measured("unclipped-loss", float((loss[over] / -RATIOS[over]).mean()), 1.0, 1e-5),
        measured("groups-sum-to-zero", sums, 0.0, 1e-3),
        measured("equal-rewards-teach-nothing", idle, 0.0, 1e-4),
        measured("grpo-learns", _rise(curves), 15.0),
    ]
    figures: list[Figure] = [
        _bars(before, ended, wanted, rewards, near), _objective(clip), _learning(curves), _memory(),
    ]  # fmt: skip
    return Result(figures, checks)


def _softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(-1, keepdims=True))
    return np.asarray(powers / powers.sum(-1, keepdims=True))


@kept(size=4)
def _drawn(seed: int) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, ...], np.random.Generator]:
    """A reference's logits and the rewards, [P, K]; pairs, ordered by Bradley and Terry's model; what draws further."""
    generator = np.random.default_rng(seed)
    reference, rewards = generator.standard_normal((2, PROMPTS, ANSWERS))
    prompts = generator.integers(0, PROMPTS, PAIRS)
    first = generator.integers(0, ANSWERS, PAIRS)
    second = (first + generator.integers(1, ANSWERS, PAIRS)) % ANSWERS
    wins = generator.random(PAIRS) < 1 / (1 + np.exp(rewards[prompts, second] - rewards[prompts, first]))
    return reference, rewards, (prompts, np.where(wins, first, second), np.where(wins, second, first)), generator


@kept(
    apart=True,
    beforehand=[
        *((seed, 1.0, False, False) for seed in SEEDS_BEFOREHAND),
        *((0, beta, False, False) for beta in BETAS if beta != 1.0),
    ],
)
def _dpo(seed: int, beta: float, flipped: bool, unlike: bool) -> tuple[float, Sequence[Sequence[float]]]:
    """DPO's loss at the start and π at the end."""
    reference, rewards, (prompts, better, worse), _ = _drawn(seed)
    if flipped:
        better, worse = worse, better
    given = [mx.array(each.astype(np.int32)) for each in (prompts, better, worse)]
    fixed, policy = Policy(reference), Policy(reference + (rewards if unlike else 0.0))
    known = [fixed(given[0], each) for each in given[1:]]
    step = nn.value_and_grad(
        policy, lambda: dpo_loss(policy(given[0], given[1]), policy(given[0], given[2]), known[0], known[1], beta)
    )
    optimizer, start = optimizers.Adam(DPO_RATE, bias_correction=True), 0.0
    for number in range(DPO_STEPS):
        loss, slopes = step()
        start = float(loss) if number == 0 else start
        optimizer.update(policy, slopes)
        mx.eval(policy.parameters(), optimizer.state)
    return start, _softmax(to_numpy(policy.logits).astype(np.float64)).tolist()


def _slopes(advantage: float, clip: float) -> np.ndarray:
    """The derivative of PPO's objective by log π at each of ``RATIOS``."""
    old = mx.zeros((len(RATIOS),))
    advantages = mx.full((len(RATIOS),), advantage)
    slope = mx.grad(lambda new: mx.sum(clipped_objective(new, old, advantages, clip)))
    return to_numpy(slope(mx.array(np.log(RATIOS).astype(np.float32)))).astype(np.float64)


@kept(
    apart=True,
    beforehand=[
        *((seed, 0.2, 8, False, False) for seed in SEEDS_BEFOREHAND),
        *((0, clip, 8, False, False) for clip in CLIPS if clip != 0.2),
        *((0, 0.2, group, False, False) for group in GROUPS if group != 8),
    ],
)
def _grpo(
    seed: int,
    clip: float,
    group: int,
    by_chance: bool,
    raw: bool,
    *,
    so_far: Callable[[dict[str, Any]], object] = nobody,
) -> tuple[dict[str, Sequence[float]], float, float]:
    """How probably an answer is right, by step; the largest sum of a group's advantages; an idle prompt's gradient.

    An answer is right (reward 1) where it is among the best two of its prompt.
    """
    reference, rewards, _, generator = _drawn(seed)
    generator = copy.deepcopy(generator)
    right = (rewards >= np.sort(rewards, axis=-1)[:, -2:-1]).astype(np.float64)
    fixed, policy = Policy(reference), Policy(reference)
    prompts = mx.array(np.repeat(np.arange(PROMPTS), group).astype(np.int32))
    mask = mx.ones((PROMPTS * group, 1)).astype(mx.bool_)
    optimizer = optimizers.Adam(GRPO_RATE, bias_correction=True)
    curves: dict[str, Any] = {"right": [], "idle": []}
    largest, idle = 0.0, 0.0
    for _ in range(GRPO_STEPS):
        p = _softmax(to_numpy(policy.logits).astype(np.float64))
        curves["right"].append(float((p * right).sum(-1).mean()))
        drawn = np.stack([generator.choice(ANSWERS, size=group, p=each) for each in p])
        earned = np.take_along_axis(right, drawn, axis=-1)
        if by_chance:
            earned = generator.integers(0, 2, earned.shape).astype(np.float64)
        scores = mx.array(earned.astype(np.float32))
        advantages = scores if raw else group_advantages(scores)
        largest = max(largest, float(np.abs(to_numpy(advantages).sum(-1)).max()))
        same = earned.min(-1) == earned.max(-1)
        curves["idle"].append(float(same.mean()))
        answers = mx.array(drawn.ravel().astype(np.int32))
        old, known = (each(prompts, answers).reshape(-1, 1) for each in (policy, fixed))

        def loss(old: Any = old, known: Any = known, answers: Any = answers, advantages: Any = advantages) -> Any:
            new = policy(prompts, answers).reshape(-1, 1)
            return grpo_loss(new, old, known, advantages.reshape(-1), mask, clip, beta=1e-4)

        step = nn.value_and_grad(policy, loss)
        for inner in range(INNER):
            slopes = step()[1]
            if inner == 0 and same.any():
                idle = max(idle, float(np.abs(to_numpy(slopes["logits"])[same]).max()))
            optimizer.update(policy, slopes)
            mx.eval(policy.parameters(), optimizer.state)
        so_far(curves)
    p = _softmax(to_numpy(policy.logits).astype(np.float64))
    curves["right"].append(float((p * right).sum(-1).mean()))
    return curves, largest, idle


def _bars(before: np.ndarray, ended: np.ndarray, wanted: np.ndarray, rewards: np.ndarray, near: float) -> Bars:
    """The first prompt's answers, best reward first: reference, after DPO, optimum."""
    labels, values = [], []
    for answer in np.argsort(-rewards[0])[:4]:
        names = (("参照", "reference"), ("DPO 之后", "after DPO"), ("最优解", "optimum"))
        for (zh, en), each in zip(names, (before, ended, wanted), strict=True):
            labels.append(Bilingual(f"R = {rewards[0, answer]:.1f} {zh}", f"R = {rewards[0, answer]:.1f} {en}"))
            values.append(100.0 * float(each[0, answer]))
    return Bars(
        Bilingual(f"没有奖励模型，DPO 走到 RLHF 的最优解附近（平均总变差 {near:.2f}）：第一个提问的四个回答",
                  f"Without a reward model DPO comes near RLHF's optimum (mean distance {near:.2f}): four answers"),
        labels=labels,
        values=values,
        value_label=Bilingual("回答的概率 %", "probability of the answer, %"),
        name="policies",
    )  # fmt: skip


def _objective(clip: float) -> Curve:
    old = mx.zeros((len(RATIOS),))
    new = mx.array(np.log(RATIOS).astype(np.float32))
    series = [
        Series(name, RATIOS.tolist(), to_numpy(clipped_objective(new, old, mx.full(old.shape, sign), clip)).tolist())
        for name, sign in (("A = 1", 1.0), ("A = −1", -1.0))
    ]
    return Curve(
        Bilingual(f"PPO 的目标：A > 0 时比值过了 {1 + clip:.1f} 就平了，A < 0 时低于 {1 - clip:.1f} 才平",
                  f"PPO's objective: flat above {1 + clip:.1f} where A > 0, flat below {1 - clip:.1f} where A < 0"),
        Bilingual("比值 π/π_old", "ratio π/π_old"),
        Bilingual("目标", "objective"),
        series,
        marks=((1 - clip, "1 − ε"), (1 + clip, "1 + ε")),
        name="objective",
    )  # fmt: skip


def _rise(curves: Mapping[str, Sequence[float]]) -> float:
    return 100.0 * (curves["right"][-1] - curves["right"][0])


def _learning(curves: Mapping[str, Sequence[float]]) -> Curve:
    rise = _rise(curves)
    return Curve(
        Bilingual(f"GRPO：答对的概率提高 {rise:.0f} 个百分点；全对或全错的提问越来越多，它们不再教什么",
                  f"GRPO: right answers rise by {rise:.0f} points; prompts all right or all wrong teach nothing more"),
        Bilingual("步", "step"),
        Bilingual("占比 %", "share, %"),
        [
            Series(Bilingual("答对", "right"), [float(x) for x in range(len(curves["right"]))],
                   [100.0 * y for y in curves["right"]]),
            Series(Bilingual("全组奖励相同的提问", "prompts with equal rewards"),
                   [float(x) for x in range(len(curves["idle"]))], [100.0 * y for y in curves["idle"]]),
        ],
        name="grpo",
    )  # fmt: skip


def _memory() -> Table:
    yes, no = Bilingual("要", "yes"), Bilingual("不要", "no")
    return Table(
        Bilingual("训练时要哪些模型", "Models that training needs"),
        columns=["", Bilingual("参照", "reference"), Bilingual("奖励模型或规则", "reward model or rule"),
                 Bilingual("价值模型", "value model"), Bilingual("边训边采样", "samples as it trains")],
        rows=[["PPO", yes, yes, yes, yes], ["DPO", yes, no, no, no], ["GRPO", yes, yes, no, yes]],
        name="models",
    )  # fmt: skip
