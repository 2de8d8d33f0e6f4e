"""Sliding-window attention: query i sees the keys with |i − j| ≤ window, and where it is causal only j ≤ i of them."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tui.judge.contract import Call, Function, Output, Task
from tui.judge.tasks.attending import attend
from tui.judge.tasks.attention import half, hand, large, mistakes, qkv
from tui.judge.tasks.material import case, lifted, mistake


def _component(q: Any, k: Any, v: Any, window: int, causal: bool = False) -> Any:
    import mlxformer as mf

    mask = mf.masks.sliding_window(q.shape[2], k.shape[2], window, 0 if causal else window)
    return mf.scaled_dot_product_attention(q, k, v, mask=mask)


def _windowed(
    q: Any,
    k: Any,
    v: Any,
    window: int,
    causal: bool = False,
    *,
    size: str = "each-side",
    side: str = "past",
    always: bool | None = None,
    wrap: bool = False,
    inverted: bool = False,
    **change: Any,
) -> Any:
    """The right attention; each argument after the contract's is a mistake."""
    length = q.shape[-2]
    causal = causal if always is None else always
    widths = {"each-side": window, "with-itself": max(window - 1, 0), "in-all": window // 2, "one-more": window + 1}
    distance = np.arange(length)[:, None] - np.arange(length)
    if wrap:
        distance = np.minimum(distance % length, -distance % length) * np.where(distance < 0, -1, 1)
    seen = np.abs(distance) <= {**widths, "ignored": length}[size]
    if inverted:
        seen = ~seen
    if causal:
        seen = seen & (distance >= 0 if side == "past" else distance <= 0)
    return attend(q, k, v, seen, **change)


def _call(arrays: Any, window: int, **options: bool) -> Call:
    return Call("sliding_window_attention", (*arrays, window), options)


def _made(**change: Any) -> Any:
    return partial(_windowed, **change)


def _mistake(name: str, zh: str, en: str, **change: Any) -> Any:
    return mistake(name, zh, en, "long-text", "long-text", sliding_window_attention=_made(**change))


_SHARED = {
    "no-scale",
    "divided-by-d",
    "softmax-over-queries",
    "mask-after-softmax",
    "mask-multiplied",
    "no-maximum-subtracted",
}

TASK = Task(
    "sliding-window-attention",
    (
        Function(
            "sliding_window_attention",
            ("q", "k", "v", "window", "causal=False"),
            (Output("heads", ("batch", "head", "query", "dim")),),
        ),
    ),
    {"sliding_window_attention": lifted(_component)},
    {"sliding_window_attention": _windowed},
    (
        case("by-hand", "手算的例子：窗口 0，只看自己", "by hand: window 0, itself alone", _call(hand(), 0)),
        case("by-hand-causal", "手算的例子：窗口 1，因果", "by hand: window 1, causal", _call(hand(), 1, causal=True)),
        case("odd-shape", "奇数形状", "an odd shape", _call(qkv(20, 3, 2, 7, 5), 2)),
        case("causal", "因果", "causal", _call(qkv(30, 2, 2, 8, 4), 2, causal=True)),
        case("wide", "窗口比 T 长", "a window longer than T", _call(qkv(35, 1, 2, 5, 4), 9)),
        case(
            "wide-causal",
            "窗口比 T 长，因果",
            "a window longer than T, causal",
            _call(qkv(36, 1, 2, 5, 4), 9, causal=True),
        ),
        case("window-three", "窗口 3", "window 3", _call(qkv(38, 1, 2, 9, 4), 3)),
        case("one-token", "B = 1，T = 1", "B = 1, T = 1", _call(qkv(40, 1, 1, 1, 3), 2)),
        case("large", "大到 ±1e4 的查询和键", "queries and keys to ±1e4", _call(large(1, 2, 6, 4, 2), 1)),
        case(
            "large-scores",
            "指数会溢出的得分",
            "scores whose exponentials overflow",
            _call(qkv(95, 1, 2, 5, 16, scale=8.0), 1),
        ),
        case("float16", "float16", "float16", _call(half(100, 1, 2, 64, 4), 5, causal=True), dtype="float16"),
    ),
    (
        _mistake(
            "one-key-too-few",
            "窗口把自己也数进去、少看一个键的滑窗注意力（Mistral 的数法）",
            "sliding-window attention that counts the token itself into the window, one key too few (Mistral's count)",
            size="with-itself",
        ),
        _mistake(
            "one-key-too-many",
            "窗口宽了一个键的滑窗注意力",
            "sliding-window attention one key too wide",
            size="one-more",
        ),
        _mistake(
            "window-in-all",
            "把 window 当两边的总宽、每边只看一半的滑窗注意力",
            "sliding-window attention that takes the window for both sides together, half of it each",
            size="in-all",
        ),
        _mistake("window-ignored", "没有用窗口的注意力", "attention that ignores the window", size="ignored"),
        _mistake(
            "window-inverted",
            "只看窗口之外的滑窗注意力（比较写反了）",
            "sliding-window attention that sees what is outside the window",
            inverted=True,
        ),
        _mistake(
            "causal-ignored",
            "没有理会 causal 的滑窗注意力",
            "sliding-window attention that ignores causal",
            always=False,
        ),
        _mistake(
            "always-causal", "总是因果的滑窗注意力", "sliding-window attention that is always causal", always=True
        ),
        _mistake(
            "future-window",
            "因果时看的是未来一侧的滑窗注意力",
            "causal sliding-window attention on the side of the future",
            side="future",
        ),
        _mistake(
            "wraps-around",
            "窗口绕到另一端的滑窗注意力（下标成了负数）",
            "sliding-window attention whose window wraps around at the ends (negative indices)",
            wrap=True,
        ),
        *(
            each
            for each in mistakes("sliding_window_attention", _made, "滑窗注意力", "sliding-window attention")
            if each.name in _SHARED
        ),
    ),
)
