"""Quantizes random matrices with an outlier, and the weights of the shipped date model."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlxformer.backend import mx, to_numpy
from mlxformer.teaching.quantization import dequantize, largest_code, quantize
from mlxformer.teaching.quantized_products import (
    decomposed_linear,
    quantized_linear,
    smoothed_linear,
    smoothing_factors,
)
from questions.bilingual import Bilingual
from tui.experiments.contract import Check, Report, Result
from tui.experiments.quantisation import dates
from tui.experiments.quantisation.declaration import EXPERIMENT
from tui.figures.data import Bars, Curve, Figure, Label, Series, Table

OUT, IN, TOKENS = 64, 128, 64
CHANNEL, FEATURE = 7, 5  # the outlying output channel of the weights, and feature of the activations
ORDINARY = np.arange(OUT) != CHANNEL
SIZES = (1, 2, 4, 8, 16, 32, 64, 100)
SHARED = Bilingual("每矩阵一个缩放系数", "one scale a matrix")
OWN = Bilingual("每通道一个缩放系数", "one scale a channel")
NOT_FAR = Bilingual(
    "离群不够大，两边差不多：把它调到 16 倍以上。",
    "The outlier is not far out, and both arms are alike: take 16 or more.",
)
ALPHA_ELSEWHERE = Bilingual(
    "这一条只对 α = 0.5、离群 16 倍以上声明。", "Claimed for α = 0.5 and an outlier of 16 or more."
)


@dataclass(frozen=True)
class Drawn:
    """Weights [OUT, IN] and activations [TOKENS, IN], all N(0, 1) but for the outliers."""

    weights: np.ndarray
    plain: np.ndarray  # activations without their outlier
    signs: np.ndarray  # the outlying feature at size 1: about the same in every token, as in large models

    def weights_with(self, size: float) -> np.ndarray:
        scaled = self.weights.copy()
        scaled[CHANNEL] *= size
        return scaled

    def activations_with(self, size: float) -> np.ndarray:
        x = self.plain.copy()
        x[:, FEATURE] = size * self.signs
        return x


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    seed, bits, size, alpha = int(knobs["seed"]), int(str(knobs["bits"])), int(knobs["outlier"]), float(knobs["alpha"])
    drawn = _draw(seed)
    weights = drawn.weights_with(size)
    report(0.1, "weights")
    shared = _weight_error(weights, bits, shared=not knobs["own"])
    own = _weight_error(weights, bits, shared=bool(knobs["share"]))
    x = drawn.activations_with(1 if knobs["no_outlier"] else size)
    report(0.3, "activations")
    without = _product_error(drawn.activations_with(0), drawn, lambda x, w: quantized_linear(x, w, bits))
    naive = _product_error(x, drawn, lambda x, w: quantized_linear(x, w, bits))
    threshold = 1e9 if knobs["keep_outlier"] else 6.0
    apart = _product_error(x, drawn, lambda x, w: decomposed_linear(x, w, bits, threshold=threshold))
    smoothed = {
        a: _product_error(x, drawn, lambda x, w, a=a: smoothed_linear(x, w, bits, alpha=a)) for a in {0.5, alpha}
    }
    readings = _readings(seed, report)
    checks = [
        _half_a_step(weights, bits, bool(knobs["coarser"])),
        EXPERIMENT.undefined("one-scale-error", NOT_FAR)
        if size < 16
        else EXPERIMENT.measured("one-scale-error", shared, 3 * own),
        _predicted(weights, bits, own),
        EXPERIMENT.undefined("outlying-feature-error", NOT_FAR)
        if size < 16
        else EXPERIMENT.measured("outlying-feature-error", naive, 2.5 * without),
        EXPERIMENT.undefined("decomposition-error", NOT_FAR)
        if size < 16
        else EXPERIMENT.measured("decomposition-error", apart, 1.2 * without),
        _exactness(x, drawn, alpha, bool(knobs["one_side"])),
        EXPERIMENT.undefined("smoothing-error", ALPHA_ELSEWHERE)
        if size < 16 or alpha != 0.5
        else EXPERIMENT.measured("smoothing-error", naive if knobs["no_smoothing"] else smoothed[0.5], 0.6 * naive),
        *_dates(seed, int(knobs["dates_bits"]), readings),
    ]
    report(0.9, "figures")
    figures: list[Figure] = [
        _by_size(drawn, bits, size),
        _products({"without": without, "naive": naive, "apart": apart, "smoothed": smoothed[alpha]}, size, bits, alpha),
        _by_bits(readings),
        _table(readings),
    ]
    return Result(figures, checks)


def _draw(seed: int) -> Drawn:
    generator = np.random.default_rng(seed)
    weights, plain = (generator.standard_normal(shape).astype(np.float32) for shape in ((OUT, IN), (TOKENS, IN)))
    signs = (1 + 0.1 * generator.standard_normal(TOKENS)).astype(np.float32)
    return Drawn(weights, plain, signs)


def _weight_error(weights: np.ndarray, bits: int, *, shared: bool) -> float:
    """‖W − Ŵ‖ / ‖W‖ over the ordinary channels."""
    rounded = to_numpy(dequantize(quantize(mx.array(weights), bits, axis=None if shared else 0)))
    return float(np.linalg.norm((weights - rounded)[ORDINARY]) / np.linalg.norm(weights[ORDINARY]))


def _half_a_step(weights: np.ndarray, bits: int, coarser: bool) -> Check:
    """The step is worked out here, in float64, from the definition."""
    rounded = to_numpy(dequantize(quantize(mx.array(weights), bits - coarser, axis=0)))
    steps = np.abs(weights).max(1, keepdims=True).astype(np.float64) / (2 ** (bits - 1) - 1)
    worst = float((np.abs(weights - rounded.astype(np.float64)) / (steps / 2)).max())
    return EXPERIMENT.measured("half-a-step", worst, 1.0, 1e-4)


def _predicted(weights: np.ndarray, bits: int, measured: float) -> Check:
    """Rounding is nearly uniform over a step: root mean square s/√12, here channel by channel."""
    ordinary = weights[ORDINARY].astype(np.float64)
    steps = np.abs(ordinary).max(1) / largest_code(bits)
    wanted = math.sqrt(float((steps**2 / 12).mean() / np.square(ordinary).mean()))
    return EXPERIMENT.measured("own-scales-error", measured, wanted, 0.05 * wanted)


def _product_error(x: np.ndarray, drawn: Drawn, product: Any) -> float:
    """‖Y − Ŷ‖ over what the ordinary features contribute: an outlier that is alike in all tokens tells none apart."""
    found = to_numpy(product(mx.array(x), mx.array(drawn.weights))).astype(np.float64)
    kept = np.arange(IN) != FEATURE
    size = np.linalg.norm(x[:, kept].astype(np.float64) @ drawn.weights[:, kept].T)
    return float(np.linalg.norm(found - x.astype(np.float64) @ drawn.weights.T) / size)


def _exactness(x: np.ndarray, drawn: Drawn, alpha: float, one_side: bool) -> Check:
    factors = to_numpy(smoothing_factors(mx.array(x), mx.array(drawn.weights), alpha)).astype(np.float64)
    wanted = x.astype(np.float64) @ drawn.weights.T
    found = (x / factors) @ (drawn.weights * (1.0 if one_side else factors)).T
    return EXPERIMENT.measured(
        "smoothing-is-exact", float(np.abs(found - wanted).max() / np.abs(wanted).max()), 0, 1e-5
    )


def _readings(seed: int, report: Report) -> dict[tuple[int, bool], dates.Reading]:
    found = {(32, False): dates.read(seed, 32, False)}
    for bits in dates.BITS:
        for own in (False, True):
            report(0.4 + 0.04 * len(found), f"{bits} bits")
            found[bits, own] = dates.read(seed, bits, own)
    return found


def _dates(seed: int, bits: int, readings: Mapping[tuple[int, bool], dates.Reading]) -> list[Check]:
    def exact(given: int, own: bool) -> float:
        return dates.read(seed, bits, own).exact if bits >= 2 else readings[given, own].exact

    return [
        EXPERIMENT.measured("dates-eight-bits", exact(8, False), 98.0),
        EXPERIMENT.measured("dates-four-bits-one-scale", exact(4, False), 98.0),
        EXPERIMENT.measured("dates-four-bits-own-scales", exact(4, True), 97.0),
    ]


def _by_size(drawn: Drawn, bits: int, size: int) -> Curve:
    def errors(shared: bool) -> list[float]:
        return [_weight_error(drawn.weights_with(each), bits, shared=shared) for each in SIZES]

    x = [float(each) for each in SIZES]
    return Curve(
        Bilingual(f"权重有一个离群通道，{bits} 位：其余 63 个通道的相对误差",
                  f"Weights with an outlying channel, {bits} bits: relative error of the other 63"),
        Bilingual("离群的大小（倍）", "size of the outlier (times)"),
        Bilingual("相对误差", "relative error"),
        [Series(SHARED, x, errors(True)), Series(OWN, x, errors(False))],
        log_x=True,
        log_y=True,
        marks=[(float(size), Bilingual("现在", "now"))],
        name="outlier",
    )  # fmt: skip


def _products(errors: Mapping[str, float], size: int, bits: int, alpha: float) -> Bars:
    names: dict[str, Label] = {
        "without": Bilingual("没有离群特征", "no outlying feature"),
        "naive": Bilingual("有，直接量化", "with it, as it is"),
        "apart": Bilingual("离群单独算（LLM.int8()）", "taken out (LLM.int8())"),
        "smoothed": Bilingual(f"先平滑（α = {alpha:g}）", f"smoothed (α = {alpha:g})"),
    }
    return Bars(
        Bilingual(
            f"激活有一个 {size} 倍的离群特征，激活、权重都 {bits} 位：乘积的相对误差",
            f"Activations with a feature {size} times as large, both sides {bits} bits: error of the product",
        ),
        labels=list(names.values()),
        values=[errors[name] for name in names],
        value_label=Bilingual("相对误差", "relative error"),
        name="products",
    )


def _by_bits(readings: Mapping[tuple[int, bool], dates.Reading]) -> Curve:
    x = [float(bits) for bits in reversed(dates.BITS)]
    return Curve(
        Bilingual(
            "日期模型的权重压到几位：整个日期还写得对", "The date model's weights in few bits: whole dates right"
        ),
        Bilingual("位数", "bits"),
        Bilingual("写对的日期 %", "dates right, %"),
        [
            Series(label, x, [readings[bits, own].exact for bits in reversed(dates.BITS)])
            for label, own in ((SHARED, False), (Bilingual("每行一个缩放系数", "one scale a row"), True))
        ],
        name="dates",
    )


def _table(readings: Mapping[tuple[int, bool], dates.Reading]) -> Table:
    shown = [(bits, own) for bits, own in readings if bits in (32, 8, 4, 3)]
    granularity: dict[bool, Label] = {
        False: Bilingual("矩阵", "matrix"),
        True: Bilingual("行", "row"),
    }
    return Table(
        Bilingual("日期模型：float32 与量化之后", "The date model in float32 and quantized"),
        columns=[
            Bilingual("位数", "bits"),
            Bilingual("缩放系数按", "a scale per"),
            "KiB",
            Bilingual("整日期对 %", "dates right %"),
            Bilingual("KL（nats）", "KL (nats)"),
        ],
        rows=[
            [bits, "-" if bits == 32 else granularity[own], reading.kilobytes, reading.exact, reading.divergence]
            for (bits, own), reading in readings.items()
            if (bits, own) in shown
        ],
        name="readings",
    )
