"""AdamW: m ← β₁m + (1 − β₁)g, v ← β₂v + (1 − β₂)g², p ← p − lr (m̂ / (√v̂ + ε) + λ p), bias corrected."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tui.judge.contract import Call, Case, Earlier, Function, Output, Task
from tui.judge.stages import look
from tui.judge.tasks.material import F16, F32, case, drawn, mistake


def _component(p: Any, g: Any, m: Any, v: Any, t: int, lr: float, betas: Any, eps: float, weight_decay: float) -> Any:
    """One step of the backend's own AdamW, which corrects the bias where it is asked to."""
    from mlxformer.backend import mx, optimizers, to_numpy

    optimizer = optimizers.AdamW(lr, list(betas), eps, weight_decay, bias_correction=True)
    optimizer.state["step"] = mx.array(t)
    state = {"m": mx.array(m), "v": mx.array(v)}
    p = optimizer.apply_single(mx.array(g), mx.array(p), state)
    return to_numpy(p), to_numpy(state["m"]), to_numpy(state["v"])


def step(
    p: Any,
    g: Any,
    m: Any,
    v: Any,
    t: int,
    lr: float,
    betas: Any,
    eps: float,
    weight_decay: float,
    *,
    correct: str = "both",
    decay: str = "decoupled",
    eps_at: str = "outside",
    swap: bool = False,
    square: bool = True,
    late: int = 0,
    mix: bool = True,
    sign: float = 1.0,
    momentum: bool = True,
    returned: str = "raw",
) -> Any:
    """The right step; each argument after the contract's is a mistake."""
    first, second = reversed(betas) if swap else betas
    if decay == "coupled":
        g = g + weight_decay * p
    m = look("m", first * m + ((1 - first) if mix else 1.0) * g)
    v = look("v", second * v + (1 - second) * (g**2 if square else np.abs(g)))
    t = t + late
    m_hat = m / (1 - first**t) if correct in ("both", "first") else m
    v_hat = v / (1 - second**t) if correct in ("both", "second") else v
    if not momentum:
        m_hat = g
    look("m_hat", m_hat)
    look("v_hat", v_hat)
    if eps_at == "inside":
        divisor = np.sqrt(v_hat + eps)
    elif eps_at == "before-correction":
        divisor = (np.sqrt(v) + eps) / (1 - second**t) ** 0.5
    elif eps_at == "no-root":
        divisor = v_hat + eps
    else:
        divisor = np.sqrt(v_hat) + eps
    update = look("update", m_hat / divisor)
    if decay == "decoupled":
        new = p - sign * lr * (update + weight_decay * p)
    elif decay == "without-rate":
        new = p - lr * update - weight_decay * p
    elif decay == "after":
        new = p - lr * update
        new = new - lr * weight_decay * new
    else:
        new = p - lr * update
    if returned == "corrected":
        return new, m_hat, v_hat
    return new, m, v


_BETAS = (0.9, 0.999)


def _start(seed: int, *shape: int, scale: float = 1.0) -> tuple[np.ndarray, ...]:
    """p, g, m, v in the middle of a training."""
    g = drawn(seed + 1, *shape, scale=scale)
    return drawn(seed, *shape), g, drawn(seed + 2, *shape, scale=scale), np.abs(drawn(seed + 3, *shape)) * scale**2


def _call(arrays: Any, t: int, lr: float, betas: Any = _BETAS, eps: float = 1e-8, decay: float = 0.01) -> Call:
    return Call("adamw_step", (*arrays, t, lr, betas, eps, decay))


def _first(seed: int, *shape: int) -> tuple[np.ndarray, ...]:
    return drawn(seed, *shape), drawn(seed + 1, *shape), np.zeros(shape, F32), np.zeros(shape, F32)


def _three_steps() -> Case:
    p, g, m, v = _first(40, 3, 5)
    calls = [_call((p, g, m, v), 1, 0.05, decay=0.1)]
    for t in (2, 3):
        before = t - 2
        arrays = (Earlier(before, 0), drawn(40 + t, 3, 5), Earlier(before, 1), Earlier(before, 2))
        calls.append(_call(arrays, t, 0.05, decay=0.1))
    return case("three-steps", "从头走三步", "three steps from the start", *calls)


_HAND = (np.array([1.0], F32), np.array([2.0], F32), np.zeros(1, F32), np.zeros(1, F32))
_HALF = tuple(each.astype(F16) for each in (*_start(50, 4, 8)[:3], np.abs(drawn(53, 4, 8)) + 0.5))
_LARGE = (*np.clip(_start(60, 4, 5, scale=4e3)[:3], -1e4, 1e4), np.abs(drawn(63, 4, 5)) * F32(1e7))


