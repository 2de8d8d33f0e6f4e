"""GRPO: advantages normalized within a prompt's answers; −1/G Σ 1/|o| Σ_t [min(r A, clip(r) A) − β (e^d − d − 1)]."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tui.judge.contract import Call, Function, Output, Task
from tui.judge.stages import look
from tui.judge.tasks.material import F16, F32, case, coarse, drawn, lifted, mistake


def _advantages_component(rewards: Any, eps: float = 1e-4) -> Any:
    from mlxformer.training.preferences import group_advantages

    return group_advantages(rewards, eps)


def _loss_component(
    new: Any, old: Any, reference: Any, advantages: Any, mask: Any, clip: float = 0.2, beta: float = 0.04
) -> Any:
    from mlxformer.training.preferences import grpo_loss

    return grpo_loss(new, old, reference, advantages, mask, clip, beta)


def _advantages(
    rewards: Any,
    eps: float = 1e-4,
    *,
    axis: Any = -1,
    center: bool = True,
    divide: str = "deviation",
    unbiased: bool = False,
    eps_at: str = "outside",
) -> Any:
    """The right advantages; each argument after the contract's is a mistake."""
    centered = rewards - rewards.mean(axis=axis, keepdims=True) if center else rewards
    variance = ((rewards - rewards.mean(axis=axis, keepdims=True)) ** 2).mean(axis=axis, keepdims=True)
    if unbiased:
        variance = variance * (rewards.shape[-1] / max(rewards.shape[-1] - 1, 1e-30))
    if divide == "none":
        return centered
    if divide == "variance":
        return (centered / (variance + eps)).astype(rewards.dtype)
    if eps_at == "none":
        return (centered / np.sqrt(variance)).astype(rewards.dtype)
    return (centered / (np.sqrt(variance) + eps)).astype(rewards.dtype)


def _loss(
    new: Any,
    old: Any,
    reference: Any,
    advantages: Any,
    mask: Any,
    clip: float = 0.2,
    beta: float = 0.04,
    *,
    divergence: str = "k3",
    kl_sign: float = 1.0,
    sign: float = -1.0,
    mean: str = "answers",
    of: str = "reference",
    choose: str = "least",
    masked: bool = True,
) -> Any:
    """The right loss; each argument after the contract's is a mistake."""
    ratio = look("ratio", np.exp(new - old))
    advantage = advantages[:, None]
    plain, clipped = ratio * advantage, np.clip(ratio, 1 - clip, 1 + clip) * advantage
    gain = {"least": np.minimum(plain, clipped), "most": np.maximum(plain, clipped), "plain": plain}[choose]
    d = (reference if of == "reference" else old) - new
    kl = {"k3": np.exp(d) - d - 1, "k1": -d, "k2": d**2 / 2, "reversed": np.exp(-d) + d - 1, "none": 0 * d}[divergence]
    each = gain - kl_sign * beta * look("divergence", kl)
    real = mask if masked else np.ones_like(mask)
    each = np.where(real, each, 0)
    if mean == "answers":
        total = (each.sum(axis=-1) / real.sum(axis=-1)).mean()
    elif mean == "tokens":
        total = each.sum() / real.sum()
    elif mean == "longest":
        total = each.mean()
    else:
        total = each.sum() / len(new)
    return np.asarray(sign * total).astype(new.dtype)[()]


def _group(rewards: Any, **options: float) -> Call:
    return Call("group_advantages", (np.array(rewards, F32),), options)


def _call(seed: int, answers: int, length: int, at: float = 0.0, scale: float = 0.4, **options: float) -> Call:
    arrays = [coarse(drawn(seed + i, answers, length, scale=scale) + F32(at), 64) for i in range(3)]
    lengths = np.random.default_rng(seed + 3).integers(1, length + 1, answers)
    lengths[0] = length
    mask = np.arange(length) < lengths[:, None]
    return Call("grpo_loss", (*arrays, drawn(seed + 4, answers), mask), options)


def _mistake(name: str, zh: str, en: str, advantages: Any = None, loss: Any = None) -> Any:
    functions = {"group_advantages": advantages, "grpo_loss": loss}
    shown = {key: value for key, value in functions.items() if value}
    return mistake(name, zh, en, "dpo-ppo-grpo", "preferences", **shown)


_HALF = Call("grpo_loss", tuple(x.astype(F16) if x.dtype == F32 else x for x in _call(70, 4, 8, scale=0.3).arguments))
_HAND = Call(
    "grpo_loss",
    (
        np.log(np.array([[2, 1], [1, 5]], F32)),
        np.zeros((2, 2), F32),
        np.log(np.array([[2, 1], [1, 5]], F32)),
        np.array([1, -1], F32),
        np.array([[True, True], [True, False]]),
    ),
)

