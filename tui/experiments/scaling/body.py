"""Measures the scores, the softmax and the gradients of real attention at several scales."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx, to_numpy
from mlxformer.inspection.diagnostics import entropy, largest_softmax_jacobian_norm, softmax_jacobian_norm
from questions.bilingual import Bilingual
from tui.experiments.contract import Check, Report, Result, silent
from tui.experiments.scaling import theory
from tui.experiments.scaling.declaration import EXPERIMENT
from tui.experiments.scaling.theory import where_theory_says
from tui.experiments.shared.kept import kept
from tui.experiments.shared.reported_trace import cancellable, traced
from tui.figures.data import Bars, Curve, Figure, Heatmap, Label, Series, Stage, Table

GROUP = 20  # queries that share one set of keys: enough sets to average over, and a map that can be read
SCORES = 10_000  # for their variance, which is then known to 2 %
WIDE = 64  # from this width on ‖q‖² is so nearly d_k that ten scores of one query tell as much as those of ten queries
SWEEP = (4, 8, 16, 32, 64, 128, 256, 512, 1024)
SWEEP_QUERIES = 200
HEAD_WIDTHS = (64, 128)  # the paper's, and a common one today: measured whatever d_k is looked at
HEAD_QUERIES = 2000  # a share of saturated rows is then known to one percentage point
ARM_NAMES: dict[str, Label] = {"none": Bilingual("不缩放", "unscaled"), "sqrt": "1/√d_k", "dk": "1/d_k"}


@dataclass(frozen=True)
class Arm:
    """One scale on the same queries and keys; weights [G, 1, 20, n], the others one number a row, [R]."""

    steps: mf.Trace
    weights: np.ndarray
    saturated: float  # per cent
    jacobians: np.ndarray
    entropies: np.ndarray
    gradients: np.ndarray  # ‖∂L/∂q‖
    logit_gradients: np.ndarray  # ‖∂L/∂s‖, s the scores that enter the softmax

    @cached_property
    def largest_norm(self) -> float:
        """Of the Jacobians, as spectral norms; not asked of all arms, and slow where no row stands out."""
        return largest_softmax_jacobian_norm(self.weights)


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    d_k, keys, queries, seed = int(knobs["d_k"]), int(knobs["keys"]), int(knobs["queries"]), int(knobs["seed"])
    scales = _scales(d_k, float(knobs["unscaled_power"]))
    std = float(knobs["component_std"])
    arms = {
        name: _measure(seed, d_k, keys, queries, std, scale, report=report, done=0.2 * index)
        for index, (name, scale) in enumerate(scales.items())
    }
    scores, scaled = _score_sample(seed, d_k, std, report=report)
    report(0.7, "checks")
    checks = _checks(d_k, keys, queries, arms, scores, scaled)
    checks += _at_head_widths(keys, seed, std, float(knobs["unscaled_power"]))
    order = [declared.name for declared in EXPERIMENT.checks]
    checks.sort(key=lambda check: order.index(check.name))
    chosen = str(knobs["scale"])
    saturated, *curves = _sweep(knobs, report)
    figures: list[Figure] = [
        _map(arms[chosen], knobs),
        saturated,
        _histogram(scores * scales[chosen], knobs),
        *curves,
        _saturated_bars(arms),
        _table(arms, d_k),
    ]
    return Result(figures, checks, tuple(arms[chosen].steps))


def _scales(d_k: int, unscaled_power: float = 0.0) -> dict[str, float]:
    return {"none": float(d_k) ** -unscaled_power, "sqrt": float(d_k) ** -0.5, "dk": 1.0 / d_k}


def _draw(seed: int, d_k: int, keys: int, queries: int, std: float = 1.0) -> tuple[Any, Any, Any]:
    """q [G, 1, 20, D], k [G, 1, n, D] and v [G, 1, n, 1], N(0, std²); G groups with keys of their own."""
    generator = np.random.default_rng([seed, d_k, keys])
    groups = math.ceil(queries / GROUP)
    shapes = ((groups, 1, GROUP, d_k), (groups, 1, keys, d_k))
    q, k = (mx.array(std * generator.standard_normal(shape, np.float32)) for shape in shapes)
    return q, k, mx.array(generator.standard_normal((groups, 1, keys, 1), np.float32))


_drawn = kept(size=2, apart=True)(_draw)  # the arms look at the same


@kept(size=6)
def _measure(
    seed: int,
    d_k: int,
    keys: int,
    queries: int,
    std: float,
    scale: float,
    *,
    report: Report = silent,
    done: float = 0.0,
) -> Arm:
    """Attention at ``scale``, and the gradients of L = the sum of its outputs, each the mean of v under one row's
    weights. The one with respect to a bias of zeros on the scores is ∂L/∂s."""
    q, k, v = _drawn(seed, d_k, keys, queries, std)
    with traced(report, done) as steps:
        mf.scaled_dot_product_attention(q, k, v, scale=scale)

    def loss(q: Any, bias: Any) -> Any:
        return mx.sum(mf.scaled_dot_product_attention(q, k, v, scale=scale, bias=bias))

    weights = steps["weights"].value
    with cancellable(report, done + 0.1):
        at_q, at_s = mx.grad(loss, argnums=(0, 1))(q, mx.zeros(weights.shape))  # [G, 1, 20, D], [G, 1, 20, n]
    rows = weights.reshape(-1, weights.shape[-1])[:queries]  # [R, n]
    return Arm(
        steps,
        weights,
        100.0 * float((rows.max(-1) > 0.99).mean()),
        softmax_jacobian_norm(rows),
        entropy(rows, normalized=True),
        _lengths(at_q)[:queries],
        _lengths(at_s)[:queries],
    )


def _lengths(gradient: Any) -> np.ndarray:
    each = to_numpy(gradient)
    return np.sqrt(np.einsum("...d,...d->...", each, each, dtype=np.float64)).reshape(-1)


@kept(size=6)
def _score_sample(seed: int, d_k: int, std: float, *, report: Report = silent) -> tuple[np.ndarray, np.ndarray]:
    """10,000 scores before and after the scale that attention applies itself, of small groups of queries and keys."""
    generator = np.random.default_rng([seed, d_k])
    side = 2 if d_k < WIDE else 10
    shape = (SCORES // side**2, 1, side, d_k)
    q, k = (mx.array(std * generator.standard_normal(shape, np.float32)) for _ in range(2))
    with traced(report, 0.6, measure=True) as steps:
        mf.attention_weights(q, k)
    return steps["scores"].value.reshape(-1), steps["scaled"].value.reshape(-1)


def _checks(
    d_k: int, keys: int, queries: int, arms: dict[str, Arm], scores: np.ndarray, scaled: np.ndarray
) -> list[Check]:
    measured = EXPERIMENT.measured
    none, sqrt = arms["none"], arms["sqrt"]
    scales = _scales(d_k)
    should = {name: theory.rows(d_k, keys, scales[name]) for name in ("none", "sqrt")}
    # With scores of a small variance s², H ≈ ln n − s²/2, and n scores have the variance (1 − 1/n) / d_k.
    flat = 1 - (1 - 1 / keys) / (2 * d_k * math.log(keys))
    return [
        measured("variance-grows", float(np.var(scores, dtype=np.float64)), float(d_k), 0.1 * d_k),
        measured("variance-scaled", float(np.var(scaled, dtype=np.float64)), 1.0, 0.1),
        _saturated("saturated-rows", none.saturated, should["none"].saturated, queries),
        measured("saturated-rows-scaled", sqrt.saturated, 1.0),
        where_theory_says(
            EXPERIMENT,
            "median-jacobian-ratio",
            float(np.median(none.jacobians) / np.median(sqrt.jacobians)),
            limit=0.1,
            theory_ratio=should["none"].jacobian_norm / should["sqrt"].jacobian_norm,
        ),
        measured("jacobian-bounded", max(none.largest_norm, sqrt.largest_norm), 0.5, 1e-6),
        measured("dk-flattens", float(arms["dk"].entropies.mean()), flat, 0.02),
        _mean_gradient(none, sqrt, should["none"], should["sqrt"].gradient_mean, queries),
        where_theory_says(
            EXPERIMENT,
            "median-gradient-smaller-unscaled",
            float(np.median(none.gradients) / np.median(sqrt.gradients)),
            limit=0.5,
            theory_ratio=should["none"].gradient_norm / should["sqrt"].gradient_norm,
        ),
        where_theory_says(
            EXPERIMENT,
            "median-logit-gradient-smaller",
            float(np.median(none.logit_gradients) / np.median(sqrt.logit_gradients)),
            limit=0.9,
            theory_ratio=should["none"].logit_norm / should["sqrt"].logit_norm,
        ),
    ]


def _saturated(name: str, found: float, expected: float, queries: int) -> Check:
    """Within five standard deviations. Rows of one group share their keys, which adds a little to the binomial's; half
    a point more is for the reference's own sampling."""
    share = expected / 100
    return EXPERIMENT.measured(name, found, expected, 100 * 5 * math.sqrt(share * (1 - share) / queries) + 0.5)


