"""RMSNorm(x) = x / √(mean(x²) + ε) · weight, over the last axis."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tui.judge.contract import Call, Function, Output, Task
from tui.judge.stages import look
from tui.judge.tasks.layer_norm import clipped
from tui.judge.tasks.material import F32, case, drawn, lifted, mistake, unit


def _component(x: Any, weight: Any, eps: float = 1e-5) -> Any:
    from mlxformer.backend import mx

    return mx.fast.rms_norm(x, weight, eps)


def _rms_norm(
    x: Any,
    weight: Any,
    eps: float = 1e-5,
    *,
    axis: Any = -1,
    eps_at: str = "inside",
    center: str = "no",
    root: bool = True,
    spread: str = "mean",
    gain: str = "weight",
) -> Any:
    """The right norm; each argument after the contract's is a mistake."""
    if eps_at == "fixed":
        eps = 1e-5
    if center == "both":
        x = x - x.mean(axis=axis, keepdims=True)
    squares = x**2
    if center == "square":
        squares = (x - x.mean(axis=axis, keepdims=True)) ** 2
    if spread == "sum":
        mean = squares.sum(axis=axis, keepdims=True)
    elif spread == "absolute":
        mean = np.abs(x).mean(axis=axis, keepdims=True) ** 2
    elif spread == "maximum":
        mean = squares.max(axis=axis, keepdims=True)
    elif spread == "unbiased":
        mean = squares.sum(axis=axis, keepdims=True) / max(x.shape[-1] - 1, 1e-30)
    else:
        mean = squares.mean(axis=axis, keepdims=True)
    look("mean_square", mean)
    if eps_at == "outside":
        divisor = np.sqrt(mean) + eps
    elif eps_at == "none":
        divisor = np.sqrt(mean)
    else:
        divisor = np.sqrt(mean + eps)
    if not root:
        divisor = mean + eps
    normal = look("normalized", x / divisor)
    return {"weight": lambda: normal * weight, "none": lambda: normal, "plus-one": lambda: normal * (1 + weight)}[
        gain
    ]()


def _call(x: np.ndarray, seed: int, **options: float) -> Call:
    return Call("rms_norm", (x, drawn(seed, x.shape[-1], dtype=x.dtype)), options)


def _mistake(name: str, zh: str, en: str, **change: Any) -> Any:
    return mistake(name, zh, en, "layer-norm-vs-batch-norm", "layer-norm", rms_norm=partial(_rms_norm, **change))


def _with_zeros(seed: int, *shape: int) -> np.ndarray:
    x = drawn(seed, *shape)
    x[..., 0, :] = 0
    return x


TASK = Task(
    "rms-norm",
    (Function("rms_norm", ("x", "weight", "eps=1e-5"), (Output("y", ("batch", "time", "dim")),)),),
    {"rms_norm": lifted(_component)},
    {"rms_norm": _rms_norm},
    (
        case(
            "by-hand",
            "手算的例子：均方 25",
            "by hand: mean square 25",
            Call("rms_norm", (np.array([[[1, 7]]], F32), np.array([1, 2], F32))),
        ),
        case("odd-shape", "奇数形状", "an odd shape", _call(drawn(1, 3, 5, 7) + 1, 10)),
        case("square", "方的", "a cube", _call(drawn(2, 4, 4, 4) * 2 - 1, 20)),
        case("two-axes", "二维", "two axes", _call(drawn(3, 3, 6) + 1, 30)),
        case("one-token", "B = 1，T = 1", "B = 1, T = 1", _call(drawn(4, 1, 1, 5), 40)),
        case("zeros", "有一行全是 0", "a row of zeros", _call(_with_zeros(5, 2, 3, 4), 50)),
        case("tiny", "均方和 ε 一样小", "a mean square as small as ε", _call(drawn(6, 2, 3, 6, scale=3e-3), 60)),
        case("eps", "eps = 0.5", "eps = 0.5", _call(drawn(7, 2, 3, 6), 70, eps=0.5)),
        case("large", "大到 ±1e4 的数", "values to ±1e4", _call(clipped(8, 2, 3, 8), 80)),
        case("float16", "float16", "float16", _call(unit(9, 1, 3, 64), 90), dtype="float16"),
    ),
    (
        _mistake(
            "mean-subtracted",
            "减了均值的 RMSNorm（那是 LayerNorm）",
            "RMSNorm with the mean subtracted (LayerNorm)",
            center="both",
        ),
        _mistake(
            "variance-for-mean-square",
            "除以标准差而不是均方根的 RMSNorm",
            "RMSNorm divided by the deviation, not the root mean square",
            center="square",
        ),
        _mistake(
            "eps-outside-the-root", "ε 加在根号外面的 RMSNorm", "RMSNorm with ε outside the root", eps_at="outside"
        ),
        _mistake("eps-forgotten", "没有 ε 的 RMSNorm", "RMSNorm without ε", eps_at="none"),
        _mistake(
            "eps-fixed", "没有理会 eps、总用 1e-5 的 RMSNorm", "RMSNorm that ignores eps and takes 1e-5", eps_at="fixed"
        ),
        _mistake(
            "root-forgotten",
            "除以均方、没有开方的 RMSNorm",
            "RMSNorm divided by the mean square, not its root",
            root=False,
        ),
        _mistake(
            "sum-for-mean",
            "平方只求和、没有取平均的 RMSNorm（那是 L2 归一化）",
            "RMSNorm with a sum of squares (L2 normalization)",
            spread="sum",
        ),
        _mistake(
            "divided-by-n-minus-one", "均方除以 n − 1 的 RMSNorm", "RMSNorm with its mean over n − 1", spread="unbiased"
        ),
        _mistake(
            "mean-absolute-value",
            "除以平均绝对值的 RMSNorm",
            "RMSNorm divided by the mean absolute value",
            spread="absolute",
        ),
        _mistake(
            "largest-value",
            "除以最大绝对值的 RMSNorm",
            "RMSNorm divided by the largest absolute value",
            spread="maximum",
        ),
        _mistake(
            "statistics-over-tokens",
            "沿词元这一轴取均方的 RMSNorm",
            "RMSNorm over the tokens (the wrong axis)",
            axis=-2,
        ),
        _mistake("statistics-over-everything", "对整个数组取均方的 RMSNorm", "RMSNorm over the whole array", axis=None),
        _mistake("weight-forgotten", "没乘 weight 的 RMSNorm", "RMSNorm without its weight", gain="none"),
        _mistake(
            "one-plus-weight",
            "乘了 1 + weight 的 RMSNorm（Gemma 的写法）",
            "RMSNorm that multiplies by 1 + weight (Gemma's)",
            gain="plus-one",
        ),
    ),
)
