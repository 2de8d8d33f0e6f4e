"""LayerNorm(x) = (x − mean) / √(var + ε) · weight + bias, over the last axis."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tui.judge.contract import Call, Function, Output, Task
from tui.judge.stages import look
from tui.judge.tasks.material import F32, case, drawn, lifted, mistake, unit


def _component(x: Any, weight: Any, bias: Any, eps: float = 1e-5) -> Any:
    from mlxformer.backend import mx

    return mx.fast.layer_norm(x, weight, bias, eps)


def _layer_norm(
    x: Any,
    weight: Any,
    bias: Any,
    eps: float = 1e-5,
    *,
    axis: Any = -1,
    eps_at: str = "inside",
    center: bool = True,
    root: bool = True,
    unbiased: bool = False,
    spread: str = "variance",
    gain: str = "weight",
) -> Any:
    """The right norm; each argument after the contract's is a mistake."""
    if eps_at == "fixed":
        eps = 1e-5
    mean = look("mean", x.mean(axis=axis, keepdims=True))
    centered = look("centered", x - mean)
    if spread == "absolute":
        variance = np.abs(centered).mean(axis=axis, keepdims=True) ** 2
    elif spread == "sum":
        variance = (centered**2).sum(axis=axis, keepdims=True)
    elif spread == "raw":
        variance = (x**2).mean(axis=axis, keepdims=True)
    else:
        variance = (centered**2).mean(axis=axis, keepdims=True)
    if unbiased:
        variance = variance * (x.shape[-1] / max(x.shape[-1] - 1, 1e-30))
    look("variance", variance)
    if eps_at == "outside":
        divisor = np.sqrt(variance) + eps
    elif eps_at == "none":
        divisor = np.sqrt(variance)
    else:
        divisor = np.sqrt(variance + eps)
    if not root:
        divisor = variance + eps
    normal = look("normalized", (centered if center else x) / divisor)
    if gain == "none":
        return normal + bias
    if gain == "plus-one":
        return normal * (1 + weight) + bias
    if gain == "bias-first":
        return (normal + bias) * weight
    return normal * weight if gain == "no-bias" else normal * weight + bias


def affine(seed: int, width: int, dtype: Any = F32) -> tuple[np.ndarray, np.ndarray]:
    return drawn(seed, width, dtype=dtype), drawn(seed + 1, width, dtype=dtype)


def _call(x: np.ndarray, seed: int, **options: float) -> Call:
    return Call("layer_norm", (x, *affine(seed, x.shape[-1], x.dtype)), options)


def _mistake(name: str, zh: str, en: str, **change: Any) -> Any:
    return mistake(name, zh, en, "layer-norm-vs-batch-norm", "layer-norm", layer_norm=partial(_layer_norm, **change))


def steady(seed: int, *shape: int) -> np.ndarray:
    """Rows of which the first is constant: its variance is 0."""
    x = drawn(seed, *shape)
    x[..., 0, :] = 2.0
    return x


def clipped(seed: int, *shape: int) -> np.ndarray:
    return np.clip(drawn(seed, *shape, scale=4e3), -1e4, 1e4)


