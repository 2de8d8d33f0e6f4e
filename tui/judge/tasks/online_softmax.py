"""Attention over blocks of keys with a running maximum m and sum l (FlashAttention's inner loop).

m' = max(m, max s),   l' = e^(m − m') l + Σ e^(s − m'),   o' = e^(m − m') o + e^(s − m') V,   result o / l
"""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tui.judge.contract import Call, Function, Output, Task
from tui.judge.stages import look
from tui.judge.tasks.material import F32, case, coarse, drawn, lifted, mistake, unit


def _component(q: Any, k: Any, v: Any, block: int) -> Any:
    from mlxformer.teaching.online_softmax import blockwise_attention

    q, k, v = (each.reshape(1, 1, *each.shape) for each in (q, k, v))
    return blockwise_attention(q, k, v, block_size=block)[0, 0]


def _blockwise(
    q: Any,
    k: Any,
    v: Any,
    block: int,
    *,
    scale: str = "root",
    rescale: str = "both",
    shift: str = "running",
    last: str = "kept",
    finish: str = "divided",
    shrink: float = 1.0,
    first: str = "least",
) -> Any:
    """The right loop; each argument after the contract's is a mistake."""
    length, width = q.shape
    factor = {"root": width**-0.5, "none": 1.0, "whole": 1.0 / width, "block": block**-0.5}[scale]
    m = np.full((length, 1), 0.0 if first == "zero" else np.finfo(q.dtype).min, q.dtype)
    total, out = np.zeros((length, 1), q.dtype), np.zeros((length, v.shape[-1]), q.dtype)
    blocks = 0
    for start in range(0, length, block):
        if last == "dropped" and start + block > length and start:
            break
        scores = look("block_scores", q @ k[start : start + block].T * factor)
        highest = scores.max(axis=-1, keepdims=True)
        after = np.maximum(m, highest) if shift == "running" else highest if shift == "block" else np.zeros_like(m)
        if first == "zero":
            after = np.maximum(m, highest)
        powers = np.exp(scores - after)
        kept = np.exp(shrink * (m - after)) if start or first == "zero" else np.zeros_like(m)
        if rescale == "neither":
            kept_total = kept_out = np.ones_like(m)
        elif rescale == "sum":
            kept_total, kept_out = kept, np.ones_like(m)
        elif rescale == "output":
            kept_total, kept_out = np.ones_like(m), kept
        else:
            kept_total = kept_out = kept
        if finish == "each":
            out = out + powers @ v[start : start + block] / powers.sum(axis=-1, keepdims=True)
            blocks += 1
            continue
        if finish == "newest":
            kept_total = kept_out = np.zeros_like(m)
        total = look("running_sum", total * kept_total + powers.sum(axis=-1, keepdims=True))
        out = look("accumulated", out * kept_out + powers @ v[start : start + block])
        m = look("running_max", after)
    if finish == "each":
        return out / blocks
    return out if finish == "undivided" else out / total


def _qkv(seed: int, length: int, width: int) -> tuple[np.ndarray, ...]:
    return drawn(seed, length, width), drawn(seed + 1, length, width), drawn(seed + 2, length, width)


def _sharp(seed: int, length: int, width: int) -> tuple[np.ndarray, ...]:
    q, k, v = _qkv(seed, length, width)
    return coarse(q * 100, 1), coarse(k, 8), v


def _call(arrays: Any, block: int) -> Call:
    return Call("blockwise_attention", (*arrays, block))


