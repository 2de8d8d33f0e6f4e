"""A mixture of experts: each token's k likeliest experts, their probabilities renormalized, Σ g_e ReLU(x W₁ᵉ) W₂ᵉ."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from tui.judge.contract import Call, Function, Output, Task
from tui.judge.stages import look
from tui.judge.tasks.material import F32, case, drawn, mistake, unit


def _component(x: Any, w_router: Any, w_1: Any, w_2: Any, k: int) -> Any:
    import mlxformer as mf
    from mlxformer.backend import mx, to_numpy

    count, width, hidden = w_1.shape
    layer = mf.MixtureOfExperts(width, hidden, count, k, bias=False)
    layer.router.weight = mx.array(w_router.T)
    for expert, up, down in zip(layer.experts, w_1, w_2, strict=True):
        expert.up_proj.weight, expert.down_proj.weight = mx.array(up.T), mx.array(down.T)
    return to_numpy(layer(mx.array(x)))


def _moe(
    x: Any,
    w_router: Any,
    w_1: Any,
    w_2: Any,
    k: int,
    *,
    gates: str = "renormalized",
    choose: str = "largest",
    which: str = "each",
    pair: str = "right",
    relu: bool = True,
    axis: int = -1,
) -> Any:
    """The right layer; each argument after the contract's is a mistake."""
    logits = look("logits", x @ w_router)  # [B, T, E]
    powers = np.exp(logits - logits.max(axis=axis, keepdims=True))
    p = look("probabilities", powers / powers.sum(axis=axis, keepdims=True))
    k = {"one": 1, "all": len(w_1)}.get(choose, k)
    order = np.argsort(logits if choose == "smallest" else -logits, axis=-1, kind="stable")
    chosen = look("chosen", order[..., :k])
    if which == "first-token":
        chosen = np.broadcast_to(chosen[:, :1], chosen.shape)
    share = np.take_along_axis(p, chosen, axis=-1)
    if gates == "renormalized":
        share = share / share.sum(axis=-1, keepdims=True)
    elif gates == "even":
        share = np.full_like(share, 1 / k)
    elif gates == "ones":
        share = np.ones_like(share)
    elif gates == "logits":
        share = np.take_along_axis(logits, chosen, axis=-1)
    elif gates == "softmax-of-probabilities":
        powers = np.exp(share)
        share = powers / powers.sum(axis=-1, keepdims=True)
    if pair == "ascending":  # gates in another order than the experts
        share = share[..., ::-1]
    y = np.zeros_like(x)
    for expert in range(len(w_1)):
        gate = (np.where(chosen == expert, share, 0).sum(axis=-1, keepdims=True)).astype(x.dtype)
        hidden = x @ w_1[expert]
        y = y + gate * ((np.maximum(hidden, 0) if relu else hidden) @ w_2[expert])
    return look("output", y)


def _call(x: np.ndarray, seed: int, experts: int, hidden: int, k: int) -> Call:
    width, dtype = x.shape[-1], x.dtype
    router = drawn(seed, width, experts, scale=1.0 if x.dtype == F32 and np.abs(x).max() > 100 else 2 * width**-0.5)
    up = drawn(seed + 1, experts, width, hidden, scale=width**-0.5)
    down = drawn(seed + 2, experts, hidden, width, scale=hidden**-0.5)
    return Call("moe", (x, *(each.astype(dtype) for each in (router, up, down)), k))


def _mistake(name: str, zh: str, en: str, **change: Any) -> Any:
    return mistake(name, zh, en, "mixture-of-experts", "mixture-of-experts", moe=partial(_moe, **change))


_HAND = Call(
    "moe",
    (
        np.array([[[1, 0]]], F32),
        np.array([[np.log(6), np.log(2), 0], [0, 0, 0]], F32),
        np.array([[[1], [0]], [[2], [0]], [[9], [0]]], F32),
        np.array([[[4, 0]], [[0, 2]], [[9, 9]]], F32),
        2,
    ),
)