TASK = Task(
    "grpo",
    (
        Function("group_advantages", ("rewards", "eps=1e-4"), (Output("advantages", ("prompt", "answer")),)),
        Function(
            "grpo_loss",
            ("new", "old", "reference", "advantages", "mask", "clip=0.2", "beta=0.04"),
            (Output("loss", (), "number"),),
        ),
    ),
    {"group_advantages": lifted(_advantages_component), "grpo_loss": lifted(_loss_component)},
    {"group_advantages": _advantages, "grpo_loss": _loss},
    (
        case(
            "advantages-by-hand",
            "优势：手算的例子",
            "advantages, by hand",
            _group([[1, 0, 0, 1], [3, 5, 5, 3]], eps=1e-6),
        ),
        case(
            "by-hand", "手算的例子：参考与新策略相同，没有 KL", "by hand: the reference is the new policy, no KL", _HAND
        ),
        case("advantages-batch", "优势：一批", "advantages, a batch", _group(drawn(1, 3, 5) * 2 + 1)),
        case("advantages-square", "优势：P = G", "advantages, P = G", _group(drawn(2, 4, 4))),
        case(
            "advantages-all-alike",
            "优势：答案一样好",
            "advantages of answers that are all as good",
            _group([[2, 2, 2], [0, 1, 0]]),
        ),
        case("advantages-one-prompt", "优势：一个提示", "advantages of one prompt", _group([[0, 0, 0, 1, 0, 0, 0, 0]])),
        case("advantages-eps", "优势：eps = 0.5", "advantages, eps = 0.5", _group(drawn(3, 2, 6), eps=0.5)),
        case(
            "advantages-large",
            "优势：大到 ±1e4",
            "advantages of rewards to ±1e4",
            _group([[1e4, -1e4, 5e3], [9e3, 8e3, -1e4]]),
        ),
        case("batch", "一组答案，长短不一", "answers of several lengths", _call(10, 5, 7)),
        case("square", "G = T", "G = T", _call(20, 4, 4)),
        case("one-token", "G = 1，T = 1", "G = 1, T = 1", _call(30, 1, 1)),
        case("beta", "β = 0.5，ε = 0.1", "β = 0.5, ε = 0.1", _call(40, 4, 6, clip=0.1, beta=0.5)),
        case("far", "离参考很远，β = 1", "far from the reference, β = 1", _call(50, 3, 5, scale=1.0, beta=1.0)),
        case("tokens", "约 −8 的对数概率", "log-probabilities of about −8", _call(60, 4, 6, at=-8.0)),
        case("float16", "float16", "float16", _HALF, dtype="float16"),
    ),
    (
        _mistake(
            "not-centered",
            "优势没有减均值的 GRPO",
            "GRPO whose advantages are not centered",
            partial(_advantages, center=False),
        ),
        _mistake(
            "deviation-not-divided",
            "优势没有除以标准差的 GRPO（Dr. GRPO 的写法）",
            "GRPO whose advantages are not divided by the deviation (Dr. GRPO)",
            partial(_advantages, divide="none"),
        ),
        _mistake(
            "divided-by-variance",
            "优势除以方差的 GRPO",
            "GRPO whose advantages are divided by the variance",
            partial(_advantages, divide="variance"),
        ),
        _mistake(
            "unbiased-deviation",
            "标准差除以 G − 1 的 GRPO",
            "GRPO with the deviation over G − 1",
            partial(_advantages, unbiased=True),
        ),
        _mistake(
            "over-the-whole-batch",
            "优势在整批里归一、没有按提示分组的 GRPO",
            "GRPO normalized over the whole batch, not each prompt's answers",
            partial(_advantages, axis=None),
        ),
        _mistake(
            "eps-forgotten",
            "没有 ε、答案一样好时 0/0 的 GRPO",
            "GRPO without ε, 0/0 where all answers are as good",
            partial(_advantages, eps_at="none"),
        ),
        _mistake(
            "mean-over-tokens",
            "对所有词元取平均的 GRPO（长答案占了更大份；DAPO 的写法）",
            "GRPO averaged over all tokens, in which long answers count more (DAPO's)",
            None,
            partial(_loss, mean="tokens"),
        ),
        _mistake(
            "divided-by-longest",
            "除以 T、把填充也数进长度的 GRPO",
            "GRPO divided by T, padding counted into the length",
            None,
            partial(_loss, mean="longest"),
        ),
        _mistake(
            "length-not-divided",
            "没有除以答案长度的 GRPO",
            "GRPO that does not divide by an answer's length",
            None,
            partial(_loss, mean="none"),
        ),
        _mistake(
            "mask-ignored",
            "没用上掩码、填充也算损失的 GRPO",
            "GRPO that ignores its mask",
            None,
            partial(_loss, masked=False),
        ),
        _mistake(
            "kl-forgotten", "没有 KL 一项的 GRPO", "GRPO without the KL term", None, partial(_loss, divergence="none")
        ),
        _mistake(
            "kl-k1",
            "KL 用了 log π − log π_ref（k1，会是负的）的 GRPO",
            "GRPO with KL by log π − log π_ref (k1, which may be negative)",
            None,
            partial(_loss, divergence="k1"),
        ),
        _mistake(
            "kl-k2",
            "KL 用了平方的一半（k2）的 GRPO",
            "GRPO with KL by half the square (k2)",
            None,
            partial(_loss, divergence="k2"),
        ),
        _mistake(
            "kl-reversed",
            "KL 里 π 和 π_ref 弄反的 GRPO",
            "GRPO whose KL has π and π_ref swapped",
            None,
            partial(_loss, divergence="reversed"),
        ),
        _mistake(
            "kl-sign",
            "KL 的符号反了、鼓励偏离参考的 GRPO",
            "GRPO that rewards leaving the reference",
            None,
            partial(_loss, kl_sign=-1.0),
        ),
        _mistake(
            "kl-to-the-old-policy",
            "KL 算到旧策略而不是参考的 GRPO",
            "GRPO with KL to the old policy, not to the reference",
            None,
            partial(_loss, of="old"),
        ),
        _mistake("not-clipped", "没有截断的 GRPO", "GRPO that is not clipped", None, partial(_loss, choose="plain")),
        _mistake(
            "maximum-for-minimum",
            "取了 max 而不是 min 的 GRPO",
            "GRPO with the maximum for the minimum",
            None,
            partial(_loss, choose="most"),
        ),
        _mistake("sign-forgotten", "忘了负号的 GRPO", "GRPO without its minus sign", None, partial(_loss, sign=1.0)),
    ),
)
