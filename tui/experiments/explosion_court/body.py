"""Gradients of real attention with respect to its logits and its queries, row by row, scaled and not."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx, nn, to_numpy
from mlxformer.inspection.diagnostics import largest_softmax_jacobian_norm, softmax_jacobian_norm
from questions.bilingual import Bilingual
from tui.experiments.contract import Check, Report, Result
from tui.experiments.explosion_court import theory
from tui.experiments.explosion_court.declaration import EXPERIMENT
from tui.experiments.scaling.theory import where_theory_says
from tui.experiments.shared.reported_trace import cancellable, traced
from tui.figures.data import Bars, Curve, Figure, Label, Series, Table

GROUP = 20  # queries that share one set of keys
BINS = 40
FLOOR = 1e-12  # what is smaller is drawn here on the log axis
ARMS: dict[str, Label] = {"none": Bilingual("不缩放", "unscaled"), "sqrt": "1/√d_k"}


@dataclass(frozen=True)
class Arm:
    """One scale: weights [R, n]; and for each of R rows ‖J‖, ‖∂L/∂logits‖, ‖∂L/∂q‖, ‖∂L/∂p‖."""

    steps: mf.Trace
    weights: np.ndarray
    jacobians: np.ndarray
    logits: np.ndarray
    query: np.ndarray
    upstream: np.ndarray


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    d_k, keys, queries, seed = (int(knobs[name]) for name in ("d_k", "keys", "queries", "seed"))
    generator = np.random.default_rng([seed, d_k, keys])
    groups = math.ceil(queries / GROUP)
    shapes = ((groups, 1, GROUP, d_k), (groups, 1, keys, d_k), (groups, 1, keys, 1))
    q, k, v = (mx.array(generator.standard_normal(shape, np.float32)) for shape in shapes)
    scales = {
        "none": float(d_k) ** -float(knobs["unscaled_power"]),
        "sqrt": float(d_k) ** -float(knobs["scaled_power"]),
    }
    arms = {name: _measure(q, k, v, scale, queries, int(knobs["amplify"]), report) for name, scale in scales.items()}
    folded = to_numpy(mf.attention_weights(q * float(d_k) ** -0.5, k, scale=1.0)).reshape(-1, keys)[:queries]
    checks = _checks(d_k, keys, queries, arms)
    checks += [
        EXPERIMENT.measured(
            "scaling-is-folding-into-the-query", float(np.abs(folded - arms["sqrt"].weights).max()), 0.0, 1e-5
        ),
        EXPERIMENT.measured(
            "cross-entropy-does-not-saturate", _cross_entropy(keys, bool(knobs["right_label"])), math.sqrt(2), 1e-5
        ),
    ]
    figures: list[Figure] = [
        _histogram(arms, "logits", _compared("logits", arms)),
        _histogram(arms, "query", _compared("q", arms)),
        _dead(arms),
        _table(arms),
    ]
    return Result(figures, checks, tuple(arms["none"].steps))


def _measure(q: Any, k: Any, v: Any, scale: float, queries: int, amplify: int, report: Report) -> Arm:
    """L is the sum of the outputs, each Σ_j p_j v_j, so that ∂L/∂p is v."""
    keys = k.shape[2]
    bias = mx.zeros((*q.shape[:3], keys))  # added to the logits: its gradient is theirs

    def loss(q: Any, bias: Any) -> Any:
        return amplify * mx.sum(mf.scaled_dot_product_attention(q, k, v, scale=scale, bias=bias))

    with traced(report, 0.3) as steps:
        mf.scaled_dot_product_attention(q, k, v, scale=scale)
    with cancellable(report, 0.5):
        by_query, by_logits = (to_numpy(slope).astype(np.float64) for slope in mx.grad(loss, argnums=(0, 1))(q, bias))
    rows = steps["weights"].value.reshape(-1, keys)[:queries].astype(np.float64)
    upstream = np.linalg.norm(to_numpy(v)[..., 0].astype(np.float64), axis=-1)  # [G, 1]
    return Arm(
        steps,
        rows,
        softmax_jacobian_norm(rows),
        np.linalg.norm(by_logits, axis=-1).reshape(-1)[:queries],
        np.linalg.norm(by_query, axis=-1).reshape(-1)[:queries],
        np.repeat(upstream.reshape(-1), GROUP)[:queries],
    )


def _checks(d_k: int, keys: int, queries: int, arms: Mapping[str, Arm]) -> list[Check]:
    none, sqrt = arms["none"], arms["sqrt"]
    should = {name: theory.rows(d_k, keys, scale) for name, scale in (("none", 1.0), ("sqrt", d_k**-0.5))}
    dead = {name: 100.0 * float((arm.jacobians < theory.DEAD).mean()) for name, arm in arms.items()}
    share = should["none"].dead / 100
    # Five deviations of a binomial (rows of one group share their keys, which adds a little), and the reference's own.
    tolerance = 100 * 5 * math.sqrt(share * (1 - share) / queries) + 0.5
    measured = EXPERIMENT.measured
    return [
        measured(
            "jacobian-at-most-half",
            max(largest_softmax_jacobian_norm(arm.weights) for arm in arms.values()),
            0.5,
            1e-6,
        ),
        measured(
            "logit-gradient-never-amplified",
            float(max((arm.logits / arm.upstream).max() for arm in arms.values())),
            0.5,
            1e-6,
        ),
        measured("dead-rows-unscaled", dead["none"], should["none"].dead, tolerance),
        measured("dead-rows-scaled", dead["sqrt"], 1.0),
        where_theory_says(
            EXPERIMENT,
            "median-logit-gradient-vanishes",
            float(np.median(none.logits) / np.median(sqrt.logits)),
            0.05,
            should["none"].logits / should["sqrt"].logits,
        ),
        where_theory_says(
            EXPERIMENT,
            "median-query-gradient-smaller",
            float(np.median(none.query) / np.median(sqrt.query)),
            0.5,
            should["none"].query / should["sqrt"].query,
        ),
        _spikes(float(none.query.max() / sqrt.query.max()), should["none"].spike / should["sqrt"].spike),
    ]


def _spikes(ratio: float, theory_ratio: float) -> Check:
    """Claimed where theory's 99th percentiles are 8 times apart: then the largest of 100 rows or more are twice."""
    name = "largest-query-gradient-larger"
    if theory_ratio >= 8:
        return EXPERIMENT.measured(name, ratio, 2.0)
    return EXPERIMENT.undefined(
        name,
        Bilingual(
            f"d_k 还太小，尖峰不明显：理论上第 99 百分位之比是 {theory_ratio:.2g}。",
            f"d_k is too small for clear spikes: theory's ratio of 99th percentiles is {theory_ratio:.2g}.",
        ),
    )