@kept(size=16)
def _at_head_widths(keys: int, seed: int, std: float, unscaled_power: float) -> list[Check]:
    """At widths that heads really have: how many rows saturate; at the first, how much of the median ‖J‖ is left."""

    def rows(d_k: int, name: str) -> np.ndarray:
        q, k, _ = _drawn(seed, d_k, keys, HEAD_QUERIES, std)
        return to_numpy(mf.attention_weights(q, k, scale=_scales(d_k, unscaled_power)[name])).reshape(-1, keys)

    none = {d_k: rows(d_k, "none") for d_k in HEAD_WIDTHS}
    checks = []
    for d_k in HEAD_WIDTHS:
        found = 100.0 * float((none[d_k].max(-1) > 0.99).mean())
        checks.append(_saturated(f"saturated-rows-{d_k}", found, theory.saturated(d_k, keys, 1.0), HEAD_QUERIES))
    first = HEAD_WIDTHS[0]
    median = [float(np.median(softmax_jacobian_norm(each))) for each in (none[first], rows(first, "sqrt"))]
    should = [theory.rows(first, keys, _scales(first)[name]).jacobian_norm for name in ("none", "sqrt")]
    found, expected = median[0] / median[1], should[0] / should[1]
    return [*checks, EXPERIMENT.measured("median-jacobian-64", found, expected, 0.02 + 0.35 * expected)]