TASK = Task(
    "moe",
    (Function("moe", ("x", "w_router", "w_1", "w_2", "k"), (Output("y", ("batch", "time", "dim")),)),),
    {"moe": _component},
    {"moe": _moe},
    (
        case(
            "by-hand",
            "手算的例子：概率 6 : 2 : 1，取前两个，3/4 和 1/4",
            "by hand: probabilities 6 : 2 : 1, the first two, 3/4 and 1/4",
            _HAND,
        ),
        case("odd-shape", "奇数形状", "an odd shape", _call(drawn(1, 3, 5, 6), 10, 4, 7, 2)),
        case("one-expert", "k = 1", "k = 1", _call(drawn(2, 2, 4, 8), 20, 4, 8, 1)),
        case("all-experts", "k = E", "k = E", _call(drawn(3, 2, 4, 4), 30, 3, 6, 3)),
        case("three-of-eight", "八选三", "three of eight", _call(drawn(4, 1, 7, 8), 40, 8, 5, 3)),
        case("one-token", "B = 1，T = 1", "B = 1, T = 1", _call(drawn(5, 1, 1, 4), 50, 4, 4, 2)),
        case("square", "T = E = k = F", "T = E = F", _call(drawn(6, 2, 4, 4), 60, 4, 4, 2)),
        case(
            "large",
            "大到 ±1e4 的输入",
            "inputs to ±1e4",
            _call(np.clip(drawn(7, 1, 5, 6, scale=4e3), -1e4, 1e4), 70, 4, 6, 2),
        ),
        case("float16", "float16", "float16", _call(unit(8, 1, 6, 8), 82, 4, 8, 2), dtype="float16"),
    ),
    (
        _mistake(
            "not-renormalized",
            "选出的概率没有重新归一的 MoE",
            "a mixture whose chosen probabilities are not renormalized",
            gates="left",
        ),
        _mistake(
            "all-experts-run",
            "所有专家都用上的 MoE（其实是稠密的）",
            "a mixture in which every expert reads each token (dense)",
            choose="all",
        ),
        _mistake(
            "one-expert-only",
            "只用了最好的一个专家的 MoE",
            "a mixture of the best expert alone, whatever k is",
            choose="one",
        ),
        _mistake(
            "least-likely-chosen",
            "选了概率最小的 k 个的 MoE",
            "a mixture of the k least likely experts",
            choose="smallest",
        ),
        _mistake(
            "gates-even",
            "选出的专家取平均、没有按门加权的 MoE",
            "a mixture that averages its experts, without their gates",
            gates="even",
        ),
        _mistake(
            "gates-forgotten",
            "选出的专家直接相加、没有乘门的 MoE",
            "a mixture that adds its experts up, without their gates",
            gates="ones",
        ),
        _mistake("logits-as-gates", "拿 logits 当门的 MoE", "a mixture with logits for gates", gates="logits"),
        _mistake(
            "softmax-twice",
            "对选出的概率又做 softmax 的 MoE",
            "a mixture with a softmax of the chosen probabilities",
            gates="softmax-of-probabilities",
        ),
        _mistake(
            "gates-in-another-order",
            "门和专家的次序没对上的 MoE",
            "a mixture whose gates and experts are in different orders",
            pair="ascending",
        ),
        _mistake(
            "first-token-for-all",
            "一句里都用第一个词元选出的专家的 MoE",
            "a mixture that takes the first token's experts for the whole sequence",
            which="first-token",
        ),
        _mistake(
            "softmax-over-tokens",
            "沿词元这一轴做 softmax 的 MoE",
            "a mixture with the softmax over the tokens",
            axis=-2,
            gates="left",
        ),
        _mistake("relu-forgotten", "专家里没有 ReLU 的 MoE", "a mixture whose experts have no ReLU", relu=False),
    ),
)
