"""Attention whose query heads share key/value heads: head h reads KV head floor(h · Hkv / H)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from tui.judge.contract import Call, Function, Output, Task
from tui.judge.stages import look
from tui.judge.tasks.attending import attend
from tui.judge.tasks.attention import cases, qkv
from tui.judge.tasks.material import case, drawn, lifted, mistake


def _component(q: Any, k: Any, v: Any, mask: Any = None) -> Any:
    import mlxformer as mf

    return mf.scaled_dot_product_attention(q, k, v, mask=mask)


def _sharing(assign: Callable[[int, int], list[int]], **change: Any) -> Callable[..., Any]:
    """The function that gives query head h the KV head ``assign(H, Hkv)[h]``."""

    def grouped(q: Any, k: Any, v: Any, mask: Any = None) -> Any:
        chosen = assign(q.shape[1], k.shape[1])
        return attend(q, look("keys", k[:, chosen]), look("values", v[:, chosen]), mask, **change)

    return grouped


def _blocks(heads: int, kv_heads: int) -> list[int]:
    return [head * kv_heads // heads for head in range(heads)]


def _made(**change: Any) -> Callable[..., Any]:
    return _sharing(_blocks, **change)


def _averaged(q: Any, k: Any, v: Any, mask: Any = None) -> Any:
    heads = q.shape[1]
    return attend(
        q,
        np.repeat(k.mean(1, keepdims=True), heads, axis=1),
        np.repeat(v.mean(1, keepdims=True), heads, axis=1),
        mask,
    )


def _regrouped(q: Any, k: Any, v: Any, mask: Any = None) -> Any:
    """The right heads, put together in the order of the place in the group first."""
    heads, kv_heads = q.shape[1], k.shape[1]
    right = _made()(q, k, v, mask)
    order = np.arange(heads).reshape(kv_heads, heads // kv_heads).T.reshape(-1)
    return right[:, order]


def _values_unshared(q: Any, k: Any, v: Any, mask: Any = None) -> Any:
    """The keys shared in blocks, the values in turn."""
    heads, kv_heads = q.shape[1], k.shape[1]
    blocks, turns = _blocks(heads, kv_heads), [head % kv_heads for head in range(heads)]
    return attend(q, k[:, blocks], v[:, turns], mask)


_KEPT = frozenset(
    [
        "no-scale",
        "scale-by-d-model",
        "divided-by-d",
        "softmax-over-queries",
        "mask-inverted",
        "mask-transposed",
        "mask-after-softmax",
        "mask-multiplied",
        "row-of-nan",
        "blind-row-averages",
        "blind-row-unmasked",
        "minus-1e9-in-float16",
        "no-maximum-subtracted",
        "mask-ignored",
    ]
)


def _mistakes() -> Any:
    from tui.judge.tasks.attention import mistakes

    found = mistakes("grouped_query_attention", _made, "分组查询注意力", "grouped-query attention")
    return [each for each in found if each.name in _KEPT]


_HAND = (
    np.zeros((1, 4, 1, 2), np.float32),
    np.zeros((1, 2, 1, 2), np.float32),
    np.array([[[[1, 2]], [[3, 4]]]], np.float32),
)

TASK = Task(
    "grouped-queries",
    (
        Function(
            "grouped_query_attention",
            ("q", "k", "v", "mask=None"),
            (Output("heads", ("batch", "head", "query", "dim")),),
        ),
    ),
    {"grouped_query_attention": lifted(_component)},
    {"grouped_query_attention": _made()},
    (
        case(
            "by-hand",
            "手算的例子：一个词元，头 0、1 读第一个 KV 头",
            "by hand: one token; heads 0 and 1 read the first KV head",
            Call("grouped_query_attention", _HAND),
        ),
        *cases("grouped_query_attention", 4, 2),
        case(
            "three-each",
            "三个头共用一个",
            "three heads share one",
            Call("grouped_query_attention", qkv(200, 2, 6, 3, 4, 2)),
        ),
        case("multi-query", "Hkv = 1", "Hkv = 1", Call("grouped_query_attention", qkv(210, 1, 4, 5, 3, 1))),
        case(
            "as-many",
            "Hkv = H",
            "Hkv = H",
            Call("grouped_query_attention", (drawn(220, 2, 3, 4, 4), drawn(221, 2, 3, 4, 4), drawn(222, 2, 3, 4, 4))),
        ),
    ),
    (
        mistake(
            "heads-in-turn",
            "KV 头轮流分配（h mod Hkv）的分组查询注意力",
            "grouped-query attention that deals the KV heads in turn (h mod Hkv)",
            "grouped-query-attention",
            "grouped-queries",
            grouped_query_attention=_sharing(lambda h, n: [head % n for head in range(h)]),
        ),
        mistake(
            "first-head-only",
            "所有头都读第一个 KV 头的注意力",
            "attention in which every head reads the first KV head",
            "grouped-query-attention",
            "grouped-queries",
            grouped_query_attention=_sharing(lambda h, n: [0] * h),
        ),
        mistake(
            "groups-reversed",
            "KV 头倒着分配的分组查询注意力",
            "grouped-query attention with the KV heads in reverse",
            "grouped-query-attention",
            "grouped-queries",
            grouped_query_attention=_sharing(lambda h, n: [n - 1 - i for i in _blocks(h, n)]),
        ),
        mistake(
            "kv-heads-averaged",
            "把所有 KV 头平均成一个的注意力",
            "attention with all KV heads averaged to one",
            "grouped-query-attention",
            "grouped-queries",
            grouped_query_attention=_averaged,
        ),
        mistake(
            "output-regrouped",
            "输出的头排错次序（组内序号在前）的分组查询注意力",
            "grouped-query attention whose output heads are ordered by their place in the group",
            "grouped-query-attention",
            "grouped-queries",
            grouped_query_attention=_regrouped,
        ),
        mistake(
            "values-in-turn",
            "键按组分配、值却轮流分配的注意力",
            "attention with keys shared in blocks and values in turn",
            "grouped-query-attention",
            "grouped-queries",
            grouped_query_attention=_values_unshared,
        ),
        *_mistakes(),
    ),
)