def _large() -> tuple[np.ndarray, ...]:
    """Scores of 1e8 in which one key wins by far, in the first block for some rows and in the last for others."""
    q = np.zeros((6, 4), F32)
    k = np.zeros((6, 4), F32)
    place = np.arange(6)
    q[place, place % 4] = 1e4
    k[place, place % 4] = 1e4 - 100 * (place // 4)
    return q, k, drawn(60, 6, 4)


def _mistake(name: str, zh: str, en: str, **change: Any) -> Any:
    function = partial(_blockwise, **change)
    return mistake(name, zh, en, "flash-attention", "flash-attention", blockwise_attention=function)


_HAND = (
    np.array([[2**0.5, 0], [0, 0]], F32),
    np.array([[0, 0], [np.log(3), 0]], F32),
    np.array([[4, 0], [0, 8]], F32),
)

TASK = Task(
    "online-softmax",
    (Function("blockwise_attention", ("q", "k", "v", "block"), (Output("y", ("query", "dim")),)),),
    {"blockwise_attention": lifted(_component)},
    {"blockwise_attention": _blockwise},
    (
        case(
            "by-hand", "手算的例子：权重 1 : 3，每块一个键", "by hand: weights 1 : 3, one key a block", _call(_HAND, 1)
        ),
        case("divides", "块长整除 T", "a block that divides T", _call(_qkv(1, 8, 4), 4)),
        case("remainder", "最后一块不满", "a last block that is not full", _call(_qkv(10, 7, 3), 3)),
        case("one-block", "块长大于 T", "a block longer than T", _call(_qkv(20, 5, 4), 16)),
        case("block-of-one", "每块一个键", "one key a block", _call(_qkv(30, 6, 5), 1)),
        case("one-token", "T = 1", "T = 1", _call(_qkv(40, 1, 4), 2)),
        case("sharp", "指数会溢出的得分", "scores whose exponentials overflow", _call(_sharp(50, 9, 4), 2)),
        case(
            "negative",
            "得分全都很负",
            "scores that are all far below zero",
            _call((np.full((5, 4), 40, F32), coarse(drawn(56, 5, 4) - 6, 4), drawn(57, 5, 4)), 2),
        ),
        case("large", "大到 ±1e4 的查询和键", "queries and keys to ±1e4", _call(_large(), 4)),
        case(
            "float16",
            "float16",
            "float16",
            _call((unit(70, 64, 4), unit(71, 64, 4), unit(72, 64, 4)), 16),
            dtype="float16",
        ),
    ),
    (
        _mistake(
            "output-not-rescaled",
            "最大值变了、累加的输出没有跟着缩的分块注意力",
            "blockwise attention whose output is not rescaled when the maximum grows",
            rescale="sum",
        ),
        _mistake(
            "sum-not-rescaled",
            "最大值变了、累加的分母没有跟着缩的分块注意力",
            "blockwise attention whose sum is not rescaled when the maximum grows",
            rescale="output",
        ),
        _mistake(
            "nothing-rescaled",
            "最大值变了、什么都没有缩的分块注意力",
            "blockwise attention that rescales nothing when the maximum grows",
            rescale="neither",
        ),
        _mistake(
            "rescaled-the-wrong-way",
            "缩放因子写成 e^(m' − m) 的分块注意力",
            "blockwise attention that rescales by e^(m' − m)",
            shrink=-1.0,
        ),
        _mistake(
            "blocks-averaged",
            "各块各自 softmax 再平均的分块注意力",
            "the average of a softmax within each block",
            finish="each",
        ),
        _mistake(
            "last-block-only",
            "每块都重新开始、只剩最后一块的注意力",
            "attention that starts anew with each block",
            finish="newest",
        ),
        _mistake(
            "remainder-dropped",
            "丢掉最后不满一块的键的分块注意力",
            "blockwise attention that drops a last block that is not full",
            last="dropped",
        ),
        _mistake(
            "not-divided",
            "最后没有除以 l 的分块注意力",
            "blockwise attention that is not divided by l at the end",
            finish="undivided",
        ),
        _mistake(
            "no-maximum-subtracted",
            "没有减最大值的分块注意力",
            "blockwise attention with no maximum subtracted",
            shift="none",
        ),
        _mistake(
            "block-maximum",
            "拿每块自己的最大值当新的最大值的分块注意力",
            "blockwise attention that takes each block's own maximum for the running one",
            shift="block",
        ),
        _mistake(
            "maximum-starts-at-zero",
            "最大值从 0 起步的分块注意力（得分很负时全下溢）",
            "blockwise attention whose maximum starts at 0 (scores far below zero all underflow)",
            first="zero",
        ),
        _mistake("no-scale", "没有除以 √D 的分块注意力", "blockwise attention without 1/√D", scale="none"),
        _mistake(
            "divided-by-d", "除以 D 而不是 √D 的分块注意力", "blockwise attention divided by D, not √D", scale="whole"
        ),
        _mistake("scale-by-block", "除以 √block 的分块注意力", "blockwise attention scaled by 1/√block", scale="block"),
    ),
)
