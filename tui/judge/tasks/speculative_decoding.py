"""Accept drafted x_i where u_i < p_i(x_i) / q_i(x_i); at the first refusal draw from max(0, p − q), renormalized."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tui.judge.contract import Call, Function, Output, Task
from tui.judge.stages import look
from tui.judge.tasks.material import F16, F32, case, mistake


def _component(p: Any, q: Any, tokens: Any, u: Any) -> Any:
    from mlxformer.generation.speculative import speculative_step

    accepted, after = speculative_step(p, q, tokens, u)
    return accepted, after.astype(p.dtype)


def _step(
    p: Any,
    q: Any,
    tokens: Any,
    u: Any,
    *,
    accept: str = "ratio",
    count: str = "prefix",
    after: str = "residual",
    row: str = "refused",
    again: bool = True,
    bonus: str = "target",
) -> Any:
    """The right step; each argument after the contract's is a mistake."""
    drafted = len(tokens)
    place = np.arange(drafted)
    wanted, given = look("p of the drafted", p[place, tokens]), look("q of the drafted", q[place, tokens])
    kept = {
        "ratio": u * given < wanted,
        "inverted": u * wanted < given,
        "above": u * given >= wanted,
        "no-lot": wanted >= given,
        "target-alone": u < wanted,
        "greedy": p[:drafted].argmax(axis=-1) == tokens,
    }[accept]
    accepted = int(np.cumprod(kept).sum()) if count == "prefix" else int(kept.sum())
    if accepted == drafted:
        return accepted, p[-1].copy() if bonus == "target" else q[-1].copy() if bonus == "draft" else p[-2].copy()
    at = accepted if row == "refused" else min(accepted + 1, drafted - 1)
    difference = p[at] - q[at]
    left = {
        "residual": np.maximum(difference, 0),
        "target": p[at],
        "absolute": np.abs(difference),
        "reversed": np.maximum(-difference, 0),
        "draft": q[at],
    }[after]
    left = look("residual", left)
    return accepted, (left / left.sum() if again else left).astype(p.dtype)


def _rows(seed: int, count: int, vocab: int, dtype: Any = F32) -> np.ndarray:
    return np.random.default_rng(seed).dirichlet(np.ones(vocab), count).astype(dtype)


def _call(seed: int, vocab: int, lots: list[float], dtype: Any = F32) -> Call:
    """``lots`` are shares of the place from which on a token is refused: below 1 it is kept."""
    p, q = _rows(seed, len(lots) + 1, vocab, dtype), _rows(seed + 1, len(lots), vocab, dtype)
    # What is refused must be likelier in the draft.
    tokens = [int((q[i] - p[i]).argmax()) if lot > 1 else (3 * i + 1) % vocab for i, lot in enumerate(lots)]
    edges = [min(1.0, float(p[i, x]) / float(q[i, x])) for i, x in enumerate(tokens)]
    u = np.array([min(lot * edge, 0.999) for lot, edge in zip(lots, edges, strict=True)], F32)
    return Call("speculative_step", (p, q, np.array(tokens, np.int64), u))


def _mistake(name: str, zh: str, en: str, **change: Any) -> Any:
    return mistake(name, zh, en, "speculative-decoding", "speculative", speculative_step=partial(_step, **change))


_HAND = Call(
    "speculative_step",
    (
        np.array([[0.5, 0.5], [0.25, 0.75], [0.1, 0.9]], F32),
        np.array([[0.5, 0.5], [0.5, 0.5]], F32),
        np.array([0, 0]),
        np.array([0.9, 0.6], F32),
    ),
)

