"""Attention(Q, K, V) = softmax(Q Kᵀ / √D, masked) V."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from tui.judge.contract import Call, Case, Function, Mistake, Output, Task
from tui.judge.tasks.attending import attend
from tui.judge.tasks.material import F32, case, coarse, drawn, lifted, mistake, unit


def _component(q: Any, k: Any, v: Any, mask: Any = None) -> Any:
    import mlxformer as mf

    return mf.scaled_dot_product_attention(q, k, v, mask=mask)


def qkv(seed: int, batch: int, heads: int, length: int, width: int, kv_heads: int = 0, scale: float = 1.0) -> Any:
    kv_heads = kv_heads or heads
    return (
        coarse(drawn(seed, batch, heads, length, width, scale=scale), 8),
        coarse(drawn(seed + 1, batch, kv_heads, length, width, scale=scale), 8),
        drawn(seed + 2, batch, kv_heads, length, width),
    )


def half(seed: int, batch: int, heads: int, length: int, width: int, kv_heads: int = 0) -> Any:
    kv_heads = kv_heads or heads
    return (
        unit(seed, batch, heads, length, width),
        unit(seed + 1, batch, kv_heads, length, width),
        unit(seed + 2, batch, kv_heads, length, width),
    )


def causal(length: int) -> np.ndarray:
    return np.tril(np.ones((length, length), bool))


def with_blind_rows(seed: int, *shape: int) -> np.ndarray:
    """A mask in which some rows may see nothing."""
    mask = np.random.default_rng(seed).random(shape) < 0.6
    mask[..., 1, :] = False
    mask[..., 0, :] = True
    return mask


def hand() -> Any:
    """Two unit keys, scores (0, √2 ln 3) after scaling (0, ln 3): weights 1 : 3 (and 3 : 1)."""
    q = np.array([[[[0, 2**0.5 * np.log(3)], [2**0.5 * np.log(3), 0]]]], F32)
    k = np.array([[[[1, 0], [0, 1]]]], F32)
    v = np.array([[[[4, 0], [0, 8]]]], F32)
    return q, k, v


def large(batch: int, heads: int, length: int, width: int, kv_heads: int) -> Any:
    """Queries and keys to ±1e4, so that in each row one key wins by far: the result is a value, whatever the order."""
    place = np.arange(length)
    q = np.zeros((batch, heads, length, width), F32)
    k = np.zeros((batch, kv_heads, length, width), F32)
    q[..., place, place % width] = 1e4
    q[..., place, (place + 1) % width] = -5e3
    k[..., place, place % width] = 1e4 - 100 * (place // width)
    return q, k, drawn(77, batch, kv_heads, length, width)


def cases(function: str, heads: int, kv_heads: int) -> tuple[Case, ...]:
    """The cases of attention with so many heads and key/value heads."""

    def call(arrays: Any, *mask: Any) -> Call:
        return Call(function, arrays, {"mask": mask[0]} if mask else {})

    full = np.random.default_rng(50).random((2, heads, 6, 6)) < 0.7
    full[..., range(6), range(6)] = True
    padding = np.array([True, True, True, False, False])[None, None, None, :] & np.ones((2, 1, 1, 5), bool)
    blind = with_blind_rows(51, 2, heads, 4, 4)
    return (
        case("no-mask", "没有掩码", "no mask", call(qkv(10, 2, heads, 5, 4, kv_heads))),
        case("odd-shape", "奇数形状", "an odd shape", call(qkv(20, 3, heads, 7, 5, kv_heads))),
        case("causal", "因果掩码", "a causal mask", call(qkv(30, 2, heads, 6, 4, kv_heads), causal(6))),
        case("one-token", "B = 1，T = 1", "B = 1, T = 1", call(qkv(40, 1, heads, 1, 3, kv_heads))),
        case("own-masks", "每个头各有掩码", "a mask for each head", call(qkv(60, 2, heads, 6, 4, kv_heads), full)),
        case(
            "padding",
            "填充掩码 [B, 1, 1, T]",
            "a padding mask [B, 1, 1, T]",
            call(qkv(70, 2, heads, 5, 4, kv_heads), padding),
        ),
        case(
            "sees-nothing",
            "有一行什么也看不到",
            "a row that sees nothing",
            call(qkv(80, 2, heads, 4, 4, kv_heads), blind),
        ),
        case(
            "all-blind",
            "全都看不到",
            "nobody sees anything",
            call(qkv(85, 1, heads, 3, 4, kv_heads), np.zeros((3, 3), bool)),
        ),
        case("large", "大到 ±1e4 的查询和键", "queries and keys to ±1e4", call(large(1, heads, 6, 4, kv_heads))),
        case(
            "large-scores",
            "指数会溢出的得分",
            "scores whose exponentials overflow",
            call(qkv(95, 1, heads, 4, 16, kv_heads, scale=8.0), causal(4)),
        ),
        case("float16", "float16", "float16", call(half(100, 1, heads, 64, 4, kv_heads)), dtype="float16"),
        case(
            "float16-sees-nothing",
            "float16，有一行什么也看不到",
            "float16, a row that sees nothing",
            call(half(110, 1, heads, 5, 4, kv_heads), with_blind_rows(52, 1, heads, 5, 5)),
            dtype="float16",
        ),
    )


Made = Callable[..., Any]


def mistakes(name: str, made: Callable[..., Made], zh: str, en: str) -> tuple[Mistake, ...]:
    """The mistakes of attention. ``made`` gives the function with one of ``attend``'s arguments changed."""

    def one(label: str, chinese: str, english: str, question: str, experiment: str, **change: Any) -> Mistake:
        return mistake(label, chinese.format(zh), english.format(en), question, experiment, **{name: made(**change)})

    return (
        one("no-scale", "没有除以 √D 的{}", "{} without 1/√D", "sqrt-dk", "scaling", scale="none"),
        one(
            "scale-by-d-model",
            "除以 √(H·D) 而不是 √D 的{}",
            "{} scaled by 1/√(H·D), the model's width",
            "sqrt-dk",
            "scaling",
            scale="model",
        ),
        one("divided-by-d", "除以 D 而不是 √D 的{}", "{} divided by D, not √D", "sqrt-dk", "scaling", scale="whole"),
        one(
            "scale-multiplied", "乘了 √D 而不是除以 √D 的{}", "{} multiplied by √D", "sqrt-dk", "scaling", scale="times"
        ),
        one("scale-by-length", "除以 √T 的{}", "{} scaled by 1/√T, the length", "sqrt-dk", "scaling", scale="length"),
        one(
            "scale-after-softmax",
            "softmax 之后才缩放的{}",
            "{} scaled after the softmax",
            "sqrt-dk",
            "scaling",
            scale="after",
        ),
        one(
            "softmax-over-queries",
            "沿查询这一轴做 softmax 的{}",
            "{} with the softmax over the queries",
            "attention-steps",
            "attention-steps",
            axis=-2,
        ),
        one(
            "mask-inverted",
            "掩码用反了的{}",
            "{} with the mask inverted",
            "padding-mask",
            "padding",
            masking="inverted",
        ),
        one(
            "mask-transposed",
            "掩码转置了的{}（三角上下颠倒）",
            "{} with the mask transposed (the other triangle)",
            "encoder-decoder-masks",
            "leak-tester",
            masking="transposed",
        ),
        one(
            "mask-after-softmax",
            "softmax 之后才加掩码、没有重新归一的{}",
            "{} with the mask put on after the softmax",
            "encoder-decoder-masks",
            "leak-tester",
            masking="after",
        ),
        one(
            "mask-added",
            "把布尔掩码当数加到得分上的{}",
            "{} with the boolean mask added to the scores",
            "padding-mask",
            "padding",
            masking="added",
        ),
        one(
            "mask-multiplied",
            "拿掩码去乘得分的{}（挡住的得分成了 0，不是 −∞）",
            "{} with the scores multiplied by the mask (0 is a score, not −∞)",
            "padding-mask",
            "padding",
            masking="multiplied",
        ),
        one(
            "mask-ignored",
            "没用上掩码的{}",
            "{} that ignores its mask",
            "encoder-decoder-masks",
            "leak-tester",
            masking="ignored",
        ),
        one(
            "row-of-nan",
            "什么也看不到的行成了 NaN 的{}（整行都是 −∞）",
            "{} with NaN where a row sees nothing (all of it −∞)",
            "padding-mask",
            "padding",
            masking="minus-infinity",
        ),
        one(
            "blind-row-averages",
            "什么也看不到的行成了 V 的平均的{}",
            "{} with the mean of V where a row sees nothing",
            "padding-mask",
            "padding",
            masking="finite",
        ),
        one(
            "blind-row-unmasked",
            "什么也看不到的行像没有掩码一样的{}（给整行加上同一个很大的负数）",
            "{} in which a row that sees nothing is as if unmasked (−1e9 added to all of it)",
            "padding-mask",
            "padding",
            masking="offset",
        ),
        one(
            "minus-1e9-in-float16",
            "在 float16 里用 −1e9 填充的{}（那是 −∞）",
            "{} filled with −1e9 in float16, where that is −∞",
            "padding-mask",
            "padding",
            masking="minus-1e9",
        ),
        one(
            "no-maximum-subtracted",
            "softmax 没有先减最大值的{}",
            "{} with no maximum subtracted in the softmax",
            "attention-formula",
            "attention-steps",
            shift=False,
        ),
    )


def _made(**change: Any) -> Made:
    return partial(attend, **change)


TASK = Task(
    "attention",
    (Function("attention", ("q", "k", "v", "mask=None"), (Output("heads", ("batch", "head", "query", "dim")),)),),
    {"attention": lifted(_component)},
    {"attention": attend},
    (
        case("by-hand", "手算的例子", "an example by hand", Call("attention", hand())),
        *cases("attention", 2, 2),
    ),
    (
        *mistakes("attention", _made, "注意力", "attention"),
        mistake(
            "values-forgotten",
            "拿键当值来加权的注意力",
            "attention that mixes the keys, not the values",
            "qkv-roles",
            "qkv",
            attention=lambda q, k, v, mask=None: attend(q, k, k, mask),
        ),
    ),
)
