"""Cross-attention: queries of the decoder's x, keys and values of the encoder's memory, whose padding nobody sees."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tui.judge.contract import Call, Function, Output, Task
from tui.judge.stages import look
from tui.judge.tasks.attending import attend
from tui.judge.tasks.material import F32, case, drawn, lifted, mistake, unit
from tui.judge.tasks.multi_head_attention import module, weights


def _component(x: Any, memory: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, num_heads: int, mask: Any = None) -> Any:
    import mlxformer as mf

    seen = None if mask is None else mf.masks.padding(mask)
    return module(w_q, w_k, w_v, w_o, num_heads)(x, memory, memory, mask=seen)


def _cross(
    x: Any,
    memory: Any,
    w_q: Any,
    w_k: Any,
    w_v: Any,
    w_o: Any,
    num_heads: int,
    mask: Any = None,
    *,
    queries: str = "x",
    keys: str = "memory",
    values: str = "memory",
    split: str = "transposed",
    merge: str = "transposed",
    masked: str = "keys",
    out: bool = True,
    **change: Any,
) -> Any:
    """The right layer; each argument after the contract's is a mistake."""
    of = {"x": x, "memory": memory}
    asked, width = of[queries], x.shape[-1]
    if values == "keys":
        w_v, values = w_k, "memory"

    def heads(z: Any) -> Any:  # [B, T, C] -> [B, H, T, D]
        if split == "reshaped":
            return z.reshape(len(z), num_heads, -1, width // num_heads)
        return z.reshape(len(z), -1, num_heads, width // num_heads).transpose(0, 2, 1, 3)

    seen = None if mask is None else mask[:, None, None, :] if masked == "keys" else mask[:, None, :, None]
    if masked == "causal":
        triangle = np.tril(np.ones((asked.shape[1], of[keys].shape[1]), bool))
        seen = triangle if mask is None else triangle & mask[:, None, None, :]
    mixed = attend(heads(asked @ w_q), heads(of[keys] @ w_k), heads(of[values] @ w_v), seen, **change)
    merged = mixed if merge == "reshaped" else mixed.transpose(0, 2, 1, 3)
    merged = look("concatenated", merged.reshape(len(x), -1, width))
    return merged @ w_o if out else merged


def _call(
    seed: int, batch: int, length: int, of: int, width: int, heads: int, mask: Any = None, scale: float = 1.0
) -> Call:
    x, memory = drawn(seed, batch, length, width, scale=scale), drawn(seed + 1, batch, of, width, scale=scale)
    x, memory = np.clip(x, -1e4, 1e4), np.clip(memory, -1e4, 1e4)
    return Call(
        "cross_attention", (x, memory, *weights(seed + 2, width), heads), {} if mask is None else {"mask": mask}
    )


def _mistake(name: str, zh: str, en: str, question: str, experiment: str, **change: Any) -> Any:
    return mistake(name, zh, en, question, experiment, cross_attention=partial(_cross, **change))


_KINDS = ("self-cross-target-attention", "target-attention")
_HEADS = ("multi-head-implementation", "heads")
_PADDING = ("padding-mask", "padding")
_EYE = np.eye(2, dtype=F32)
_HAND = (np.ones((1, 1, 2), F32), np.array([[[2, 0], [0, 4], [9, 9]]], F32), 0 * _EYE, _EYE, _EYE, _EYE, 1)
_MASK = np.array([[True, True, True, False, False], [True, True, True, True, True]])
_BLIND = np.array([[False] * 5, [True, False, True, False, False]])
_HALF = (unit(100, 1, 6, 8), unit(101, 1, 40, 8), *weights(102, 8, np.float16), 2)

TASK = Task(
    "cross-attention",
    (
        Function(
            "cross_attention",
            ("x", "memory", "w_q", "w_k", "w_v", "w_o", "num_heads", "mask=None"),
            (Output("y", ("batch", "time", "dim")),),
        ),
    ),
    {"cross_attention": lifted(_component)},
    {"cross_attention": _cross},
    (
        case(
            "by-hand",
            "手算的例子：得分全是 0，取前两个记忆的平均",
            "by hand: all scores 0, the mean of the first two of memory",
            Call("cross_attention", _HAND, {"mask": np.array([[True, True, False]])}),
        ),
        case("odd-shape", "奇数形状，没有掩码", "an odd shape, no mask", _call(10, 3, 5, 7, 6, 3)),
        case("padding", "记忆里有填充", "padding in memory", _call(20, 2, 3, 5, 8, 2, _MASK)),
        case("same-lengths", "两边一样长", "both of one length", _call(30, 2, 5, 5, 8, 2, _MASK)),
        case("longer-target", "x 比记忆长", "x longer than memory", _call(35, 2, 6, 3, 4, 4)),
        case("one-token", "B = 1，Tq = Tk = 1", "B = 1, Tq = Tk = 1", _call(40, 1, 1, 1, 4, 2)),
        case("sees-nothing", "有一句全是填充", "a row that is all padding", _call(50, 2, 4, 5, 8, 2, _BLIND)),
        case("sharp", "得分很大", "large scores", _call(60, 2, 5, 4, 8, 2, scale=4.0)),
        case("large", "大到 ±1e4 的输入", "inputs to ±1e4", _call(70, 1, 3, 5, 8, 2, scale=4e3)),
        case("float16", "float16", "float16", Call("cross_attention", _HALF), dtype="float16"),
    ),
    (
        _mistake(
            "memory-ignored",
            "键和值也取自 x 的注意力（那是自注意力）",
            "attention with keys and values of x too (self-attention)",
            *_KINDS,
            keys="x",
            values="x",
        ),
        _mistake(
            "queries-from-memory",
            "查询取自记忆、键和值取自 x 的交叉注意力（两边弄反）",
            "cross-attention with queries of memory, keys and values of x (the sides swapped)",
            *_KINDS,
            queries="memory",
            keys="x",
            values="x",
        ),
        _mistake(
            "values-from-x",
            "值取自 x 的交叉注意力",
            "cross-attention with values of x",
            *_KINDS,
            values="x",
        ),
        _mistake(
            "values-from-w-k",
            "拿 W_K 投影值的交叉注意力",
            "cross-attention with values from W_K",
            "qkv-roles",
            "qkv",
            values="keys",
        ),
        _mistake(
            "causal-over-memory",
            "给记忆加了因果掩码的交叉注意力（源句本来整句可见）",
            "cross-attention with a causal mask over memory, all of which may be seen",
            "encoder-decoder-masks",
            "leak-tester",
            masked="causal",
        ),
        _mistake(
            "mask-on-queries",
            "掩码挡在查询一侧的交叉注意力",
            "cross-attention with the mask on the queries' axis",
            *_PADDING,
            masked="queries",
        ),
        _mistake(
            "mask-inverted",
            "掩码用反了的交叉注意力",
            "cross-attention with the mask inverted",
            *_PADDING,
            masking="inverted",
        ),
        _mistake(
            "mask-ignored",
            "没用上掩码的交叉注意力",
            "cross-attention that ignores its mask",
            *_PADDING,
            masking="ignored",
        ),
        _mistake(
            "mask-after-softmax",
            "softmax 之后才加掩码、没有重新归一的交叉注意力",
            "cross-attention with the mask put on after the softmax",
            *_PADDING,
            masking="after",
        ),
        _mistake(
            "row-of-nan",
            "整句都是填充时成了 NaN 的交叉注意力",
            "cross-attention with NaN where all of memory is padding",
            *_PADDING,
            masking="minus-infinity",
        ),
        _mistake(
            "blind-row-averages",
            "整句都是填充时取了平均的交叉注意力",
            "cross-attention that averages where all of memory is padding",
            *_PADDING,
            masking="finite",
        ),
        _mistake(
            "heads-not-transposed",
            "拆头只 reshape、没有转置的交叉注意力",
            "cross-attention reshaped into heads without transposing",
            *_HEADS,
            split="reshaped",
        ),
        _mistake(
            "merged-without-transpose",
            "合头时没有转置回来的交叉注意力",
            "cross-attention whose heads are merged without transposing back",
            *_HEADS,
            merge="reshaped",
        ),
        _mistake("w-o-forgotten", "忘了 W_O 的交叉注意力", "cross-attention without W_O", *_HEADS, out=False),
        _mistake(
            "no-scale", "没有除以 √D 的交叉注意力", "cross-attention without 1/√D", "sqrt-dk", "scaling", scale="none"
        ),
        _mistake(
            "scale-by-d-model",
            "除以 √C 而不是 √D 的交叉注意力",
            "cross-attention scaled by 1/√C, the model's width",
            "sqrt-dk",
            "scaling",
            scale="model",
        ),
        _mistake(
            "softmax-over-queries",
            "沿查询这一轴做 softmax 的交叉注意力",
            "cross-attention with the softmax over the queries",
            "attention-steps",
            "attention-steps",
            axis=-2,
        ),
    ),
)
