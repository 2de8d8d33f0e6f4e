"""LoRA: y = x Wᵀ + (α / r) · x Aᵀ Bᵀ, and the weight with it merged in: W + (α / r) · B A."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tui.judge.contract import Call, Function, Output, Task
from tui.judge.stages import look
from tui.judge.tasks.material import F32, case, drawn, lifted, mistake, unit


def _linear_component(x: Any, w: Any, a: Any, b: Any, alpha: float) -> Any:
    """Of mlxformer's linear layers, which hold their weights [out, in]."""
    from mlxformer.backend import nn

    def layer(weight: Any) -> Any:
        made = nn.Linear(weight.shape[1], weight.shape[0], bias=False)
        made.weight = weight
        return made

    return layer(w)(x) + layer(b)(layer(a)(x)) * (alpha / a.shape[0])


def _merge_component(w: Any, a: Any, b: Any, alpha: float) -> Any:
    return w + (b @ a) * (alpha / a.shape[0])


def _scale(a: Any, alpha: float, kind: str) -> float:
    rank = a.shape[0]
    scales = {"right": alpha / rank, "none": 1.0, "alpha": alpha, "inverted": rank / alpha, "root": alpha / rank**0.5}
    return {**scales, "width": alpha / a.shape[1], "twice": (alpha / rank) ** 2}[kind]


def _linear(
    x: Any,
    w: Any,
    a: Any,
    b: Any,
    alpha: float,
    *,
    scale: str = "right",
    base: bool = True,
    update: bool = True,
    transpose: bool = True,
    all_scaled: bool = False,
) -> Any:
    """The right layer; each argument after the contract's is a mistake."""
    low = look("down", x @ a.T)
    delta = look("up", low @ b.T) * _scale(a, alpha, scale)
    plain = look("base", x @ (w.T if transpose else w))
    if all_scaled:
        return (plain + low @ b.T) * _scale(a, alpha, scale)
    if not base:
        return delta
    return plain + delta if update else plain


def _merge(
    w: Any,
    a: Any,
    b: Any,
    alpha: float,
    *,
    scale: str = "right",
    base: bool = True,
    sign: float = 1.0,
    transpose: bool = False,
) -> Any:
    delta = (a.T @ b.T if transpose else b @ a) * _scale(a, alpha, scale) * sign
    return w + delta if base else delta


def _arrays(seed: int, rows: int, width: int, out: int, rank: int, scale: float = 1.0) -> tuple[np.ndarray, ...]:
    return (
        drawn(seed, rows, width, scale=scale),
        drawn(seed + 1, out, width),
        drawn(seed + 2, rank, width),
        drawn(seed + 3, out, rank),
    )


def _linear_call(arrays: Any, alpha: float) -> Call:
    return Call("lora_linear", (*arrays, alpha))


def _merge_call(arrays: Any, alpha: float) -> Call:
    return Call("merge", (*arrays[1:], alpha))


_HAND = (
    np.array([[1, 2]], F32),
    np.array([[1, 0], [0, 1]], F32),
    np.array([[1, 1]], F32),
    np.array([[1], [2]], F32),
)
_HALF = (unit(60, 5, 8), unit(61, 6, 8), unit(62, 2, 8), unit(63, 6, 2))
_LARGE = (np.clip(drawn(50, 3, 4, scale=4e3), -1e4, 1e4), *_arrays(51, 3, 4, 5, 2)[1:])


def _mistake(name: str, zh: str, en: str, linear: Any = None, merge: Any = None) -> Any:
    functions = {"lora_linear": linear, "merge": merge}
    return mistake(name, zh, en, "lora", "lora", **{key: value for key, value in functions.items() if value})


def _both(name: str, zh: str, en: str, scale: str) -> Any:
    return _mistake(name, zh, en, partial(_linear, scale=scale), partial(_merge, scale=scale))


