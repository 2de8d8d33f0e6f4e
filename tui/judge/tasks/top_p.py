"""Nucleus: the most probable tokens whose mass reaches p, the one that crosses among them, renormalized."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tui.judge.contract import Call, Function, Output, Task
from tui.judge.stages import look
from tui.judge.tasks.material import F16, F32, case, drawn, mistake


def _component(logits: Any, p: float) -> Any:
    from mlxformer.generation.sampling import SamplingRules, sampling_probabilities

    rows = sampling_probabilities(np.atleast_2d(logits), SamplingRules(top_p=float(p)))
    return rows.reshape(logits.shape).astype(logits.dtype)


def _softmax(x: Any) -> Any:
    powers = np.exp(x - x.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


def _top_p(
    logits: Any,
    p: float,
    *,
    cut: str = "after",
    order: str = "descending",
    again: bool = True,
    back: bool = True,
    shift: bool = True,
    rows: str = "each",
    twice: bool = False,
) -> Any:
    """The right filter; each argument after the contract's is a mistake."""
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True)) if shift else np.exp(logits)
    probabilities = look("probabilities", powers / powers.sum(axis=-1, keepdims=True))
    if order == "descending":
        place = np.argsort(-probabilities, axis=-1, kind="stable")
    elif order == "ascending":
        place = np.argsort(probabilities, axis=-1, kind="stable")
    else:
        place = np.broadcast_to(np.arange(logits.shape[-1]), logits.shape)
    if rows == "first" and logits.ndim == 2:
        place = np.broadcast_to(place[:1], logits.shape)
    ranked = look("sorted", np.take_along_axis(probabilities, place, -1))
    mass = look("cumulative", np.cumsum(ranked, axis=-1))
    before = mass - ranked
    keep = before < p
    keep[..., 0] = True  # at least one token
    if cut == "before":
        keep = mass <= p
        keep[..., 0] = True
    elif cut == "before-or-none":
        keep = mass <= p
    elif cut == "one-more":
        keep[..., 1:] = keep[..., 1:] | keep[..., :-1]
    elif cut == "threshold":
        keep = ranked >= 1 - p
        keep[..., 0] = True
    elif cut == "complement":
        keep = before < 1 - p
        keep[..., 0] = True
    if rows == "first" and logits.ndim == 2:
        keep = np.broadcast_to(keep[:1], logits.shape)
    if not back:
        kept = np.where(keep, ranked, 0)
        return (kept / kept.sum(axis=-1, keepdims=True)).astype(logits.dtype)
    kept = np.zeros_like(probabilities)
    np.put_along_axis(kept, place, np.where(keep, ranked, 0).astype(kept.dtype), -1)
    if twice:
        return _softmax(np.where(kept > 0, probabilities, -np.inf).astype(logits.dtype))
    return kept / kept.sum(axis=-1, keepdims=True) if again else kept


def _logits(*probabilities: float, dtype: Any = F32) -> np.ndarray:
    return np.log(np.array(probabilities)).astype(dtype)


def _call(logits: np.ndarray, p: float) -> Call:
    return Call("top_p", (logits, p))


def _mistake(name: str, zh: str, en: str, **change: Any) -> Any:
    return mistake(name, zh, en, "beam-search", "beam-search", top_p=partial(_top_p, **change))


_LARGE = np.array([[1e4, -1e4, 9e3, 8e3, 0], [-1e4, -9e3, -8e3, -7e3, -6e3]], F32)

TASK = Task(
    "top-p",
    (Function("top_p", ("logits", "p"), (Output("probabilities", ("row", "token")),)),),
    {"top_p": _component},
    {"top_p": _top_p},
    (
        case(
            "by-hand",
            "手算的例子：0.5、0.3、0.15、0.05，p = 0.7",
            "by hand: 0.5, 0.3, 0.15, 0.05 with p = 0.7",
            _call(_logits(0.15, 0.5, 0.05, 0.3), 0.7),
        ),
        case("batch", "一批", "a batch", _call(drawn(1, 5, 7, scale=2), 0.8)),
        case("square", "方阵", "a square", _call(drawn(2, 4, 4), 0.6)),
        case("one-row", "只有一行", "one row", _call(drawn(3, 1, 9), 0.9)),
        case("one-token", "只有一个词元", "one token", _call(drawn(4, 2, 1), 0.5)),
        case("tiny-p", "p 很小：至少留一个", "a tiny p: one token at least", _call(drawn(5, 3, 6), 0.01)),
        case("p-one", "p 接近 1", "p close to 1", _call(drawn(6, 3, 5), 0.9995)),
        case("half", "p = 0.35", "p = 0.35", _call(drawn(7, 4, 8), 0.35)),
        case(
            "sure",
            "一个词元几乎独占",
            "one token has nearly all",
            _call(np.array([[8, 0, 1, -1], [0, 1, 9, 2]], F32), 0.95),
        ),
        case("large", "大到 ±1e4 的 logits", "logits to ±1e4", _call(_LARGE, 0.9)),
        case(
            "float16",
            "float16",
            "float16",
            _call(np.array([[0.9, -0.3, 0.1, 0.5], [-0.8, 0.8, 0.2, -0.2]], F16), 0.6),
            dtype="float16",
        ),
    ),
    (
        _mistake(
            "cut-before-crossing",
            "在越过 p 的那个词元之前就截断的 top-p",
            "top-p that cuts before the token that crosses p",
            cut="before",
        ),
        _mistake(
            "nothing-kept",
            "首个词元超过 p 时一个也没留的 top-p（0/0）",
            "top-p that keeps nothing where the first token passes p (0/0)",
            cut="before-or-none",
        ),
        _mistake("one-too-many", "多留了一个词元的 top-p", "top-p that keeps one token too many", cut="one-more"),
        _mistake("not-renormalized", "没有重新归一的 top-p", "top-p that is not renormalized", again=False),
        _mistake("not-unsorted", "结果没有按原来次序放回的 top-p", "top-p whose result stays sorted", back=False),
        _mistake(
            "sorted-ascending",
            "从小到大累加、留下了最不可能的词元的 top-p",
            "top-p that sorts ascending and keeps the least probable",
            order="ascending",
        ),
        _mistake("not-sorted", "没有排序就累加的 top-p", "top-p that sums without sorting", order="none"),
        _mistake(
            "threshold-on-each",
            "按单个概率 ≥ 1 − p 来留的 top-p",
            "top-p that keeps tokens of probability ≥ 1 − p",
            cut="threshold",
        ),
        _mistake("complement-of-p", "把 p 用成 1 − p 的 top-p", "top-p that takes 1 − p for p", cut="complement"),
        _mistake(
            "first-row-for-all",
            "整批都用第一行的词元集合的 top-p",
            "top-p that takes the first row's tokens for all",
            rows="first",
        ),
        _mistake(
            "softmax-twice",
            "对留下的概率又做了一次 softmax 的 top-p",
            "top-p with a softmax of the probabilities it keeps",
            twice=True,
        ),
        _mistake(
            "no-maximum-subtracted",
            "softmax 没有先减最大值的 top-p",
            "top-p with no maximum subtracted in the softmax",
            shift=False,
        ),
    ),
)
