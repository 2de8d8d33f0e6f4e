"""Clipping by the global norm: all gradients times min(1, max_norm / ‖all of them‖)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

import numpy as np

from tui.judge.contract import Call, Function, Output, Task
from tui.judge.tasks.material import F32, case, drawn, mistake, unit


def _component(gradients: Sequence[Any], max_norm: float) -> Any:
    from mlxformer.backend import mx, optimizers, to_numpy

    clipped, _ = optimizers.clip_grad_norm([mx.array(each) for each in gradients], max_norm)
    return [to_numpy(each) for each in clipped]


def _clip(
    gradients: Sequence[Any],
    max_norm: float,
    *,
    norm: str = "global",
    always: bool = False,
    root: bool = True,
    order: int = 2,
    upside_down: bool = False,
) -> Any:
    """The right gradients; each argument after the contract's is a mistake."""

    def scaled(gradients: Sequence[Any]) -> list[Any]:
        if order == 2:
            squares = sum(float((each.astype(np.float64) ** 2).sum()) for each in gradients)
            size = squares**0.5 if root else squares
            if norm == "mean":
                size = (squares / sum(each.size for each in gradients)) ** 0.5
        elif order == 1:
            size = sum(float(np.abs(each.astype(np.float64)).sum()) for each in gradients)
        else:
            size = max(float(np.abs(each).max()) for each in gradients)
        factor = size / max_norm if upside_down else np.float64(max_norm) / (0.0 if always else 1e-6 + size)
        factor = np.float64(max_norm) / np.float64(size) if always else min(float(factor), 1.0)
        return [(each * factor).astype(each.dtype) for each in gradients]

    if norm == "values":
        return [np.clip(each, -max_norm, max_norm).astype(each.dtype) for each in gradients]
    if norm == "each":
        return [scaled([each])[0] for each in gradients]
    return scaled(gradients)


def _call(seed: int, max_norm: float, scale: float = 1.0) -> Call:
    shapes = ((4, 3), (3,), (2, 1, 3))
    arrays = [np.clip(drawn(seed + i, *shape, scale=scale), -1e4, 1e4) for i, shape in enumerate(shapes)]
    return Call("clip_grad_norm", (arrays, max_norm))


def _mistake(name: str, zh: str, en: str, **change: Any) -> Any:
    return mistake(name, zh, en, "scaling-misconception", "explosion-court", clip_grad_norm=partial(_clip, **change))


_HAND = [np.array([[3, 0]], F32), np.array([4], F32), np.array([0, 12], F32)]
_ZERO = [np.zeros((2, 2), F32), np.zeros(2, F32), np.zeros(1, F32)]
_HALF = [unit(60, 4, 8), unit(61, 8), unit(62, 2, 2)]
_OUTPUTS = tuple(Output(f"gradients[{i}]", ()) for i in range(3))

TASK = Task(
    "gradient-clipping",
    (Function("clip_grad_norm", ("gradients", "max_norm"), _OUTPUTS),),
    {"clip_grad_norm": _component},
    {"clip_grad_norm": _clip},
    (
        case(
            "by-hand",
            "手算的例子：范数 13，上限 6.5",
            "by hand: a norm of 13, at most 6.5",
            Call("clip_grad_norm", (_HAND, 6.5)),
        ),
        case(
            "within",
            "范数没有超过：原样不动",
            "a norm within the limit: nothing changes",
            Call("clip_grad_norm", (_HAND, 20.0)),
        ),
        case("over", "超过上限", "over the limit", _call(1, 1.0)),
        case("just-over", "略超过上限", "a little over the limit", _call(10, 3.0)),
        case("small", "很小的梯度", "small gradients", _call(20, 1.0, scale=1e-3)),
        case("zero", "梯度全是 0", "gradients of 0", Call("clip_grad_norm", (_ZERO, 1.0))),
        case("large", "大到 ±1e4 的梯度", "gradients to ±1e4", _call(30, 0.5, scale=4e3)),
        case("float16", "float16", "float16", Call("clip_grad_norm", (_HALF, 1.0)), dtype="float16"),
    ),
    (
        _mistake(
            "each-by-its-own-norm",
            "每个数组按自己的范数裁剪的梯度（方向变了）",
            "gradients clipped each by its own norm, which turns their direction",
            norm="each",
        ),
        _mistake(
            "clipped-by-value", "逐元素截到 ±max_norm 的梯度", "gradients clipped by value, to ±max_norm", norm="values"
        ),
        _mistake(
            "always-scaled",
            "不管大小、总是缩到 max_norm 的梯度（全 0 时成了 NaN）",
            "gradients always brought to max_norm, even small ones (and NaN where all are 0)",
            always=True,
        ),
        _mistake("root-forgotten", "范数没有开方的裁剪", "clipping by the sum of squares, not its root", root=False),
        _mistake(
            "sum-of-absolute-values", "按 L1 范数裁剪的梯度", "clipping by the sum of absolute values (L1)", order=1
        ),
        _mistake("largest-value", "按最大绝对值裁剪的梯度", "clipping by the largest absolute value", order=0),
        _mistake("root-mean-square", "按均方根裁剪的梯度", "clipping by the root mean square", norm="mean"),
        _mistake(
            "factor-upside-down",
            "系数写成 norm / max_norm 的裁剪",
            "clipping with the factor norm / max_norm",
            upside_down=True,
        ),
    ),
)