def _mean_gradient(none: Arm, sqrt: Arm, should: theory.Rows, scaled_mean: float, queries: int) -> Check:
    """Claimed where so many queries pin a mean down that its theory, less four standard errors, is the larger one."""
    name = "mean-gradient-larger-unscaled"
    least = should.gradient_mean - 4 * should.gradient_deviation / math.sqrt(queries)
    if least >= scaled_mean:
        return EXPERIMENT.measured(name, float(none.gradients.mean() / sqrt.gradients.mean()), 1.0)
    return EXPERIMENT.undefined(
        name,
        Bilingual(
            f"{queries} 个查询太少：均值全靠几行尖峰，这么少的行定不下来。把查询或键加多。",
            f"{queries} queries are too few: a few spiky rows carry the mean. Take more queries or more keys.",
        ),
    )


def _map(arm: Arm, knobs: Mapping[str, Any]) -> Heatmap:
    """The first group: 20 queries and their keys."""
    seed, d_k = knobs["seed"], knobs["d_k"]
    name = _name(str(knobs["scale"]))
    weights = arm.weights[0]
    stages = [
        Stage("scores", "q·k", arm.steps["scores"].value[0], "signed"),
        Stage("scaled", Bilingual("缩放后", "scaled"), arm.steps["scaled"].value[0], "signed"),
        Stage("weights", Bilingual("权重", "weights"), weights),
    ]
    return Heatmap(
        Bilingual(
            f"注意力，d_k = {d_k}，{name.say('zh')}（随机数据，种子 {seed}）",
            f"Attention, d_k = {d_k}, {name.say('en')} (random data, seed {seed})",
        ),
        stages,
        rows=[f"q{index}" for index in range(weights.shape[1])],
        columns=[f"k{index}" for index in range(weights.shape[2])],
        name="attention",
    )


def _histogram(scores: np.ndarray, knobs: Mapping[str, Any]) -> Curve:
    """The density of the chosen scores beside that of N(0, 1), over four of the wider one's standard deviations."""
    name = _name(str(knobs["scale"]))
    reach = 4 * max(1.0, float(scores.std()))
    density, edges = np.histogram(scores, bins=61, range=(-reach, reach), density=True)
    middles = (edges[:-1] + edges[1:]) / 2
    normal = np.exp(-np.square(middles) / 2) / math.sqrt(2 * math.pi)
    return Curve(
        Bilingual(f"10,000 个得分的分布，{name.say('zh')}", f"Distribution of 10,000 scores, {name.say('en')}"),
        x_label=Bilingual("进入 softmax 的得分", "score that enters the softmax"),
        y_label=Bilingual("密度", "density"),
        series=[  # the later is drawn over the earlier
            Series("N(0, 1)", middles.tolist(), normal.tolist()),
            Series(Bilingual("实测", "measured"), middles.tolist(), density.tolist()),
        ],
        name="histogram",
    )


@kept(size=16)
def _swept(keys: int, seed: int, *, report: Report = silent) -> tuple[dict[str, list[float]], ...]:
    """By scale, at each width: the share of saturated rows, the mean entropy and the median ‖J‖."""
    saturated, entropies, jacobians = found = tuple({name: list[float]() for name in ARM_NAMES} for _ in range(3))
    for index, d_k in enumerate(SWEEP):
        report(0.8 + 0.2 * index / len(SWEEP), f"d_k = {d_k}")
        q, k, _ = _draw(seed, d_k, keys, SWEEP_QUERIES)
        for name, scale in _scales(d_k).items():
            weights = to_numpy(mf.attention_weights(q, k, scale=scale))
            saturated[name].append(100.0 * float((weights.max(-1) > 0.99).mean()))
            entropies[name].append(float(entropy(weights, normalized=True).mean()))
            jacobians[name].append(float(np.median(softmax_jacobian_norm(weights))))
    return found


