"""Differentiates small stacks of self-attention, recurrence and convolution by their inputs."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.attention.scores import ScoredAttention
from mlxformer.backend import mx, to_numpy, without_values
from mlxformer.inspection.influence import influence, influence_by_depth
from mlxformer.layers.convolution import convolution_stack
from mlxformer.layers.recurrent import Recurrent, RNNCell, orthogonal
from questions.bilingual import Bilingual
from tui.experiments.contract import Check, Report, Result
from tui.experiments.influence.declaration import EXPERIMENT
from tui.experiments.shared.kept import kept
from tui.experiments.shared.random_weights import draw, embed, load
from tui.experiments.shared.reported_trace import cancellable, traced
from tui.experiments.shared.sentence import NO_TOKENS, split
from tui.figures.data import Curve, Figure, Heatmap, Label, Series, Stage

WIDTH, DEEPEST = 8, 6
GAIN = 0.9  # every singular value of the recurrent matrix: below 1 the past must fade, above it need not
TITLES: dict[str, Label] = {
    "attention": Bilingual("自注意力", "self-attention"),
    "recurrent": Bilingual("循环网络", "recurrent"),
    "convolution": Bilingual("卷积 k = 3", "convolution k = 3"),
    "dilated": Bilingual("空洞卷积", "dilated convolution"),
}
DRAWN = ("attention", "recurrent", "convolution")  # one layer of a dilated convolution is a plain one
NO_TWINS = Bilingual(
    "句子里没有重复的词元；写一个两次试试。", "No token stands twice in the sentence: write one twice."
)
CAUSAL_TWINS = Bilingual(
    "因果掩码下，两个相同的词元看到的前文不同，输出本来就可以不同。",
    "Under a causal mask equal tokens see different pasts, and so may differ.",
)
TOO_SHORT = Bilingual("句子只有一个词元，谈不上过去和未来。", "With one token there is neither past nor future.")

Layer = Callable[[Any], Any]


class RecurrentLayer(mf.Module):
    """A tanh network over time: its hidden states."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.recurrent = Recurrent(RNNCell(width, width))

    def __call__(self, x: Any) -> Any:
        return self.recurrent(x)[0]


class Stacks(mf.Module):
    """``DEEPEST`` layers of each kind, of one width, and two single self-attentions."""

    def __init__(self, generator: np.random.Generator, knobs: Mapping[str, Any]) -> None:
        super().__init__()

        def drawn(layers: Sequence[Any]) -> list[Any]:
            return [load(layer, draw(generator, layer)) for layer in layers]

        plain, growth = int(knobs["plain_growth"]), int(knobs["growth"])
        gelu = mf.LayerConfig(activation="gelu")
        self.attention = drawn([mf.EncoderLayer(WIDTH, 2, 4 * WIDTH, gelu) for _ in range(DEEPEST)])
        self.recurrent = drawn([RecurrentLayer(WIDTH) for _ in range(DEEPEST)])
        for layer in self.recurrent:
            layer.recurrent.cell.hidden_proj.weight = orthogonal(WIDTH, GAIN, generator)
        self.convolution = drawn(convolution_stack(DEEPEST, WIDTH, growth=plain))
        self.dilated = drawn(convolution_stack(DEEPEST, WIDTH, growth=growth))
        if knobs["recurrence"] == "convolution":
            self.recurrent = self.convolution
        self.additive = drawn([ScoredAttention(WIDTH, WIDTH, WIDTH, WIDTH, score="additive")])[0]
        single = mf.MultiHeadAttention(WIDTH, 1, bias=False)
        values = draw(generator, single)
        if knobs["value_proj"] == "identity":
            values["value_proj.weight"] = np.eye(WIDTH, dtype=np.float32)
        self.single = load(single, values)

    def layers(self, kind: str, causal: bool) -> list[Layer]:
        stack: list[Layer] = list(getattr(self, kind))
        if kind == "attention" and causal:
            return [lambda x, layer=layer: layer(x, "causal") for layer in stack]  # type: ignore[misc]
        return stack


