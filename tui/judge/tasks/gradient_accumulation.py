"""The gradient of the mean of (x w − y)² over N rows, gathered from micro-batches: 2/N Σ xᵀ(x w − y)."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tui.judge.contract import Call, Function, Output, Task
from tui.judge.stages import look
from tui.judge.tasks.material import F32, case, coarse, drawn, lifted, mistake, unit


def _component(w: Any, x: Any, y: Any, micro_batch: int) -> Any:
    """Of the whole batch at once, by the backend's own backward pass."""
    from mlxformer.backend import mx, nn

    return mx.grad(lambda w: nn.losses.mse_loss(x @ w, y, reduction="mean"))(w)


def _gradient(
    w: Any,
    x: Any,
    y: Any,
    micro_batch: int,
    *,
    weigh: str = "rows",
    gather: str = "added",
    remainder: bool = True,
    two: float = 2.0,
) -> Any:
    """The right gradient; each argument after the contract's is a mistake."""
    total, count = np.zeros_like(w), 0
    starts = range(0, len(x), micro_batch)
    for start in starts:
        rows, targets = x[start : start + micro_batch], y[start : start + micro_batch]
        if not remainder and len(rows) < micro_batch and start:
            break
        count += len(rows)
        own = rows.T @ (rows @ w - targets) * w.dtype.type(two / len(rows))  # of the mean of this micro-batch
        factors = {"rows": len(rows) / len(x), "none": 1.0, "batches": 1 / len(starts), "sum": float(len(rows))}
        factors |= {"full": micro_batch / len(x), "seen": 1.0}
        own = own * w.dtype.type(factors[weigh])
        total = look("accumulated", own if gather == "last" else total + own)
    return (total * w.dtype.type(len(x) / count if not remainder else 1)).astype(w.dtype)


def _call(seed: int, rows: int, width: int, micro_batch: int, scale: float = 1.0) -> Call:
    x = np.clip(drawn(seed, rows, width, scale=scale), -1e4, 1e4)
    x = coarse(x, 1) if scale > 1 else x
    return Call("accumulated_gradient", (coarse(drawn(seed + 1, width), 8), x, drawn(seed + 2, rows), micro_batch))


def _mistake(name: str, zh: str, en: str, **change: Any) -> Any:
    where = (None, None) if name == "two-forgotten" else ("sft-mask-and-packing", "packing")
    return mistake(name, zh, en, *where, accumulated_gradient=partial(_gradient, **change))


_HAND = Call(
    "accumulated_gradient",
    (np.array([1, 0], F32), np.array([[1, 0], [0, 1], [2, 0]], F32), np.array([0, 1, 2], F32), 2),
)
_HALF = (unit(60, 4), unit(61, 40, 4), unit(62, 40), 16)

TASK = Task(
    "gradient-accumulation",
    (Function("accumulated_gradient", ("w", "x", "y", "micro_batch"), (Output("gradient", ("dim",)),)),),
    {"accumulated_gradient": lifted(_component)},
    {"accumulated_gradient": _gradient},
    (
        case("by-hand", "手算的例子：三行，每次两行", "by hand: three rows, two at a time", _HAND),
        case("divides", "整除", "micro-batches that divide N", _call(1, 12, 3, 4)),
        case("remainder", "最后一批不满", "a last one that is not full", _call(10, 10, 5, 4)),
        case("one-at-a-time", "每次一行", "one row at a time", _call(20, 6, 4, 1)),
        case("whole", "micro_batch 大于 N", "a micro_batch beyond N", _call(30, 5, 4, 8)),
        case("one-row", "N = 1", "N = 1", _call(40, 1, 3, 1)),
        case("large", "大到 ±1e4 的输入", "inputs to ±1e4", _call(50, 7, 3, 3, scale=4e3)),
        case("float16", "float16", "float16", Call("accumulated_gradient", _HALF), dtype="float16"),
    ),
    (
        _mistake(
            "means-added",
            "把各批的平均梯度直接加起来的累积（大了批数那么多倍）",
            "the mean gradients of the micro-batches added up, too large by their number",
            weigh="none",
        ),
        _mistake(
            "mean-of-means",
            "对各批的平均再取平均的累积（最后不满的一批权重偏大）",
            "the mean of the micro-batches' means, in which a last one that is not full counts too much",
            weigh="batches",
        ),
        _mistake("not-divided", "求和、没有除以 N 的累积", "a sum over rows, not divided by N", weigh="sum"),
        _mistake(
            "last-batch-as-full",
            "把不满的一批也按满批加权的累积",
            "an accumulation that weighs the last micro-batch as if it were full",
            weigh="full",
        ),
        _mistake(
            "zeroed-each-time",
            "每批都清零、只剩最后一批的累积",
            "an accumulation set to 0 for each micro-batch: the last one alone",
            gather="last",
        ),
        _mistake(
            "remainder-dropped",
            "丢掉最后不满的一批的累积",
            "an accumulation that drops a last micro-batch that is not full",
            remainder=False,
        ),
        _mistake(
            "two-forgotten",
            "平方的导数漏了 2 的累积",
            "an accumulation without the 2 of the square's derivative",
            two=1.0,
        ),
    ),
)
