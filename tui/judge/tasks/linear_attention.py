"""Linear attention, φ(x) = elu(x) + 1: y_i = Σ φ(q_i)·φ(k_j) v_j / Σ φ(q_i)·φ(k_j), over all j or over j ≤ i."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tui.judge.contract import Call, Function, Output, Task
from tui.judge.stages import look
from tui.judge.tasks.attending import attend
from tui.judge.tasks.attention import half, qkv
from tui.judge.tasks.material import F32, case, lifted, mistake


def _component(q: Any, k: Any, v: Any, causal: bool = False) -> Any:
    import mlxformer as mf

    return mf.linear_attention(q, k, v, mask="causal" if causal else None)


def _phi(x: Any) -> Any:
    return np.where(x > 0, x + 1, np.exp(np.minimum(x, 0))).astype(x.dtype)


def _elu(x: Any) -> Any:
    return np.where(x > 0, x, np.expm1(np.minimum(x, 0))).astype(x.dtype)


def _linear(
    q: Any,
    k: Any,
    v: Any,
    causal: bool = False,
    *,
    feature: Any = _phi,
    keys: bool = True,
    divide: str = "own",
    triangle: int = 0,
    always: bool | None = None,
    scale: bool = False,
    numerator: str = "own",
) -> Any:
    """The right attention; each argument after the contract's is a mistake."""
    causal = causal if always is None else always
    if scale:
        q = q * q.dtype.type(q.shape[-1] ** -0.5)
    a = look("query_features", feature(q))
    b = look("key_features", feature(k) if keys else k)
    scores = look("scores", a @ np.swapaxes(b, -1, -2))
    ones = np.ones(scores.shape[-2:], scores.dtype)
    seen = np.tril(ones, triangle) if causal else ones
    above = scores * (seen if numerator == "own" else ones)
    total = (scores * (seen if divide == "own" else ones)).sum(axis=-1, keepdims=True)
    if divide == "length":
        total = seen.sum(axis=-1, keepdims=True)
    if divide == "none":
        return look("heads", above @ v)
    return look("heads", (above @ v) / np.where(total == 0, 1, total))


def _softmax(q: Any, k: Any, v: Any, causal: bool = False) -> Any:
    return attend(q, k, v, np.tril(np.ones((q.shape[-2], k.shape[-2]), bool)) if causal else None)


def _call(arrays: Any, **options: bool) -> Call:
    return Call("linear_attention", tuple(arrays), options)


def _large() -> Any:
    """To ±1e4; in each query and key the first dim is above 0, so that no row sums to nothing."""
    q, k, v = qkv(90, 1, 2, 5, 4)
    q, k = (np.clip(each * F32(4e3), -1e4, 1e4) for each in (q, k))
    return np.abs(q) * np.array([1, -1, 1, -1], F32), np.abs(k) * np.array([1, 1, -1, -1], F32), v


def _mistake(name: str, zh: str, en: str, **change: Any) -> Any:
    function = partial(_linear, **change)
    return mistake(name, zh, en, "linear-attention", "linear-attention", linear_attention=function)


_HAND = (
    np.array([[[[0, 0], [1, 0]]]], F32),
    np.array([[[[0, 0], [1, 3]]]], F32),
    np.array([[[[7, 0], [0, 14]]]], F32),
)

TASK = Task(
    "linear-attention",
    (
        Function(
            "linear_attention", ("q", "k", "v", "causal=False"), (Output("heads", ("batch", "head", "query", "dim")),)
        ),
    ),
    {"linear_attention": lifted(_component)},
    {"linear_attention": _linear},
    (
        case("by-hand", "手算的例子", "an example by hand", _call(_HAND)),
        case("by-hand-causal", "手算的例子，因果", "by hand, causal", _call(_HAND, causal=True)),
        case("odd-shape", "奇数形状", "an odd shape", _call(qkv(20, 3, 2, 7, 5))),
        case("causal", "因果", "causal", _call(qkv(30, 2, 2, 6, 4), causal=True)),
        case("square", "H = T = D", "H = T = D", _call(qkv(35, 2, 4, 4, 4), causal=True)),
        case("one-token", "B = 1，T = 1", "B = 1, T = 1", _call(qkv(40, 1, 1, 1, 3), causal=True)),
        case("long", "T = 50，因果", "T = 50, causal", _call(qkv(50, 1, 2, 50, 4), causal=True)),
        case("large", "大到 ±1e4 的查询和键", "queries and keys to ±1e4", _call(_large(), causal=True)),
        case("float16", "float16", "float16", _call(half(100, 1, 2, 32, 4)), dtype="float16"),
        case(
            "float16-causal",
            "float16，因果",
            "float16, causal",
            _call(half(110, 1, 2, 32, 4), causal=True),
            dtype="float16",
        ),
    ),
    (
        _mistake(
            "not-divided",
            "没有除以 Σ φ(q)·φ(k) 的线性注意力",
            "linear attention that is not divided by Σ φ(q) · φ(k)",
            divide="none",
        ),
        _mistake(
            "divided-by-the-count",
            "除以键的个数的线性注意力",
            "linear attention divided by the number of keys",
            divide="length",
        ),
        _mistake(
            "denominator-of-all-keys",
            "分子因果、分母却用了所有键的线性注意力",
            "linear attention whose numerator is causal and whose denominator has all keys",
            divide="all",
        ),
        _mistake(
            "numerator-of-all-keys",
            "分母因果、分子却用了所有键的线性注意力",
            "linear attention whose denominator is causal and whose numerator has all keys",
            numerator="all",
        ),
        _mistake(
            "causal-ignored", "没有理会 causal 的线性注意力", "linear attention that ignores causal", always=False
        ),
        _mistake("always-causal", "总是因果的线性注意力", "linear attention that is always causal", always=True),
        _mistake(
            "own-token-left-out",
            "先读出、后写入状态，看不到自己的线性注意力",
            "linear attention that reads its state before it writes to it, so that a token does not see itself",
            triangle=-1,
        ),
        _mistake(
            "elu-without-one",
            "φ 只用了 elu、没有加 1 的线性注意力（权重有负的）",
            "linear attention with φ = elu, without the 1 (weights may be negative)",
            feature=_elu,
        ),
        _mistake(
            "relu-feature",
            "φ 用了 ReLU 的线性注意力",
            "linear attention with φ = ReLU",
            feature=lambda x: np.maximum(x, 0),
        ),
        _mistake("exponential-feature", "φ 用了 eˣ 的线性注意力", "linear attention with φ = eˣ", feature=np.exp),
        _mistake("no-feature", "没有 φ 的线性注意力", "linear attention without φ", feature=lambda x: x),
        _mistake("queries-only", "只有查询过了 φ 的线性注意力", "linear attention with φ on queries alone", keys=False),
        _mistake("scaled", "先乘了 1/√D 的线性注意力", "linear attention with 1/√D", scale=True),
        mistake(
            "softmax",
            "softmax 注意力",
            "softmax attention",
            "linear-attention",
            "linear-attention",
            linear_attention=_softmax,
        ),
    ),
)