@dataclass(frozen=True)
class Found:
    """Influences: ``maps`` [T, T] by kind at the chosen depth; ``rows`` [L, N] of the longer sequence's middle."""

    maps: Mapping[str, np.ndarray]
    rows: Mapping[str, np.ndarray]
    last: Mapping[str, np.ndarray]  # [N]: of the last output, one layer


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    tokens = split(str(knobs["sentence"]))
    if not tokens:
        return EXPERIMENT.nothing_to_run(NO_TOKENS)
    seed, depth, length = int(knobs["seed"]), int(knobs["depth"]), int(knobs["length"])
    causal, positions = bool(knobs["causal"]), bool(knobs["positions"])
    generator = np.random.default_rng([seed, 5])
    with without_values():  # each is given its own
        stacks = Stacks(generator, knobs)
    long = _embedded(generator.standard_normal((length, WIDTH)).astype(np.float32), positions)
    if knobs["shuffle"]:
        tokens = [tokens[place] for place in np.random.default_rng(seed).permutation(len(tokens))]
    plain = embed(tokens, WIDTH, seed)
    x = _embedded(plain, positions)
    with traced(report, 0.3, stacks) as steps:
        _through(stacks.layers("attention", causal)[:depth], x)
        stacks.single(x, x, x)
    about = (seed, causal, positions, length, *(knobs[name] for name in ("plain_growth", "growth", "recurrence")))
    reached = _reached(*about, stacks=stacks, long=long, report=report)
    with cancellable(report, 0.6, stacks):
        found = Found({kind: _map(stacks.layers(kind, causal)[:depth], x) for kind in DRAWN}, *reached)
        shares = _shares(stacks, x, len(tokens), causal)
        twins = _twins(stacks, tokens, plain, depth, causal, bool(knobs["swap_positions"]))
    checks = [
        *shares,
        _fading(found),
        *_reaches(found, depth, length),
        _values(steps, x),
        *twins,
    ]
    figures: list[Figure] = [_maps(found, tokens, depth, seed), _reach_curve(found, depth, length), _distances(found)]
    return Result(figures, checks, tuple(steps))


