"""Causal attention with ALiBi: scores q·k/√D − m_h (i − j), slopes m_h = 2^(−8h/H), h = 1 … H."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tui.judge.contract import Call, Function, Output, Task
from tui.judge.stages import look
from tui.judge.tasks.attending import attend
from tui.judge.tasks.attention import half, large, qkv
from tui.judge.tasks.material import F32, case, lifted, mistake


def _component(q: Any, k: Any, v: Any) -> Any:
    import mlxformer as mf

    bias = mf.alibi_bias(q.shape[1], q.shape[2], k.shape[2])
    return mf.scaled_dot_product_attention(q, k, v, mask="causal", bias=bias.astype(q.dtype))


def _alibi(
    q: Any,
    k: Any,
    v: Any,
    *,
    slope: str = "right",
    sign: float = -1.0,
    distance: str = "back",
    place: str = "scaled",
    causal: bool = True,
    **change: Any,
) -> Any:
    """The right attention; each argument after the contract's is a mistake."""
    heads, length, width = q.shape[1:]
    h = np.arange(1, heads + 1)
    exponents = {"right": -8 * h / heads, "from-zero": -8 * (h - 1) / heads, "halving": -1.0 * h, "one": h * 0.0}
    exponents |= {"reversed": -8 * h[::-1] / heads, "not-divided": -8.0 * h}
    slopes = look("slopes", 2.0 ** exponents[slope])
    steps = np.arange(length)[:, None] - np.arange(length)  # i − j
    steps = {"back": steps, "squared": steps**2, "logarithm": np.log1p(np.abs(steps))}[distance]
    bias = look("bias", sign * slopes[:, None, None] * steps).astype(q.dtype)
    if place == "before-scale":
        bias = bias * q.dtype.type(width**-0.5)
    mask = np.tril(np.ones((length, length), bool)) if causal else None
    if not causal:
        bias = -np.abs(bias)
    if place == "nowhere":
        bias = None
    return attend(q, k, v, mask, bias, **change)


def _call(arrays: Any) -> Call:
    return Call("alibi_attention", tuple(arrays))


def _mistake(
    name: str, zh: str, en: str, question: str = "relative-bias", run: str = "relative-bias", **change: Any
) -> Any:
    return mistake(name, zh, en, question, run, alibi_attention=partial(_alibi, **change))


_HAND = (np.zeros((1, 2, 2, 1), F32), np.zeros((1, 2, 2, 1), F32), np.array([[[[0], [1]], [[0], [1]]]], F32))

TASK = Task(
    "alibi",
    (Function("alibi_attention", ("q", "k", "v"), (Output("heads", ("batch", "head", "query", "dim")),)),),
    {"alibi_attention": lifted(_component)},
    {"alibi_attention": _alibi},
    (
        case(
            "by-hand",
            "手算的例子：得分全是 0，斜率 1/16 和 1/256",
            "by hand: all scores 0, slopes 1/16 and 1/256",
            _call(_HAND),
        ),
        case("odd-shape", "奇数形状", "an odd shape", _call(qkv(10, 3, 2, 7, 5))),
        case("four-heads", "H = 4", "H = 4", _call(qkv(20, 2, 4, 6, 8))),
        case("eight-heads", "H = 8", "H = 8", _call(qkv(30, 1, 8, 9, 4))),
        case("one-head", "H = 1", "H = 1", _call(qkv(40, 2, 1, 5, 4))),
        case("one-token", "B = 1，T = 1", "B = 1, T = 1", _call(qkv(50, 1, 2, 1, 3))),
        case("long", "T = 40", "T = 40", _call(qkv(60, 1, 4, 40, 4))),
        case("large", "大到 ±1e4 的查询和键", "queries and keys to ±1e4", _call(large(1, 2, 6, 4, 2))),
        case(
            "large-scores",
            "指数会溢出的得分",
            "scores whose exponentials overflow",
            _call(qkv(95, 1, 4, 5, 16, scale=8.0)),
        ),
        case("float16", "float16", "float16", _call(half(100, 1, 4, 32, 4)), dtype="float16"),
    ),
    (
        _mistake("no-bias", "没有加偏置的注意力", "attention without the bias", place="nowhere"),
        _mistake(
            "sign-forgotten",
            "偏置符号反了、越远越重的 ALiBi",
            "ALiBi of the wrong sign: the farther, the more weight",
            sign=1.0,
        ),
        _mistake("slopes-alike", "每个头斜率都是 1 的 ALiBi", "ALiBi whose slopes are all 1", slope="one"),
        _mistake(
            "slopes-from-zero",
            "h 从 0 数起（第一个斜率是 1）的 ALiBi",
            "ALiBi that counts its heads from 0, so that the first slope is 1",
            slope="from-zero",
        ),
        _mistake(
            "slopes-halving",
            "斜率是 2^(−h)、只对 8 个头成立的 ALiBi",
            "ALiBi with slopes 2^(−h), right for 8 heads only",
            slope="halving",
        ),
        _mistake("slopes-reversed", "斜率次序反了的 ALiBi", "ALiBi with its slopes in reverse", slope="reversed"),
        _mistake(
            "heads-not-divided",
            "指数忘了除以 H 的 ALiBi（2^(−8h)）",
            "ALiBi with the exponent −8h, not divided by H",
            slope="not-divided",
        ),
        _mistake(
            "bias-scaled-too",
            "偏置在缩放之前加上、也除了 √D 的 ALiBi",
            "ALiBi added before the scale, so that it too is divided by √D",
            place="before-scale",
        ),
        _mistake("distance-squared", "距离取了平方的 ALiBi", "ALiBi of the squared distance", distance="squared"),
        _mistake(
            "distance-logarithm", "距离取了对数的 ALiBi", "ALiBi of the distance's logarithm", distance="logarithm"
        ),
        _mistake(
            "not-causal",
            "没有因果掩码的 ALiBi",
            "ALiBi without a causal mask",
            "encoder-decoder-masks",
            "leak-tester",
            causal=False,
        ),
        _mistake("no-scale", "没有除以 √D 的 ALiBi", "ALiBi without 1/√D", "sqrt-dk", "scaling", scale="none"),
        _mistake(
            "no-maximum-subtracted",
            "softmax 没有先减最大值的 ALiBi",
            "ALiBi with no maximum subtracted in the softmax",
            "attention-formula",
            "attention-steps",
            shift=False,
        ),
    ),
)
