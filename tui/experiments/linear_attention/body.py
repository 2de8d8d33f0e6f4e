"""Both forms of a linear attention on one draw, its state beside a KV cache, and recall of stored pairs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.attention.linear import LinearAttentionState
from mlxformer.backend import mx, to_numpy
from questions.bilingual import Bilingual
from tui.experiments.contract import Check, Report, Result
from tui.experiments.linear_attention.declaration import EXPERIMENT
from tui.experiments.shared.reported_trace import cancellable, traced
from tui.figures.data import Curve, Figure, Heatmap, Series, Stage

SHOWN = 12  # tokens of the map
PAIRS = (2, 4, 8, 16, 32, 64, 128, 256)
SHARPNESS = 4.0  # a query is its key times this, so that the softmax picks one


class Map(mf.Module):
    """The parallel form, under a name of its own in the trace."""

    def __call__(self, q: Any, k: Any, v: Any, **options: Any) -> Any:
        return mf.linear_attention(q, k, v, **options)


class Arms(mf.Module):
    def __init__(self) -> None:
        super().__init__()
        self.map = Map()


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    length, width, decay = int(knobs["tokens"]), int(knobs["width"]), float(knobs["decay"])
    generator = np.random.default_rng(int(knobs["seed"]))
    q, k, v = (_array(generator.standard_normal((length, width))) for _ in range(3))
    arms = Arms()
    with traced(report, 0.1, arms) as steps:
        parallel = arms.map(q, k, v, mask="causal", decay=decay)
    state = LinearAttentionState(decay=0.9 * decay if knobs["other_decay"] else decay)
    recurrent = mx.concatenate([state.update(*(x[:, :, t : t + 1] for x in (q, k, v))) for t in range(length)], axis=2)
    softmax = mf.scaled_dot_product_attention(q, k, v, mask="causal")
    with cancellable(report, 0.3, arms):  # the map with all pairs allowed, to be regrouped
        whole = arms.map(q, k, v, mask=mx.ones((length, length), dtype=mx.bool_))
    other = softmax if knobs["same_kernel"] else mf.linear_attention(q, k, v, mask="causal")
    state_sizes, cache_sizes = _sizes(k, v, bool(knobs["swap_memory"]))
    report(0.5, "recall")
    checks = [
        EXPERIMENT.measured("parallel-equals-recurrent", _apart(recurrent, parallel), 0.0, 1e-5),
        EXPERIMENT.measured("state-stays", state_sizes[length] / state_sizes[1], 1.0),
        EXPERIMENT.measured("cache-grows", cache_sizes[length] / cache_sizes[1], float(length)),
        EXPERIMENT.measured(
            "cache-over-state", cache_sizes[length] / state_sizes[length], 2 * length / (width + 1), 1e-9
        ),
        EXPERIMENT.measured("regrouping", _apart(mf.linear_attention(q, k, v), whole), 0.0, 1e-5),
        EXPERIMENT.measured("not-the-softmax", _relative(other, softmax), 0.1),
        *_recall_checks(knobs, width),
    ]  # fmt: skip
    figures: list[Figure] = [
        _map(steps, q, k, length),
        _memory(state_sizes, cache_sizes, length),
        _recall(width, knobs),
    ]
    return Result(figures, checks, tuple(steps))


def _array(x: np.ndarray) -> Any:
    return mx.array(x.astype(np.float32))[None, None]  # [1, 1, T, D]


def _apart(found: Any, wanted: Any) -> float:
    wanted = to_numpy(wanted)
    return float(np.abs(to_numpy(found) - wanted).max() / np.abs(wanted).max())


def _relative(found: Any, wanted: Any) -> float:
    wanted = to_numpy(wanted)
    return float(np.linalg.norm(to_numpy(found) - wanted) / np.linalg.norm(wanted))


def _sizes(k: Any, v: Any, swap: bool) -> tuple[dict[int, int], dict[int, int]]:
    """Numbers held by the state and by a cache after 1, 2, 4 … n tokens, each token read once."""
    state, cache, states, caches, read = LinearAttentionState(), mf.KVCache(), {}, {}, 0
    while read < k.shape[2]:
        part = slice(read, max(1, 2 * read))
        state.update(k[:, :, part], k[:, :, part], v[:, :, part])
        caches_now = cache.update(k[:, :, part], v[:, :, part])
        read = len(cache)
        states[read], caches[read] = state.size, sum(int(x.size) for x in caches_now)
    return (caches, states) if swap else (states, caches)


def recall(width: int, pairs: int, seed: int) -> tuple[float, float]:
    """Percent of the pairs that softmax and linear attention give back when asked by each key in turn.

    Keys and values are random directions. What is read is the value nearest to the output, whose mean over all
    questions is taken off first, as a bias could: linear attention's positive weights add much of the mean.
    """
    generator = np.random.default_rng([seed, width, pairs])
    keys, values = (_directions(generator, pairs, width) for _ in range(2))
    k, v = _array(keys * np.sqrt(width)), _array(values)
    outputs = (
        mf.scaled_dot_product_attention(SHARPNESS * k, k, v),
        mf.linear_attention(SHARPNESS * k, k, v),
    )
    found = []
    for output in outputs:
        read = to_numpy(output)[0, 0]
        nearest = ((read - read.mean(0)) @ values.T).argmax(-1)
        found.append(100.0 * float((nearest == np.arange(pairs)).mean()))
    return found[0], found[1]


def _directions(generator: np.random.Generator, count: int, width: int) -> np.ndarray:
    drawn = generator.standard_normal((count, width))
    unit: np.ndarray = (drawn / np.linalg.norm(drawn, axis=-1, keepdims=True)).astype(np.float32)
    return unit


def _recall_checks(knobs: Mapping[str, Any], width: int) -> list[Check]:
    pairs, seed = int(knobs["pairs"]), int(knobs["seed"])
    softmax, linear = recall(width, pairs, seed)
    if knobs["swap_recall"]:
        softmax, linear = linear, softmax
    few = recall(width, 16 * width if knobs["crowd"] else width // 4, seed)[1]
    if pairs < 8 * width:
        reason = Bilingual(
            f"这条说的是对数远多于 D：至少 8 × {width} = {8 * width} 对。",
            f"This speaks of many more pairs than D: at least 8 × {width} = {8 * width}.",
        )
        forgets = EXPERIMENT.undefined("linear-forgets", reason)
    else:
        forgets = EXPERIMENT.measured("linear-forgets", linear, 50.0)
    return [
        EXPERIMENT.measured("softmax-recalls", softmax, 90.0),
        forgets,
        EXPERIMENT.measured("linear-recalls-few", few, 90.0),
    ]


def _map(steps: mf.Trace, q: Any, k: Any, length: int) -> Heatmap:
    shown = min(length, SHOWN)
    linear = steps["map.weights"].value[0, :, :shown, :shown]
    softmax = to_numpy(mf.attention_weights(q, k, mask="causal"))[0, :, :shown, :shown]
    names = [str(i + 1) for i in range(shown)]
    return Heatmap(
        Bilingual(
            f"同样的 Q、K，两张因果图（前 {shown} 个词元）", f"The same Q and K, two causal maps (first {shown} tokens)"
        ),
        [
            Stage("softmax", "softmax", softmax),
            Stage("linear", Bilingual("线性注意力", "linear"), linear),
        ],
        rows=names,
        columns=names,
        name="maps",
    )


def _memory(states: Mapping[int, int], caches: Mapping[int, int], length: int) -> Curve:
    read = [float(tokens) for tokens in states]
    kept = [[float(size) for size in sizes.values()] for sizes in (caches, states)]
    return Curve(
        Bilingual("推理时要留住多少个数（一个头）", "Numbers to be kept at inference (one head)"),
        Bilingual("已读词元", "tokens read"),
        Bilingual("留住的数", "numbers kept"),
        [
            Series(Bilingual("softmax 注意力的 KV 缓存", "softmax: KV cache"), read, kept[0]),
            Series(Bilingual("线性注意力的状态", "linear: state"), read, kept[1]),
        ],
        log_x=True,
        log_y=True,
        marks=[(float(length), "n")],
        name="memory",
    )


def _recall(width: int, knobs: Mapping[str, Any]) -> Curve:
    softmax, linear = zip(*(recall(width, pairs, int(knobs["seed"])) for pairs in PAIRS), strict=True)
    counts = [float(pairs) for pairs in PAIRS]
    return Curve(
        Bilingual(
            f"存进去，再按键取：取对多少（D = {width}）", f"Stored, then asked for by key: how many right (D = {width})"
        ),
        Bilingual("存进去的键值对", "key-value pairs stored"),
        Bilingual("取对的 %", "right, %"),
        [
            Series(Bilingual("softmax 注意力", "softmax"), counts, softmax),
            Series(Bilingual("线性注意力", "linear"), counts, linear),
        ],
        log_x=True,
        marks=[(float(knobs["pairs"]), Bilingual("现在这里", "here"))],
        name="recall",
    )
