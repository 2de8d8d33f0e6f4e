"""One layer plain, with normalized queries and keys, and with capped scores, while its projections are scaled up."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx, without_values
from questions.bilingual import Bilingual
from tui.experiments.bounded_scores.declaration import EXPERIMENT
from tui.experiments.contract import Check, Report, Result, silent
from tui.experiments.shared.kept import kept
from tui.experiments.shared.random_weights import draw, load
from tui.experiments.shared.reported_trace import traced
from tui.figures.data import Curve, Figure, Heatmap, Series, Stage

HEADS, LENGTH = 4, 24
GAINS = (1, 2, 4, 8, 16, 32)
PLAIN = Bilingual("什么都不做", "plain")
NORMED = "QK-norm"
CAPPED = Bilingual("软截断", "soft-capped")


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    gain, seed, width = float(knobs["gain"]), int(knobs["seed"]), int(knobs["head_dim"])
    cap = 1.0 if knobs["tiny_cap"] else float(knobs["cap"])
    options: dict[Any, tuple[bool, float | None]] = {
        PLAIN: (bool(knobs["plain_normed"]), None),
        NORMED: (not knobs["no_norm"], None),
        CAPPED: (False, None if knobs["no_cap"] else cap),
    }

    def ran(name: Any, factor: float) -> tuple[np.ndarray, np.ndarray]:
        return _ran(*options[name], width, seed, factor, 3.0 if knobs["large_gains"] else 1.0, report=report)

    small = {name: ran(name, 1.0) for name in options}
    grown = {name: ran(name, gain) for name in options}
    top = {name: _largest(scores) for name, (scores, _) in grown.items()}
    entropies = {name: float(_entropy(weights).mean()) for name, (_, weights) in grown.items()}
    single = {name: 100.0 * float((weights.max(-1) > 0.99).mean()) for name, (_, weights) in grown.items()}
    measured = EXPERIMENT.measured
    checks = [
        measured("plain-scores-grow", top[PLAIN] / _largest(small[PLAIN][0]), gain**2, 1e-4 * gain**2),
        measured("normed-scores-stay", top[NORMED] / _largest(small[NORMED][0]), 1.0, 1e-3),
        measured("normed-bound", top[NORMED], width**0.5, 1e-4 * width**0.5),
        measured("capped-bound", top[CAPPED], float(knobs["cap"]), 1e-4 * float(knobs["cap"])),
        _where(knobs["cap"] >= 20, "cap-spares-small", _largest(small[CAPPED][1] - small[PLAIN][1]), 0.05),
        measured("entropy-kept", entropies[NORMED] - entropies[PLAIN], 0.3),
        _where(gain >= 8, "saturated-rows", single[PLAIN] - single[NORMED], 20.0),
    ]
    every = {name: [ran(name, float(each)) for each in GAINS] for name in options}
    figures: list[Figure] = [_scores(every, gain, width, cap), _entropies(every, gain), _maps(grown, gain)]
    return Result(figures, checks)


def _where(defined: bool, name: str, value: float, expected: float) -> Check:
    if not defined:
        reason = Bilingual("只在 g 至少为 8、c 至少为 20 时才这样说。", "Said of g from 8 and c from 20 on.")
        return EXPERIMENT.undefined(name, reason)
    return EXPERIMENT.measured(name, value, expected)


@kept(size=128)
def _ran(
    qk_norm: bool, softcap: float | None, width: int, seed: int, gain: float, norm_gain: float, *,
    report: Report = silent,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Scores as they enter the softmax, and weights, [H, T, T] each."""
    x = mx.array(np.random.default_rng([seed, 1]).standard_normal((1, LENGTH, HEADS * width)).astype(np.float32))
    layer = _layer(qk_norm, softcap, width, seed, gain, norm_gain)
    with traced(report, 0.5, layer, measure=True) as steps:
        layer(x, x, x)
    scores = "capped" if "capped" in steps else "scaled"
    return steps[scores].value[0].astype(np.float64), steps["weights"].value[0].astype(np.float64)


@kept(size=4)
def _weights(width: int, seed: int) -> dict[str, np.ndarray]:
    with without_values():
        layer = mf.MultiHeadAttention(HEADS * width, HEADS, bias=False)
    return draw(np.random.default_rng(seed), layer)


def _layer(qk_norm: bool, softcap: float | None, width: int, seed: int, gain: float, norm_gain: float) -> Any:
    """The same weights with every option; W_Q and W_K times ``gain``."""
    with without_values():
        layer = mf.MultiHeadAttention(HEADS * width, HEADS, bias=False, qk_norm=qk_norm, softcap=softcap)
    weights = dict(_weights(width, seed))
    for name in ("query_proj.weight", "key_proj.weight"):
        weights[name] = weights[name] * np.float32(gain)
    if qk_norm:
        weights |= {f"{name}_norm.weight": np.full(width, norm_gain, np.float32) for name in ("query", "key")}
    return load(layer, weights)


def _largest(values: np.ndarray) -> float:
    return float(np.abs(values).max())


def _entropy(weights: np.ndarray) -> np.ndarray:
    return -(weights * np.log(np.maximum(weights, 1e-300))).sum(-1)


def _curve(name: str, title: Bilingual, y: Bilingual, series: list[Series], gain: float, log: bool) -> Curve:
    return Curve(
        title, Bilingual("放大倍数 g", "gain g"), y, series, log_x=True, log_y=log, marks=((gain, "g"),), name=name
    )


def _scores(every: Mapping[Any, list[Any]], gain: float, width: int, cap: float) -> Curve:
    x = [float(each) for each in GAINS]
    series = [Series(name, x, [_largest(scores) for scores, _ in runs]) for name, runs in every.items()]
    title = Bilingual(
        f"最大得分：不管它是 g²，QK-norm 不过 √D = {width**0.5:.1f}，软截断不过 c = {cap:g}",
        f"The largest score: g² plain, at most √D = {width**0.5:.1f} with QK-norm, at most c = {cap:g} capped",
    )
    return _curve("scores", title, Bilingual("最大 |得分|", "largest |score|"), series, gain, True)


def _entropies(every: Mapping[Any, list[Any]], gain: float) -> Curve:
    x = [float(each) for each in GAINS]
    series = [Series(name, x, [float(_entropy(weights).mean()) for _, weights in runs]) for name, runs in every.items()]
    title = Bilingual(
        f"注意力的平均熵（均匀是 ln {LENGTH} = {np.log(LENGTH):.2f}）",
        f"Mean entropy of attention (uniform is ln {LENGTH} = {np.log(LENGTH):.2f})",
    )
    return _curve("entropy", title, Bilingual("纳特", "nats"), series, gain, False)


def _maps(grown: Mapping[Any, tuple[np.ndarray, np.ndarray]], gain: float) -> Heatmap:
    labels = [str(place) for place in range(LENGTH)]
    return Heatmap(
        Bilingual(f"g = {gain:g} 时的权重（随机的权重和输入）",
                  f"The weights at g = {gain:g} (random projections and inputs)"),
        [Stage(str(number), name, weights) for number, (name, (_, weights)) in enumerate(grown.items())],
        rows=labels,
        columns=labels,
        heads=[str(head) for head in range(HEADS)],
        name="weights",
    )  # fmt: skip
