"""The target (1 − ε) one-hot + ε/V: L = −1/N Σ t · log softmax(z), and its gradient (softmax(z) − t) / N."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tui.judge.contract import Call, Function, Output, Task
from tui.judge.stages import look
from tui.judge.tasks.material import F32, case, drawn, lifted, mistake, unit


def _component(logits: Any, targets: Any, smoothing: float) -> Any:
    import mlxformer as mf
    from mlxformer.backend import mx

    return mx.value_and_grad(lambda z: mf.label_smoothed_cross_entropy(z, targets, smoothing=smoothing))(logits)


def _smoothed(
    logits: Any,
    targets: Any,
    smoothing: float,
    *,
    target: str = "right",
    gradient_of: str = "smoothed",
    divide: str = "both",
    log: str = "log-sum",
    shift: bool = True,
    entropy: bool = False,
) -> Any:
    """The right loss and gradient; each argument after the contract's is a mistake."""
    count, classes = logits.shape
    one_hot = np.eye(classes, dtype=logits.dtype)[targets]
    if target == "swapped":
        smoothing = 1 - smoothing
    shares = {"right": smoothing / classes, "others": smoothing / max(classes - 1, 1), "none": 0.0}
    shares |= {"swapped": shares["right"], "not-divided": smoothing, "right-without": smoothing / classes}
    soft = (1 - smoothing) * one_hot + shares.get(target, 0.0) * (
        1 - one_hot if target in ("others", "right-without") else 1
    )
    if target == "ignored-weight":
        soft = one_hot
    soft = look("target", soft.astype(logits.dtype))
    shifted = logits - logits.max(axis=-1, keepdims=True) if shift else logits
    powers = np.exp(shifted)
    total = powers.sum(axis=-1, keepdims=True)
    p = look("probabilities", powers / total)
    log_p = look("log_probabilities", shifted - np.log(total)) if log == "log-sum" else np.log(p)
    loss = -(soft * log_p).sum()
    if entropy:
        loss = loss + (soft * np.log(np.maximum(soft, np.finfo(soft.dtype).tiny))).sum()
    gradient = p - (soft if gradient_of == "smoothed" else one_hot)
    if target in ("not-divided", "none", "right-without"):  # targets that do not add up to 1
        gradient = p * soft.sum(axis=-1, keepdims=True) - soft
    if divide in ("both", "loss"):
        loss = loss / count
    return loss, gradient / count if divide == "both" else gradient


def _call(logits: np.ndarray, smoothing: float, *targets: int) -> Call:
    return Call("label_smoothed_cross_entropy", (logits, np.array(targets, np.int64), smoothing))


def _mistake(name: str, zh: str, en: str, **change: Any) -> Any:
    function = partial(_smoothed, **change)
    return mistake(name, zh, en, "label-smoothing", "label-smoothing", label_smoothed_cross_entropy=function)


_LARGE = np.array([[1e4, -1e4, 0], [-1e4, 1e4, 5e3], [1e4, 9e3, 8e3]], F32)

TASK = Task(
    "label-smoothing",
    (
        Function(
            "label_smoothed_cross_entropy",
            ("logits", "targets", "smoothing"),
            (Output("loss", (), "number"), Output("gradient", ("row", "class"))),
        ),
    ),
    {"label_smoothed_cross_entropy": lifted(_component)},
    {"label_smoothed_cross_entropy": _smoothed},
    (
        case(
            "by-hand",
            "手算的例子：均匀的 logits，ε = 0.2",
            "by hand: even logits, ε = 0.2",
            _call(np.zeros((1, 4), F32), 0.2, 2),
        ),
        case("odd-shape", "奇数形状", "an odd shape", _call(drawn(1, 5, 7), 0.1, 0, 6, 3, 3, 2)),
        case("square", "方阵，ε = 0.5", "a square, ε = 0.5", _call(drawn(2, 4, 4, scale=2), 0.5, 3, 0, 1, 1)),
        case("one-row", "只有一行", "one row", _call(drawn(3, 1, 6), 0.3, 4)),
        case("no-smoothing", "ε = 0", "ε = 0", _call(drawn(4, 3, 5), 0.0, 4, 0, 1)),
        case("two-classes", "两类", "two classes", _call(drawn(5, 3, 2), 0.1, 1, 0, 1)),
        case("large", "大到 ±1e4 的 logits", "logits to ±1e4", _call(_LARGE, 0.1, 1, 0, 2)),
        case("float16", "float16", "float16", _call(unit(6, 6, 32), 0.1, 0, 5, 31, 7, 7, 16), dtype="float16"),
    ),
    (
        _mistake("smoothing-ignored", "没有平滑的交叉熵", "a cross-entropy without smoothing", target="ignored-weight"),
        _mistake(
            "shared-by-the-others",
            "把 ε 只分给其余 V − 1 类的平滑（fairseq 的写法）",
            "smoothing shared out among the V − 1 others (fairseq's)",
            target="others",
        ),
        _mistake(
            "right-class-without-share",
            "其余各类 ε/V、正确的类只有 1 − ε 的平滑（和不为 1）",
            "smoothing that gives the right class 1 − ε alone, so that targets do not add up to 1",
            target="right-without",
        ),
        _mistake(
            "not-shared-out",
            "每一类都加了 ε、没有除以 V 的平滑",
            "smoothing that adds ε to each class, not ε/V",
            target="not-divided",
        ),
        _mistake(
            "uniform-part-forgotten",
            "只乘了 1 − ε、没有加 ε/V 的平滑",
            "smoothing that multiplies by 1 − ε and adds nothing",
            target="none",
        ),
        _mistake("epsilon-swapped", "ε 和 1 − ε 用反的平滑", "smoothing with ε and 1 − ε swapped", target="swapped"),
        _mistake(
            "gradient-of-the-hard-target",
            "损失平滑了、梯度却还减独热的平滑",
            "a smoothed loss with the gradient of the hard target",
            gradient_of="hard",
        ),
        _mistake(
            "sum-for-mean", "对各行求和、没有取平均的损失和梯度", "a loss and gradient summed over rows", divide="none"
        ),
        _mistake(
            "gradient-not-averaged",
            "损失取了平均、梯度忘了除以 N",
            "a mean loss with the gradient of the sum",
            divide="loss",
        ),
        _mistake(
            "entropy-subtracted",
            "减去了目标的熵（那是 KL 散度）的损失",
            "a loss less the entropy of its target (the KL divergence)",
            entropy=True,
        ),
        _mistake(
            "log-of-softmax",
            "先算 softmax 再取对数、损失成了无穷的平滑",
            "a smoothed loss of the log of a softmax, infinite where that underflows",
            log="of-softmax",
        ),
        _mistake(
            "no-maximum-subtracted",
            "没有先减最大值、指数溢出的平滑",
            "a smoothed loss with no maximum subtracted",
            shift=False,
        ),
    ),
)
