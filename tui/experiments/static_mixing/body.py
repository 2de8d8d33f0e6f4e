"""Runs attention and a linear layer over positions on the same inputs, and compares what mixes the tokens."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx, tree_flatten
from mlxformer.layers.token_mixing import TokenMixing
from questions.bilingual import Bilingual
from tui.experiments.contract import Check, Report, Result
from tui.experiments.shared.random_weights import draw, load
from tui.experiments.shared.reported_trace import traced
from tui.experiments.static_mixing.declaration import EXPERIMENT
from tui.figures.data import Curve, Figure, Heatmap, Label, Series, Stage, Table

LENGTHS = (4, 8, 16, 32, 64, 128, 256)


class Layers(mf.Module):
    """One attention layer with a single head, and one linear layer over ``length`` positions."""

    def __init__(self, d: int, length: int, generator: np.random.Generator) -> None:
        super().__init__()
        attention = mf.MultiHeadAttention(d, 1, bias=False)
        self.attention = load(attention, draw(generator, attention))
        dense = TokenMixing(length)
        self.dense = load(dense, draw(generator, dense))

    def run(self, layer: str, x: np.ndarray) -> Any:
        tokens = mx.array(x)[None]  # [1, T, C]
        return self.attention(tokens, tokens, tokens) if layer == "attention" else self.dense(tokens)


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    d, n, seed = int(knobs["d_model"]), int(knobs["tokens"]), int(knobs["seed"])
    other = int(knobs["other"])
    generator = np.random.default_rng([seed, d, n])
    layers = Layers(d, n, generator)
    x, y = generator.standard_normal((2, n, d)).astype(np.float32)
    longer = generator.standard_normal((other + (other == n), d)).astype(np.float32)
    order = np.roll(np.arange(n), 1)  # no token stays where it was
    traces = {
        (layer, name): _trace(layers, layer, given, report)
        for layer in ("attention", "dense")
        for name, given in (("x", x), ("y", y), ("sum", x + y), ("shuffled", x[order]))
    }
    first, second = ("dense", "attention") if knobs["swap_layers"] else ("attention", "dense")
    attention_rows, dense_rows = (_rows(layers, layer, longer, report) for layer in (first, second))
    frozen = _frozen(layers, traces["attention", "x"], {"x": x, "y": y, "sum": x + y}, report)
    checks = _checks(d, n, layers, traces, order, frozen, attention_rows == len(longer), dense_rows)
    checks.insert(3, _quadruple(n, int(knobs["dense_growth"])))
    layer = str(knobs["layer"])
    figures: list[Figure] = [
        _maps(traces, layer, n, seed),
        _differences(traces, order),
        _parameters_by_length(d, n),
    ]
    return Result(figures, checks, tuple(traces[layer, "x"]))


def _trace(layers: Layers, layer: str, x: np.ndarray, report: Report) -> mf.Trace:
    with traced(report, 0.3, layers) as steps:
        layers.run(layer, x)
    return steps


def _rows(layers: Layers, layer: str, x: np.ndarray, report: Report) -> int:
    """How many rows come out of ``x``; 0 where the layer refuses its length."""
    report(0.6, "length")
    try:
        return int(layers.run(layer, x).shape[1])
    except mf.ArgumentError:
        return 0


def _frozen(layers: Layers, kept: mf.Trace, inputs: Mapping[str, np.ndarray], report: Report) -> dict[str, np.ndarray]:
    """The outputs for each input with the attention weights of ``kept``."""
    weights = mx.array(kept["attention.weights"].value)
    outputs = {}
    for name, x in inputs.items():
        with traced(report, 0.7, layers) as steps:
            steps.replace("attention.weights", lambda _: weights)
            layers.run("attention", x)
        outputs[name] = _output(steps, "attention")
    return outputs


def _checks(
    d: int,
    n: int,
    layers: Layers,
    traces: Mapping[tuple[str, str], mf.Trace],
    order: np.ndarray,
    frozen: Mapping[str, np.ndarray],
    runs_longer: bool,
    dense_rows: int,
) -> list[Check]:
    measured = EXPERIMENT.measured
    one, two = (_weights(traces["attention", name], "attention") for name in ("x", "y"))
    dense, dense_two = (_weights(traces["dense", name], "dense") for name in ("x", "y"))
    whole = {name: _output(traces["attention", name], "attention") for name in ("x", "y", "sum")}
    attention_moved, dense_moved = (_moved(traces, layer, order) for layer in ("attention", "dense"))
    parameters = _count(layers.attention) if runs_longer else 0
    return [
        measured("attention-mixes-by-input", _variation(one, two), 0.1),
        measured("dense-mixes-alike", float(np.abs(dense - dense_two).max()), 0.0),
        measured("attention-parameters", float(parameters), 4.0 * d**2),
        measured("dense-refuses-other-length", float(dense_rows), 0.0),
        measured("attention-equivariant", float(np.abs(attention_moved[0]).max()), 0.0, 1e-5),
        measured("dense-not-equivariant", _relative(*dense_moved), 0.1),
        measured("attention-rows-convex", float(np.abs(one.sum(-1) - 1).max()), 0.0, 1e-6),
        # Of n² signs of fair coins; five deviations.
        measured("dense-weights-signed", 100 * float((dense < 0).mean()), 50.0, 250.0 / n),
        measured("frozen-attention-linear", _relative(frozen["sum"] - frozen["x"] - frozen["y"], frozen["sum"]), 0.0,
                 1e-5),
        measured("attention-not-linear", _relative(whole["sum"] - whole["x"] - whole["y"], whole["sum"]), 0.1),
    ]  # fmt: skip


def _quadruple(n: int, growth: int) -> Check:
    ratio = _count(TokenMixing(growth * n)) / _count(TokenMixing(n))
    return EXPERIMENT.measured("dense-parameters-quadruple", ratio, 4.0)


def _moved(traces: Mapping[tuple[str, str], mf.Trace], layer: str, order: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """What shuffling the tokens does beyond shuffling the output, and the output."""
    plain = _output(traces[layer, "x"], layer)
    return _output(traces[layer, "shuffled"], layer) - plain[order], plain


def _variation(one: np.ndarray, two: np.ndarray) -> float:
    """Total variation between rows, half the sum of absolute differences, on average over the rows."""
    return float(np.abs(one - two).sum(-1).mean() / 2)


def _relative(difference: np.ndarray, whole: np.ndarray) -> float:
    return float(np.linalg.norm(difference) / max(np.linalg.norm(whole), np.finfo(np.float32).tiny))


def _weights(steps: mf.Trace, layer: str) -> np.ndarray:
    """The mixing matrix [T, T]."""
    value = steps[f"{layer}.weights"].value.astype(np.float64)
    return value.reshape(value.shape[-2:])


def _output(steps: mf.Trace, layer: str) -> np.ndarray:
    return steps[f"{layer}.output"].value[0].astype(np.float64)  # [T, C]


def _count(layer: Any) -> int:
    parameters: dict[str, Any] = dict(tree_flatten(layer.parameters()))
    return sum(int(parameter.size) for parameter in parameters.values())


def _maps(traces: Mapping[tuple[str, str], mf.Trace], layer: str, n: int, seed: int) -> Heatmap:
    pair = np.stack([_weights(traces[layer, name], layer) for name in ("x", "y")])  # [2, T, T]
    zh, en = ("注意力", "Attention") if layer == "attention" else ("全连接层", "Fully connected layer")
    return Heatmap(
        Bilingual(
            f"{zh}：两个输入各用的混合矩阵（随机权重，种子 {seed}）",
            f"{en}: the mixing matrices of two inputs (random weights, seed {seed})",
        ),
        [
            Stage("difference", Bilingual("输入二减输入一", "second less first"),
                  np.stack([pair[1] - pair[0]] * 2), "signed"),
            Stage("mixing", Bilingual("混合权重", "mixing weights"), pair,
                  "attention" if layer == "attention" else "signed"),
        ],
        rows=[str(place) for place in range(1, n + 1)],
        columns=[str(place) for place in range(1, n + 1)],
        row_axis=Bilingual("输出位置", "output position"),
        column_axis=Bilingual("输入位置", "input position"),
        heads=(Bilingual("输入一", "first input"), Bilingual("输入二", "second input")),
        name="mixing",
    )  # fmt: skip


def _differences(traces: Mapping[tuple[str, str], mf.Trace], order: np.ndarray) -> Table:
    columns: dict[str, list[float]] = {}
    for layer in ("attention", "dense"):
        one, two = (_weights(traces[layer, name], layer) for name in ("x", "y"))
        columns[layer] = [
            _variation(one, two), float((one < 0).mean() * 100), float(one.sum(-1).min()), float(one.sum(-1).max()),
            _relative(*_moved(traces, layer, order)),
        ]  # fmt: skip
    names = [
        Bilingual("两个输入的混合矩阵差多少（总变差）", "difference between two inputs (total variation)"),
        Bilingual("负的权重 %", "negative weights %"),
        Bilingual("行和的最小值", "smallest row sum"),
        Bilingual("行和的最大值", "largest row sum"),
        Bilingual("打乱词元后的相对误差", "relative error after shuffling"),
    ]
    rows: list[list[Label | float]] = [
        list(row) for row in zip(names, columns["attention"], columns["dense"], strict=True)
    ]
    return Table(
        Bilingual("同样的输入，两种混合", "The same inputs, mixed in two ways"),
        columns=[
            Bilingual("量", "quantity"),
            Bilingual("注意力", "attention"),
            Bilingual("全连接层", "fully connected"),
        ],
        rows=rows,
        name="differences",
    )


def _parameters_by_length(d: int, n: int) -> Curve:
    attention = float(_count(mf.MultiHeadAttention(d, 1, bias=False)))
    lengths = [float(length) for length in LENGTHS]
    return Curve(
        Bilingual("参数随长度怎样变", "Parameters by length"),
        Bilingual("词元数 n", "tokens n"),
        Bilingual("参数", "parameters"),
        [
            Series(Bilingual("注意力", "attention"), lengths, [attention] * len(lengths)),
            Series(Bilingual("全连接层", "fully connected"), lengths,
                   [float(_count(TokenMixing(length))) for length in LENGTHS]),
        ],
        log_x=True,
        log_y=True,
        marks=[(float(n), "n"), (math.sqrt(attention), "2d")],
        name="parameters",
    )  # fmt: skip
