"""Runs attention with ALiBi, T5's buckets and Shaw's keys, and with nothing but the biases."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx, to_numpy, tree_flatten
from mlxformer.positions import RelativeKeys, T5RelativeBias, alibi_bias
from questions.bilingual import Bilingual
from tui.experiments.contract import Check, Report, Result
from tui.experiments.relative_bias.declaration import EXPERIMENT
from tui.experiments.shared.random_weights import draw, load
from tui.experiments.shared.reported_trace import traced
from tui.figures.data import Curve, Figure, Heatmap, Series, Stage, Table

HEAD_DIM = 8
SHAW_DISTANCE = 16  # K of Shaw et al. 2018, §4.1
FAR, FARTHER = 128, 200  # T5's max_distance, from which on all distances share the last bucket, and one beyond


class Weights(mf.Module):
    """Attention's weights as a module, so that a trace gives each arm a name of its own."""

    def __call__(self, q: Any, k: Any, bias: Any) -> Any:
        return mf.attention_weights(q, k, mask="causal", bias=bias)


class Arms(mf.Module):
    """Content with ALiBi, zero content with and without it, T5's biases and Shaw's."""

    def __init__(self, heads: int, buckets: int, seed: int) -> None:
        super().__init__()
        self.alibi, self.flat, self.longer, self.longer_plain = (Weights() for _ in range(4))
        generator = np.random.default_rng(seed)
        t5 = T5RelativeBias(heads, num_buckets=buckets, bidirectional=False)
        self.t5 = load(t5, draw(generator, t5))
        shaw = RelativeKeys(HEAD_DIM, SHAW_DISTANCE)
        self.shaw = load(shaw, draw(generator, shaw))


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    heads, length, seed = int(knobs["heads"]), int(knobs["length"]), int(knobs["seed"])
    arms = Arms(heads, int(knobs["buckets"]), seed)
    generator = np.random.default_rng([seed, length])
    q, k = (mx.array(generator.standard_normal((1, heads, length, HEAD_DIM)).astype(np.float32)) for _ in range(2))
    zeros, longer = (mx.zeros((1, heads, n, HEAD_DIM)) for n in (length, 2 * length))
    short, long = (_alibi(heads, n, bool(knobs["add_bias"])) for n in (length, 2 * length))
    with traced(report, 0.3, arms) as steps:
        arms.alibi(q, k, alibi_bias(heads, length, length))
        arms.flat(zeros, zeros, short)
        arms.longer(longer, longer, long)
        arms.longer_plain(longer, longer, mx.zeros((1, heads, 2 * length, 2 * length)))
        arms.t5(FARTHER + 1, FARTHER + 1)
        arms.shaw(q, length)
    checks = _checks(arms, steps, heads, length, int(knobs["shift"]))
    figures: list[Figure] = [
        _map(steps, str(knobs["kind"]), heads, length),
        _by_distance(steps, heads, length),
        _t5_curve(steps),
        _table(heads, length),
    ]
    return Result(figures, checks, tuple(step for step in steps if step.path.startswith("alibi.")))


def _alibi(heads: int, length: int, add: bool) -> Any:
    bias = alibi_bias(heads, length, length)
    return bias if add else bias * 0.0


def _slopes(heads: int) -> list[float]:
    """The paper's, for a power of two of heads (Press et al. 2022, §3): the geometric sequence from 2^(−8/H)."""
    return [2 ** (-8 * (head + 1) / heads) for head in range(heads)]


def _checks(arms: Arms, steps: mf.Trace, heads: int, length: int, shift: int) -> list[Check]:
    measured = EXPERIMENT.measured
    added = (steps["alibi.biased"].value.astype(np.float64) - steps["alibi.scaled"].value)[0]  # [H, T, T]
    expected = np.array([[[-m * abs(i - j) for j in range(length)] for i in range(length)] for m in _slopes(heads)])
    steepest = _slopes(heads)[0]
    flat, longer, plain = (steps[f"{arm}.weights"].value[0, 0, -1] for arm in ("flat", "longer", "longer_plain"))
    beyond = math.exp(-steepest * length) / (1 + math.exp(-steepest * length))
    itself = (1 - math.exp(-steepest)) / (1 - math.exp(-steepest * length))
    short, long = (to_numpy(alibi_bias(heads, n, n)) for n in (length, 2 * length))
    t5 = steps["t5.output"].value[0, :, -1]  # [H, keys]: the last query's, key by key
    parameters: dict[str, Any] = dict(tree_flatten(arms.t5.parameters()))
    return [
        measured("alibi-is-linear", _largest(added - expected), 0.0, 1e-4),
        measured("alibi-head-range", float(flat[-1]), itself, 1e-5),
        measured("alibi-longer-text", float(longer[:length].sum()), beyond, 1e-4 * beyond),
        measured("no-bias-longer-text", float(plain[:length].sum()), 0.5, 1e-5),
        measured(
            "short-is-part-of-long",
            _largest(long[..., length + shift :, length:] - short[..., : length - shift, :]),
            0.0,
        ),
        measured("t5-far-share-a-bucket", _largest(t5[:, -1 - FAR] - t5[:, -1 - FARTHER]), 0.0),
        measured("t5-parameters", float(sum(int(value.size) for value in parameters.values())), 32.0 * heads),
        measured("shaw-sees-content", _range_at_one_distance(steps["shaw.output"].value), 0.05),
    ]