def _cross_entropy(classes: int, right: bool) -> float:
    """‖∂L/∂logits‖ where class 0 leads by 60 and the label is another (or 0)."""
    logits = mx.array(np.array([[60.0] + [0.0] * (classes - 1)], np.float32))
    label = mx.array(np.array([0 if right else 1], np.int32))
    slope = mx.grad(lambda x: mx.sum(nn.losses.cross_entropy(x, label)))(logits)
    return float(np.linalg.norm(to_numpy(slope)))


def _values(arm: Arm, name: str) -> np.ndarray:
    return arm.logits if name == "logits" else arm.query


def _histogram(arms: Mapping[str, Arm], name: str, title: Bilingual) -> Curve:
    """The share of rows by size, both arms on one log axis; what is below the floor stands at the floor."""
    sizes = {arm: np.log10(np.maximum(_values(measured, name), FLOOR)) for arm, measured in arms.items()}
    everything = np.concatenate(list(sizes.values()))
    edges = np.linspace(everything.min() - 0.1, everything.max() + 0.1, BINS + 1)
    middles = 10 ** ((edges[:-1] + edges[1:]) / 2)
    return Curve(
        title,
        Bilingual("一行的梯度范数", "gradient norm of a row"),
        Bilingual("占所有行的 %", "of all rows, %"),
        [
            Series(ARMS[arm], middles.tolist(), (100 * np.histogram(size, edges)[0] / len(size)).tolist())
            for arm, size in sizes.items()
        ],
        log_x=True,
        name=f"histogram-{name}",
    )


def _compared(by: str, arms: Mapping[str, Arm]) -> Bilingual:
    """What is seen at this d_k: how the unscaled median and maximum compare with the scaled ones."""
    none, sqrt = (arms[name].logits if by == "logits" else arms[name].query for name in ("none", "sqrt"))
    median, largest = float(np.median(none) / np.median(sqrt)), float(none.max() / sqrt.max())
    return Bilingual(
        f"‖∂L/∂{by}‖：不缩放的中位数是缩放的 {median:.2g} 倍，最大值是 {largest:.2g} 倍",
        f"‖∂L/∂{by}‖: unscaled, the median is {median:.2g} and the largest {largest:.2g} times the scaled",
    )


def _dead(arms: Mapping[str, Arm]) -> Bars:
    return Bars(
        Bilingual("几乎没有梯度的行：‖J‖ < 0.001", "Rows nearly without a gradient: ‖J‖ < 0.001"),
        labels=[ARMS[name] for name in arms],
        values=[100.0 * float((arm.jacobians < theory.DEAD).mean()) for arm in arms.values()],
        value_label=Bilingual("占所有行的 %", "of all rows, %"),
        name="dead",
    )


def _table(arms: Mapping[str, Arm]) -> Table:
    rows: list[list[Any]] = []
    for name, arm in arms.items():
        for of, values in (("‖∂L/∂logits‖", arm.logits), ("‖∂L/∂q‖", arm.query)):
            rows.append([ARMS[name], of, float(np.median(values)), float(values.mean()), float(values.max())])
    return Table(
        Bilingual("中位数、均值、最大值：只看均值会误判", "Median, mean, maximum: the mean alone misleads"),
        columns=[
            Bilingual("缩放", "scale"),
            Bilingual("梯度", "gradient"),
            Bilingual("中位数", "median"),
            Bilingual("均值", "mean"),
            Bilingual("最大", "max"),
        ],
        rows=rows,
        name="verdict",
    )
