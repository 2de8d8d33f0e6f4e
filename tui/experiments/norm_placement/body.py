"""Stacks of one set of weights with the norm after the sum, before the sub-layer, and before it without centering."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx, nn, to_numpy, tree_flatten
from mlxformer.layers.normalization import NormType, normalization
from questions.bilingual import Bilingual
from tui.experiments.contract import Check, Report, Result
from tui.experiments.norm_placement.declaration import EXPERIMENT
from tui.experiments.shared.kept import kept
from tui.experiments.shared.knobs import SEEDS_BEFOREHAND
from tui.experiments.shared.random_weights import draw, load
from tui.experiments.shared.reported_trace import traced
from tui.figures.data import Curve, Figure, Label, Series, Table

HEADS, TOKENS, SENTENCES = 4, 8, 4
DRAWS = 5  # sets of weights that a gradient is averaged over: the ratios then vary by about 0.02

POST: Label = Bilingual("Post-LN", "post-LN")
PRE: Label = Bilingual("Pre-LN", "pre-LN")
RMS: Label = Bilingual("Pre-LN，RMSNorm", "pre-LN, RMSNorm")


@dataclass(frozen=True)
class Kind:
    """One way to normalize, and whether the stack ends with a norm of its own."""

    label: Label
    norm: Literal["post", "pre"]
    norm_type: NormType = "layer"
    final: bool = False

    def stack(self, depth: int, width: int) -> Any:
        config = mf.LayerConfig(norm=self.norm, norm_type=self.norm_type, attention_bias=False)
        return mf.Encoder(depth, width, HEADS, 4 * width, config, final_norm=self.final)


@dataclass(frozen=True)
class Drawn:
    """Weights by path, the same for every kind; inputs and targets [B, T, C]."""

    weights: dict[str, np.ndarray]
    x: Any
    target: Any

    def given_to(self, encoder: Any) -> Any:
        return load(encoder, {path: self.weights[path] for path in dict(tree_flatten(encoder.parameters()))})


@dataclass(frozen=True)
class Sweep:
    """By depth, averaged over the draws: ‖∂L/∂W_2‖ of the last layer, and the stream's root mean square after it."""

    gradients: dict[int, float]
    sizes: dict[int, float]

    def ratio(self, shallow: int) -> float:
        return self.gradients[4 * shallow] / self.gradients[shallow]

    def growth(self, shallow: int) -> float:
        return self.sizes[4 * shallow] / self.sizes[shallow]


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    depth, width, offset = int(knobs["depth"]), int(knobs["width"]), float(knobs["offset"])
    seed = int(knobs["seed"])
    kinds = post, pre, rms = _kinds(bool(knobs["swap"]), bool(knobs["no_final_norm"]))
    depths = [depth, 2 * depth, 4 * depth]
    report(0.2, "depths")
    known = _sweeps(bool(knobs["swap"]), bool(knobs["no_final_norm"]), depth, width, seed)
    sweeps = {
        kind.label: Sweep(*(dict(zip(depths, each, strict=True)) for each in found))
        for kind, found in zip(kinds, known, strict=True)
    }
    x = np.random.default_rng([seed, 1]).standard_normal((TOKENS, width)).astype(np.float32)
    moved = _moved(x, "layer" if knobs["centre"] else "rms", offset)
    steps = _silent(pre, depth, width, seed, report)
    change = np.abs(steps[f"layers.{depth - 1}.output"].value - steps["layers.0.input"].value).max()
    checks = [
        *_depth_checks(depth, sweeps[post.label], sweeps[pre.label], sweeps[rms.label]),
        EXPERIMENT.measured("pre-path-is-identity", float(change), 0.0, 1e-6),
        EXPERIMENT.measured("rms-keeps-the-mean", moved, 0.1),
        EXPERIMENT.measured("rms-is-ln-when-centred", _differ(x, bool(knobs["keep_mean"])), 0.0, 1e-5),
    ]
    figures: list[Figure] = [
        _against_depth(depths, depth, sweeps, pre.label),
        _by_layer(depth, width, seed, (post, pre), report),
        _summary(depth, sweeps, x, offset),
    ]
    return Result(figures, checks, tuple(steps))


