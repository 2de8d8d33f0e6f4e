"""Rotary positions: the pair (2i, 2i + 1) at position m is turned by m · base^(−2i/D)."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tui.judge.contract import Call, Function, Output, Task
from tui.judge.stages import look
from tui.judge.tasks.material import F32, case, drawn, lifted, mistake, unit


def _component(x: Any, offset: int = 0, base: float = 10000.0) -> Any:
    import mlxformer as mf

    return mf.RotaryEmbedding(x.shape[-1], base=base)(x, offset=offset)


def _rope(
    x: Any,
    offset: int = 0,
    base: float = 10000.0,
    *,
    pairs: str = "neighbors",
    frequency: str = "right",
    start: str = "offset",
    axis: int = -2,
    direction: float = 1.0,
    turn: str = "right",
    back: bool = True,
) -> Any:
    """The right rotation; each argument after the contract's is a mistake."""
    width = x.shape[-1]
    i = np.arange(width // 2)
    if frequency == "base-fixed":
        base = 10000.0
    exponent = {"right": -2 * i / width, "inverted": 2 * i / width, "half": -i / width, "index": -2.0 * i}
    exponent |= {"base-fixed": exponent["right"], "alike": 0.0 * i, "last": -2 * (i + 1) / width}
    exponent |= {"half-width": -2 * i / (width // 2)}
    frequencies = look("frequencies", np.asarray(base, np.float64) ** exponent[frequency])
    first = {"offset": offset, "zero": 0, "one": offset + 1}[start]
    positions = np.arange(first, first + x.shape[axis], dtype=np.float64)
    angles = positions[:, None] * frequencies * direction  # [T, D / 2]
    if axis != -2:
        angles = angles[:, None]
    look("angles", angles)
    cos, sin = np.cos(angles).astype(x.dtype), np.sin(angles).astype(x.dtype)
    if pairs == "halves":
        a, b = x[..., : width // 2], x[..., width // 2 :]
    else:
        a, b = x[..., 0::2], x[..., 1::2]
    if turn == "sign":
        one, other = a * cos + b * sin, a * sin + b * cos
    elif turn == "swapped":
        one, other = a * sin - b * cos, a * cos + b * sin
    else:
        one, other = a * cos - b * sin, a * sin + b * cos
    if pairs == "halves" or not back:
        return np.concatenate([one, other], axis=-1)
    return np.stack([one, other], axis=-1).reshape(x.shape)


def _call(x: np.ndarray, **options: Any) -> Call:
    return Call("rope", (x,), options)


def _mistake(name: str, zh: str, en: str, **change: Any) -> Any:
    return mistake(name, zh, en, "rotary-positions", "rotary", rope=partial(_rope, **change))


_HAND = np.array([[[[1, 0], [1, 0]]]], F32)

TASK = Task(
    "rope",
    (Function("rope", ("x", "offset=0", "base=10000.0"), (Output("y", ("batch", "head", "time", "dim")),)),),
    {"rope": lifted(_component)},
    {"rope": _rope},
    (
        case("by-hand", "手算的例子：第 1 个位置转 1 弧度", "by hand: position 1 is turned by 1 radian", _call(_HAND)),
        case("odd-shape", "奇数形状", "an odd shape", _call(drawn(1, 3, 2, 5, 6))),
        case("square", "H = T", "H = T", _call(drawn(2, 1, 4, 4, 8))),
        case("one-token", "B = 1，T = 1", "B = 1, T = 1", _call(drawn(3, 1, 1, 1, 4))),
        case("offset", "offset = 7", "offset = 7", _call(drawn(4, 2, 2, 3, 8), offset=7)),
        case("base", "base = 100", "base = 100", _call(drawn(5, 1, 2, 6, 8), base=100.0)),
        case(
            "both",
            "offset = 40，base = 500",
            "offset = 40, base = 500",
            _call(drawn(6, 2, 1, 4, 4), offset=40, base=500.0),
        ),
        case(
            "one-cached-token", "缓存之后的一个词元", "one token after a cache", _call(drawn(7, 1, 2, 1, 8), offset=12)
        ),
        case(
            "large",
            "大到 ±1e4 的数",
            "values to ±1e4",
            _call(np.clip(drawn(8, 1, 2, 5, 8, scale=4e3), -1e4, 1e4), offset=2),
        ),
        case("float16", "float16", "float16", _call(unit(9, 1, 2, 8, 8)), dtype="float16"),
    ),
    (
        _mistake(
            "halves-paired",
            "前后两半配对（Llama 的布局）的 RoPE，而不是相邻两维",
            "RoPE that pairs halves (Llama's layout), not neighbors",
            pairs="halves",
        ),
        _mistake(
            "not-interleaved-back",
            "转完没有交错放回、把两半拼在一起的 RoPE",
            "RoPE whose turned pairs are not interleaved back",
            back=False,
        ),
        _mistake(
            "frequencies-inverted",
            "频率取了倒数的 RoPE（base^(+2i/D)）",
            "RoPE with its frequencies inverted (base^(+2i/D))",
            frequency="inverted",
        ),
        _mistake(
            "exponent-halved",
            "指数写成 i/D 而不是 2i/D 的 RoPE",
            "RoPE with the exponent i/D, not 2i/D",
            frequency="half",
        ),
        _mistake("exponent-doubled", "指数写成 4i/D 的 RoPE", "RoPE with the exponent 4i/D", frequency="half-width"),
        _mistake(
            "exponent-not-divided",
            "指数忘了除以 D 的 RoPE",
            "RoPE with the exponent 2i, not divided by D",
            frequency="index",
        ),
        _mistake("frequencies-from-one", "i 从 1 开始的 RoPE", "RoPE that counts its pairs from 1", frequency="last"),
        _mistake(
            "one-frequency",
            "每一对都转同样角度的 RoPE",
            "RoPE that turns every pair by the same angle",
            frequency="alike",
        ),
        _mistake(
            "base-ignored",
            "没有理会 base、总用 10000 的 RoPE",
            "RoPE that ignores base and takes 10000",
            frequency="base-fixed",
        ),
        _mistake("offset-ignored", "没有理会 offset 的 RoPE", "RoPE that ignores its offset", start="zero"),
        _mistake("positions-from-one", "位置从 1 开始的 RoPE", "RoPE whose positions start at 1", start="one"),
        _mistake(
            "heads-for-positions",
            "把头当成位置的 RoPE（轴取错了）",
            "RoPE that takes heads for positions (the wrong axis)",
            axis=-3,
        ),
        _mistake("turned-backwards", "转反了方向的 RoPE", "RoPE turned the other way", direction=-1.0),
        _mistake(
            "sign-forgotten", "旋转矩阵漏了负号的 RoPE", "RoPE without the minus sign of its rotation", turn="sign"
        ),
        _mistake(
            "sine-and-cosine-swapped", "正弦和余弦写反的 RoPE", "RoPE with sine and cosine swapped", turn="swapped"
        ),
    ),
)
