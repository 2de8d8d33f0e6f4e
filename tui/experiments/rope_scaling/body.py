"""Turns vectors by each recipe of longer rotary positions, and reads a head that was fitted within L beyond it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx, to_numpy
from mlxformer.positions.stretching import ntk_base, yarn_score_scale, yarn_stretch
from questions.bilingual import Bilingual
from tui.experiments.contract import Report, Result
from tui.experiments.rope_scaling.declaration import EXPERIMENT
from tui.figures.data import Curve, Figure, Series, Table

BASE = 10_000.0
PLAIN, PI, NTK, YARN = Bilingual("直接外推", "extrapolated"), "PI", "NTK", "YaRN"
NEAR = 8  # places
POINTS = 240  # of a curve


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    factor, length, width = float(knobs["factor"]), int(knobs["length"]), int(knobs["head_dim"])
    if width % 2:
        reason = Bilingual(f"头宽 {width} 是奇数，不能两两成对。", f"A width of {width} does not make pairs.")
        return EXPERIMENT.nothing_to_run(reason)
    ropes = _ropes(factor, length, width, knobs)
    speed = {name: _angles(rope, width) for name, rope in ropes.items()}
    ratio = {name: each / speed[PLAIN] for name, each in speed.items()}
    report(0.3, "scores")
    places = np.arange(int(factor * length))
    fitted = _fitted(ropes[PLAIN], length, width, int(knobs["seed"]))
    scores = {name: _scores(rope, fitted, places) for name, rope in ropes.items()}
    far = slice(0, length) if knobs["within"] else slice(length, None)
    top = {name: np.abs(each[far]).max() / np.abs(scores[PLAIN][:length]).max() for name, each in scores.items()}
    measured = EXPERIMENT.measured
    checks = [
        measured("extrapolation-runs-off", float(top[PLAIN]), 3.0),
        measured("interpolation-stays", float(top[PI]), 1.5),
        measured("pi-squeezes-all", float(ratio[PI][0]), 1 / factor, 1e-5),
        measured("ntk-fast-pair", float(ratio[NTK][0]), 1.0, 1e-5),
        measured("ntk-slow-pair", float(ratio[NTK][-1]), 1 / factor, 1e-3 / factor),
        measured("yarn-no-new-angle", _new_angles(speed, YARN, length, factor), 1.0, 1e-3),
        measured("yarn-keeps-near", _near(ropes, YARN, width) / max(_near(ropes, PI, width), 1e-9), 0.7),
    ]
    figures: list[Figure] = [
        _speeds(ratio, factor, length, speed[PLAIN]), _reach(speed, length, factor), _heads(scores, length),
        _table(speed, ratio, length, factor),
    ]  # fmt: skip
    return Result(figures, checks)


def _ropes(factor: float, length: int, width: int, knobs: Mapping[str, Any]) -> dict[Any, mf.RotaryEmbedding]:
    base = BASE if knobs["same_base"] else ntk_base(BASE, factor, width)
    turns: dict[str, float] = {}
    if knobs["one_part"]:
        turns = {"slow_turns": 1e6, "fast_turns": 1e7}  # nothing turns so often: all are slow
    if knobs["no_part"]:
        turns = {"slow_turns": 1e-9, "fast_turns": 1e-8}
    return {
        PLAIN: mf.RotaryEmbedding(width, base=BASE),
        PI: mf.RotaryEmbedding(width, base=BASE, scale=1.0 if knobs["no_scale"] else 1 / factor),
        NTK: mf.RotaryEmbedding(width, base=base, scale=1 / factor if knobs["ntk_squeezed"] else 1.0),
        YARN: mf.RotaryEmbedding(width, base=BASE, stretch=yarn_stretch(factor, length, **turns)),
    }


def _turned(rope: Any, vector: np.ndarray, places: int) -> np.ndarray:
    """[places, D]: ``vector`` turned by 0, 1, … places."""
    rows = np.tile(vector.astype(np.float32), (1, 1, places, 1))
    return to_numpy(rope(mx.array(rows)))[0, 0].astype(np.float64)


def _angles(rope: Any, width: int) -> np.ndarray:
    """The angle a token of each pair, read off what (1, 0) is turned into."""
    one = _turned(rope, np.tile([1.0, 0.0], width // 2), 2)[1].reshape(-1, 2)
    return np.arctan2(one[:, 1], one[:, 0])


def _fitted(rope: Any, length: int, width: int, seed: int) -> np.ndarray:
    """A query whose scores against the key (1, 0, 1, 0, …), 0 to L − 1 places back, come near random ones.

    A score is a sum of cosines and sines of the distance, so this is a linear fit (Chen et al. 2023, §2.3 and its
    figure of a fitted score that runs off beyond the trained length).
    """
    wanted = np.random.default_rng(seed).standard_normal(length)
    even, odd = (_turned(rope, np.tile(pair, width // 2), length) for pair in ([1.0, 0.0], [0.0, 1.0]))
    basis = np.stack([even.reshape(length, -1, 2)[:, :, 0], odd.reshape(length, -1, 2)[:, :, 0]], axis=-1)
    solution = np.linalg.lstsq(basis.reshape(length, width), wanted, rcond=1e-5)[0]
    return np.asarray(solution)


def _scores(rope: Any, query: np.ndarray, places: np.ndarray) -> np.ndarray:
    """⟨R_m q, (1, 0, 1, 0, …)⟩ at each distance m."""
    return _turned(rope, query, len(places)).reshape(len(places), -1, 2)[:, :, 0].sum(-1)


def _new_angles(speed: Mapping[Any, np.ndarray], name: Any, length: int, factor: float) -> float:
    slow = speed[PLAIN] * length < 2 * np.pi
    return float((speed[name][slow] * factor * length / (speed[PLAIN][slow] * length)).max())


def _near(ropes: Mapping[Any, Any], name: Any, width: int) -> float:
    """How far the codes of the places 1 to ``NEAR`` are from those of training."""
    vector = np.tile([1.0, 0.0], width // 2)
    codes = [_turned(ropes[each], vector, NEAR + 1)[1:] for each in (name, PLAIN)]
    return float(np.linalg.norm(codes[0] - codes[1]))


def _speeds(ratio: Mapping[Any, np.ndarray], factor: float, length: int, plain: np.ndarray) -> Curve:
    pairs = [float(pair) for pair in range(len(plain))]
    whole = float((plain * length >= 2 * np.pi).sum() - 0.5)
    return Curve(
        Bilingual(f"每对维度的转速变成几倍（s = {factor:g}；竖线右边训练时转不满一圈）",
                  f"Speed of each pair, over before (s = {factor:g}; right of the line: no full turn in training)"),
        Bilingual("第几对（左快右慢）", "pair (fast to slow)"),
        Bilingual("转速是原来的几倍", "speed over the speed before"),
        [Series(name, pairs, each.tolist()) for name, each in ratio.items()],
        marks=((whole, Bilingual("一圈", "one turn")),),
        name="speeds",
    )  # fmt: skip


def _reach(speed: Mapping[Any, np.ndarray], length: int, factor: float) -> Curve:
    pairs = [float(pair) for pair in range(len(speed[PLAIN]))]
    seen = np.minimum(speed[PLAIN] * length / (2 * np.pi), 1.0)
    reached = {name: np.minimum(each * length * factor / (2 * np.pi), 1.0) for name, each in speed.items()}
    return Curve(
        Bilingual("转到过圆的多少：训练时，和在 s·L 处", "How much of the circle is reached: in training, and at s·L"),
        Bilingual("第几对（左快右慢）", "pair (fast to slow)"),
        Bilingual("圈（满一圈记 1）", "turns (a full one is 1)"),
        [Series(Bilingual("训练时", "in training"), pairs, seen.tolist()),
         *(Series(name, pairs, each.tolist()) for name, each in reached.items())],
        name="reach",
    )  # fmt: skip


def _heads(scores: Mapping[Any, np.ndarray], length: int) -> Curve:
    total = len(scores[PLAIN])
    at = np.unique(np.linspace(0, total - 1, POINTS).astype(int))
    return Curve(
        Bilingual(f"拟合在 {length} 以内的头：更远处的得分（绝对值）",
                  f"A head fitted within {length}: the size of its scores farther away"),
        Bilingual("距离", "distance"),
        Bilingual("|得分|", "|score|"),
        [Series(name, at.astype(float).tolist(), np.maximum(np.abs(scores[name][at]), 1e-3).tolist())
         for name in (PLAIN, PI)],
        log_y=True,
        marks=((float(length), "L"),),
        name="fitted",
    )  # fmt: skip


def _table(speed: Mapping[Any, np.ndarray], ratio: Mapping[Any, np.ndarray], length: int, factor: float) -> Table:
    return Table(
        Bilingual("各做法一览", "The recipes side by side"),
        columns=[
            Bilingual("做法", "recipe"), Bilingual("最快一对", "fastest pair"), Bilingual("最慢一对", "slowest pair"),
            Bilingual("慢的对：角度/见过的", "slow pairs: angle over seen"), Bilingual("得分再乘", "scores times"),
        ],
        rows=[[name, float(each[0]), float(each[-1]), _new_angles(speed, name, length, factor),
               yarn_score_scale(factor) if name == YARN else 1.0] for name, each in ratio.items()],
        name="recipes",
    )  # fmt: skip
