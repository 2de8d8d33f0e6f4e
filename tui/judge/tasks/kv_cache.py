"""One step of decoding: the new token's query against the keys and values of all tokens so far, which are kept."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tui.judge.contract import Call, Case, Earlier, Function, Output, Task
from tui.judge.stages import look
from tui.judge.tasks.attending import attend
from tui.judge.tasks.material import F32, case, drawn, mistake, unit
from tui.judge.tasks.multi_head_attention import module, weights


def _component(x: Any, w_q: Any, w_k: Any, w_v: Any, w_o: Any, num_heads: int, cache: Any) -> Any:
    import mlxformer as mf
    from mlxformer.backend import mx, to_numpy

    x, w_q, w_k, w_v, w_o = map(mx.array, (x, w_q, w_k, w_v, w_o))
    cache = mf.KVCache() if cache is None else cache
    y = module(w_q, w_k, w_v, w_o, num_heads)(x, x, x, cache=cache)
    return to_numpy(y), cache


def _decode_step(
    x: Any,
    w_q: Any,
    w_k: Any,
    w_v: Any,
    w_o: Any,
    num_heads: int,
    cache: Any,
    *,
    keep: str = "all",
    see: str = "all",
    split: str = "transposed",
    values: str = "v",
    out: bool = True,
    **change: Any,
) -> Any:
    """The right step; each argument after the contract's is a mistake. The cache holds [B, T, C]."""
    batch, _, width = x.shape
    k, v = x @ w_k, x @ (w_k if values == "k" else w_v)
    if values == "unprojected":
        k, v = x, x
    old = cache
    if cache is not None and keep != "newest":
        k, v = np.concatenate([cache[0], k], axis=1), np.concatenate([cache[1], v], axis=1)
    cache = (k, v)
    if keep == "first" and old is not None:
        cache = old
    if keep == "window":
        cache = (k[:, -3:], v[:, -3:])

    def heads(z: Any) -> Any:
        if split == "reshaped":
            return z.reshape(batch, num_heads, -1, width // num_heads)
        return z.reshape(batch, -1, num_heads, width // num_heads).transpose(0, 2, 1, 3)

    if values == "unprojected":
        k, v = k @ w_k, v @ w_v
    if see == "past" and old is not None:
        k, v = k[:, :-1], v[:, :-1]
    mask = np.tril(np.ones((1, k.shape[1]), bool)) if see == "upper-left" else None
    mixed = attend(heads(x @ w_q), look("keys", heads(k)), look("values", heads(v)), mask, **change)
    y = mixed.transpose(0, 2, 1, 3).reshape(batch, 1, width)
    return (y @ w_o if out else y), cache


def _steps(name: str, zh: str, en: str, x: np.ndarray, seed: int, heads: int, half: bool = False) -> Case:
    """One call for each token of x [B, T, C]."""
    own = weights(seed, x.shape[-1], x.dtype)
    calls = [
        Call("decode_step", (x[:, t : t + 1], *own, heads, None if t == 0 else Earlier(t - 1, 1)))
        for t in range(x.shape[1])
    ]
    return case(name, zh, en, *calls, dtype="float16" if half else "float32")


def _interleaved(x: np.ndarray, seed: int, heads: int) -> Case:
    """Two sequences, a step of each in turn: a cache belongs to one of them."""
    own = weights(seed, x.shape[-1])
    calls = [
        Call(
            "decode_step", (x[row : row + 1, t : t + 1], *own, heads, None if t == 0 else Earlier(2 * (t - 1) + row, 1))
        )
        for t in range(x.shape[1])
        for row in range(2)
    ]
    return case("two-sequences", "两条序列轮流解码", "two sequences in turn", *calls)


_EYE = np.eye(2, dtype=F32)
_HAND = case(
    "by-hand",
    "手算的例子：得分全是 0，取所见词元的平均",
    "by hand: all scores 0, the mean of the tokens so far",
    Call("decode_step", (np.array([[[1, 0]]], F32), 0 * _EYE, _EYE, _EYE, _EYE, 1, None)),
    Call("decode_step", (np.array([[[0, 1]]], F32), 0 * _EYE, _EYE, _EYE, _EYE, 1, Earlier(0, 1))),
)


def _mistake(name: str, zh: str, en: str, **change: Any) -> Any:
    where = ("sqrt-dk", "scaling") if "scale" in change else ("kv-cache", "kv-cache")
    return mistake(name, zh, en, *where, decode_step=partial(_decode_step, **change))


TASK = Task(
    "kv-cache",
    (
        Function(
            "decode_step",
            ("x", "w_q", "w_k", "w_v", "w_o", "num_heads", "cache"),
            (Output("y", ("batch", "time", "dim")), Output("cache", (), "opaque")),
        ),
    ),
    {"decode_step": _component},
    {"decode_step": _decode_step},
    (
        _HAND,
        _steps("odd-shape", "奇数形状，五步", "an odd shape, five steps", drawn(1, 3, 5, 6), 10, 3),
        _steps("one-token", "B = 1，只有一步", "B = 1, one step", drawn(2, 1, 1, 4), 20, 2),
        _steps("long", "十二步", "twelve steps", drawn(3, 1, 12, 8), 30, 2),
        _interleaved(drawn(4, 2, 4, 8), 40, 4),
        _steps("sharp", "得分很大", "large scores", drawn(5, 2, 5, 8, scale=4.0), 50, 2),
        _steps("large", "大到 ±1e4 的输入", "inputs to ±1e4", np.clip(drawn(6, 1, 4, 8, scale=4e3), -1e4, 1e4), 60, 2),
        _steps("float16", "float16", "float16", unit(7, 1, 8, 8), 70, 2, half=True),
    ),
    (
        _mistake(
            "only-the-newest",
            "缓存被覆盖、只看当前词元的解码",
            "decoding whose cache is overwritten: only the newest token is seen",
            keep="newest",
        ),
        _mistake(
            "cache-never-grows",
            "第一步之后不再往缓存里添的解码",
            "decoding whose cache never grows after the first step",
            keep="first",
        ),
        _mistake(
            "oldest-dropped",
            "缓存只留最近三个词元的解码",
            "decoding whose cache keeps the last three tokens only",
            keep="window",
        ),
        _mistake(
            "own-token-left-out",
            "当前词元看不到自己的解码（先注意、后入缓存）",
            "decoding in which the new token does not see itself (attended before it was cached)",
            see="past",
        ),
        _mistake(
            "causal-mask-upper-left",
            "带缓存时因果掩码没有右下对齐的解码（只看得到第一个键）",
            "decoding with a causal mask aligned at the upper left: only the first key is seen",
            see="upper-left",
        ),
        _mistake(
            "heads-not-transposed",
            "缓存 [B, T, C] 拆头没有转置的解码",
            "decoding that splits the cache [B, T, C] into heads without transposing",
            split="reshaped",
        ),
        _mistake("values-from-w-k", "拿 W_K 投影值的解码", "decoding with values from W_K", values="k"),
        _mistake("w-o-forgotten", "忘了 W_O 的解码", "decoding without W_O", out=False),
        _mistake(
            "softmax-over-heads", "沿头这一轴做 softmax 的解码", "decoding with the softmax over the heads", axis=1
        ),
        _mistake("no-scale", "没有除以 √D 的解码", "decoding without 1/√D", scale="none"),
        _mistake("scale-by-d-model", "除以 √C 而不是 √D 的解码", "decoding scaled by 1/√C", scale="model"),
        _mistake(
            "scale-by-length",
            "除以 √T 的解码（T 是缓存的长度）",
            "decoding scaled by 1/√T, the cache's length",
            scale="length",
        ),
    ),
)
