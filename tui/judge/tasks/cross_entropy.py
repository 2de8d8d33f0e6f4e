"""L = −1/N Σ log softmax(z)[target], and its gradient (softmax(z) − one-hot) / N."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tui.judge.contract import Call, Function, Output, Task
from tui.judge.stages import look
from tui.judge.tasks.material import F32, case, drawn, lifted, mistake, unit


def _component(logits: Any, targets: Any) -> Any:
    from mlxformer.backend import mx, nn

    def loss(z: Any) -> Any:
        return mx.mean(nn.losses.cross_entropy(z, targets))

    value, gradient = mx.value_and_grad(loss)(logits)
    return value, gradient


def _cross_entropy(
    logits: Any,
    targets: Any,
    shift: bool = True,
    log: str = "log-sum",
    axis: int = -1,
    loss_by: str = "rows",
    gradient_by: str = "rows",
    one_hot: float = 1.0,
    sign: float = 1.0,
    twice: bool = False,
) -> Any:
    """The right formula; each argument that differs is a mistake."""
    if twice:
        logits = _softmax(logits)
    rows = np.arange(len(targets))
    shifted = logits - logits.max(axis=axis, keepdims=True) if shift else logits
    powers = np.exp(shifted)
    total = powers.sum(axis=axis, keepdims=True)
    p = look("probabilities", powers / total)
    if log == "log-sum":
        log_p = look("log_probabilities", shifted - np.log(total))
    elif log == "of-softmax":
        log_p = np.log(p)
    elif log == "epsilon":
        log_p = np.log(p + logits.dtype.type(1e-9))
    elif log == "base-two":
        log_p = ((shifted - np.log(total)) / np.log(2.0)).astype(logits.dtype)
    else:
        log_p = p
    losses = -log_p[rows, targets]
    divisors = {"rows": len(targets), "none": 1, "cells": logits.size}
    gradient = p.copy()
    gradient[rows, targets] -= one_hot
    return sign * losses.sum() / divisors[loss_by], sign * gradient / divisors[gradient_by]


def _softmax(x: Any) -> Any:
    powers = np.exp(x - x.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def _no_log(logits: Any, targets: Any) -> Any:
    loss, gradient = _cross_entropy(logits, targets, log="none")
    return loss, gradient


def _smoothed(logits: Any, targets: Any) -> Any:
    """The whole row's cross-entropy with a uniform target: every class counts alike."""
    log_p = logits - logits.max(axis=-1, keepdims=True)
    log_p = log_p - np.log(np.exp(log_p).sum(axis=-1, keepdims=True))
    count, width = logits.shape
    return -log_p.mean(), (np.exp(log_p) - logits.dtype.type(1 / width)) / count


def _negative(logits: Any, targets: Any) -> Any:
    loss, gradient = _cross_entropy(logits, targets)
    return loss, -gradient


def _minus_loss(logits: Any, targets: Any) -> Any:
    loss, gradient = _cross_entropy(logits, targets)
    return -loss, gradient


def _call(logits: np.ndarray, *targets: int) -> Call:
    return Call("cross_entropy", (logits, np.array(targets, np.int64)))


_LARGE = np.array([[1e4, -1e4, 0], [-1e4, 1e4, 5e3], [1e4, 9e3, 8e3]], F32)

