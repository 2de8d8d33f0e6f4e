"""Takes hidden units out of the shipped date model's decoder, and counts plain and gated feed-forwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx, to_numpy, tree_flatten, without_values
from questions.bilingual import Bilingual
from tui.experiments.contract import Check, Report, Result
from tui.experiments.feed_forward import neurons
from tui.experiments.feed_forward.declaration import EXPERIMENT
from tui.experiments.shared.random_weights import draw, load
from tui.figures.data import Bars, Curve, Figure, Heatmap, Label, Series, Stage, Table, TokenRow, Tokens

WIDTH = 32  # of the random layers
ALL = "decoder.layers.*.feed_forward.output"
DASH = "-"
MOST = 64  # units switched off in the curve
LATER_LAYER_ONLY = Bilingual(
    "只对最后一层（第 1 层）、横线、至少 24 个单元声明：别处由更多单元分担。",
    "Claimed for the dash in the last layer (1) and 24 units or more: elsewhere more units share the work.",
)


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    seed, layer, units = int(knobs["seed"]), int(str(knobs["layer"])), int(knobs["units"])
    sign = neurons.SIGNS.index(str(knobs["sign"]))
    sources = neurons.held_out(seed)
    generator = np.random.default_rng([seed, 1])

    def opened(only: str = "") -> Callable[[], mf.Trace]:
        return lambda: mf.trace(on_step=lambda path: report(0.3, path), only=only, origins=True)

    def without(units: np.ndarray) -> np.ndarray:
        return neurons.right_without(seed, layer, tuple(units.tolist()), width, report=report)

    whole, steps = neurons.whole(seed, layer, report=report)
    memory = neurons.memory_of(steps, layer, sources)
    width = len(memory.values)
    shuffled = generator.permutation(width)
    chosen = shuffled[:units] if knobs["any_units"] else memory.of_sign(sign, units)
    off: neurons.Changes = {ALL: mx.zeros_like} if knobs["all_layers"] else _off(layer, chosen, width)
    right = neurons.decode(sources, off, opened())[0] if knobs["all_layers"] else without(chosen)
    strongest = np.argsort(-memory.strength)
    by_count = {
        name: [100 * float(without(order[:count]).all(1).mean()) for count in sorted({units, MOST})]
        for name, order in (("strongest", strongest), ("random", strongest if knobs["strongest"] else shuffled))
    }
    nothing = whole if knobs["keep"] else neurons.without_any(seed, report=report)
    measured = EXPERIMENT.measured
    checks = [
        measured("sum-of-values", _relative(memory.summed(), memory.output), 0.0, 1e-5),
        _matches(memory, bool(knobs["shift_values"])),
        *_forgotten(right, sources, sign, layer, units),
        measured("any-units-harmless", by_count["random"][0], 95.0),
        measured("without-feed-forward", 100 * float(nothing.all(1).mean()), 5.0),
        *_random_layers(seed, knobs),
    ]
    report(0.8, "figures")
    figures: list[Figure] = []
    text = str(knobs["date"])
    if text.strip():
        figures.append(_strips(text, str(knobs["sign"]), units, off))
    figures += [
        _by_sign(right, sources, str(knobs["sign"]), units),
        _keys_and_values(memory),
        _counts(100 * float(whole.all(1).mean()), by_count, units),
        _bill(int(knobs["d_model"])),
    ]
    return Result(figures, checks, tuple(steps))


def _off(layer: int, units: np.ndarray, width: int) -> neurons.Changes:
    return {neurons.path_of(layer, "activated"): neurons.switched_off(units, width)}


def _relative(found: np.ndarray, wanted: np.ndarray) -> float:
    return float(np.abs(found - wanted).max() / np.abs(wanted).max())


def _matches(memory: neurons.Memory, shift: bool) -> Check:
    """By chance: as many as if keys and values, each as often as they are, had nothing to do with each other."""
    fires, promotes = memory.fires.argmax(0), memory.promotes.argmax(0)
    if shift:
        promotes = np.roll(promotes, 1)
    signs = range(len(neurons.SIGNS))
    chance = sum(float((fires == sign).mean() * (promotes == sign).mean()) for sign in signs)
    return EXPERIMENT.measured("values-match-keys", 100 * float((fires == promotes).mean()), 200 * chance)


def _forgotten(right: np.ndarray, sources: neurons.Sources, sign: int, layer: int, units: int) -> list[Check]:
    own = sources.written == neurons.sign_ids()[sign]
    others = EXPERIMENT.measured("others-kept", 100 * float(right[~own].mean()), 85.0)
    if neurons.SIGNS[sign] != DASH or layer != 1 or units < 24:
        return [EXPERIMENT.undefined("dash-forgotten", LATER_LAYER_ONLY), others]
    return [EXPERIMENT.measured("dash-forgotten", 100 * float(right[own].mean()), 25.0), others]


def _random_layers(seed: int, knobs: Mapping[str, Any]) -> list[Check]:
    generator = np.random.default_rng([seed, 2])
    x = generator.standard_normal((1, 8, WIDTH)).astype(np.float32)
    plain = mf.FeedForward(WIDTH, 4 * WIDTH, activation="relu" if knobs["bend"] else "identity", bias=False)
    weights = draw(generator, plain)
    merged = weights["up_proj.weight"].T.astype(np.float64) @ weights["down_proj.weight"].T  # [d, d]
    gated: Any = mf.GatedFeedForward(WIDTH, 8 * WIDTH // 3, activation="identity")
    if knobs["ungated"]:
        gated = mf.FeedForward(WIDTH, 4 * WIDTH, activation="identity", bias=False)
    load(gated, draw(generator, gated))
    once, twice = (np.linalg.norm(_apply(gated, factor * x)) for factor in (1, 2))
    d = int(knobs["d_model"])
    gated_width = 4 * d if knobs["full_gate"] else round(8 * d / 3)
    ratio = _parameters(_gated(d, gated_width)) / _parameters(_plain(d))
    measured = EXPERIMENT.measured
    return [
        measured("linear-collapses", _relative(_apply(load(plain, weights), x), x @ merged), 0.0, 1e-5),
        measured("gated-costs-the-same", ratio, 1.0, 0.005),
        measured("gate-bends-by-itself", float(twice / once), 4.0, 1e-4),
    ]


def _apply(layer: Any, x: np.ndarray) -> np.ndarray:
    return to_numpy(layer(mx.array(x.astype(np.float32)))).astype(np.float64)


def _plain(d: int) -> Callable[[], Any]:
    return lambda: mf.FeedForward(d, 4 * d, bias=False)


def _gated(d: int, width: int) -> Callable[[], Any]:
    return lambda: mf.GatedFeedForward(d, width)


def _parameters(make: Callable[[], Any]) -> int:
    with without_values():
        parameters: dict[str, Any] = dict(tree_flatten(make().trainable_parameters()))
    return sum(int(np.prod(parameter.shape)) for parameter in parameters.values())


def _strips(text: str, sign: str, units: int, off: neurons.Changes) -> Tokens:
    labels: list[Label] = [
        Bilingual("原样", "as it is"),
        Bilingual(f"关掉“{sign}”的 {units} 个", f"{units} units of “{sign}” off"),
        Bilingual("前馈层全关", "no feed-forward"),
    ]
    whole, without = (neurons.read_unchanged(text, feeds) for feeds in (True, False))
    read = [whole, neurons.read_date(text, off), without]
    strips = []
    for label, tokens in zip(labels, read, strict=True):
        differs = [i >= len(read[0]) or token != read[0][i] for i, token in enumerate(tokens)]
        strips.append(
            TokenRow(label, tokens, [1.0 if bad else 0.0 for bad in differs], ["✗" if bad else "" for bad in differs])
        )
    return Tokens(
        Bilingual(f"“{text}” 被读成什么（✗ 与原样不同）", f"How “{text}” is read (✗ unlike as it is)"),
        strips,
        name="read",
    )


def _by_sign(right: np.ndarray, sources: neurons.Sources, sign: str, units: int) -> Bars:
    shown = [(name, sources.written == token) for name, token in zip(neurons.SIGNS, neurons.sign_ids(), strict=True)]
    return Bars(
        Bilingual(
            f"关掉管“{sign}”的 {units} 个单元之后，各词元写对的比例",
            f"With the {units} units of “{sign}” off: how often each token is still right",
        ),
        labels=[name for name, own in shown if own.any()],
        values=[100 * float(right[own].mean()) for _, own in shown if own.any()],
        value_label=Bilingual("写对的 %", "written right, %"),
        name="by-token",
    )


def _keys_and_values(memory: neurons.Memory) -> Heatmap:
    """Of the units that fire most at a sign, the share whose value promotes each sign most."""
    fires, promotes = memory.fires.argmax(0), memory.promotes.argmax(0)
    size = len(neurons.SIGNS)
    shares = np.zeros((1, size, size))
    np.add.at(shares, (0, fires, promotes), 1.0)
    shares /= np.maximum(shares.sum(-1, keepdims=True), 1.0)
    return Heatmap(
        Bilingual(
            "256 个单元：写哪个词元时激活最强（行），值推高哪个词元（列）",
            "256 units: the token at which each fires most (row), and the one that its value promotes (column)",
        ),
        [Stage("share", Bilingual("占这一行单元的比例", "share of the row's units"), shares)],
        rows=list(neurons.SIGNS),
        columns=list(neurons.SIGNS),
        row_axis=Bilingual("键：激活于", "key: fires at"),
        column_axis=Bilingual("值：推高", "value: promotes"),
        name="keys-and-values",
    )


def _counts(whole: float, by_count: Mapping[str, list[float]], units: int) -> Curve:
    x = [0.0, *(float(count) for count in sorted({units, MOST}))]
    names: dict[str, Label] = {
        "random": Bilingual("随机关", "at random"),
        "strongest": Bilingual("从贡献最大的关起", "the strongest first"),
    }
    return Curve(
        Bilingual("关掉多少单元，整个日期还写得对", "Units off, and whole dates still right"),
        Bilingual("关掉的单元（共 256）", "units off (of 256)"),
        Bilingual("写对的日期 %", "dates right, %"),
        [Series(label, x, [whole, *by_count[name]]) for name, label in names.items()],
        marks=[(float(units), Bilingual("现在", "now"))],
        name="units-off",
    )


def _bill(d: int) -> Table:
    rows: list[list[Label | float | None]] = []
    models: list[tuple[Label, int, int, Callable[[], Any]]] = [
        (Bilingual("ReLU/GELU，F = 4d", "ReLU/GELU, F = 4d"), 2, 4 * d, _plain(d)),
        (Bilingual("SwiGLU，F = 4d", "SwiGLU, F = 4d"), 3, 4 * d, _gated(d, 4 * d)),
        (Bilingual("SwiGLU，F = 8d/3", "SwiGLU, F = 8d/3"), 3, round(8 * d / 3), _gated(d, round(8 * d / 3))),
    ]
    plain = _parameters(models[0][3])
    for name, matrices, hidden, make in models:
        count = _parameters(make)
        rows.append([name, matrices, f"{hidden}", f"{count:,}", count / plain])
    return Table(
        Bilingual(f"d = {d}：一层前馈层的账单（无偏置）", f"d = {d}: the bill of a feed-forward (no biases)"),
        columns=[
            "",
            Bilingual("矩阵", "matrices"),
            "F",
            Bilingual("参数", "parameters"),
            Bilingual("倍数", "ratio"),
        ],
        rows=rows,
        name="bill",
    )