@kept(size=8)
def _reached(
    seed: int, causal: bool, positions: bool, length: int, *built: Any, stacks: Stacks, long: Any, report: Report
) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """``rows`` and ``last`` of ``Found``: of ``long`` through ``stacks``, both of which follow from the rest."""
    with cancellable(report, 0.5, stacks):
        return (
            {kind: _rows(stacks.layers(kind, causal), long, length // 2) for kind in TITLES},
            {kind: _rows(stacks.layers(kind, causal)[:1], long, length - 1)[0] for kind in DRAWN},
        )


def _embedded(x: np.ndarray, positions: bool) -> Any:
    if positions:
        x = x + to_numpy(mf.sinusoidal_positions(len(x), WIDTH))
    return mx.array(x)[None]


def _through(layers: Sequence[Layer], x: Any) -> Any:
    for layer in layers:
        x = layer(x)
    return x


def _map(layers: Sequence[Layer], x: Any) -> np.ndarray:
    return to_numpy(influence(lambda y: _through(layers, y), x))


def _rows(layers: Sequence[Layer], x: Any, position: int) -> np.ndarray:
    return to_numpy(influence_by_depth(layers, x, position))


def _share(influences: np.ndarray) -> float:
    return 100.0 * float((influences > 0).mean())


def _shares(stacks: Stacks, x: Any, n: int, causal: bool) -> list[Check]:
    past = 100.0 * (n + 1) / (2 * n)
    additive = _map([lambda y: stacks.additive(y, y, "causal" if causal else None)], x)
    attention, recurrent = (_map(stacks.layers(kind, causal)[:1], x) for kind in ("attention", "recurrent"))
    expected = past if causal else 100.0
    return [
        EXPERIMENT.measured("attention-dense", _share(attention), expected, 1e-9),
        EXPERIMENT.measured("additive-dense", _share(additive), expected, 1e-9),
        EXPERIMENT.undefined("recurrent-sees-past", TOO_SHORT) if n == 1
        else EXPERIMENT.measured("recurrent-sees-past", _share(recurrent), past, 1e-9),
    ]  # fmt: skip


def _fading(found: Found) -> Check:
    attention, recurrent = (found.last[kind][0] / found.last[kind][-1] for kind in ("attention", "recurrent"))
    return EXPERIMENT.measured("recurrent-fades", float(attention / max(recurrent, 1e-30)), 10.0)


def _reaches(found: Found, depth: int, length: int) -> list[Check]:
    reach = {kind: (rows > 0).sum(-1) for kind, rows in found.rows.items()}
    layers = int(math.log(length, 3) + 1e-9)
    return [
        EXPERIMENT.measured("convolution-reach", float(reach["convolution"][depth - 1]), float(2 * depth + 1)),
        EXPERIMENT.measured("dilated-reach", float(reach["dilated"][layers - 1]), 3.0**layers),
    ]


def _values(steps: mf.Trace, x: Any) -> Check:
    weights = steps["single.weights"].value[0, 0].astype(np.float64)
    heads = steps["single.heads"].value[0, 0].astype(np.float64)
    inputs = weights @ to_numpy(x)[0]
    return EXPERIMENT.measured("sums-values", float(np.linalg.norm(inputs - heads) / np.linalg.norm(heads)), 0.3)


def _twins(
    stacks: Stacks, tokens: list[str], plain: np.ndarray, depth: int, causal: bool, swapped: bool
) -> list[Check]:
    names = ("twins-alike", "twins-differ")
    pairs = [(i, j) for j, token in enumerate(tokens) for i in [tokens.index(token)] if i < j]
    if not pairs or causal:
        return [EXPERIMENT.undefined(name, CAUSAL_TWINS if pairs else NO_TWINS) for name in names]
    first, second = zip(*pairs, strict=True)
    largest = {}
    for positions in (False, True):
        y = to_numpy(_through(stacks.layers("attention", False)[:depth], _embedded(plain, positions != swapped)))[0]
        largest[positions] = float(np.abs(y[list(first)] - y[list(second)]).max())
    return [
        EXPERIMENT.measured("twins-alike", largest[False], 0.0, 1e-5),
        EXPERIMENT.measured("twins-differ", largest[True], 0.05),
    ]


def _maps(found: Found, tokens: list[str], depth: int, seed: int) -> Heatmap:
    shown = np.stack([found.maps[kind] / found.maps[kind].max() for kind in DRAWN])
    return Heatmap(
        Bilingual(f"‖∂输出 / ∂输入‖，{depth} 层，最大为 1（随机权重，种子 {seed}）",
                  f"‖∂out / ∂in‖, layers: {depth}, largest 1 (random weights, seed {seed})"),
        [
            Stage("reached", Bilingual("有没有影响", "any influence"), np.where(shown > 0, 1.0, 0.0)),
            Stage("influence", Bilingual("影响", "influence"), shown),
        ],
        rows=tokens,
        columns=tokens,
        row_axis=Bilingual("输出", "output"),
        column_axis=Bilingual("输入", "input"),
        heads=[TITLES[kind] for kind in DRAWN],
        name="influence",
    )  # fmt: skip


def _reach_curve(found: Found, depth: int, length: int) -> Curve:
    depths = [float(layers) for layers in range(1, DEEPEST + 1)]
    return Curve(
        Bilingual(f"长句（{length} 个词元）中间的输出，依赖多少个输入",
                  f"Inputs on which the middle output of {length} tokens depends"),
        Bilingual("层数", "layers"),
        Bilingual("输入数", "inputs"),
        [Series(TITLES[kind], depths, (found.rows[kind] > 0).sum(-1).astype(float).tolist()) for kind in TITLES],
        marks=[(float(depth), Bilingual("现在这里", "here"))],
        name="reach",
    )  # fmt: skip


def _distances(found: Found) -> Curve:
    def series(kind: str) -> Series:
        row = found.last[kind][::-1] / found.last[kind][-1]
        reached = [(float(distance), float(y)) for distance, y in enumerate(row) if y > 0]
        return Series(TITLES[kind], [distance for distance, _ in reached], [y for _, y in reached])

    return Curve(
        Bilingual("一层之后：最后一个输出受多远的输入影响（与最近的输入之比）",
                  "After one layer: influence on the last output by distance (over the nearest input's)"),
        Bilingual("距离", "distance"),
        Bilingual("影响", "influence"),
        [series(kind) for kind in DRAWN],
        log_y=True,
        name="distances",
    )  # fmt: skip
