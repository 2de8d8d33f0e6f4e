"""Runs one attention by every recipe on a padded sentence, and two encoder layers and a pooling by the right one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx, to_numpy
from mlxformer.teaching.mistakes import mask_after_softmax
from mlxformer.teaching.padding_recipes import (
    additive_padding,
    padded_queries,
    plain_softmax_weights,
    renormalized_after_softmax,
)
from questions.bilingual import Bilingual
from tui.experiments.contract import Check, Report, Result
from tui.experiments.padding.declaration import EXPERIMENT
from tui.experiments.shared.random_weights import draw, embed, load
from tui.experiments.shared.reported_trace import cancellable, traced
from tui.experiments.shared.sentence import NO_TOKENS, split
from tui.figures.data import Bars, Curve, Figure, Heatmap, Series, Stage, TokenRow, Tokens

WIDTH, HEADS = 32, 4
PAD = "[PAD]"
RECIPES = ("mask", "none", "additive", "small", "after", "renormalised", "queries")
SMALL_FILL = -10.0
# A number added to every score is lost to rounding by 2⁻¹¹ of float32 near 10⁴: that is how far weights may move.
ROUNDING = 5e-3


@dataclass(frozen=True)
class Arms:
    """q, k, v of a padded sentence [1, H, T, D], how many of its tokens are real, and what each recipe uses."""

    q: Any
    k: Any
    v: Any
    real: int
    fills: Mapping[str, float]
    forget: bool = False
    always: bool = False
    swap_after: bool = False

    @property
    def valid(self) -> Any:
        return mx.array((np.arange(self.q.shape[2]) < self.real)[None])

    def heads(self, recipe: str) -> Any:
        """[1, H, T, D] by ``recipe``."""
        q, k, v, valid = self.q, self.k, self.v, self.valid
        keys = mf.masks.padding(valid)
        if self.swap_after and recipe in ("after", "renormalised"):
            recipe = "renormalised" if recipe == "after" else "after"
        if recipe == "after":
            return mask_after_softmax(q, k, v, mask=keys)
        if recipe == "renormalised":
            return renormalized_after_softmax(q, k, v, valid)
        if recipe in ("additive", "small"):
            return mf.scaled_dot_product_attention(q, k, v, bias=additive_padding(valid, self.fills[recipe]))
        mask = {"mask": None if self.forget else keys, "none": None, "queries": padded_queries(valid)}[recipe]
        if self.always and recipe in ("none", "queries"):
            mask = keys
        return mf.scaled_dot_product_attention(q, k, v, mask=mask)

    def trace(self, recipe: str, report: Report) -> mf.Trace:
        with traced(report, 0.4) as steps:
            self.heads(recipe)
        return steps

    def weights(self, recipe: str, report: Report) -> np.ndarray:
        """[H, T, T] in float64."""
        steps = self.trace(recipe, report)
        name = "renormalized" if "renormalized" in steps else "weights"
        return steps[name].value[0].astype(np.float64)


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    words = split(str(knobs["sentence"]))
    if not words:
        return EXPERIMENT.nothing_to_run(NO_TOKENS)
    seed, pads, n = int(knobs["seed"]), int(knobs["pads"]), len(words)
    fills = {"additive": float(knobs["large_fill"]), "small": float(knobs["small_fill"])}
    switches = {name: bool(knobs[name]) for name in ("forget", "always", "swap_after")}
    generator = np.random.default_rng(seed)
    layer = load(
        mf.MultiHeadAttention(WIDTH, HEADS, bias=False),
        draw(generator, mf.MultiHeadAttention(WIDTH, HEADS, bias=False)),
    )
    tokens = [*words, *[PAD] * pads]

    def arms(count: int, real: int = n) -> Arms:
        x = mx.array(_place(embed([*words, *[PAD] * count], WIDTH, seed)))[None]
        with traced(report, 0.1) as steps:
            layer(x, x, x)
        q, k, v = (mx.array(steps[name].value) for name in ("queries", "keys", "values"))
        return Arms(q, k, v, real, fills, **switches)

    padded = arms(pads)
    checks = [
        *_encoder(words, pads, seed, generator, switches, report),
        *_one_attention(padded, arms(0), report),
        *_empty(arms(pads, real=0), float(knobs["half_fill"]), report),
    ]
    by_name = {check.name: check for check in checks}
    report(0.8, "figures")
    recipe = str(knobs["recipe"])
    steps = padded.trace(recipe, report)
    figures: list[Figure] = [
        _map(padded, steps, recipe, tokens, report),
        _errors(padded, arms(0)),
        _by_padding(arms),
        _strip(words, pads),
    ]
    return Result(figures, [by_name[declared.name] for declared in EXPERIMENT.checks], tuple(steps))


def _place(x: np.ndarray) -> np.ndarray:
    return x + np.array(mf.sinusoidal_positions(len(x), WIDTH), np.float32)


def _encoder(
    words: Sequence[str],
    pads: int,
    seed: int,
    generator: np.random.Generator,
    switches: Mapping[str, bool],
    report: Report,
) -> list[Check]:
    """Two layers on the sentence alone, with padding, and with other contents in the padding."""
    names = ("padded-equals-unpadded", "padding-content-is-irrelevant", "mean-pooling-needs-the-mask")
    if not pads:
        return [EXPERIMENT.undefined(name, NO_PADDING) for name in names]
    n = len(words)
    encoder = mf.Encoder(2, WIDTH, HEADS, 2 * WIDTH)
    load(encoder, draw(generator, encoder))
    x = _place(embed([*words, *[PAD] * pads], WIDTH, seed))
    other = x.copy()
    other[n:] = generator.standard_normal((pads, WIDTH))
    valid = mx.array((np.arange(len(x)) < n)[None])
    mask = None if switches["forget"] else mf.masks.padding(valid)
    outputs = []
    for given, used in ((x[:n], None), (x, mask), (other, mask)):
        with cancellable(report, 0.2):
            outputs.append(encoder(mx.array(given)[None], used))
    alone, padded, changed = (to_numpy(output)[:, :n] for output in outputs)
    pooled = to_numpy(mf.mean_pooling(outputs[1], valid if switches["always"] else None))
    right = to_numpy(mf.mean_pooling(outputs[1], valid))
    measured = EXPERIMENT.measured
    return [
        measured(names[0], _largest(padded - alone), 0.0, 1e-5),
        measured(names[1], _largest(changed - padded), 0.0),
        measured(names[2], _largest(pooled - right), 0.01),
    ]


def _one_attention(padded: Arms, alone: Arms, report: Report) -> list[Check]:
    n = padded.real
    names = ("weight-on-padding-is-zero", "no-mask-leaks", "minus-ten-thousand-is-enough", "minus-ten-leaks",
             "after-softmax-rows-fall-short", "renormalised-is-right", "masking-queries-stops-nothing")  # fmt: skip
    if padded.q.shape[2] == n:
        return [EXPERIMENT.undefined(name, NO_PADDING) for name in names]
    errors = _all_errors(padded, alone)
    bare = to_numpy(mf.attention_weights(padded.q, padded.k))[0, :, :n].astype(np.float64)  # [H, n, T], no mask
    lost = bare[..., n:].sum(-1)  # w, what padding gets without a mask
    kept = lost * np.exp(SMALL_FILL)
    leak = float((kept / (kept + 1 - lost)).max())
    small = padded.weights("small", report)[:, :n, n:].sum(-1).max()
    measured = EXPERIMENT.measured
    return [
        measured(names[0], float(padded.weights("mask", report)[:, :n, n:].max()), 0.0),
        measured(names[1], errors["none"], 1e-3),
        measured(names[2], errors["additive"], 0.0, 1e-5),
        measured(names[3], float(small), leak, 1e-3 * leak),
        measured(
            names[4],
            float(padded.weights("after", report)[:, :n].sum(-1).min()),
            float(1 - lost.max()),
            1e-5,
        ),
        measured(names[5], errors["renormalised"], 0.0, 1e-5),
        measured(names[6], errors["queries"] - _error(_bare(padded), alone.heads("mask"), n), 0.0, 1e-5),
    ]


def _bare(arms: Arms) -> Any:
    return mf.scaled_dot_product_attention(arms.q, arms.k, arms.v)


def _empty(empty: Arms, half_fill: float, report: Report) -> list[Check]:
    """A sequence in which nothing is real."""
    q, k = empty.q.astype(mx.float16), empty.k.astype(mx.float16)
    bias = additive_padding(empty.valid, half_fill, mx.float16)
    nan = np.isnan(to_numpy(plain_softmax_weights(q, k, bias)))
    bare = to_numpy(mf.attention_weights(empty.q, empty.k))[0].astype(np.float64)
    measured = EXPERIMENT.measured
    additive = EXPERIMENT.undefined(
        "empty-row-ignores-additive-mask",
        Bilingual("只有一个键，权重总是 1，无从比较。", "With a single key its weight is 1 in any case."),
    )
    if bare.shape[-1] > 1:
        difference = _largest(empty.weights("additive", report) - bare)
        additive = measured("empty-row-ignores-additive-mask", difference, 0.0, ROUNDING)
    return [
        measured("empty-row-of-infinities-is-nan", float(nan.mean()), 1.0),
        additive,
        measured("empty-row-gives-zeros", _largest(to_numpy(empty.heads("mask"))), 0.0),
    ]


NO_PADDING = Bilingual("没有填充，无从谈起：把填充加到 1 个以上。", "There is no padding: add one or more.")


def _all_errors(padded: Arms, alone: Arms) -> dict[str, float]:
    """By recipe, how far the real positions are from the sentence alone."""
    right = alone.heads("mask")
    return {recipe: _error(padded.heads(recipe), right, padded.real) for recipe in RECIPES}


def _error(heads: Any, right: Any, n: int) -> float:
    return _largest(to_numpy(heads)[:, :, :n] - to_numpy(right)[:, :, :n])


def _label(recipe: str) -> Bilingual:
    knob = next(knob for knob in EXPERIMENT.knobs if knob.name == "recipe")
    label = next(choice.label for choice in knob.choices if choice.value == recipe)
    return label if isinstance(label, Bilingual) else Bilingual(label, label)


def _strip(words: Sequence[str], pads: int) -> Tokens:
    """A batch of two: this sentence with its padding, and one that is as long by itself."""
    longest = [*words, *["…"] * pads]
    return Tokens(
        Bilingual("一个批次：短的补到一样长", "A batch: the shorter one padded"),
        [
            TokenRow(Bilingual("较长的一句", "a longer one"), longest, [1.0] * len(longest), ["1"] * len(longest)),
            TokenRow(
                Bilingual("这一句", "this one"),
                [*words, *[PAD] * pads],
                [1.0] * len(words) + [0.0] * pads,
                ["1"] * len(words) + ["0"] * pads,
            ),
        ],
        name="batch",
    )


def _map(padded: Arms, steps: mf.Trace, recipe: str, tokens: Sequence[str], report: Report) -> Heatmap:
    label = _label(recipe)
    allowed = np.arange(len(tokens)) < padded.real
    mask = np.broadcast_to(allowed[None, None, :], (HEADS, len(tokens), len(tokens)))
    return Heatmap(
        Bilingual(
            f"注意力：{label.zh}（随机权重；实测把各种做法都跑一遍）",
            f"Attention: {label.en} (random weights; the checks run every recipe)",
        ),
        [
            Stage("scaled", Bilingual("得分 / √d_k", "scores / √d_k"), steps["scaled"].value[0], "signed"),
            Stage("mask", Bilingual("应当看得到的键", "keys that should be seen"), mask, "mask"),
            Stage("weights", Bilingual("权重", "weights"), padded.weights(recipe, report)),
        ],
        rows=tokens,
        columns=tokens,
        heads=[str(head) for head in range(HEADS)],
        name="attention",
    )


def _errors(padded: Arms, alone: Arms) -> Bars:
    errors = _all_errors(padded, alone)
    return Bars(
        Bilingual("真实位置的输出差多少（与不补时比）", "Error at real positions (against no padding)"),
        labels=[_label(recipe) for recipe in errors],
        values=list(errors.values()),
        value_label=Bilingual("最大差", "largest difference"),
        name="errors",
    )


def _by_padding(arms: Callable[[int], Arms]) -> Curve:
    counts = list(range(0, 13, 2))
    alone = arms(0)
    found = [_all_errors(arms(count), alone) for count in counts]
    return Curve(
        Bilingual("误差随填充个数怎样变", "Error against the number of padding tokens"),
        Bilingual("填充的个数", "padding tokens"),
        Bilingual("最大差", "largest difference"),
        [
            Series(_label(recipe), [float(count) for count in counts], [errors[recipe] for errors in found])
            for recipe in ("none", "after", "small", "mask")
        ],
        name="by-padding",
    )


def _largest(difference: np.ndarray) -> float:
    return float(np.abs(difference).max())