def _mistake(name: str, zh: str, en: str, **change: Any) -> Any:
    return mistake(name, zh, en, "bert-warm-up", "warm-up", adamw_step=partial(step, **change))


TASK = Task(
    "adamw",
    (
        Function(
            "adamw_step",
            ("p", "g", "m", "v", "t", "lr", "betas", "eps", "weight_decay"),
            (Output("p", ("row", "dim")), Output("m", ("row", "dim")), Output("v", ("row", "dim"))),
        ),
    ),
    {"adamw_step": _component},
    {"adamw_step": step},
    (
        case(
            "by-hand",
            "手算的例子：第一步，不衰减，走 lr",
            "by hand: the first step, no decay, moves by lr",
            _call(_HAND, 1, 0.1, decay=0.0),
        ),
        case("first-step", "第一步", "the first step", _call(_first(1, 4, 3), 1, 0.1, decay=0.1)),
        case("tenth-step", "第十步", "step 10", _call(_start(10, 3, 5), 10, 0.01, decay=0.1)),
        case("betas", "别的 β", "other betas", _call(_start(20, 2, 7), 3, 0.1, (0.5, 0.8), decay=0.3)),
        case("large-eps", "很大的 ε", "a large ε", _call(_start(30, 4, 4), 2, 0.1, (0.8, 0.9), 0.5, 0.0)),
        case("no-decay", "weight_decay = 0", "weight_decay = 0", _call(_start(35, 1, 6), 100, 0.1, decay=0.0)),
        case("one-number", "一个数", "one number", _call(_start(37, 1), 5, 0.1, decay=0.5)),
        _three_steps(),
        case("late", "第十万步", "step 100,000", _call(_start(39, 2, 3), 100_000, 0.1, decay=0.2)),
        case("large", "大到 ±1e4 的梯度", "gradients to ±1e4", _call(_LARGE, 3, 0.1, decay=0.1)),
        case("float16", "float16", "float16", _call(_HALF, 3, 0.1, (0.5, 0.8), 1e-3, 0.1), dtype="float16"),
    ),
    (
        _mistake("bias-not-corrected", "没有偏差修正的 AdamW", "AdamW without bias correction", correct="none"),
        _mistake("only-m-corrected", "只修正了 m 的 AdamW", "AdamW that corrects m only", correct="first"),
        _mistake("only-v-corrected", "只修正了 v 的 AdamW", "AdamW that corrects v only", correct="second"),
        _mistake(
            "step-from-zero", "t 差了一（多算了一步）的 AdamW", "AdamW whose t is one too many (counted from 0)", late=1
        ),
        _mistake(
            "decay-coupled",
            "衰减加进了梯度（那是 Adam 加 L2）的 AdamW",
            "AdamW with the decay added to the gradient (Adam with L2)",
            decay="coupled",
        ),
        _mistake("decay-forgotten", "没有权重衰减的 Adam", "Adam without weight decay", decay="none"),
        _mistake(
            "decay-without-rate",
            "衰减没乘学习率的 AdamW",
            "AdamW whose decay is not times the learning rate",
            decay="without-rate",
        ),
        _mistake("decay-after-step", "更新之后才衰减的 AdamW", "AdamW that decays after the step", decay="after"),
        _mistake("eps-inside-the-root", "ε 放在根号里的 AdamW", "AdamW with ε inside the root", eps_at="inside"),
        _mistake(
            "eps-before-correction",
            "ε 在修正 v 之前就加上的 AdamW",
            "AdamW that adds ε before v is corrected",
            eps_at="before-correction",
        ),
        _mistake("root-forgotten", "除以 v̂ 而没有开方的 AdamW", "AdamW divided by v̂, not its root", eps_at="no-root"),
        _mistake("betas-swapped", "β₁ 和 β₂ 弄反的 AdamW", "AdamW with its betas swapped", swap=True),
        _mistake(
            "gradient-not-squared",
            "v 里累的是 |g| 而不是 g² 的 AdamW",
            "AdamW whose v gathers |g|, not g²",
            square=False,
        ),
        _mistake(
            "momentum-not-weighed", "m 里的 g 没乘 1 − β₁ 的 AdamW", "AdamW whose m takes g without 1 − β₁", mix=False
        ),
        _mistake(
            "no-momentum", "没用上 m 的 AdamW（那是 RMSProp）", "AdamW without momentum (RMSProp)", momentum=False
        ),
        _mistake("uphill", "沿梯度上升的 AdamW", "AdamW that goes uphill", sign=-1.0),
        _mistake(
            "corrected-moments-kept",
            "把修正后的 m̂、v̂ 存了下来的 AdamW",
            "AdamW that keeps the corrected moments",
            returned="corrected",
        ),
    ),
)