def _range_at_one_distance(bias: np.ndarray) -> float:
    """How much the biases one place back differ between queries, over the largest bias. bias [B, H, T, T]."""
    before = np.diagonal(bias, offset=-1, axis1=-2, axis2=-1)  # [B, H, T - 1]
    return float(np.ptp(before, axis=-1).max() / np.abs(bias).max())


def _map(steps: mf.Trace, kind: str, heads: int, length: int) -> Heatmap:
    if kind == "alibi":
        bias = to_numpy(alibi_bias(heads, length, length))[0]
    elif kind == "t5":
        bias = steps["t5.output"].value[0, :, -length:, -length:]
    else:
        bias = steps["shaw.output"].value[0]
    names = {"alibi": "ALiBi", "t5": "T5", "shaw": "Shaw"}
    labels = [str(position) for position in range(length)]
    stages = [Stage("bias", Bilingual("加到得分上的偏置", "the bias that is added"), bias, "signed")]
    if kind == "alibi":
        weights = steps["alibi.weights"].value[0]
        stages.append(Stage("weights", Bilingual("加偏置之后的权重", "weights with it"), weights))
    return Heatmap(
        Bilingual(f"{names[kind]}：每个头的偏置", f"{names[kind]}: the bias of each head"),
        stages,
        rows=labels,
        columns=labels,
        heads=[str(head) for head in range(heads)],
        name="bias",
    )


def _by_distance(steps: mf.Trace, heads: int, length: int) -> Curve:
    distances = [float(distance) for distance in range(length)]
    chosen = sorted({0, heads // 2, heads - 1})
    flat = steps["flat.weights"].value[0, :, -1, ::-1]  # [H, distance]
    return Curve(
        Bilingual(
            "内容得分全为 0 时，最后一个查询按距离给的权重",
            "Weights of the last query by distance, content scores 0",
        ),
        Bilingual("距离", "distance"),
        Bilingual("权重", "weight"),
        [Series(Bilingual(f"头 {head}", f"head {head}"), distances, flat[head].tolist()) for head in chosen],
        name="distance",
    )


def _t5_curve(steps: mf.Trace) -> Curve:
    """Head 0's bias by distance: single steps up to 15, then wider and wider ones (values are random here)."""
    bias = steps["t5.output"].value[0, 0, -1, ::-1]
    return Curve(
        Bilingual("T5 的偏置按距离分桶：近处一格一个，远处合用（值是随机的）",
                  "T5's bias by distance: one bucket each nearby, shared farther out (random values)"),
        Bilingual("距离", "distance"),
        Bilingual("偏置", "bias"),
        [Series("b[bucket]", [float(distance) for distance in range(len(bias))], bias.tolist())],
        marks=[(float(FAR), "max_distance")],
        name="buckets",
    )  # fmt: skip


def _table(heads: int, length: int) -> Table:
    """Slopes read off the bias that runs; the distance at which e^(−m·d) has fallen to a half."""
    bias = to_numpy(alibi_bias(heads, 1, length))[0, :, 0]  # [H, keys]
    slopes = [float(-row[-2]) for row in bias]
    return Table(
        Bilingual("ALiBi 每个头的斜率", "ALiBi's slope of each head"),
        columns=[Bilingual("头", "head"), "m", Bilingual("减半的距离 ln 2 / m", "halving distance ln 2 / m")],
        rows=[[head, slope, math.log(2) / slope] for head, slope in enumerate(slopes)],
        name="slopes",
    )


def _largest(difference: np.ndarray) -> float:
    return float(np.abs(difference).max())
