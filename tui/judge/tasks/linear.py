"""y = x Wᵀ + b, and back: dx = dy W, dW = Σ dyᵀ x, db = Σ dy, summed over all rows."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tui.judge.contract import Call, Function, Output, Task
from tui.judge.tasks.material import F32, case, drawn, lifted, mistake, unit


def _layer(w: Any, b: Any) -> Any:
    from mlxformer.backend import nn

    layer = nn.Linear(w.shape[1], w.shape[0])
    layer.weight, layer.bias = w, b
    return layer


def _forward_component(x: Any, w: Any, b: Any) -> Any:
    return _layer(w, b)(x)


def _backward_component(dy: Any, x: Any, w: Any) -> Any:
    from mlxformer.backend import mx

    def weighed(x: Any, w: Any, b: Any) -> Any:
        return mx.sum(_layer(w, b)(x) * dy)

    return tuple(mx.grad(weighed, argnums=(0, 1, 2))(x, w, mx.zeros((w.shape[0],), w.dtype)))


def _linear(x: Any, w: Any, b: Any, *, transpose: bool = True, bias: float = 1.0) -> Any:
    y = x @ (w.T if transpose else w)
    return y + b * b.dtype.type(bias) if bias else y


def _backward(
    dy: Any, x: Any, w: Any, *, dx: str = "right", dw: str = "right", gather: Any = np.sum, rows: str = "all"
) -> Any:
    """The right gradients; each argument after the contract's is a mistake."""
    width_out, width_in = w.shape
    back = dy @ (w if dx == "right" else w.T)
    flat_y, flat_x = dy.reshape(-1, width_out), x.reshape(-1, width_in)
    if rows == "first":
        flat_y, flat_x = dy.reshape(-1, dy.shape[-2], width_out)[0], x.reshape(-1, x.shape[-2], width_in)[0]
    dweight = flat_y.T @ flat_x
    if dw == "transposed":
        dweight = dweight.T
    elif dw == "mean":
        dweight = dweight / len(flat_y)
    dbias = gather(flat_y, axis=0)
    return back.astype(x.dtype), dweight.astype(x.dtype), dbias.astype(x.dtype)


def _forward(x: np.ndarray, seed: int, out: int) -> Call:
    return Call("linear", (x, drawn(seed, out, x.shape[-1], dtype=x.dtype), drawn(seed + 1, out, dtype=x.dtype)))


def _back(x: np.ndarray, seed: int, out: int) -> Call:
    dy = drawn(seed + 2, *x.shape[:-1], out, dtype=x.dtype)
    return Call("linear_backward", (dy, x, drawn(seed, out, x.shape[-1], dtype=x.dtype)))


def _mistake(name: str, zh: str, en: str, forward: Any = None, backward: Any = None) -> Any:
    functions = {"linear": forward, "linear_backward": backward}
    where = ("bert-nonlinearity", "linearity") if name.startswith("bias") else (None, None)
    return mistake(name, zh, en, *where, **{key: value for key, value in functions.items() if value})


_X, _W = np.array([[1, 2], [3, 4]], F32), np.array([[1, 0], [1, 1], [0, 2]], F32)
_INPUTS: tuple[tuple[str, str, str, np.ndarray, int, int], ...] = (
    ("odd-shape", "奇数形状", "an odd shape", drawn(1, 3, 5, 7), 10, 4),
    ("square", "方阵", "a square", drawn(2, 4, 4), 20, 4),
    ("one-row", "只有一行", "one row", drawn(3, 1, 6), 30, 3),
    ("one-column", "in = out = 1", "in = out = 1", drawn(4, 2, 3, 1), 40, 1),
    ("large", "大到 ±1e4 的输入", "inputs to ±1e4", np.clip(drawn(5, 3, 6, scale=4e3), -1e4, 1e4), 50, 5),
)
_HALF = unit(6, 2, 6, 16)

TASK = Task(
    "linear",
    (
        Function("linear", ("x", "w", "b"), (Output("y", ("batch", "time", "out")),)),
        Function(
            "linear_backward",
            ("dy", "x", "w"),
            (Output("dx", ("batch", "time", "in")), Output("dw", ("out", "in")), Output("db", ("out",))),
        ),
    ),
    {"linear": lifted(_forward_component), "linear_backward": lifted(_backward_component)},
    {"linear": _linear, "linear_backward": _backward},
    (
        case("by-hand", "手算的例子", "an example by hand", Call("linear", (_X, _W, np.array([0, 10, 0], F32)))),
        case(
            "backward-by-hand",
            "反向：手算的例子",
            "backward, by hand",
            Call("linear_backward", (np.array([[1, 0, 0], [0, 0, 1]], F32), _X, _W)),
        ),
        *(case(name, zh, en, _forward(x, seed, out)) for name, zh, en, x, seed, out in _INPUTS),
        *(
            case(f"backward-{name}", f"反向：{zh}", f"backward, {en}", _back(x, seed, out))
            for name, zh, en, x, seed, out in _INPUTS
        ),
        case("float16", "float16", "float16", _forward(_HALF, 60, 8), dtype="float16"),
        case("backward-float16", "反向：float16", "backward, float16", _back(_HALF, 60, 8), dtype="float16"),
    ),
    (
        _mistake(
            "weight-not-transposed",
            "算了 x W 而不是 x Wᵀ 的线性层",
            "a linear layer of x W, not x Wᵀ",
            partial(_linear, transpose=False),
        ),
        _mistake("bias-forgotten", "漏了偏置的线性层", "a linear layer without its bias", partial(_linear, bias=0.0)),
        _mistake(
            "bias-subtracted", "减了偏置的线性层", "a linear layer that subtracts its bias", partial(_linear, bias=-1.0)
        ),
        _mistake(
            "dx-transposed",
            "dx 用了 dy Wᵀ 的反向",
            "a dx of dy Wᵀ, not dy W",
            None,
            partial(_backward, dx="transposed"),
        ),
        _mistake(
            "dw-transposed",
            "dw 转置了（xᵀ dy）的反向",
            "a dw that is transposed (xᵀ dy)",
            None,
            partial(_backward, dw="transposed"),
        ),
        _mistake(
            "dw-averaged", "dw 对行取了平均的反向", "a dw averaged over the rows", None, partial(_backward, dw="mean")
        ),
        _mistake(
            "db-averaged",
            "db 对行取了平均的反向",
            "a db averaged over the rows",
            None,
            partial(_backward, gather=np.mean),
        ),
        _mistake(
            "both-averaged",
            "dw 和 db 都取了平均的反向",
            "a dw and db averaged over the rows",
            None,
            partial(_backward, dw="mean", gather=np.mean),
        ),
        _mistake(
            "first-sequence-only",
            "dw 和 db 只用了第一条序列的反向",
            "a dw and db of the first sequence alone",
            None,
            partial(_backward, rows="first"),
        ),
    ),
)
