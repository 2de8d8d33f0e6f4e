"""Inverted dropout: an element is dropped where u < p, the others are divided by 1 − p; the identity in evaluation."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tui.judge.contract import Call, Function, Output, Task
from tui.judge.tasks.material import F32, case, drawn, lifted, mistake, unit


def _component(x: Any, p: float, u: Any, training: bool = True) -> Any:
    """``nn.Dropout``'s rule with its numbers given, since the layer draws its own."""
    from mlxformer.backend import mx

    return mx.where(u < p, mx.zeros_like(x), x / (1 - p)) if training else x


def _dropout(
    x: Any,
    p: float,
    u: Any,
    training: bool = True,
    *,
    scale: str = "inverted",
    drop: str = "below",
    at: str = "training",
) -> Any:
    """The right layer; each argument after the contract's is a mistake."""
    runs = {"training": training, "always": True, "evaluation": not training}[at]
    if not runs:
        return x * x.dtype.type(1 - p) if scale == "at-evaluation" else x.copy()
    if drop == "rows":
        u = np.broadcast_to(u[..., :1], x.shape)
    kept = {"below": u >= p, "above": u < p, "rows": u >= p, "nothing": u >= 0}[drop]
    factors = {"inverted": 1 / (1 - p), "none": 1.0, "at-evaluation": 1.0, "by-p": 1 / max(p, 1e-30), "times": 1 - p}
    return np.where(kept, x * x.dtype.type(factors[scale]), 0).astype(x.dtype)


def _call(x: np.ndarray, p: float, seed: int, **options: bool) -> Call:
    return Call("dropout", (x, p, np.random.default_rng(seed).random(x.shape, dtype=F32)), options)


def _mistake(name: str, zh: str, en: str, **change: Any) -> Any:
    return mistake(name, zh, en, "dropout-places", "dropout-places", dropout=partial(_dropout, **change))


_HAND = Call("dropout", (np.array([[1, 2, 3, 4]], F32), 0.5, np.array([[0.1, 0.9, 0.5, 0.4]], F32)))
_LARGE = np.clip(drawn(5, 3, 7, scale=4e3), -1e4, 1e4)

TASK = Task(
    "dropout",
    (Function("dropout", ("x", "p", "u", "training=True"), (Output("y", ()),)),),
    {"dropout": lifted(_component)},
    {"dropout": _dropout},
    (
        case("by-hand", "手算的例子：p = 0.5，u = 0.5 的留下", "by hand: p = 0.5, and u = 0.5 is kept", _HAND),
        case("odd-shape", "奇数形状，p = 0.1", "an odd shape, p = 0.1", _call(drawn(1, 3, 5, 7), 0.1, 10)),
        case("high", "p = 0.8", "p = 0.8", _call(drawn(2, 4, 6), 0.8, 20)),
        case("zero", "p = 0", "p = 0", _call(drawn(3, 2, 5), 0.0, 30)),
        case("evaluation", "training=False", "training=False", _call(drawn(4, 3, 4), 0.3, 40, training=False)),
        case("vector", "一个向量", "a vector", _call(drawn(6, 9), 0.4, 60)),
        case("one-number", "一个数", "one number", _call(drawn(7, 1), 0.25, 70)),
        case("large", "大到 ±1e4 的数", "values to ±1e4", _call(_LARGE, 0.3, 50)),
        case("float16", "float16", "float16", _call(unit(8, 2, 32), 0.3, 80), dtype="float16"),
    ),
    (
        _mistake(
            "not-scaled",
            "留下的没有除以 1 − p 的 dropout",
            "dropout that does not divide what it keeps by 1 − p",
            scale="none",
        ),
        _mistake(
            "scaled-at-evaluation",
            "训练时不缩放、推理时乘 1 − p 的 dropout（原论文的写法，不是 inverted）",
            "dropout that scales by 1 − p in evaluation instead (the first paper's, not the inverted kind)",
            scale="at-evaluation",
        ),
        _mistake("divided-by-p", "除以 p 而不是 1 − p 的 dropout", "dropout divided by p, not by 1 − p", scale="by-p"),
        _mistake("multiplied-by-the-rest", "乘了 1 − p 的 dropout", "dropout multiplied by 1 − p", scale="times"),
        _mistake(
            "p-is-kept",
            "把 p 当成保留概率的 dropout",
            "dropout that takes p for the probability of keeping",
            drop="above",
            scale="by-p",
        ),
        _mistake(
            "kept-and-dropped-swapped",
            "该丢的留下、该留的丢掉的 dropout",
            "dropout that keeps what it should drop",
            drop="above",
        ),
        _mistake(
            "nothing-dropped", "只缩放、什么也没丢的 dropout", "dropout that scales and drops nothing", drop="nothing"
        ),
        _mistake("whole-rows", "整行一起丢的 dropout", "dropout of whole rows", drop="rows"),
        _mistake("in-evaluation-too", "推理时也在丢的 dropout", "dropout that drops in evaluation too", at="always"),
        _mistake(
            "only-in-evaluation",
            "training 用反了的 dropout",
            "dropout with training the wrong way round",
            at="evaluation",
        ),
    ),
)
