"""SwiGLU feed-forward: (SiLU(x W_gate) ⊙ x W_up) W_down, SiLU(z) = z σ(z)."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tui.judge.contract import Call, Function, Output, Task
from tui.judge.stages import look
from tui.judge.tasks.gelu import exact as gelu
from tui.judge.tasks.material import F32, case, drawn, lifted, mistake, unit


def _component(x: Any, w_gate: Any, w_up: Any, w_down: Any) -> Any:
    import mlxformer as mf

    layer = mf.GatedFeedForward(*w_gate.shape)
    for name, weight in (("gate_proj", w_gate), ("up_proj", w_up), ("down_proj", w_down)):
        getattr(layer, name).weight = weight.swapaxes(0, 1)
    return layer(x)


def _sigmoid(x: Any) -> Any:
    return (0.5 * (1 + np.tanh(0.5 * x))).astype(x.dtype)  # that of a large −x does not overflow


def _swiglu(
    x: Any,
    w_gate: Any,
    w_up: Any,
    w_down: Any,
    *,
    act: Any = lambda z: z * _sigmoid(z),
    combine: str = "times",
    swapped: bool = False,
) -> Any:
    """The right layer; each argument after the contract's is a mistake."""
    if swapped:
        w_gate, w_up = w_up, w_gate
    raw, up = look("gate_input", x @ w_gate), look("hidden", x @ w_up)
    gate = look("gate", act(raw))
    hidden = {
        "times": lambda: gate * up,
        "plus": lambda: gate + up,
        "gate-alone": lambda: gate,
        "up-alone": lambda: act(up),
        "both": lambda: gate * act(up),
        "product": lambda: act(raw * up),
    }[combine]()
    return look("gated", hidden) @ w_down


def _naive(z: Any) -> Any:
    """Of a large z the exponential overflows, and ∞/∞ is NaN."""
    return z * np.exp(z) / (1 + np.exp(z))


def _call(x: np.ndarray, seed: int, hidden: int) -> Call:
    width, dtype = x.shape[-1], x.dtype
    gate, up = (drawn(seed + i, width, hidden, scale=width**-0.5, dtype=dtype) for i in range(2))
    return Call("swiglu", (x, gate, up, drawn(seed + 2, hidden, width, scale=hidden**-0.5, dtype=dtype)))


def _mistake(name: str, zh: str, en: str, **change: Any) -> Any:
    return mistake(name, zh, en, "feed-forward", "feed-forward", swiglu=partial(_swiglu, **change))


_EYE = np.eye(2, dtype=F32)
_HAND = Call("swiglu", (np.array([[[0, 100]]], F32), _EYE, 2 * _EYE, _EYE))

TASK = Task(
    "swiglu",
    (Function("swiglu", ("x", "w_gate", "w_up", "w_down"), (Output("y", ("batch", "time", "dim")),)),),
    {"swiglu": lifted(_component)},
    {"swiglu": _swiglu},
    (
        case("by-hand", "手算的例子：门在 0 关、在 100 全开", "by hand: the gate is shut at 0 and open at 100", _HAND),
        case("odd-shape", "奇数形状", "an odd shape", _call(drawn(1, 3, 5, 6), 10, 9)),
        case("square", "T = C = F", "T = C = F", _call(drawn(2, 2, 4, 4) * 2, 20, 4)),
        case("one-token", "B = 1，T = 1", "B = 1, T = 1", _call(drawn(3, 1, 1, 8), 30, 5)),
        case(
            "large",
            "大到 ±1e4 的输入",
            "inputs to ±1e4",
            _call(np.clip(drawn(5, 1, 4, 8, scale=4e3), -1e4, 1e4), 50, 12),
        ),
        case("float16", "float16", "float16", _call(unit(6, 1, 32, 8), 60, 16), dtype="float16"),
    ),
    (
        _mistake("gate-and-up-swapped", "门和 up 弄反的 SwiGLU", "SwiGLU with gate and up swapped", swapped=True),
        _mistake("sigmoid-gate", "门用 sigmoid 的 GLU", "a GLU gated by the sigmoid, not by SiLU", act=_sigmoid),
        _mistake("relu-gate", "门用 ReLU 的 ReGLU", "ReGLU, gated by ReLU", act=lambda z: np.maximum(z, 0)),
        _mistake("gelu-gate", "门用 GELU 的 GEGLU", "GEGLU, gated by GELU", act=gelu),
        _mistake(
            "no-activation",
            "门上没有激活的双线性层",
            "a bilinear layer, its gate without an activation",
            act=lambda z: z,
        ),
        _mistake("added", "两路相加而不是相乘的层", "a layer that adds gate and up", combine="plus"),
        _mistake(
            "up-forgotten", "只有门、没有乘 up 的层", "a layer of the gate alone, not times up", combine="gate-alone"
        ),
        _mistake(
            "gate-forgotten",
            "没有门、激活直接加在 up 上的层",
            "a layer without its gate, SiLU on up",
            combine="up-alone",
        ),
        _mistake("both-activated", "两路都过了激活的层", "a layer with SiLU on both", combine="both"),
        _mistake("activated-product", "先相乘再激活的层", "a layer with SiLU of the product", combine="product"),
        _mistake(
            "exponential-overflows",
            "按 z·eᶻ/(1 + eᶻ) 算、z 大时成了 NaN 的 SwiGLU",
            "SwiGLU by z · eᶻ/(1 + eᶻ), NaN where z is large",
            act=_naive,
        ),
    ),
)