def _kinds(swap: bool, no_final_norm: bool) -> tuple[Kind, Kind, Kind]:
    rms = Kind(RMS, "pre", "rms", final=not no_final_norm)
    if swap:
        return Kind(POST, "pre", final=True), Kind(PRE, "post"), rms
    return Kind(POST, "post"), Kind(PRE, "pre", final=not no_final_norm), rms


def _draw(depth: int, width: int, seed: list[int]) -> Drawn:
    generator = np.random.default_rng(seed)
    x, target = (mx.array(generator.standard_normal((SENTENCES, TOKENS, width)).astype(np.float32)) for _ in range(2))
    # A pre-norm stack has every parameter that any kind has.
    return Drawn(draw(generator, Kind(PRE, "pre", final=True).stack(depth, width)), x, target)


@kept(beforehand=[(False, False, depth, width, 0) for depth in range(4, 9) for width in (32, 64)]
      + [(False, False, 6, 32, seed) for seed in SEEDS_BEFOREHAND[1:]])  # fmt: skip
def _sweeps(
    swap: bool, no_final_norm: bool, depth: int, width: int, seed: int
) -> tuple[tuple[tuple[float, ...], ...], ...]:
    """Of each kind the fields of ``Sweep`` at each depth.

    The first l layers of the deepest stack are a stack of l layers, so one pass serves all depths.
    """
    kinds, depths = _kinds(swap, no_final_norm), [depth, 2 * depth, 4 * depth]
    found = tuple(Sweep(dict.fromkeys(depths, 0.0), dict.fromkeys(depths, 0.0)) for _ in kinds)
    stacks = [kind.stack(depths[-1], width) for kind in kinds]
    for number in range(DRAWS):
        one = _draw(depths[-1], width, [seed, 0, number])
        for encoder, sweep in zip(stacks, found, strict=True):
            x = one.x
            for index, layer in enumerate(one.given_to(encoder).layers):
                at = index + 1
                if at in depths:
                    sweep.gradients[at] += _last_gradient(encoder, layer, x, one.target) / DRAWS
                x = layer(x)
                if at in depths:
                    sweep.sizes[at] += float(np.sqrt(np.square(to_numpy(x).astype(np.float64)).mean())) / DRAWS
    return tuple((tuple(sweep.gradients.values()), tuple(sweep.sizes.values())) for sweep in found)


def _loss(encoder: Any, y: Any, target: Any) -> Any:
    """A target drawn at random, against the stack's output after its last norm: its gradient has one size for all."""
    y = encoder.final_norm(y) if "final_norm" in encoder else y
    return mx.sum(y * target) / (SENTENCES * TOKENS)


def _last_gradient(encoder: Any, layer: Any, x: Any, target: Any) -> float:
    matrix = layer.feed_forward.down_proj
    _, gradient = nn.value_and_grad(matrix, lambda: _loss(encoder, layer(x), target))()
    return float(np.linalg.norm(to_numpy(gradient["weight"]).astype(np.float64)))


def _depth_checks(depth: int, post: Sweep, pre: Sweep, rms: Sweep) -> list[Check]:
    measured = EXPERIMENT.measured
    added = (pre.sizes[4 * depth] ** 2 - pre.sizes[depth] ** 2) / (3 * depth)
    return [
        measured("pre-gradient-shrinks", pre.ratio(depth), 0.5, 0.1),
        measured("post-gradient-stays", post.ratio(depth), (0.8, 1.3)),
        measured("rms-gradient-shrinks", rms.ratio(depth), 0.5, 0.1),
        measured("pre-stream-grows", added, (0.5, 1.5), 0.4),  # bounds of an expectation; these are few draws
        measured("final-norm-divides", pre.ratio(depth) * pre.growth(depth), 1.0, 0.2),
    ]


def _silent(kind: Kind, depth: int, width: int, seed: int, report: Report) -> mf.Trace:
    """Every sub-layer gives 0 on its way, so that only the residual path is left; inputs have a deviation of 3."""
    generator = np.random.default_rng([seed, 2])
    encoder = kind.stack(depth, width)  # whatever its weights say, they are not heard
    x = (3.0 * generator.standard_normal((1, TOKENS, width))).astype(np.float32)
    with traced(report, 0.8, encoder) as steps:
        steps.replace("layers.*.self_attention.output", mx.zeros_like)
        steps.replace("layers.*.feed_forward.output", mx.zeros_like)
        encoder(mx.array(x))
    return steps


