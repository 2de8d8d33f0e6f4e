"""MultiHead(x) = Concat(heads) W_O, head i = Attention(x W_Q, x W_K, x W_V) on its D = C / H columns."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tui.judge.contract import Call, Function, Output, Task
from tui.judge.stages import look
from tui.judge.tasks.attending import attend
from tui.judge.tasks.material import F32, case, drawn, lifted, mistake, unit


def module(w_q: Any, w_k: Any, w_v: Any, w_o: Any, num_heads: int) -> Any:
    """mlxformer's layer with these weights, ``x @ w``; its own are kept transposed."""
    import mlxformer as mf

    layer = mf.MultiHeadAttention(w_q.shape[0], num_heads, bias=False)
    for name, weight in (("query", w_q), ("key", w_k), ("value", w_v), ("out", w_o)):
        getattr(layer, f"{name}_proj").weight = weight.swapaxes(0, 1)
    return layer


def _component(x: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, num_heads: int, causal: bool = False) -> Any:
    return module(w_q, w_k, w_v, w_o, num_heads)(x, x, x, mask="causal" if causal else None)


def _multi_head(
    x: Any,
    w_q: Any,
    w_k: Any,
    w_v: Any,
    w_o: Any,
    num_heads: int,
    causal: bool = False,
    *,
    split: str = "transposed",
    merge: str = "transposed",
    triangle: str = "lower",
    out: bool = True,
    weights: str = "right",
    values: str = "v",
    **change: Any,
) -> Any:
    """The right layer; each argument after the contract's is a mistake."""
    batch, length, width = x.shape
    if split == "one-head":
        num_heads = 1
    if weights == "transposed":
        w_q, w_k, w_v, w_o = w_q.T, w_k.T, w_v.T, w_o.T

    def heads(z: Any) -> Any:  # [B, T, C] -> [B, H, T, D]
        if split == "reshaped":
            return z.reshape(batch, num_heads, length, width // num_heads)
        if split == "interleaved":
            return z.reshape(batch, length, width // num_heads, num_heads).transpose(0, 3, 1, 2)
        return z.reshape(batch, length, num_heads, width // num_heads).transpose(0, 2, 1, 3)

    mask = None
    if causal and triangle != "none":
        ones = np.ones((length, length), bool)
        mask = {"lower": np.tril(ones), "upper": np.triu(ones), "strict": np.tril(ones, -1)}[triangle]
    if weights == "one-projection":
        w_k = w_q
    v = x if values == "x" else x @ (w_k if values == "k" else w_v)
    mixed = attend(heads(x @ w_q), heads(x @ w_k), heads(v), mask, **change)  # [B, H, T, D]
    merged = mixed if merge == "reshaped" else mixed.transpose(0, 2, 1, 3)
    merged = look("concatenated", merged.reshape(batch, length, width))
    return merged @ w_o if out else merged


def weights(seed: int, width: int, dtype: Any = F32) -> tuple[np.ndarray, ...]:
    return tuple(drawn(seed + place, width, width, scale=width**-0.5, dtype=dtype) for place in range(4))


def _call(x: np.ndarray, seed: int, heads: int, **options: bool) -> Call:
    return Call("multi_head_attention", (x, *weights(seed, x.shape[-1], x.dtype), heads), options)


_HAND = Call(
    "multi_head_attention",
    (
        np.array([[[1, 0], [0, 1]]], F32),
        np.zeros((2, 2), F32),
        np.eye(2, dtype=F32),
        np.eye(2, dtype=F32),
        np.array([[0, 2], [4, 0]], F32),
        2,
    ),
)


def _mistake(name: str, zh: str, en: str, question: str, experiment: str, **change: Any) -> Any:
    function = partial(_multi_head, **change)
    return mistake(name, zh, en, question, experiment, multi_head_attention=function)


TASK = Task(
    "multi-head-attention",
    (
        Function(
            "multi_head_attention",
            ("x", "w_q", "w_k", "w_v", "w_o", "num_heads", "causal=False"),
            (Output("y", ("batch", "time", "dim")),),
        ),
    ),
    {"multi_head_attention": lifted(_component)},
    {"multi_head_attention": _multi_head},
    (
        case("by-hand", "手算的例子：得分全是 0，每个头取平均", "by hand: all scores 0, each head averages", _HAND),
        case("odd-shape", "奇数形状", "an odd shape", _call(drawn(1, 3, 5, 6), 10, 3)),
        case("causal", "因果", "causal", _call(drawn(2, 2, 6, 8), 20, 2, causal=True)),
        case("square", "T = H = D", "T = H = D", _call(drawn(3, 2, 4, 16), 30, 4)),
        case("one-head", "一个头", "one head", _call(drawn(4, 2, 5, 4), 40, 1, causal=True)),
        case("as-many-heads", "H = C，每头一维", "H = C, one dim a head", _call(drawn(5, 1, 4, 4), 50, 4)),
        case("one-token", "B = 1，T = 1", "B = 1, T = 1", _call(drawn(6, 1, 1, 8), 60, 2, causal=True)),
        case("sharp", "得分很大", "large scores", _call(drawn(7, 2, 5, 8, scale=4.0), 70, 2)),
        case(
            "large",
            "大到 ±1e4 的输入",
            "inputs to ±1e4",
            _call(np.clip(drawn(8, 1, 5, 8, scale=4e3), -1e4, 1e4), 80, 2, causal=True),
        ),
        case("float16", "float16", "float16", _call(unit(9, 1, 48, 8), 90, 2, causal=True), dtype="float16"),
    ),
    (
        _mistake(
            "heads-not-transposed",
            "拆头只 reshape、没有转置的多头注意力（把词元混进了头里）",
            "multi-head attention reshaped into heads without transposing (tokens mixed into heads)",
            "multi-head-implementation",
            "heads",
            split="reshaped",
        ),
        _mistake(
            "heads-interleaved",
            "拆成 [D, H] 而不是 [H, D] 的多头注意力",
            "multi-head attention split as [D, H], not [H, D]",
            "multi-head-implementation",
            "heads",
            split="interleaved",
        ),
        _mistake(
            "merged-without-transpose",
            "合头时没有转置回来的多头注意力",
            "multi-head attention whose heads are merged without transposing back",
            "multi-head-implementation",
            "heads",
            merge="reshaped",
        ),
        _mistake(
            "split-and-merge-not-transposed",
            "拆头、合头都没有转置的多头注意力",
            "multi-head attention that transposes neither when splitting nor when merging",
            "multi-head-implementation",
            "heads",
            split="reshaped",
            merge="reshaped",
        ),
        _mistake(
            "w-o-forgotten",
            "忘了 W_O 的多头注意力",
            "multi-head attention without W_O",
            "multi-head-implementation",
            "heads",
            out=False,
        ),
        _mistake(
            "one-head",
            "没有拆头、当成一个头的注意力",
            "attention with a single head, num_heads ignored",
            "why-heads",
            "heads",
            split="one-head",
        ),
        _mistake(
            "no-scale",
            "没有除以 √D 的多头注意力",
            "multi-head attention without 1/√D",
            "sqrt-dk",
            "scaling",
            scale="none",
        ),
        _mistake(
            "scale-by-d-model",
            "除以 √C（d_model）而不是 √D 的多头注意力",
            "multi-head attention scaled by 1/√C, the model's width",
            "sqrt-dk",
            "scaling",
            scale="model",
        ),
        _mistake(
            "divided-by-d",
            "除以 D 而不是 √D 的多头注意力",
            "multi-head attention divided by D, not √D",
            "sqrt-dk",
            "scaling",
            scale="whole",
        ),
        _mistake(
            "softmax-over-queries",
            "沿查询这一轴做 softmax 的多头注意力",
            "multi-head attention with the softmax over the queries",
            "attention-steps",
            "attention-steps",
            axis=-2,
        ),
        _mistake(
            "softmax-over-heads",
            "沿头这一轴做 softmax 的多头注意力",
            "multi-head attention with the softmax over the heads",
            "attention-steps",
            "attention-steps",
            axis=1,
        ),
        _mistake(
            "triangle-transposed",
            "因果三角上下颠倒（只看未来）的多头注意力",
            "multi-head attention with the causal triangle transposed (it sees the future)",
            "encoder-decoder-masks",
            "leak-tester",
            triangle="upper",
        ),
        _mistake(
            "own-token-masked",
            "因果掩码差一位（看不到自己）的多头注意力",
            "multi-head attention whose causal mask is off by one (a token does not see itself)",
            "encoder-decoder-masks",
            "leak-tester",
            triangle="strict",
        ),
        _mistake(
            "causal-ignored",
            "没有理会 causal 的多头注意力",
            "multi-head attention that ignores causal",
            "encoder-decoder-masks",
            "leak-tester",
            triangle="none",
        ),
        _mistake(
            "mask-after-softmax",
            "softmax 之后才加掩码、没有重新归一的多头注意力",
            "multi-head attention with the mask put on after the softmax",
            "encoder-decoder-masks",
            "leak-tester",
            masking="after",
        ),
        _mistake(
            "mask-multiplied",
            "拿掩码去乘得分的多头注意力",
            "multi-head attention with the scores multiplied by the mask",
            "encoder-decoder-masks",
            "leak-tester",
            masking="multiplied",
        ),
        _mistake(
            "weights-transposed",
            "用了 x @ wᵀ 的多头注意力",
            "multi-head attention that computes x @ wᵀ",
            "qkv-roles",
            "qkv",
            weights="transposed",
        ),
        _mistake(
            "values-from-w-k",
            "拿 W_K 投影值的多头注意力",
            "multi-head attention with values from W_K",
            "qkv-roles",
            "qkv",
            values="k",
        ),
        _mistake(
            "values-not-projected",
            "值没有投影的多头注意力",
            "multi-head attention with values not projected",
            "qkv-roles",
            "qkv",
            values="x",
        ),
        _mistake(
            "keys-from-w-q",
            "拿 W_Q 投影键的多头注意力",
            "multi-head attention with keys from W_Q",
            "qkv-roles",
            "qkv",
            weights="one-projection",
        ),
        _mistake(
            "no-maximum-subtracted",
            "softmax 没有先减最大值的多头注意力",
            "multi-head attention with no maximum subtracted in the softmax",
            "attention-formula",
            "attention-steps",
            shift=False,
        ),
    ),
)
