"""Causal attention: query i of the last Tq positions sees the keys j ≤ i + (Tk − Tq)."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tui.judge.contract import Call, Function, Output, Task
from tui.judge.tasks.attending import attend
from tui.judge.tasks.attention import half, hand, large, mistakes, qkv
from tui.judge.tasks.material import case, lifted, mistake


def _component(q: Any, k: Any, v: Any) -> Any:
    import mlxformer as mf

    return mf.scaled_dot_product_attention(q, k, v, mask="causal")


def _causal(
    q: Any, k: Any, v: Any, *, later: int = 0, corner: str = "lower-right", triangle: str = "lower", **change: Any
) -> Any:
    """The right attention; each argument after the contract's is a mistake. later: how many keys too many are seen."""
    rows, keys = q.shape[-2], k.shape[-2]
    place = np.arange(rows)[:, None] + (keys - rows if corner == "lower-right" else 0)
    seen = np.arange(keys) <= place + later
    if triangle == "upper":
        seen = np.arange(keys) >= place
    return attend(q, k, v, seen, **change)


def _cached(seed: int, batch: int, heads: int, queries: int, keys: int, width: int) -> Any:
    q, k, v = qkv(seed, batch, heads, keys, width)
    return q[:, :, keys - queries :], k, v


def _call(arrays: Any) -> Call:
    return Call("causal_attention", tuple(arrays))


def _made(**change: Any) -> Any:
    return partial(_causal, **change)


def _mistake(name: str, zh: str, en: str, question: str, experiment: str, **change: Any) -> Any:
    return mistake(name, zh, en, question, experiment, causal_attention=_made(**change))


_LEAK = ("encoder-decoder-masks", "leak-tester")
_SHARED = {
    "no-scale",
    "scale-by-d-model",
    "divided-by-d",
    "scale-multiplied",
    "softmax-over-queries",
    "mask-after-softmax",
    "mask-added",
    "mask-multiplied",
    "no-maximum-subtracted",
}
_HALF = half(100, 1, 2, 64, 4)

TASK = Task(
    "causal-attention",
    (Function("causal_attention", ("q", "k", "v"), (Output("heads", ("batch", "head", "query", "dim")),)),),
    {"causal_attention": lifted(_component)},
    {"causal_attention": _causal},
    (
        case("by-hand", "手算的例子：第一个只看自己", "by hand: the first sees itself alone", _call(hand())),
        case("odd-shape", "奇数形状", "an odd shape", _call(qkv(20, 3, 2, 7, 5))),
        case("square", "H = T = D", "H = T = D", _call(qkv(30, 2, 4, 4, 4))),
        case("one-token", "B = 1，T = 1", "B = 1, T = 1", _call(qkv(40, 1, 1, 1, 3))),
        case(
            "cached",
            "查询是最后两个，键有六个",
            "two queries at the end of six keys",
            _call(_cached(50, 2, 2, 2, 6, 4)),
        ),
        case(
            "one-query", "一个查询，看得到所有键", "one query, which sees all keys", _call(_cached(60, 1, 3, 1, 5, 4))
        ),
        case("large", "大到 ±1e4 的查询和键", "queries and keys to ±1e4", _call(large(1, 2, 6, 4, 2))),
        case(
            "large-scores",
            "指数会溢出的得分",
            "scores whose exponentials overflow",
            _call(qkv(95, 1, 2, 4, 16, scale=8.0)),
        ),
        case("float16", "float16", "float16", _call(_HALF), dtype="float16"),
        case(
            "float16-cached",
            "float16，带缓存",
            "float16 with a cache",
            _call((_HALF[0][:, :, 60:], *_HALF[1:])),
            dtype="float16",
        ),
    ),
    (
        _mistake(
            "sees-the-future",
            "没有因果掩码、看得到未来的注意力",
            "attention without a causal mask, which sees the future",
            *_LEAK,
            later=1 << 20,
        ),
        _mistake(
            "sees-one-ahead",
            "多看了一个词元（下一个）的因果注意力",
            "causal attention in which a token sees the next one too",
            *_LEAK,
            later=1,
        ),
        _mistake(
            "own-token-masked",
            "看不到自己（掩码差一位）的因果注意力",
            "causal attention in which a token does not see itself (off by one)",
            *_LEAK,
            later=-1,
        ),
        _mistake(
            "triangle-transposed",
            "三角上下颠倒、只看未来的因果注意力",
            "causal attention with the other triangle: it sees the future alone",
            *_LEAK,
            triangle="upper",
        ),
        _mistake(
            "aligned-upper-left",
            "带缓存时三角没有右下对齐的因果注意力",
            "causal attention whose triangle is aligned at the upper left, wrong with a cache",
            "kv-cache",
            "kv-cache",
            corner="upper-left",
        ),
        *(
            each
            for each in mistakes("causal_attention", _made, "因果注意力", "causal attention")
            if each.name in _SHARED
        ),
    ),
)
