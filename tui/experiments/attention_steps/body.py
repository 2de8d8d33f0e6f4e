"""Runs one attention head on a sentence, right and wrong, and lays its steps open."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx, to_numpy
from mlxformer.origins import Named, Product, projection
from mlxformer.teaching import mistakes
from mlxformer.teaching.online_softmax import blockwise_attention
from questions.bilingual import Bilingual
from tui.experiments.attention_steps import reference
from tui.experiments.attention_steps.declaration import EXPERIMENT
from tui.experiments.attention_steps.figures import figures
from tui.experiments.contract import Check, Report, Result
from tui.experiments.shared.random_weights import draw, embed, load
from tui.experiments.shared.reported_trace import cancellable, traced
from tui.experiments.shared.sentence import NO_TOKENS, split

WIDTH = 32  # of the model and of its one head
BLOCK = 4  # keys at a time in the online softmax
RECIPES: dict[str, Callable[..., Any]] = {
    "none": mf.scaled_dot_product_attention,
    "no-scale": mf.scaled_dot_product_attention,
    "wrong-axis": mistakes.softmax_over_queries,
    "mask-after-softmax": mistakes.mask_after_softmax,
    "no-max-subtract": mistakes.softmax_without_max,
}


@dataclass(frozen=True)
class Setting:
    """One layer, its sentence, and how its attention is set: what all arms have in common."""

    layer: Any
    weights: Mapping[str, np.ndarray]
    x: np.ndarray  # [T, C]
    scale: float
    causal: bool
    temperature: float
    report: Report

    def attend(self, mistake: str = "none", x: np.ndarray | None = None, *, causal: bool | None = None) -> mf.Trace:
        """The trace of the whole head, from queries to output, by the recipe ``mistake``."""
        tokens = mx.array(self.x if x is None else x)[None]  # [1, T, C]
        length = tokens.shape[1]
        causal = self.causal if causal is None else causal
        scale = self.scale * math.sqrt(WIDTH) if mistake == "no-scale" else self.scale
        with traced(self.report, 0.1) as steps:
            q, k, v = (
                mf.tap(
                    name,
                    project(tokens).reshape(1, 1, length, WIDTH),
                    axes=("batch", "head", time, "dim"),
                    formula=f"X {matrix}",
                    of=partial(projection, tokens, project, matrix, "btc,(hd)c->bhtd"),
                )
                for name, project, time, matrix in (
                    ("queries", self.layer.query_proj, "query", "W^Q"),
                    ("keys", self.layer.key_proj, "key", "W^K"),
                    ("values", self.layer.value_proj, "key", "W^V"),
                )
            )
            heads = RECIPES[mistake](q, k, v, scale=scale, mask="causal" if causal else None)
            out = self.layer.out_proj
            mf.tap(
                "output",
                out(heads.astype(mx.float32).reshape(1, length, WIDTH)),
                axes=("batch", "query", "model"),
                formula="heads W^O",
                of=lambda: Product("bhtd,od->bto", (heads, Named("W^O", out.weight))),
            )
        return steps

    def reference(self) -> tuple[reference.Reference, np.ndarray]:
        """The right thing in float64, and its output [T, C]."""
        q, k, v = (reference.project(self.x, self.weights[f"{name}_proj.weight"]) for name in ("query", "key", "value"))
        right = reference.attend(q, k, v, self.scale, causal=self.causal)
        return right, reference.project(right.heads, self.weights["out_proj.weight"])


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    tokens = split(str(knobs["sentence"]))
    if not tokens:
        return EXPERIMENT.nothing_to_run(NO_TOKENS)
    seed, temperature = int(knobs["seed"]), float(knobs["temperature"])
    generator = np.random.default_rng(seed)
    layer = mf.MultiHeadAttention(WIDTH, 1, bias=False)
    weights = draw(generator, layer)
    if knobs["shuffle"]:
        tokens = [tokens[index] for index in generator.permutation(len(tokens))]
    setting = Setting(
        layer=load(layer, weights),
        weights=weights,
        x=embed(tokens, WIDTH, seed),
        scale=1 / (temperature * math.sqrt(WIDTH)),
        causal=bool(knobs["causal"]),
        temperature=temperature,
        report=report,
    )
    right = setting.attend()
    checks = _checks(setting, right)
    mistake = str(knobs["mistake"])
    drawn = right
    if mistake != "none":
        drawn = setting.attend(mistake, causal=setting.causal or mistake == "mask-after-softmax")
    report(0.95, "figures")
    with np.errstate(invalid="ignore"):  # a mistake may have made NaN, which is then what is to be seen
        return Result(figures(drawn, right, tokens, knobs), checks, tuple(drawn))


def _checks(setting: Setting, right: mf.Trace) -> list[Check]:
    measured = EXPERIMENT.measured
    weights, heads, values = (_of(right, name) for name in ("weights", "heads", "values"))
    # Rounding in float32: 1e-5 in the output at temperature 1, and more where scores are blown up. A sum of T terms
    # may be off by T half-units in the last place.
    blown_up = max(1.0, 1 / setting.temperature)
    of_sums = max(1e-6, len(setting.x) * 2**-24)
    outside = np.maximum(heads - values.max(0), values.min(0) - heads).max()
    expected, output = setting.reference()
    columns = _of(setting.attend("wrong-axis"), "weights").sum(0)
    return [
        measured("rows-sum-to-one", _largest(weights.sum(-1) - 1), 0.0, of_sums),
        measured("output-in-value-range", max(0.0, float(outside)), 0.0, 1e-5),
        _equivariance(setting, right, 1e-5 * blown_up),
        measured("wrong-axis-columns-sum-to-one", _largest(columns - 1), 0.0, of_sums),
        _mask_after_softmax(setting, expected, 1e-5 * blown_up),
        measured("online-softmax-equals-full", _largest(_online(setting, right) - heads), 0.0, 2 * of_sums * blown_up),
        measured("steps-match-reference", _largest(_of(right, "output") - output), 0.0, 1e-5 * blown_up),
        _overflow(setting.report),
    ]


def _equivariance(setting: Setting, right: mf.Trace, tolerance: float) -> Check:
    order = np.arange(len(setting.x))[::-1]
    permuted = _of(setting.attend(x=setting.x[order]), "output")
    difference = _largest(permuted - _of(right, "output")[order])
    if setting.causal:
        return EXPERIMENT.undefined(
            "permutation-equivariance",
            Bilingual(
                f"因果掩码让每个位置只看自己的过去，顺序就有了意义：这里的最大差是 {difference:.2g}。",
                f"Under a causal mask each position sees its own past only, so order matters: "
                f"the largest difference is {difference:.2g} here.",
            ),
        )
    return EXPERIMENT.measured("permutation-equivariance", difference, 0.0, tolerance)


def _mask_after_softmax(setting: Setting, expected: reference.Reference, tolerance: float) -> Check:
    name = "mask-after-softmax-breaks-rows"
    least = float(np.tril(expected.unmasked).sum(-1).min())
    if least > 0.999:
        return EXPERIMENT.undefined(
            name,
            Bilingual(
                "这里因果掩码没有遮住什么：被遮的键本来就分不到权重，或者只有一个词元。",
                "The causal mask hides nothing here: hidden keys had no weight anyway, or there is one token only.",
            ),
        )
    wrong = _of(setting.attend("mask-after-softmax", causal=True), "weights")
    return EXPERIMENT.measured(name, float(wrong.sum(-1).min()), least, tolerance)


def _online(setting: Setting, right: mf.Trace) -> np.ndarray:
    q, k, v = (mx.array(right[name].value) for name in ("queries", "keys", "values"))
    with cancellable(setting.report, 0.8):
        mask = "causal" if setting.causal else None
        output = blockwise_attention(q, k, v, scale=setting.scale, mask=mask, block_size=BLOCK)
    return to_numpy(output)[0, 0].astype(np.float64)


def _overflow(report: Report) -> Check:
    """exp is infinite in float16 from ln 65520 on, the number halfway between the largest float16 and the next."""
    numbers = np.arange(16, dtype=np.float32)
    with cancellable(report, 0.9):
        powers = to_numpy(mistakes.exponentials_in_float16(mx.array(numbers)))
    infinite = numbers[np.isinf(powers)]
    first = float(infinite[0]) if infinite.size else math.nan
    return EXPERIMENT.measured("float16-exp-overflows", first, float(math.ceil(math.log(65520))))


def _of(steps: mf.Trace, name: str) -> np.ndarray:
    """The one matrix of a step, without its axes of batch and head, in float64."""
    value = steps[name].value.astype(np.float64)
    return value.reshape(value.shape[-2:])


def _largest(difference: np.ndarray) -> float:
    return float(np.abs(difference).max())
