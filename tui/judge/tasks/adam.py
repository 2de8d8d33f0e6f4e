"""Adam: m ← β₁m + (1 − β₁)g, v ← β₂v + (1 − β₂)g², p ← p − lr · m̂ / (√v̂ + ε), bias corrected."""

from __future__ import annotations

from typing import Any

import numpy as np

from tui.judge.contract import Call, Case, Earlier, Function, Output, Task
from tui.judge.tasks import adamw
from tui.judge.tasks.material import F16, F32, case, drawn, mistake


def _component(p: Any, g: Any, m: Any, v: Any, t: int, lr: float, betas: Any, eps: float) -> Any:
    """One step of the backend's own Adam, which corrects the bias where it is asked to."""
    from mlxformer.backend import mx, optimizers, to_numpy

    optimizer = optimizers.Adam(lr, list(betas), eps, bias_correction=True)
    optimizer.state["step"] = mx.array(t)
    state = {"m": mx.array(m), "v": mx.array(v)}
    p = optimizer.apply_single(mx.array(g), mx.array(p), state)
    return to_numpy(p), to_numpy(state["m"]), to_numpy(state["v"])


def _adam(**change: Any) -> Any:
    """AdamW's step without decay; the changes are its mistakes."""

    def step(p: Any, g: Any, m: Any, v: Any, t: int, lr: float, betas: Any, eps: float) -> Any:
        return adamw.step(p, g, m, v, t, lr, betas, eps, 0.0, **change)

    return step


def _call(arrays: Any, t: int, lr: float, betas: Any = (0.9, 0.999), eps: float = 1e-8) -> Call:
    return Call("adam_step", (*arrays, t, lr, betas, eps))


def _three_steps() -> Case:
    calls = [_call((drawn(40, 3, 5), drawn(41, 3, 5), np.zeros((3, 5), F32), np.zeros((3, 5), F32)), 1, 0.05)]
    for t in (2, 3):
        arrays = (Earlier(t - 2, 0), drawn(40 + t, 3, 5), Earlier(t - 2, 1), Earlier(t - 2, 2))
        calls.append(_call(arrays, t, 0.05))
    return case("three-steps", "从头走三步", "three steps from the start", *calls)


def _start(seed: int, *shape: int, scale: float = 1.0) -> tuple[np.ndarray, ...]:
    """p, g, m, v in the middle of a training."""
    g, m = drawn(seed + 1, *shape, scale=scale), drawn(seed + 2, *shape, scale=scale)
    return drawn(seed, *shape), np.clip(g, -1e4, 1e4), m, np.abs(drawn(seed + 3, *shape)) * F32(scale**2)


def _mistake(name: str, zh: str, en: str, **change: Any) -> Any:
    return mistake(name, zh, en, "bert-warm-up", "warm-up", adam_step=_adam(**change))


_HAND = (np.array([1.0], F32), np.array([2.0], F32), np.zeros(1, F32), np.zeros(1, F32))
_HALF = tuple(each.astype(F16) for each in (*_start(50, 4, 8)[:3], np.abs(drawn(53, 4, 8)) + 0.5))
_ARRAYS = (Output("p", ("row", "dim")), Output("m", ("row", "dim")), Output("v", ("row", "dim")))

TASK = Task(
    "adam",
    (Function("adam_step", ("p", "g", "m", "v", "t", "lr", "betas", "eps"), _ARRAYS),),
    {"adam_step": _component},
    {"adam_step": _adam()},
    (
        case("by-hand", "手算的例子：第一步走 lr", "by hand: the first step moves by lr", _call(_HAND, 1, 0.1)),
        case("tenth-step", "第十步", "step 10", _call(_start(10, 3, 5), 10, 0.01)),
        case("betas", "别的 β", "other betas", _call(_start(20, 2, 7), 3, 0.1, (0.5, 0.8))),
        case("large-eps", "很大的 ε", "a large ε", _call(_start(30, 4, 4), 2, 0.1, (0.8, 0.9), 0.5)),
        case("one-number", "一个数", "one number", _call(_start(37, 1), 5, 0.1)),
        _three_steps(),
        case("late", "第十万步", "step 100,000", _call(_start(39, 2, 3), 100_000, 0.1)),
        case("large", "大到 ±1e4 的梯度", "gradients to ±1e4", _call(_start(60, 4, 5, scale=4e3), 3, 0.1)),
        case("float16", "float16", "float16", _call(_HALF, 3, 0.1, (0.5, 0.8), 1e-3), dtype="float16"),
    ),
    (
        _mistake("bias-not-corrected", "没有偏差修正的 Adam", "Adam without bias correction", correct="none"),
        _mistake("only-m-corrected", "只修正了 m 的 Adam", "Adam that corrects m only", correct="first"),
        _mistake("only-v-corrected", "只修正了 v 的 Adam", "Adam that corrects v only", correct="second"),
        _mistake("step-from-zero", "t 差了一的 Adam", "Adam whose t is one too many", late=1),
        _mistake("eps-inside-the-root", "ε 放在根号里的 Adam", "Adam with ε inside the root", eps_at="inside"),
        _mistake(
            "eps-before-correction",
            "ε 在修正 v 之前就加上的 Adam",
            "Adam that adds ε before v is corrected",
            eps_at="before-correction",
        ),
        _mistake("root-forgotten", "除以 v̂ 而没有开方的 Adam", "Adam divided by v̂, not its root", eps_at="no-root"),
        _mistake("betas-swapped", "β₁ 和 β₂ 弄反的 Adam", "Adam with its betas swapped", swap=True),
        _mistake("gradient-not-squared", "v 里累的是 |g| 的 Adam", "Adam whose v gathers |g|, not g²", square=False),
        _mistake(
            "momentum-not-weighed", "m 里的 g 没乘 1 − β₁ 的 Adam", "Adam whose m takes g without 1 − β₁", mix=False
        ),
        _mistake("no-momentum", "没用上 m 的 Adam（那是 RMSProp）", "Adam without momentum (RMSProp)", momentum=False),
        _mistake("uphill", "沿梯度上升的 Adam", "Adam that goes uphill", sign=-1.0),
        _mistake(
            "corrected-moments-kept",
            "把修正后的 m̂、v̂ 存了下来的 Adam",
            "Adam that keeps the corrected moments",
            returned="corrected",
        ),
    ),
)
