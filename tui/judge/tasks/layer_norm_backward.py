"""The gradients of LayerNorm: with g = dy · weight and n = (x − mean) / σ,

dx = (g − mean(g) − n · mean(g · n)) / σ,   dweight = Σ dy · n,   dbias = Σ dy      (σ = √(var + ε))
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tui.judge.contract import Call, Function, Output, Task
from tui.judge.stages import look
from tui.judge.tasks.layer_norm import clipped, steady
from tui.judge.tasks.material import F32, case, drawn, lifted, mistake, unit


def _component(dy: Any, x: Any, weight: Any, eps: float = 1e-5) -> Any:
    """By mlxformer's own backward pass."""
    from mlxformer.backend import mx

    def weighed(x: Any, weight: Any, bias: Any) -> Any:
        return mx.sum(mx.fast.layer_norm(x, weight, bias, eps) * dy)

    return tuple(mx.grad(weighed, argnums=(0, 1, 2))(x, weight, mx.zeros_like(weight)))


def _backward(
    dy: Any,
    x: Any,
    weight: Any,
    eps: float = 1e-5,
    *,
    mean_term: bool = True,
    projection: bool = True,
    weigh: bool = True,
    sums: bool = False,
    divide: str = "deviation",
    eps_at: str = "inside",
    unbiased: bool = False,
    dweight_of: str = "normal",
    parameters: str = "sum",
    axis: int = -1,
    sign: float = 1.0,
) -> Any:
    """The right gradients; each argument after the contract's is a mistake."""
    if eps_at == "fixed":
        eps = 1e-5
    width = x.shape[-1]
    centered = x - x.mean(axis=axis, keepdims=True)
    variance = (centered**2).mean(axis=axis, keepdims=True)
    if unbiased:
        variance = variance * (width / max(width - 1, 1e-30))
    if eps_at == "outside":
        sigma = np.sqrt(variance) + eps
    else:
        sigma = np.sqrt(variance + (0 if eps_at == "none" else eps))
    normal = look("normalized", centered / sigma)
    g = look("g", dy * weight if weigh else dy)
    factor = width if sums else 1
    dx = g
    if mean_term:
        dx = dx - g.mean(axis=axis, keepdims=True) * factor
    if projection:
        dx = dx - normal * (g * normal).mean(axis=axis, keepdims=True) * factor
    dx = sign * dx / {"deviation": sigma, "variance": sigma**2, "none": np.ones_like(sigma)}[divide]
    rows = tuple(range(x.ndim - 1))
    source = {"normal": normal, "x": x, "centered": centered}[dweight_of]
    products = dy * source * (weight if parameters == "weighed" else 1)
    gather = np.mean if parameters == "mean" else np.sum
    if parameters == "batch":
        rows = rows[:1]
    dweight, dbias = gather(products, axis=rows), gather(dy, axis=rows)
    return dx.astype(x.dtype), dweight.astype(x.dtype), dbias.astype(x.dtype)


def _call(x: np.ndarray, seed: int, **options: float) -> Call:
    dy = drawn(seed, *x.shape, dtype=x.dtype)
    return Call("layer_norm_backward", (dy, x, drawn(seed + 1, x.shape[-1], dtype=x.dtype)), options)


def _mistake(name: str, zh: str, en: str, **change: Any) -> Any:
    function = partial(_backward, **change)
    return mistake(name, zh, en, "layer-norm-vs-batch-norm", "layer-norm", layer_norm_backward=function)


_HAND = Call(
    "layer_norm_backward",
    (np.array([[1, 0], [0, 1]], F32), np.array([[1, 3], [3, 1]], F32), np.array([1, 2], F32)),
    {"eps": 3.0},
)