TASK = Task(
    "lora",
    (
        Function("lora_linear", ("x", "w", "a", "b", "alpha"), (Output("y", ("row", "out")),)),
        Function("merge", ("w", "a", "b", "alpha"), (Output("weight", ("out", "in")),)),
    ),
    {"lora_linear": lifted(_linear_component), "merge": lifted(_merge_component)},
    {"lora_linear": _linear, "merge": _merge},
    (
        case("by-hand", "手算的例子：r = 1，α = 2", "by hand: r = 1, α = 2", _linear_call(_HAND, 2.0)),
        case("merge-by-hand", "合并：手算的例子", "merging, by hand", _merge_call(_HAND, 2.0)),
        case("odd-shape", "奇数形状", "an odd shape", _linear_call(_arrays(1, 5, 7, 3, 2), 16.0)),
        case("merge-odd-shape", "合并：奇数形状", "merging, an odd shape", _merge_call(_arrays(1, 5, 7, 3, 2), 16.0)),
        case("square", "方阵，r = 4", "a square, r = 4", _linear_call(_arrays(10, 4, 4, 4, 4), 8.0)),
        case("merge-square", "合并：方阵", "merging, a square", _merge_call(_arrays(10, 4, 4, 4, 4), 8.0)),
        case("one-row", "一行，r = 1", "one row, r = 1", _linear_call(_arrays(20, 1, 3, 5, 1), 4.0)),
        case("small-alpha", "α < r", "α < r", _linear_call(_arrays(30, 3, 6, 4, 3), 1.0)),
        case("merge-small-alpha", "合并：α < r", "merging, α < r", _merge_call(_arrays(30, 3, 6, 4, 3), 1.0)),
        case("large", "大到 ±1e4 的输入", "inputs to ±1e4", _linear_call(_LARGE, 4.0)),
        case("float16", "float16", "float16", _linear_call(_HALF, 4.0), dtype="float16"),
        case("merge-float16", "合并：float16", "merging, float16", _merge_call(_HALF, 4.0), dtype="float16"),
    ),
    (
        _both("scale-forgotten", "没乘 α / r 的 LoRA", "LoRA without α / r", "none"),
        _both("rank-not-divided", "只乘 α、没有除以 r 的 LoRA", "LoRA scaled by α, not divided by r", "alpha"),
        _both("scale-inverted", "乘了 r / α 的 LoRA", "LoRA scaled by r / α", "inverted"),
        _both("root-of-rank", "除以 √r 的 LoRA（那是 rsLoRA）", "LoRA scaled by α / √r (rsLoRA)", "root"),
        _both(
            "divided-by-width", "除以输入宽度而不是 r 的 LoRA", "LoRA divided by the input's width, not by r", "width"
        ),
        _both("scaled-twice", "缩放了两次的 LoRA", "LoRA scaled twice", "twice"),
        _mistake(
            "base-forgotten", "漏了原权重 x Wᵀ 的 LoRA", "LoRA without its base, x Wᵀ", partial(_linear, base=False)
        ),
        _mistake(
            "update-forgotten",
            "只算了 x Wᵀ、没有加低秩部分的层",
            "a layer without the low-rank part",
            partial(_linear, update=False),
        ),
        _mistake(
            "weight-not-transposed",
            "用了 x W 而不是 x Wᵀ 的 LoRA",
            "LoRA that computes x W, not x Wᵀ",
            partial(_linear, transpose=False),
        ),
        _mistake(
            "base-scaled-too",
            "连原权重也缩放了的 LoRA",
            "LoRA that scales the base as well",
            partial(_linear, all_scaled=True),
        ),
        _mistake(
            "merge-unscaled", "合并时没乘 α / r 的 LoRA", "a merge without α / r", None, partial(_merge, scale="none")
        ),
        _mistake(
            "merge-transposed", "合并时用了 (B A)ᵀ 的 LoRA", "a merge of (B A)ᵀ", None, partial(_merge, transpose=True)
        ),
        _mistake(
            "merge-without-base",
            "合并时丢了原权重的 LoRA",
            "a merge without the base weight",
            None,
            partial(_merge, base=False),
        ),
        _mistake(
            "merge-subtracted",
            "合并时减去了低秩部分的 LoRA",
            "a merge that subtracts the low-rank part",
            None,
            partial(_merge, sign=-1.0),
        ),
    ),
)