TASK = Task(
    "cross-entropy",
    (
        Function(
            "cross_entropy", ("logits", "targets"), (Output("loss", (), "number"), Output("gradient", ("row", "class")))
        ),
    ),
    {"cross_entropy": lifted(_component)},
    {"cross_entropy": _cross_entropy},
    (
        case("by-hand", "手算的例子", "an example by hand", _call(np.array([[0, np.log(3)], [0, 0]], F32), 1, 0)),
        case("odd-shape", "奇数形状", "an odd shape", _call(drawn(1, 5, 7), 0, 6, 3, 3, 2)),
        case("square", "方阵", "a square", _call(drawn(2, 4, 4, scale=2), 3, 0, 1, 1)),
        case("one-row", "只有一行", "one row", _call(drawn(3, 1, 6), 4)),
        case("one-class", "只有一类", "one class", _call(drawn(4, 3, 1), 0, 0, 0)),
        case(
            "confident",
            "很有把握，有对有错",
            "confident, right and wrong",
            _call(np.array([[20, 0, 0], [0, 20, 0]], F32), 0, 0),
        ),
        case("large", "大到 ±1e4 的 logits", "logits to ±1e4", _call(_LARGE, 1, 0, 2)),
        case("float16", "float16", "float16", _call(unit(5, 6, 32), 0, 5, 31, 7, 7, 16), dtype="float16"),
    ),
    (
        mistake(
            "no-maximum-subtracted",
            "没有先减最大值、指数溢出的交叉熵",
            "a cross-entropy whose exponentials overflow, no maximum subtracted",
            cross_entropy=partial(_cross_entropy, shift=False),
        ),
        mistake(
            "log-of-softmax",
            "先算 softmax 再取对数的交叉熵：概率下溢成 0，损失成了无穷",
            "a cross-entropy that takes the log of a softmax: probabilities that underflow make it infinite",
            "label-smoothing",
            "label-smoothing",
            cross_entropy=partial(_cross_entropy, log="of-softmax"),
        ),
        mistake(
            "epsilon-in-log",
            "log(p + 1e-9) 的交叉熵：损失被封了顶",
            "a cross-entropy of log(p + 1e-9): the loss has a ceiling",
            "label-smoothing",
            "label-smoothing",
            cross_entropy=partial(_cross_entropy, log="epsilon"),
        ),
        mistake(
            "sum-for-mean",
            "对各行求和、没有取平均的损失和梯度",
            "a loss and gradient summed over rows, not averaged",
            "sft-mask-and-packing",
            "packing",
            cross_entropy=partial(_cross_entropy, loss_by="none", gradient_by="none"),
        ),
        mistake(
            "gradient-not-averaged",
            "损失取了平均、梯度忘了除以 N",
            "a mean loss with the gradient of the sum",
            "sft-mask-and-packing",
            "packing",
            cross_entropy=partial(_cross_entropy, gradient_by="none"),
        ),
        mistake(
            "divided-by-all-cells",
            "除以 N·V 的平均",
            "a mean over N·V cells",
            "sft-mask-and-packing",
            "packing",
            cross_entropy=partial(_cross_entropy, loss_by="cells", gradient_by="cells"),
        ),
        mistake(
            "one-hot-not-subtracted",
            "没有减去独热目标的梯度（只剩 softmax）",
            "a gradient without the one-hot target (the softmax alone)",
            "label-smoothing",
            "label-smoothing",
            cross_entropy=partial(_cross_entropy, one_hot=0.0),
        ),
        mistake("gradient-sign", "符号反了的梯度", "a gradient of the wrong sign", cross_entropy=_negative),
        mistake("loss-sign", "忘了负号的损失", "a loss without its minus sign", cross_entropy=_minus_loss),
        mistake("base-two", "以 2 为底的损失", "a loss in bits", cross_entropy=partial(_cross_entropy, log="base-two")),
        mistake(
            "wrong-axis",
            "沿样本这一轴做 softmax 的交叉熵",
            "a cross-entropy with the softmax over the rows",
            cross_entropy=partial(_cross_entropy, axis=0),
        ),
        mistake(
            "softmax-twice",
            "做了两次 softmax 的交叉熵",
            "a cross-entropy of a softmax of a softmax",
            "label-smoothing",
            "label-smoothing",
            cross_entropy=partial(_cross_entropy, twice=True),
        ),
        mistake("log-forgotten", "忘了取对数的损失", "a loss without the logarithm", cross_entropy=_no_log),
        mistake(
            "targets-ignored",
            "对所有类取平均、没看目标的交叉熵",
            "a cross-entropy averaged over all classes",
            "label-smoothing",
            "label-smoothing",
            cross_entropy=_smoothed,
        ),
    ),
)