TASK = Task(
    "layer-norm-backward",
    (
        Function(
            "layer_norm_backward",
            ("dy", "x", "weight", "eps=1e-5"),
            (Output("dx", ("batch", "time", "dim")), Output("dweight", ("dim",)), Output("dbias", ("dim",))),
        ),
    ),
    {"layer_norm_backward": lifted(_component)},
    {"layer_norm_backward": _backward},
    (
        case("by-hand", "手算的例子：σ = 2", "by hand: σ = 2", _HAND),
        case("odd-shape", "奇数形状", "an odd shape", _call(drawn(1, 3, 5, 7) + 2, 10)),
        case("square", "方的", "a cube", _call(drawn(2, 4, 4, 4) * 2, 20)),
        case("two-axes", "二维", "two axes", _call(drawn(3, 5, 6) + 1, 30)),
        case("four-axes", "四维", "four axes", _call(drawn(33, 2, 3, 2, 5), 35)),
        case("one-token", "B = 1，T = 1", "B = 1, T = 1", _call(drawn(4, 1, 1, 5), 40)),
        case("constant-row", "有一行全是同一个数", "a constant row", _call(steady(5, 2, 3, 4), 50, eps=0.1)),
        case("tiny", "方差和 ε 一样小", "a variance as small as ε", _call(drawn(6, 2, 3, 6, scale=3e-3), 60)),
        case("eps", "eps = 0.5", "eps = 0.5", _call(drawn(7, 2, 3, 6), 70, eps=0.5)),
        case("large", "大到 ±1e4 的数", "values to ±1e4", _call(clipped(8, 2, 3, 8), 80)),
        case("float16", "float16", "float16", _call(unit(9, 1, 3, 64), 90), dtype="float16"),
    ),
    (
        _mistake(
            "statistics-held-constant",
            "把均值和方差当常数的反向（dx 只剩 dy·weight/σ）",
            "a backward pass that holds mean and variance constant (dx = dy · weight / σ)",
            mean_term=False,
            projection=False,
        ),
        _mistake(
            "mean-term-forgotten",
            "漏了 mean(g) 一项的反向",
            "a backward pass without the term mean(g)",
            mean_term=False,
        ),
        _mistake(
            "variance-term-forgotten",
            "漏了 n·mean(g·n) 一项的反向",
            "a backward pass without the term n · mean(g · n)",
            projection=False,
        ),
        _mistake(
            "weight-forgotten", "dx 里没有乘 weight 的反向", "a backward pass whose dx lacks the weight", weigh=False
        ),
        _mistake(
            "sums-for-means", "dx 里用了求和而不是平均的反向", "a backward pass with sums for means in dx", sums=True
        ),
        _mistake(
            "deviation-not-divided",
            "dx 没有除以 σ 的反向",
            "a backward pass whose dx is not divided by σ",
            divide="none",
        ),
        _mistake(
            "divided-by-variance", "dx 除以 σ² 的反向", "a backward pass whose dx is divided by σ²", divide="variance"
        ),
        _mistake("eps-forgotten", "没有 ε 的反向", "a backward pass without ε", eps_at="none"),
        _mistake(
            "eps-outside-the-root", "ε 加在根号外面的反向", "a backward pass with ε outside the root", eps_at="outside"
        ),
        _mistake(
            "eps-fixed",
            "没有理会 eps、总用 1e-5 的反向",
            "a backward pass that ignores eps and takes 1e-5",
            eps_at="fixed",
        ),
        _mistake(
            "unbiased-variance", "方差除以 n − 1 的反向", "a backward pass with the variance over n − 1", unbiased=True
        ),
        _mistake(
            "statistics-over-tokens",
            "沿词元这一轴求均值和方差的反向",
            "a backward pass with mean and variance over the tokens",
            axis=-2,
        ),
        _mistake(
            "dweight-of-x",
            "dweight 用了 x 而不是归一化后的 n",
            "a dweight of x, not of the normalized n",
            dweight_of="x",
        ),
        _mistake(
            "dweight-not-divided",
            "dweight 用了 x − mean、没有除以 σ",
            "a dweight of x − mean, not divided by σ",
            dweight_of="centered",
        ),
        _mistake(
            "dweight-weighed",
            "dweight 里多乘了一次 weight",
            "a dweight that is multiplied by the weight",
            parameters="weighed",
        ),
        _mistake(
            "parameters-averaged",
            "dweight 和 dbias 取了平均而不是求和",
            "a dweight and dbias averaged, not summed",
            parameters="mean",
        ),
        _mistake(
            "summed-over-batch-only",
            "dweight 和 dbias 只沿批次求和",
            "a dweight and dbias summed over the batch only",
            parameters="batch",
        ),
        _mistake("sign", "dx 符号反了的反向", "a backward pass whose dx has the wrong sign", sign=-1.0),
    ),
)