TASK = Task(
    "layer-norm",
    (Function("layer_norm", ("x", "weight", "bias", "eps=1e-5"), (Output("y", ("batch", "time", "dim")),)),),
    {"layer_norm": lifted(_component)},
    {"layer_norm": _layer_norm},
    (
        case(
            "by-hand",
            "手算的例子：均值 2，方差 1",
            "by hand: mean 2, variance 1",
            Call("layer_norm", (np.array([[[1, 3]]], F32), np.array([1, 2], F32), np.array([0, 10], F32))),
        ),
        case("odd-shape", "奇数形状", "an odd shape", _call(drawn(1, 3, 5, 7) + 2, 10)),
        case("square", "方的", "a cube", _call(drawn(2, 4, 4, 4) * 2 - 1, 20)),
        case("two-axes", "二维", "two axes", _call(drawn(3, 3, 6) + 1, 30)),
        case("one-token", "B = 1，T = 1", "B = 1, T = 1", _call(drawn(4, 1, 1, 5), 40)),
        case("constant-row", "有一行全是同一个数", "a constant row", _call(steady(5, 2, 3, 4), 50)),
        case("tiny", "方差和 ε 一样小", "a variance as small as ε", _call(drawn(6, 2, 3, 6, scale=3e-3), 60)),
        case("eps", "eps = 0.5", "eps = 0.5", _call(drawn(7, 2, 3, 6), 70, eps=0.5)),
        case("large", "大到 ±1e4 的数", "values to ±1e4", _call(clipped(8, 2, 3, 8), 80)),
        case("float16", "float16", "float16", _call(unit(9, 1, 3, 64), 90), dtype="float16"),
    ),
    (
        _mistake(
            "eps-outside-the-root", "ε 加在根号外面的 LayerNorm", "LayerNorm with ε outside the root", eps_at="outside"
        ),
        _mistake("eps-forgotten", "没有 ε 的 LayerNorm", "LayerNorm without ε", eps_at="none"),
        _mistake(
            "eps-fixed",
            "没有理会 eps、总用 1e-5 的 LayerNorm",
            "LayerNorm that ignores eps and takes 1e-5",
            eps_at="fixed",
        ),
        _mistake(
            "unbiased-variance", "方差除以 n − 1 的 LayerNorm", "LayerNorm with the variance over n − 1", unbiased=True
        ),
        _mistake(
            "deviation-plus-eps",
            "除以 std + ε、而 std 又除以 n − 1 的 LayerNorm（torch 的 std 默认如此）",
            "LayerNorm divided by std + ε with a std over n − 1 (torch's default)",
            eps_at="outside",
            unbiased=True,
        ),
        _mistake(
            "statistics-over-tokens",
            "沿词元这一轴求均值和方差的 LayerNorm",
            "LayerNorm with mean and variance over the tokens (the wrong axis)",
            axis=-2,
        ),
        _mistake(
            "statistics-over-batch",
            "沿批次求均值和方差的归一化（BatchNorm 的轴）",
            "a norm with mean and variance over the batch (BatchNorm's axis)",
            axis=0,
        ),
        _mistake(
            "statistics-over-everything",
            "对整个数组求均值和方差的 LayerNorm",
            "LayerNorm with mean and variance of the whole array",
            axis=None,
        ),
        _mistake(
            "mean-kept",
            "没有减均值、只除以标准差的归一化",
            "a norm that divides by the deviation and keeps the mean",
            center=False,
        ),
        _mistake(
            "rms-norm",
            "RMSNorm 加上偏置，而不是 LayerNorm",
            "RMSNorm with a bias, not LayerNorm",
            center=False,
            spread="raw",
        ),
        _mistake(
            "root-forgotten",
            "除以方差、没有开方的 LayerNorm",
            "LayerNorm divided by the variance, not its root",
            root=False,
        ),
        _mistake(
            "sum-for-mean",
            "方差只求和、没有取平均的 LayerNorm",
            "LayerNorm with a sum of squares for the variance",
            spread="sum",
        ),
        _mistake(
            "mean-absolute-deviation",
            "除以平均绝对偏差的归一化",
            "a norm divided by the mean absolute deviation",
            spread="absolute",
        ),
        _mistake("weight-forgotten", "没乘 weight 的 LayerNorm", "LayerNorm without its weight", gain="none"),
        _mistake("bias-forgotten", "没加 bias 的 LayerNorm", "LayerNorm without its bias", gain="no-bias"),
        _mistake(
            "one-plus-weight",
            "乘了 1 + weight 的 LayerNorm",
            "LayerNorm that multiplies by 1 + weight",
            gain="plus-one",
        ),
        _mistake(
            "bias-before-weight",
            "先加 bias 再乘 weight 的 LayerNorm",
            "LayerNorm that adds the bias before the weight",
            gain="bias-first",
        ),
    ),
)
