"""softmax(x)ᵢ = e^(xᵢ − max) / Σⱼ e^(xⱼ − max), along one axis."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tui.judge.contract import Call, Function, Output, Task
from tui.judge.stages import look
from tui.judge.tasks.material import F16, F32, case, drawn, lifted, mistake, unit


def _component(x: Any, axis: int = -1) -> Any:
    from mlxformer.backend import mx

    return mx.softmax(x, axis=axis)


def _softmax(x: Any, axis: int = -1, shift: str = "maximum", over: str = "axis", power: Any = np.exp) -> Any:
    """shift: what is subtracted first. over: what the sum runs over. power: of what."""
    if over == "first":
        axis = 0
    elif over == "last":
        axis = -1
    if shift == "maximum":
        shifted = x - x.max(axis=axis, keepdims=True)
    elif shift == "minimum":
        shifted = x - x.min(axis=axis, keepdims=True)
    elif shift == "global":
        shifted = x - x.max()
    elif shift == "absolute":
        shifted = x - np.abs(x).max(axis=axis, keepdims=True)
    else:
        shifted = x
    powers = look("exp", power(look("shifted", shifted)))
    if over == "everything":
        return powers / powers.sum()
    if over == "flat":
        return powers / powers.sum(axis=axis)
    if over == "unshifted":
        return powers / power(x).sum(axis=axis, keepdims=True)
    return powers / look("sum", powers.sum(axis=axis, keepdims=True))


def _log(x: Any, axis: int = -1) -> Any:
    shifted = x - x.max(axis=axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))


def _call(x: np.ndarray, **options: int) -> Call:
    return Call("softmax", (x,), options)


_HAND = np.array([[0, 0], [0, np.log(3)]], F32)
# At 1e4 a float32 is off by 5e-4: one value wins in each row by far, or right code would be told wrong.
_LARGE = np.array([[1e4, 9e3, -1e4, 0], [-1e4, -9e3, -8e3, -7e3], [1e4, -1e4, 0, 5e3], [-1e4, 8e3, 1e4, 9e3]], F32)
_APART = np.array([[1e4, 9e3, 8e3], [-1e4, -9e3, -8e3], [0, 1, 2]], F32)
_BELOW = np.array([[-1e4, -9e3, -8e3], [-5e3, -6e3, -7e3]], F32)

TASK = Task(
    "softmax",
    (Function("softmax", ("x", "axis=-1"), (Output("probabilities", ()),)),),
    {"softmax": lifted(_component)},
    {"softmax": _softmax},
    (
        case("by-hand", "手算的例子", "an example by hand", _call(_HAND)),
        case("odd-shape", "奇数形状", "an odd shape", _call(drawn(1, 3, 5, 7))),
        case("square", "方阵", "a square", _call(drawn(2, 4, 4))),
        case("axis-0", "沿第 0 轴", "along axis 0", _call(drawn(3, 4, 6), axis=0)),
        case("axis-1", "三维数组，沿第 1 轴", "three axes, along axis 1", _call(drawn(4, 2, 3, 4), axis=1)),
        case("vector", "一个向量", "a vector", _call(drawn(5, 8))),
        case("one-row", "只有一行", "one row", _call(drawn(6, 1, 9))),
        case("one-column", "每行只有一个数", "one number a row", _call(drawn(7, 3, 1))),
        case("large", "大到 ±1e4 的数", "values to ±1e4", _call(_LARGE)),
        case("rows-apart", "各行相差 2e4", "rows that are 2e4 apart", _call(_APART)),
        case("large-negative", "全是很小的负数", "large negative values", _call(_BELOW)),
        case("float16", "float16", "float16", _call(unit(8, 3, 64)), dtype="float16"),
        case(
            "float16-large",
            "float16，超过 ln 65504",
            "float16 beyond ln 65504",
            _call(np.array([[12, 11, 10], [-12, -11, -10]], F16)),
            dtype="float16",
        ),
    ),
    (
        mistake(
            "no-maximum-subtracted",
            "没有先减最大值的 softmax",
            "a softmax without the maximum subtracted",
            "flash-attention",
            "flash-attention",
            softmax=partial(_softmax, shift="none"),
        ),
        mistake(
            "minimum-subtracted",
            "减了最小值而不是最大值的 softmax",
            "a softmax with the minimum subtracted",
            "flash-attention",
            "flash-attention",
            softmax=partial(_softmax, shift="minimum"),
        ),
        mistake(
            "global-maximum-subtracted",
            "减了整个数组的最大值、而不是每行最大值的 softmax",
            "a softmax with the maximum of the whole array subtracted, not each row's",
            "flash-attention",
            "flash-attention",
            softmax=partial(_softmax, shift="global"),
        ),
        mistake(
            "absolute-maximum-subtracted",
            "减了绝对值最大者的 softmax",
            "a softmax with the largest absolute value subtracted",
            "flash-attention",
            "flash-attention",
            softmax=partial(_softmax, shift="absolute"),
        ),
        mistake(
            "shift-missing-in-sum",
            "分子减了最大值、分母没减的 softmax",
            "a softmax with the maximum subtracted above and not below the line",
            "flash-attention",
            "flash-attention",
            softmax=partial(_softmax, over="unshifted"),
        ),
        mistake(
            "wrong-axis",
            "总是沿第 0 轴的 softmax",
            "a softmax along axis 0, whatever is asked",
            "attention-formula",
            "attention-steps",
            softmax=partial(_softmax, over="first"),
        ),
        mistake(
            "axis-ignored",
            "不理会 axis、总是沿最后一轴的 softmax",
            "a softmax along the last axis, whatever is asked",
            "attention-formula",
            "attention-steps",
            softmax=partial(_softmax, over="last"),
        ),
        mistake(
            "sum-over-everything",
            "除以整个数组之和的 softmax",
            "a softmax divided by the sum of the whole array",
            "attention-formula",
            "attention-steps",
            softmax=partial(_softmax, over="everything"),
        ),
        mistake(
            "keepdims-forgotten",
            "求和时忘了 keepdims 的 softmax",
            "a softmax whose sum forgot keepdims",
            "attention-formula",
            "attention-steps",
            softmax=partial(_softmax, over="flat"),
        ),
        mistake("log-softmax", "log softmax", "log softmax", softmax=_log),
        mistake("base-two", "以 2 为底的 softmax", "a softmax to base 2", softmax=partial(_softmax, power=np.exp2)),
        mistake(
            "no-exponential",
            "没取指数、直接按和归一的数",
            "numbers divided by their sum without an exponential",
            "attention-formula",
            "attention-steps",
            softmax=lambda x, axis=-1: x / x.sum(axis=axis, keepdims=True),
        ),
        mistake(
            "sigmoid", "逐元素的 sigmoid", "an elementwise sigmoid", softmax=lambda x, axis=-1: 1 / (1 + np.exp(-x))
        ),
    ),
)
