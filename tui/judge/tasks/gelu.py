"""GELU(x) = x Φ(x) = ½x(1 + erf(x/√2)), and its tanh approximation ½x(1 + tanh(√(2/π)(x + 0.044715x³)))."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np

from tui.judge.contract import Call, Function, Output, Task
from tui.judge.stages import look
from tui.judge.tasks.material import F16, F32, case, drawn, lifted, mistake, unit

_erf = np.vectorize(math.erf, otypes=[np.float64])


def _exact_component(x: Any) -> Any:
    from mlxformer.layers.activations import ACTIVATIONS

    return ACTIVATIONS["gelu"](x)


def _tanh_component(x: Any) -> Any:
    from mlxformer.layers.activations import gelu_tanh

    return gelu_tanh(x)


def exact(x: Any, *, root: bool = True, half: bool = True, times: bool = True, one: float = 1.0) -> Any:
    """``x Φ(x)``; each argument after x is a mistake."""
    phi = look("phi", (0.5 if half else 1.0) * (one + _erf(x / (2**0.5 if root else 1.0))))
    return (x * phi if times else phi).astype(x.dtype)


def tanh(
    x: Any, *, factor: float = (2 / math.pi) ** 0.5, power: int = 3, cubic: float = 0.044715, half: bool = True
) -> Any:
    """The approximation; each argument after x is a mistake."""
    inner = look("inner", factor * (x + cubic * x**power))
    return ((0.5 if half else 1.0) * x * (1 + np.tanh(inner))).astype(x.dtype)


def _sigmoid(x: Any, slope: float = 1.702) -> Any:
    return (x / (1 + np.exp(-slope * x))).astype(x.dtype)


def _relu(x: Any) -> Any:
    return np.maximum(x, 0)


def _call(function: str, x: np.ndarray) -> Call:
    return Call(function, (x,))


def _mistake(name: str, zh: str, en: str, gelu: Any = None, gelu_tanh: Any = None) -> Any:
    functions = {"gelu": gelu, "gelu_tanh": gelu_tanh}
    return mistake(
        name, zh, en, "feed-forward", "feed-forward", **{key: value for key, value in functions.items() if value}
    )


_HAND = np.array([0, 1, -1], F32)
_BELOW = np.array([-2.6, -2.3, -2.0, -1.8], F32)
_LARGE = np.array([[1e4, -1e4, 50, -50], [8, -8, 3e3, -3e3]], F32)
_INPUTS = (
    ("odd-shape", "奇数形状", "an odd shape", drawn(1, 3, 5, 7) * 2),
    ("one-number", "一个数", "one number", drawn(2, 1)),
    ("below", "−2.6 到 −1.8：两种 GELU 相差最大", "−2.6 to −1.8, where the two differ most", _BELOW),
    ("large", "大到 ±1e4 的数", "values to ±1e4", _LARGE),
)
_HALF = (("float16", "float16", "float16", unit(3, 2, 32) * F16(3)),)

TASK = Task(
    "gelu",
    (
        Function("gelu", ("x",), (Output("y", ()),)),
        Function("gelu_tanh", ("x",), (Output("y", ()),)),
    ),
    {"gelu": lifted(_exact_component), "gelu_tanh": lifted(_tanh_component)},
    {"gelu": exact, "gelu_tanh": tanh},
    (
        case("by-hand", "0、1、−1", "0, 1 and −1", _call("gelu", _HAND)),
        case("tanh-by-hand", "近似：0、1、−1", "the approximation at 0, 1 and −1", _call("gelu_tanh", _HAND)),
        *(case(name, zh, en, _call("gelu", x)) for name, zh, en, x in _INPUTS),
        *(
            case(f"tanh-{name}", f"近似：{zh}", f"the approximation: {en}", _call("gelu_tanh", x))
            for name, zh, en, x in _INPUTS
        ),
        *(case(name, zh, en, _call("gelu", x), dtype="float16") for name, zh, en, x in _HALF),
        *(
            case(f"tanh-{name}", f"近似：{zh}", f"the approximation: {en}", _call("gelu_tanh", x), dtype="float16")
            for name, zh, en, x in _HALF
        ),
    ),
    (
        _mistake(
            "approximation-for-exact",
            "用 tanh 近似代替精确式的 gelu",
            "the tanh approximation for the exact GELU",
            tanh,
        ),
        _mistake(
            "exact-for-approximation",
            "用精确的 erf 代替近似式的 gelu_tanh",
            "the exact GELU for the tanh approximation",
            None,
            exact,
        ),
        _mistake(
            "root-of-two-forgotten",
            "erf 里忘了除以 √2 的 GELU",
            "GELU whose erf is of x, not of x/√2",
            partial(exact, root=False),
        ),
        _mistake(
            "half-forgotten",
            "忘了乘 ½ 的 GELU",
            "GELU without its ½",
            partial(exact, half=False),
            partial(tanh, half=False),
        ),
        _mistake("phi-alone", "只有 Φ(x)、没有乘 x 的 GELU", "Φ(x) alone, not times x", partial(exact, times=False)),
        _mistake(
            "one-forgotten", "括号里漏了 1 的 GELU", "GELU without the 1 in its parenthesis", partial(exact, one=0.0)
        ),
        _mistake("sigmoid-approximation", "x·σ(1.702x) 的近似", "the approximation x · σ(1.702x)", _sigmoid, _sigmoid),
        _mistake(
            "silu", "SiLU，即 x·σ(x)", "SiLU, x · σ(x)", partial(_sigmoid, slope=1.0), partial(_sigmoid, slope=1.0)
        ),
        _mistake("relu", "ReLU（不是 GELU）", "ReLU, not GELU", _relu, _relu),
        _mistake(
            "two-over-pi-not-rooted",
            "系数用了 2/π 而不是 √(2/π) 的近似",
            "an approximation with 2/π, not its root",
            None,
            partial(tanh, factor=2 / math.pi),
        ),
        _mistake(
            "factor-forgotten", "漏了 √(2/π) 的近似", "an approximation without √(2/π)", None, partial(tanh, factor=1.0)
        ),
        _mistake(
            "squared-for-cubed", "三次方写成平方的近似", "an approximation with x² for x³", None, partial(tanh, power=2)
        ),
        _mistake(
            "cubic-term-forgotten",
            "漏了三次项的近似",
            "an approximation without its cubic term",
            None,
            partial(tanh, cubic=0.0),
        ),
    ),
)
