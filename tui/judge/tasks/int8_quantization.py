"""Symmetric int8 by channel: s = max|w| / 127 of each row, q = round(w / s); back: s q."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tui.judge.contract import Call, Function, Output, Task
from tui.judge.stages import look
from tui.judge.tasks.material import F32, case, drawn, mistake


def _quantize_component(w: Any) -> Any:
    from mlxformer.backend import mx, to_numpy
    from mlxformer.teaching.quantization import quantize

    found = quantize(mx.array(w), axis=0)
    return to_numpy(found.codes), to_numpy(found.scale)


def _dequantize_component(codes: Any, scale: Any) -> Any:
    from mlxformer.backend import mx, to_numpy
    from mlxformer.teaching.quantization import Quantized, dequantize

    return to_numpy(dequantize(Quantized(mx.array(codes), mx.array(scale))))


def _quantize(
    w: Any,
    *,
    axis: Any = -1,
    codes_to: float = 127.0,
    peak: str = "absolute",
    rounding: Any = np.round,
    zeros: bool = True,
    inverted: bool = False,
) -> Any:
    """The right codes; each argument after w is a mistake."""
    highest = np.abs(w) if peak == "absolute" else w
    top = highest.max(axis=axis, keepdims=True)
    if peak == "range":
        top = (w.max(axis=axis, keepdims=True) - w.min(axis=axis, keepdims=True)) / 2
    elif peak == "deviation":
        top = 3 * w.std(axis=axis, keepdims=True)
    scale = top / w.dtype.type(codes_to)
    if zeros:
        scale = np.where(scale == 0, 1, scale)
    scale = look("scale", np.broadcast_to(scale, (len(w), 1) if axis in (-1, None) else scale.shape).astype(w.dtype))
    codes = rounding(w / scale)
    if peak in ("deviation", "signed"):
        codes = np.clip(codes, -codes_to, codes_to)
    codes = codes.astype(np.int64).astype(np.int8)  # 128 wraps round to −128
    return codes, (1 / scale).astype(w.dtype) if inverted else scale.copy()


def _dequantize(codes: Any, scale: Any, *, divide: bool = False, wide: bool = True, zero: float = 0.0) -> Any:
    numbers = codes.astype(scale.dtype) - scale.dtype.type(zero)
    return numbers / scale if divide else numbers * scale


def _weights(seed: int, rows: int, columns: int, scale: float = 1.0) -> np.ndarray:
    """Rows of very different sizes, no number near the middle between two codes of its row."""
    generator = np.random.default_rng(seed)
    codes = generator.integers(-126, 127, (rows, columns)) + generator.uniform(-0.3, 0.3, (rows, columns))
    codes[np.arange(rows), generator.integers(0, columns, rows)] = np.where(generator.random(rows) < 0.5, 127, -127)
    return (codes * scale * 2.0 ** generator.integers(-10, 3, (rows, 1))).astype(F32)


def _to(w: np.ndarray) -> Call:
    return Call("quantize", (w,))


def _back(seed: int, rows: int, columns: int) -> Call:
    codes = np.random.default_rng(seed).integers(-127, 128, (rows, columns)).astype(np.int8)
    return Call("dequantize", (codes, np.abs(drawn(seed + 1, rows, 1)) + F32(0.01)))


def _mistake(name: str, zh: str, en: str, quantize: Any = None, dequantize: Any = None) -> Any:
    functions = {"quantize": quantize, "dequantize": dequantize}
    return mistake(
        name, zh, en, "quantisation", "quantisation", **{key: value for key, value in functions.items() if value}
    )


_HAND = np.array([[1.27, -0.5, 0.013], [0, 254, -100]], F32)
_ZERO = np.array([[0, 0, 0], [1, -127, 2.2]], F32)

TASK = Task(
    "int8-quantization",
    (
        Function(
            "quantize",
            ("w",),
            (Output("codes", ("out", "in"), dtype="int8"), Output("scale", ("out", "one"), dtype="float32")),
        ),
        Function("dequantize", ("codes", "scale"), (Output("w", ("out", "in")),)),
    ),
    {"quantize": _quantize_component, "dequantize": _dequantize_component},
    {"quantize": _quantize, "dequantize": _dequantize},
    (
        case("by-hand", "手算的例子：缩放系数 0.01 和 2", "by hand: scales of 0.01 and 2", _to(_HAND)),
        case(
            "back-by-hand",
            "还原：手算的例子",
            "back, by hand",
            Call("dequantize", (np.array([[127, -50, 1], [0, 127, -50]], np.int8), np.array([[0.01], [2]], F32))),
        ),
        case("odd-shape", "奇数形状", "an odd shape", _to(_weights(1, 5, 7))),
        case("square", "方阵", "a square", _to(_weights(2, 6, 6))),
        case("one-row", "只有一行", "one row", _to(_weights(3, 1, 9))),
        case("one-column", "每行一个数", "one number a row", _to(_weights(4, 4, 1))),
        case("zeros", "有一行全是 0", "a row of zeros", _to(_ZERO)),
        case("tiny", "很小的权重", "tiny weights", _to(_weights(5, 4, 6, scale=1e-5))),
        case("large", "大到 ±1e4 的权重", "weights to ±1e4", _to(np.clip(_weights(6, 5, 6, scale=19.0), -1e4, 1e4))),
        case("back-odd-shape", "还原：奇数形状", "back, an odd shape", _back(7, 5, 7)),
        case("back-one-row", "还原：只有一行", "back, one row", _back(8, 1, 4)),
    ),
    (
        _mistake(
            "one-scale-for-all",
            "整个矩阵只用一个缩放系数的量化",
            "quantization with one scale for the whole matrix",
            partial(_quantize, axis=None),
        ),
        _mistake(
            "scale-by-column",
            "按列（输入）而不是按行取缩放系数的量化",
            "quantization with a scale for each column, not each row",
            partial(_quantize, axis=0),
        ),
        _mistake(
            "divided-by-128",
            "缩放系数除以 128 的量化（最大的数溢出成 −128）",
            "quantization by max / 128, whose largest number wraps round to −128",
            partial(_quantize, codes_to=128.0),
        ),
        _mistake(
            "divided-by-255", "缩放系数除以 255 的量化", "quantization by max / 255", partial(_quantize, codes_to=255.0)
        ),
        _mistake(
            "truncated",
            "截尾、没有四舍五入的量化",
            "quantization that truncates, and does not round",
            partial(_quantize, rounding=np.trunc),
        ),
        _mistake("floored", "向下取整的量化", "quantization that rounds down", partial(_quantize, rounding=np.floor)),
        _mistake(
            "maximum-not-absolute",
            "取最大值、没有取绝对值的量化",
            "quantization by the maximum, not the largest absolute value",
            partial(_quantize, peak="signed"),
        ),
        _mistake(
            "half-of-the-range",
            "缩放系数按（最大 − 最小）/ 2 算、却没有零点的量化",
            "quantization by half the range, without a zero point",
            partial(_quantize, peak="range"),
        ),
        _mistake(
            "three-deviations",
            "缩放系数按三倍标准差算的量化",
            "quantization by three standard deviations",
            partial(_quantize, peak="deviation"),
        ),
        _mistake(
            "zeros-become-nan",
            "全 0 的行除以 0 的量化",
            "quantization that divides a row of zeros by 0",
            partial(_quantize, zeros=False),
        ),
        _mistake(
            "scale-inverted",
            "返回了 127 / max（缩放系数的倒数）的量化",
            "quantization that returns 127 / max, the scale inverted",
            partial(_quantize, inverted=True),
        ),
        _mistake(
            "divided-back",
            "还原时除以缩放系数的量化",
            "quantization that divides by the scale on the way back",
            None,
            partial(_dequantize, divide=True),
        ),
        _mistake(
            "zero-point-of-128",
            "还原时减了零点 128 的量化",
            "quantization that takes off a zero point of 128 on the way back",
            None,
            partial(_dequantize, zero=128.0),
        ),
    ),
)
