"""One layer's gradients in float16 at many scales of the loss, and weights of both kinds under small updates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx, nn, optimizers, to_numpy, tree_flatten
from mlxformer.training.loss_scaling import LossScale
from questions.bilingual import Bilingual
from tui.experiments.contract import Report, Result
from tui.experiments.mixed_precision.declaration import EXPERIMENT
from tui.experiments.shared.random_weights import draw, load
from tui.figures.data import Bars, Curve, Figure, Series, Table

DIMS, HIDDEN, HERE = 32, 64, 64  # C, F, and how many tokens of the batch this machine computes
POWERS = tuple(range(0, 46, 3))
TOO_LARGE = 44
UPDATES, RATE = 100, 1e-4


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    tokens, power, seed = 1024 * int(knobs["tokens"]), int(knobs["power"]), int(knobs["seed"])
    half: Any = mx.float32 if knobs["wide"] else mx.float16
    layer = _Layer(tokens, seed)
    exact = layer.gradients(mx.float32, 1.0)
    report(0.3, "scales")
    found = {each: layer.gradients(half, 2.0**each) for each in (*POWERS, power, TOO_LARGE)}
    scaled = found[0] if knobs["unscaled"] else found[power]
    divided = scaled / (1.0 if knobs["left_scaled"] or knobs["unscaled"] else 2.0**power)
    late = _settle(layer, half, bool(knobs["fixed"]))
    report(0.8, "weights")
    still, moved = _moved(half), _moved(mx.float16 if knobs["half_master"] else mx.float32)
    measured = EXPERIMENT.measured
    checks = [
        measured("vanish-unscaled", _vanished(found[0], exact), 5.0),
        measured("vanish-scaled", _vanished(scaled, exact), 2.0),
        measured("scaled-is-right", 100.0 * float(np.linalg.norm(divided - exact) / np.linalg.norm(exact)), 5.0),
        measured("too-large-overflows", _overflowed(found[TOO_LARGE]), 1.0),
        measured("dynamic-settles", float(late), 0.0),
        measured("half-stands-still", still[-1], 0.0),
        measured("master-moves", moved[-1], UPDATES * RATE, 1e-5),
        measured("sixteen-bytes", _bytes(mx.float16 if knobs["half_master"] else mx.float32), 16.0),
    ]
    figures: list[Figure] = [_curve(found, exact, power), _weights(still, moved), _sizes(exact), _table()]
    return Result(figures, checks)


class _Layer:
    """A feed-forward layer, inputs and targets; the loss is the mean over ``tokens``, of which ``HERE`` are here."""

    def __init__(self, tokens: int, seed: int) -> None:
        generator = np.random.default_rng(seed)
        self.tokens = tokens
        self.layer = mf.FeedForward(DIMS, HIDDEN)
        self.weights = draw(generator, self.layer)
        self.x, self.target = generator.standard_normal((2, 1, HERE, DIMS)).astype(np.float32)

    def gradients(self, dtype: Any, scale: float) -> np.ndarray:
        """Of the loss times ``scale``, all in one row."""
        layer: Any = load(self.layer, self.weights)
        layer.set_dtype(dtype)
        x, target = mx.array(self.x).astype(dtype), mx.array(self.target)

        def loss() -> Any:  # the output is widened before the loss, as everywhere
            error = layer(x).astype(mx.float32) - target
            return mx.sum(mx.square(error)) / (self.tokens * DIMS) * scale

        leaves = dict(tree_flatten(nn.value_and_grad(layer, loss)()[1]))
        return np.concatenate([to_numpy(value).ravel() for value in leaves.values()]).astype(np.float64)


def _vanished(found: np.ndarray, exact: np.ndarray) -> float:
    return 100.0 * float((found[exact != 0] == 0).mean())


def _overflowed(found: np.ndarray) -> float:
    return 100.0 * float((~np.isfinite(found)).mean())


def _settle(layer: _Layer, dtype: Any, fixed: bool) -> int:
    """How many of the last 8 of 24 steps a scale that starts far too high still leaves out."""
    scale, skipped = LossScale(2.0**TOO_LARGE, patience=100), []
    for _ in range(24):
        skipped.append(scale.unscale([mx.array(layer.gradients(dtype, scale.scale))]) is None)
        if not skipped[-1]:
            return 0  # the same batch again is as finite as it was
        if fixed:
            scale.scale = 2.0**TOO_LARGE
    return sum(skipped[-8:])


def _moved(dtype: Any) -> list[float]:
    """How far a weight of 1 of this dtype has come after each step up by ``RATE``."""
    optimizer, weight = optimizers.SGD(RATE), {"w": mx.ones((1,)).astype(dtype)}
    found = [0.0]
    for _ in range(UPDATES):
        weight = optimizer.apply_gradients({"w": -mx.ones((1,)).astype(dtype)}, weight)
        found.append(float(to_numpy(weight["w"])[0]) - 1.0)
    return found


def _bytes(master: Any) -> float:
    """Of a layer's float16 weights and gradients, master weights and Adam's state, for each parameter."""
    layer: Any = mf.FeedForward(DIMS, HIDDEN)
    leaves = dict(tree_flatten(layer.parameters()))
    kept = {path: value.astype(master) for path, value in leaves.items()}
    adam = optimizers.Adam(1e-3)
    adam.init(kept)
    state = [value for path, value in dict(tree_flatten(adam.state)).items() if path.endswith((".m", ".v"))]
    half = [value.astype(mx.float16) for value in leaves.values()]
    arrays = [*half, *half, *kept.values(), *state]  # weights, gradients, master weights, m and v
    return sum(int(value.nbytes) for value in arrays) / sum(int(value.size) for value in leaves.values())


def _curve(found: Mapping[int, np.ndarray], exact: np.ndarray, power: int) -> Curve:
    x = [float(each) for each in POWERS]
    zeros = [_vanished(found[each], exact) for each in POWERS]
    over = [_overflowed(found[each]) for each in POWERS]
    return Curve(
        Bilingual(f"不缩放，{zeros[0]:.0f} % 的梯度成了 0；缩放太大又溢出，中间很宽",
                  f"Unscaled, {zeros[0]:.0f} % of gradients are 0; too large a scale overflows; between is much room"),
        Bilingual("损失乘 2 的几次方", "power of 2 that the loss is multiplied by"),
        Bilingual("梯度 %", "gradients, %"),
        [Series(Bilingual("成了 0", "rounded to 0"), x, zeros), Series(Bilingual("溢出", "overflowed"), x, over)],
        marks=((float(power), "S"),),
        name="scales",
    )  # fmt: skip


def _weights(still: list[float], moved: list[float]) -> Curve:
    x = [float(step) for step in range(UPDATES + 1)]
    return Curve(
        Bilingual("权重 1 每步加 0.0001：float16 里 1 的下一个数是 1.00098，加了等于没加",
                  "A weight of 1, 0.0001 more each step: in float16 the number after 1 is 1.00098, so nothing moves"),
        Bilingual("步", "step"),
        Bilingual("走了多远", "moved by"),
        [Series("float16", x, still), Series(Bilingual("float32 主权重", "float32 master"), x, moved)],
        name="weights",
    )  # fmt: skip


def _sizes(exact: np.ndarray) -> Bars:
    """A histogram of the gradients' sizes by powers of two."""
    powers = np.floor(np.log2(np.abs(exact[exact != 0]))).astype(int)
    edges = np.arange(-44, -14, 3)
    counts = [100.0 * float(((powers >= edge) & (powers < edge + 3)).mean()) for edge in edges]
    return Bars(
        Bilingual("float32 下梯度的大小：小于 2^−25 的在 float16 里四舍五入成 0",
                  "Sizes of the gradients in float32: those below 2^−25 round to 0 in float16"),
        labels=[f"2^{edge}" for edge in edges],
        values=counts,
        value_label=Bilingual("占全部梯度 %", "of all gradients, %"),
        name="sizes",
    )  # fmt: skip


def _table() -> Table:
    rows: list[list[Any]] = []
    for name, exponent, mantissa in (("float32", 8, 23), ("float16", 5, 10), ("bfloat16", 8, 7)):
        bias = 2 ** (exponent - 1) - 1
        largest = (2 - 2.0**-mantissa) * 2.0**bias
        rows.append([name, exponent, mantissa, largest, 2.0 ** (1 - bias), 2.0**-mantissa])
    return Table(
        Bilingual("指数位管范围，尾数位管精度", "Exponent bits set the range, mantissa bits the precision"),
        columns=["", Bilingual("指数位", "exponent bits"), Bilingual("尾数位", "mantissa bits"),
                 Bilingual("最大", "largest"), Bilingual("最小（规格化）", "least (normal)"),
                 Bilingual("1 之后隔多远", "gap after 1")],
        rows=rows,
        name="formats",
    )  # fmt: skip