def _normed(x: np.ndarray, norm_type: NormType) -> np.ndarray:
    return to_numpy(normalization(norm_type, x.shape[-1])(mx.array(x.astype(np.float32)))).astype(np.float64)


def _moved(x: np.ndarray, norm_type: NormType, offset: float) -> float:
    return float(np.abs(_normed(x + np.float32(offset), norm_type) - _normed(x, norm_type)).max())


def _differ(x: np.ndarray, keep_mean: bool) -> float:
    """RMSNorm against layer norm on rows of mean 0."""
    centered = x if keep_mean else x - x.mean(-1, keepdims=True)
    return float(np.abs(_normed(centered, "rms") - _normed(centered, "layer")).max())


def _against_depth(depths: list[int], depth: int, sweeps: dict[Label, Sweep], pre: Label) -> Curve:
    at = [float(value) for value in depths]
    anchor = sweeps[pre].gradients[depth]
    theory = [anchor * (depth / value) ** 0.5 for value in at]
    return Curve(
        Bilingual("最后一个前馈层的梯度 ‖∂L/∂W₂‖", "Gradient of the last feed-forward layer, ‖∂L/∂W₂‖"),
        Bilingual("深度", "depth"),
        Bilingual("梯度范数 ‖∂L/∂W₂‖", "gradient norm ‖∂L/∂W₂‖"),
        [
            *(Series(label, at, [sweep.gradients[value] for value in depths]) for label, sweep in sweeps.items()),
            Series("1/√L", at, theory),
        ],
        log_x=True,
        log_y=True,
        marks=[(float(depth), "L"), (float(4 * depth), "4L")],
        name="against-depth",
    )


@lru_cache(maxsize=32)
def _gradients(kind: Kind, depth: int, width: int, seed: int) -> list[float]:
    """All layers' gradients in one backward pass."""
    one = _draw(depth, width, [seed, 3])
    encoder = one.given_to(kind.stack(depth, width))

    def loss() -> Any:
        y = one.x
        for layer in encoder.layers:
            y = layer(y)
        return _loss(encoder, y, one.target)

    _, gradients = nn.value_and_grad(encoder, loss)()
    return [
        float(np.linalg.norm(to_numpy(layer["feed_forward"]["down_proj"]["weight"]).astype(np.float64)))
        for layer in gradients["layers"]
    ]


def _by_layer(depth: int, width: int, seed: int, kinds: tuple[Kind, ...], report: Report) -> Curve:
    lines = []
    layers = [float(index + 1) for index in range(2 * depth)]
    for kind in kinds:
        report(0.9, str(kind.norm))
        lines.append(Series(kind.label, layers, _gradients(kind, 2 * depth, width, seed)))
    return Curve(
        Bilingual(f"{2 * depth} 层时，各层前馈层的梯度", f"Gradient by layer, {2 * depth} layers deep"),
        Bilingual("第几层（最右是靠近输出的）", "layer (the rightmost is nearest the output)"),
        Bilingual("梯度范数 ‖∂L/∂W₂‖", "gradient norm ‖∂L/∂W₂‖"),
        lines,
        name="by-layer",
    )  # fmt: skip


def _summary(depth: int, sweeps: dict[Label, Sweep], x: np.ndarray, offset: float) -> Table:
    types: tuple[NormType, ...] = ("layer", "layer", "rms")
    rows = [
        [label, sweep.gradients[depth], sweep.gradients[4 * depth], sweep.ratio(depth), sweep.sizes[depth],
         sweep.sizes[4 * depth], _moved(x, norm_type, offset)]
        for (label, sweep), norm_type in zip(sweeps.items(), types, strict=True)
    ]  # fmt: skip
    return Table(
        Bilingual(f"L = {depth} 与 4L = {4 * depth}", f"L = {depth} and 4L = {4 * depth}"),
        columns=[
            "",
            Bilingual("梯度 L", "gradient L"),
            "4L",
            Bilingual("比值", "ratio"),
            Bilingual("残差流 L", "stream L"),
            "4L ",
            Bilingual(f"加 {offset:g} 后变", f"moved by +{offset:g}"),
        ],
        rows=rows,
        name="summary",
    )