TASK = Task(
    "speculative-decoding",
    (
        Function(
            "speculative_step",
            ("p", "q", "tokens", "u"),
            (Output("accepted", (), "number"), Output("distribution", ("token",))),
        ),
    ),
    {"speculative_step": _component},
    {"speculative_step": _step},
    (
        case("by-hand", "手算的例子：接受一个，第二个被拒", "by hand: one is kept, the second refused", _HAND),
        case(
            "all-kept", "全部接受：从 p 的最后一行抽", "all are kept: the last row of p", _call(10, 5, [0.5, 0.9, 0.2])
        ),
        case("first-refused", "第一个就被拒", "the first is refused", _call(26, 6, [1.3, 0.5, 0.5])),
        case(
            "middle-refused",
            "中间被拒，后面的不算",
            "one in the middle is refused; those after do not count",
            _call(53, 7, [0.9, 1.2, 0.4, 0.4]),
        ),
        case("last-refused", "最后一个被拒", "the last is refused", _call(44, 5, [0.8, 0.8, 1.2])),
        case("one-draft", "只起草一个", "one drafted token", _call(50, 4, [0.7])),
        case("square", "K + 1 = V", "K + 1 = V", _call(60, 4, [0.9, 1.1, 0.3])),
        case("two-drafts", "起草两个", "two drafted tokens", _call(70, 6, [0.95, 1.05])),
        case("six-drafts", "起草六个", "six drafted tokens", _call(80, 8, [0.9, 0.4, 0.9, 0.9, 1.5, 0.1])),
        case("float16", "float16", "float16", _call(90, 16, [0.5, 1.5, 0.5], F16), dtype="float16"),
    ),
    (
        _mistake(
            "ratio-inverted",
            "比值写成 q / p 的投机解码",
            "speculative decoding with the ratio q / p",
            accept="inverted",
        ),
        _mistake(
            "comparison-reversed",
            "u 大于比值才接受的投机解码",
            "speculative decoding that accepts where u is above the ratio",
            accept="above",
        ),
        _mistake(
            "uniform-ignored",
            "只看 p ≥ q、没用随机数的投机解码",
            "speculative decoding that asks for p ≥ q and ignores u",
            accept="no-lot",
        ),
        _mistake(
            "not-divided-by-q",
            "拿 u 和 p 比、没有除以 q 的投机解码",
            "speculative decoding that compares u with p, not with p / q",
            accept="target-alone",
        ),
        _mistake(
            "greedy-check",
            "只有等于 p 的最大者才接受的投机解码（贪心验证）",
            "speculative decoding that accepts the largest of p alone (greedy verification)",
            accept="greedy",
        ),
        _mistake(
            "refusal-does-not-stop",
            "被拒之后后面的仍然计数的投机解码",
            "speculative decoding that counts tokens after a refusal",
            count="all",
        ),
        _mistake(
            "drawn-from-the-target",
            "被拒后直接从 p 抽的投机解码（分布有偏）",
            "speculative decoding that draws from p after a refusal, which is biased",
            after="target",
        ),
        _mistake(
            "drawn-from-the-draft",
            "被拒后从 q 抽的投机解码",
            "speculative decoding that draws from q after a refusal",
            after="draft",
        ),
        _mistake(
            "residual-absolute",
            "剩余分布取了 |p − q| 的投机解码",
            "speculative decoding with the residual |p − q|",
            after="absolute",
        ),
        _mistake(
            "residual-reversed",
            "剩余分布写成 max(0, q − p) 的投机解码",
            "speculative decoding with the residual max(0, q − p)",
            after="reversed",
        ),
        _mistake(
            "residual-not-normalized",
            "剩余分布没有归一的投机解码",
            "speculative decoding whose residual is not renormalized",
            again=False,
        ),
        _mistake(
            "residual-of-the-next-row",
            "剩余分布取错了一行的投机解码",
            "speculative decoding with the residual of the next row",
            row="next",
        ),
        _mistake(
            "bonus-from-the-draft",
            "全部接受后从 q 抽的投机解码",
            "speculative decoding that draws from q where all were kept",
            bonus="draft",
        ),
        _mistake(
            "bonus-one-row-early",
            "全部接受后取了 p 的倒数第二行的投机解码",
            "speculative decoding that takes the last row of p but one where all were kept",
            bonus="early",
        ),
    ),
)
