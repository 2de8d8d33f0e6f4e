"""The k largest logits, softmaxed; every other token has probability 0."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tui.judge.contract import Call, Function, Output, Task
from tui.judge.stages import look
from tui.judge.tasks.material import F16, F32, case, drawn, mistake


def _component(logits: Any, k: int) -> Any:
    from mlxformer.generation.sampling import SamplingRules, sampling_probabilities

    rows = sampling_probabilities(np.atleast_2d(logits), SamplingRules(top_k=k))
    return rows.reshape(logits.shape).astype(logits.dtype)


def _softmax(x: Any, shift: bool = True) -> Any:
    powers = np.exp(x - x.max(axis=-1, keepdims=True)) if shift else np.exp(x)
    return (powers / powers.sum(axis=-1, keepdims=True)).astype(x.dtype)


def _top_k(
    logits: Any,
    k: int,
    *,
    more: int = 0,
    largest: bool = True,
    strict: bool = False,
    removed: str = "minus-infinity",
    rows: str = "each",
    clamp: bool = True,
    shift: bool = True,
    back: bool = True,
) -> Any:
    """The right filter; each argument after the contract's is a mistake."""
    width = logits.shape[-1]
    if not clamp and k > width:
        raise IndexError("k exceeds the vocabulary")
    k = min(max(k + more, 1), width)
    ranked = np.sort(logits, axis=-1)
    threshold = look("threshold", ranked[..., -k, None] if largest else ranked[..., k - 1, None])
    keep = logits > threshold if strict else logits >= threshold if largest else logits <= threshold
    if rows == "first" and logits.ndim == 2:
        keep = np.broadcast_to(keep[:1], logits.shape)
    keep = look("kept", keep)
    if not back:
        return np.concatenate([_softmax(ranked[..., ::-1][..., :k]), np.zeros_like(logits[..., k:])], axis=-1)
    if removed == "zero":  # a logit of 0 is a logit
        return _softmax(np.where(keep, logits, 0).astype(logits.dtype))
    if removed == "after":
        return np.where(keep, _softmax(logits), 0).astype(logits.dtype)
    if removed == "twice":
        return _softmax(np.where(keep, _softmax(logits), -np.inf).astype(logits.dtype))
    if removed == "even":
        return (keep / keep.sum(axis=-1, keepdims=True)).astype(logits.dtype)
    return _softmax(np.where(keep, logits, -np.inf).astype(logits.dtype), shift)


def _call(logits: np.ndarray, k: int) -> Call:
    return Call("top_k", (logits, k))


def _mistake(name: str, zh: str, en: str, **change: Any) -> Any:
    return mistake(name, zh, en, "beam-search", "beam-search", top_k=partial(_top_k, **change))


_HAND = np.log(np.array([0.1, 0.6, 0.1001, 0.2])).astype(F32)
_LARGE = np.array([[1e4, -1e4, 9e3, 8e3, 0], [-1e4, -9e3, -8e3, -7e3, -6e3]], F32)
_HALF = np.array([[0.9, -0.3, 0.1, 0.5], [-0.8, 0.8, 0.2, -0.2]], F16)

TASK = Task(
    "top-k",
    (Function("top_k", ("logits", "k"), (Output("probabilities", ("row", "token")),)),),
    {"top_k": _component},
    {"top_k": _top_k},
    (
        case("by-hand", "手算的例子：留下 0.6 和 0.2", "by hand: 0.6 and 0.2 are kept", _call(_HAND, 2)),
        case("batch", "一批", "a batch", _call(drawn(1, 5, 7, scale=2), 3)),
        case("square", "方阵", "a square", _call(drawn(2, 4, 4), 2)),
        case("one-row", "只有一行", "one row", _call(drawn(3, 1, 9), 4)),
        case("k-one", "k = 1：最大的那个", "k = 1: the largest", _call(drawn(4, 3, 6), 1)),
        case("k-all", "k = V", "k = V", _call(drawn(5, 3, 6), 6)),
        case("k-beyond", "k 大于 V", "k beyond V", _call(drawn(6, 2, 5), 50)),
        case("one-token", "只有一个词元", "one token", _call(drawn(7, 2, 1), 1)),
        case("below-zero", "全是负的 logits", "logits below 0", _call(drawn(8, 3, 6) - 5, 3)),
        case("large", "大到 ±1e4 的 logits", "logits to ±1e4", _call(_LARGE, 3)),
        case("float16", "float16", "float16", _call(_HALF, 2), dtype="float16"),
    ),
    (
        _mistake("one-too-many", "多留了一个的 top-k", "top-k that keeps one token too many", more=1),
        _mistake(
            "one-too-few",
            "比较用了 >、少留一个的 top-k（k = V 时也是）",
            "top-k that compares with >, and so keeps one too few",
            strict=True,
        ),
        _mistake("smallest", "留下最小的 k 个的 top-k", "top-k that keeps the k smallest", largest=False),
        _mistake(
            "not-renormalized",
            "先 softmax 再清零、没有重新归一的 top-k",
            "top-k that zeroes after the softmax and does not renormalize",
            removed="after",
        ),
        _mistake(
            "removed-become-zero",
            "把去掉的 logits 设成 0 而不是 −∞ 的 top-k",
            "top-k that sets removed logits to 0, not to −∞",
            removed="zero",
        ),
        _mistake(
            "softmax-twice",
            "对概率又做了一次 softmax 的 top-k",
            "top-k with a softmax of probabilities",
            removed="twice",
        ),
        _mistake(
            "all-alike", "留下的概率一样大的 top-k", "top-k that makes all it keeps equally likely", removed="even"
        ),
        _mistake(
            "first-row-for-all",
            "整批都用第一行的词元的 top-k",
            "top-k that takes the first row's tokens for all",
            rows="first",
        ),
        _mistake("not-unsorted", "结果没有按原来次序放回的 top-k", "top-k whose result stays sorted", back=False),
        _mistake("fails-beyond-v", "k 大于 V 就出错的 top-k", "top-k that fails where k exceeds V", clamp=False),
        _mistake(
            "no-maximum-subtracted",
            "softmax 没有先减最大值的 top-k",
            "top-k with no maximum subtracted in the softmax",
            shift=False,
        ),
    ),
)
