"""PPO: −mean min(r A, clip(r, 1 − ε, 1 + ε) A), r = e^(new − old); the gradient is −A r / N, or 0 where clipped."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tui.judge.contract import Call, Function, Output, Task
from tui.judge.stages import look
from tui.judge.tasks.material import F32, case, coarse, drawn, lifted, mistake


def _component(new: Any, old: Any, advantages: Any, clip: float = 0.2) -> Any:
    from mlxformer.backend import mx
    from mlxformer.training.preferences import ppo_loss

    return mx.value_and_grad(lambda x: ppo_loss(x, old, advantages, clip))(new)


def _ppo(
    new: Any,
    old: Any,
    advantages: Any,
    clip: float = 0.2,
    *,
    choose: str = "least",
    ratio: str = "exponential",
    bounds: str = "one",
    sign: float = -1.0,
    divide: str = "both",
    gradient: str = "right",
    fixed: bool = False,
) -> Any:
    """The right loss and gradient; each argument after the contract's is a mistake."""
    clip = 0.2 if fixed else clip
    difference = old - new if ratio == "inverted" else new - old
    r = look("ratio", difference if ratio == "logarithm" else np.exp(difference))
    slope = {"exponential": r, "inverted": -r, "logarithm": np.ones_like(r)}[ratio]  # dr / dnew
    low, high = {"one": (1 - clip, 1 + clip), "zero": (-clip, clip), "above-only": (-np.inf, 1 + clip)}[bounds]
    if ratio == "logarithm":
        low, high = low - 1, high - 1
    held = np.clip(r, low, high)
    plain, clipped = look("unclipped", r * advantages), look("clipped", held * advantages)
    moves = (r >= low) & (r <= high)
    if choose == "least":
        gain, active = np.minimum(plain, clipped), (plain < clipped) | moves
    elif choose == "most":
        gain, active = np.maximum(plain, clipped), (plain > clipped) | moves
    elif choose == "clipped":
        gain, active = clipped, moves
    else:
        gain, active = plain, np.ones_like(moves)
    if gradient == "everywhere":
        active = np.ones_like(active)
    own = np.where(active, slope * advantages, 0)
    if gradient == "without-ratio":
        own = np.where(active, advantages, 0)
    count = len(new)
    loss = sign * gain.sum() / (count if divide in ("both", "loss") else 1)
    return loss.astype(new.dtype), (sign * own / (count if divide == "both" else 1)).astype(new.dtype)


def _call(seed: int, count: int, scale: float = 0.4, at: float = 0.0, **options: float) -> Call:
    new = coarse(drawn(seed, count, scale=scale) + F32(at), 64)
    old = coarse(drawn(seed + 1, count, scale=scale) + F32(at), 64)
    clip = options.get("clip", 0.2)
    # No ratio near an edge, where the gradient jumps.
    for edge in (np.log1p(clip), np.log1p(-clip)):
        old = np.where(np.abs(new - old - edge) < 0.02, old - F32(1 / 16), old)
    return Call("ppo_loss", (new, old.astype(F32), drawn(seed + 2, count)), options)


def _mistake(name: str, zh: str, en: str, **change: Any) -> Any:
    return mistake(name, zh, en, "dpo-ppo-grpo", "preferences", ppo_loss=partial(_ppo, **change))


_HAND = Call(
    "ppo_loss",
    (np.log(np.array([2, 2, 0.5, 1], F32)), np.zeros(4, F32), np.array([1, -1, -1, 3], F32)),
    {"clip": 0.25},
)
_FAR = Call(
    "ppo_loss",
    (np.array([-1e4, -5e3, -3], F32), np.array([-1e4 + 2, -5e3 - 1, -8], F32), np.array([1e4, -1e4, 2], F32)),
)


def _half() -> Call:
    call = _call(60, 16, scale=0.3)
    return Call("ppo_loss", tuple(each.astype(np.float16) for each in call.arguments))


TASK = Task(
    "ppo",
    (
        Function(
            "ppo_loss",
            ("new", "old", "advantages", "clip=0.2"),
            (Output("loss", (), "number"), Output("gradient", ("row",))),
        ),
    ),
    {"ppo_loss": lifted(_component)},
    {"ppo_loss": _ppo},
    (
        case("by-hand", "手算的例子：比值 2、2、½、1", "by hand: ratios of 2, 2, ½ and 1", _HAND),
        case("batch", "一批", "a batch", _call(1, 12)),
        case("one-row", "N = 1", "N = 1", _call(10, 1)),
        case("clip", "ε = 0.5", "ε = 0.5", _call(20, 10, clip=0.5)),
        case("small-clip", "ε = 0.05", "ε = 0.05", _call(30, 9, clip=0.05)),
        case(
            "same-policy",
            "新旧相同：比值全是 1",
            "new and old alike: all ratios 1",
            Call("ppo_loss", (drawn(40, 5), drawn(40, 5), drawn(41, 5))),
        ),
        case("tokens", "约 −8 的对数概率", "log-probabilities of about −8", _call(50, 8, at=-8.0)),
        case("large", "大到 ±1e4", "to ±1e4", _FAR),
        case("float16", "float16", "float16", _half(), dtype="float16"),
    ),
    (
        _mistake(
            "maximum-for-minimum", "取了 max 而不是 min 的 PPO", "PPO with the maximum for the minimum", choose="most"
        ),
        _mistake(
            "clipped-alone",
            "只用截断的一项、没有取 min 的 PPO（变差也不罚）",
            "PPO of the clipped term alone, without the minimum",
            choose="clipped",
        ),
        _mistake("not-clipped", "没有截断的策略梯度", "a policy gradient that is not clipped", choose="plain"),
        _mistake("sign-forgotten", "忘了负号、越练越差的 PPO", "PPO without its minus sign", sign=1.0),
        _mistake("ratio-inverted", "比值写成旧除以新的 PPO", "PPO with the ratio old / new", ratio="inverted"),
        _mistake(
            "exponential-forgotten",
            "比值用了对数之差、没取指数的 PPO",
            "PPO whose ratio is a difference of logarithms",
            ratio="logarithm",
        ),
        _mistake(
            "clipped-around-zero", "截到 ±ε 而不是 1 ± ε 的 PPO", "PPO clipped to ±ε, not to 1 ± ε", bounds="zero"
        ),
        _mistake("sum-for-mean", "求和、没有取平均的 PPO", "PPO summed over rows", divide="none"),
        _mistake(
            "gradient-not-averaged",
            "损失取了平均、梯度忘了除以 N 的 PPO",
            "a mean loss with the gradient of the sum",
            divide="loss",
        ),
        _mistake(
            "gradient-not-stopped",
            "截断处梯度没有归零的 PPO",
            "PPO whose gradient goes on where the clip holds",
            gradient="everywhere",
        ),
        _mistake(
            "gradient-without-the-ratio",
            "梯度里漏了比值的 PPO",
            "PPO whose gradient lacks the ratio",
            gradient="without-ratio",
        ),
        _mistake("clip-ignored", "没有理会 clip、总用 0.2 的 PPO", "PPO that ignores clip and takes 0.2", fixed=True),
    ),
)