def _sweep(knobs: Mapping[str, Any], report: Report) -> list[Figure]:
    """Saturated rows, normalized entropy and median ‖J‖ against d_k, each width with queries and keys of its own."""
    keys, seed = int(knobs["keys"]), int(knobs["seed"])
    saturated, entropies, jacobians = _swept(keys, seed, report=report)
    marks = [(float(knobs["d_k"]), "d_k")]
    x = [float(d_k) for d_k in SWEEP]

    def series(values: dict[str, list[float]]) -> list[Series]:
        return [Series(label, x, values[name]) for name, label in ARM_NAMES.items()]

    return [
        Curve(
            Bilingual("饱和的行（最大权重 > 0.99）随 d_k 增多", "Rows that saturate (largest weight > 0.99), by d_k"),
            Bilingual("每个头的宽度 d_k", "width of a head d_k"),
            Bilingual("占所有行的 %", "of all rows, %"),
            series(saturated),
            log_x=True,
            marks=marks,
            name="saturation",
        ),
        Curve(
            Bilingual("注意力的归一化熵", "Normalized entropy of attention"),
            Bilingual("每个头的宽度 d_k", "width of a head d_k"),
            Bilingual("熵 / ln n", "entropy / ln n"),
            series(entropies),
            log_x=True,
            marks=marks,
            name="entropy",
        ),
        Curve(
            Bilingual("softmax 雅可比 ‖J‖ 的中位数", "Median ‖J‖ of the softmax Jacobian"),
            Bilingual("每个头的宽度 d_k", "width of a head d_k"),
            Bilingual("‖J‖ 的中位数", "median ‖J‖"),
            series(jacobians),
            log_x=True,
            log_y=True,
            marks=marks,
            name="jacobian",
        ),
    ]


def _saturated_bars(arms: dict[str, Arm]) -> Bars:
    return Bars(
        Bilingual("饱和的行：最大权重 > 0.99", "Saturated rows: largest weight > 0.99"),
        labels=[ARM_NAMES[name] for name in arms],
        values=[arm.saturated for arm in arms.values()],
        value_label=Bilingual("占所有行的 %", "of all rows, %"),
        name="saturated",
    )


QUANTITIES: tuple[tuple[Bilingual, Callable[[Arm], float]], ...] = (
    (Bilingual("饱和的行 %", "saturated rows, %"), lambda arm: arm.saturated),
    (Bilingual("熵 / ln n", "entropy / ln n"), lambda arm: float(arm.entropies.mean())),
    (Bilingual("‖J‖ 中位数", "median ‖J‖"), lambda arm: float(np.median(arm.jacobians))),
    (Bilingual("‖J‖ 均值", "mean ‖J‖"), lambda arm: float(arm.jacobians.mean())),
    (Bilingual("‖∂L/∂s‖ 中位数", "median ‖∂L/∂s‖"), lambda arm: float(np.median(arm.logit_gradients))),
    (Bilingual("‖∂L/∂q‖ 中位数", "median ‖∂L/∂q‖"), lambda arm: float(np.median(arm.gradients))),
    (Bilingual("‖∂L/∂q‖ 均值", "mean ‖∂L/∂q‖"), lambda arm: float(arm.gradients.mean())),
    (Bilingual("‖∂L/∂q‖ 最大", "max ‖∂L/∂q‖"), lambda arm: float(arm.gradients.max())),
)


def _table(arms: dict[str, Arm], d_k: int) -> Table:
    """Medians beside means, and ∂L/∂s beside ∂L/∂q: the title says what came out."""
    none, sqrt = arms["none"], arms["sqrt"]
    kept = 100 * float(np.median(none.jacobians) / np.median(sqrt.jacobians))
    return Table(
        Bilingual(
            f"d_k = {d_k}，不缩放：{none.saturated:.0f} % 的行饱和，‖J‖ 的中位数是缩放后的 {kept:.2g} %",
            f"d_k = {d_k}, unscaled: {none.saturated:.0f} % of rows saturate; the median ‖J‖ is {kept:.2g} % of the "
            "scaled one",
        ),
        columns=[Bilingual("量", "quantity"), *(ARM_NAMES[name] for name in arms)],
        rows=[[label, *(measure(arm) for arm in arms.values())] for label, measure in QUANTITIES],
        name="rows",
    )


def _name(scale: str) -> Bilingual:
    label = ARM_NAMES[scale]
    return label if isinstance(label, Bilingual) else Bilingual(label, label)
