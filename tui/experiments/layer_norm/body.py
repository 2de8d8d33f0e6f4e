"""Runs both normalizations on one token while its surroundings change, and compares what comes out."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx, nn
from mlxformer.origins import Norm, normalized
from questions.bilingual import Bilingual
from tui.experiments.contract import Report, Result
from tui.experiments.layer_norm.declaration import EXPERIMENT
from tui.experiments.shared.reported_trace import traced
from tui.figures.data import Curve, Figure, Heatmap, Series, Stage, Table

_AXES = ("batch", "time", "model")
SIZES = (2, 4, 8, 16, 32, 64)  # batches of the curve
SHOWN = 12  # rows and columns of the map


class Norms(mf.Module):
    """Layer norm and batch norm side by side on one input, gain 1 and shift 0."""

    def __init__(self, dims: int) -> None:
        super().__init__()
        self.layer_norm = nn.LayerNorm(dims)
        self.batch_norm = nn.BatchNorm(dims)

    def __call__(self, x: Any) -> tuple[Any, Any]:
        """[B, T, C] -> two of [B, T, C]."""
        x = mf.tap("input", x, axes=_AXES)
        by_token = mf.tap(
            "layer_norm_output",
            self.layer_norm(x),
            axes=_AXES,
            formula="(x − mean_C) / √(var_C + ε)",
            of=lambda: normalized(x, self.layer_norm),
        )
        by_feature = mf.tap(
            "batch_norm_output",
            self.batch_norm(x),
            axes=_AXES,
            formula="(x − mean_BT) / √(var_BT + ε)",
            of=lambda: Norm(x, "batch", self.batch_norm.eps),
        )
        return by_token, by_feature


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    batch, length, width = int(knobs["batch"]), int(knobs["length"]), int(knobs["width"])
    padding = int(knobs["padding"])
    generator = np.random.default_rng(int(knobs["seed"]))
    x = generator.standard_normal((batch, length, width)).astype(np.float32)
    replaced = _replace_the_rest(x, float(knobs["spread"]), generator)
    padded = np.concatenate([x, np.zeros((batch, padding, width), np.float32)], axis=1)

    ran = _run(x, report, training=not knobs["always_inference"])
    other = _run(replaced, report, training=not knobs["always_inference"])
    longer = _run(x if knobs["drop_padding"] else padded, report)
    # One model, trained on x and then frozen: its running averages are what both inputs are normalized with.
    model = _trained(x, width)
    calm, calm_other = (_run(y, report, model, training=bool(knobs["always_training"])) for y in (x, replaced))
    few = _run(generator.standard_normal((int(knobs["few"]), 1, width)).astype(np.float32), report)

    measured = EXPERIMENT.measured
    ln, bn = _outputs(ran)
    ln_longer, bn_longer = _outputs(longer)
    bn_moved = _moved(bn, _outputs(other)[1])
    ln_moved = _moved(ln, _outputs(other)[0])
    calm_moved = _moved(_outputs(calm)[1], _outputs(calm_other)[1])
    checks = [
        measured("ln-tokens-normalised", _largest(ln.mean(-1)), 0.0, 1e-5),
        _features_normalized(bn, bool(knobs["always_inference"])),
        measured("ln-ignores-the-rest", ln_moved, 0.0, 1e-6),
        measured("bn-follows-the-rest", bn_moved, 0.01),
        measured("bn-inference-ignores-the-rest", calm_moved, 0.0, 1e-6),
        measured("ln-ignores-padding", _largest(ln_longer[:, :length] - ln), 0.0, 1e-6),
        measured(
            "bn-padding-inflates",
            math.sqrt(float(np.square(bn_longer[:, :length]).mean())),
            _inflated(x, padding),
            1e-3 * _inflated(x, padding),
        ),
        measured("bn-two-tokens-leave-signs", float(np.median(np.abs(_outputs(few)[1]))), 1.0, 1e-2),
    ]
    figures: list[Figure] = [
        _map(ran),
        _by_batch_size(knobs, report),
        _summary(batch, length, width, [(ln_moved, bn_moved, calm_moved), (ln_longer, bn_longer), (ln, bn)]),
    ]
    return Result(figures, checks, tuple(ran))


def _replace_the_rest(x: np.ndarray, spread: float, generator: np.random.Generator) -> np.ndarray:
    """Everything drawn anew, N(0, spread²), but the first token of the first sentence."""
    drawn = (spread * generator.standard_normal(x.shape)).astype(np.float32)
    drawn[0, 0] = x[0, 0]
    return drawn


def _run(x: np.ndarray, report: Report, model: Norms | None = None, *, training: bool = True) -> mf.Trace:
    model = model or Norms(x.shape[-1])
    model.train(training)
    with traced(report, 0.3, model) as steps:
        model(mx.array(x))
    return steps


def _trained(x: np.ndarray, width: int) -> Norms:
    model = Norms(width)
    model.train()
    for _ in range(20):  # running averages at momentum 0.1
        model(mx.array(x))
    return model


def _outputs(steps: mf.Trace) -> tuple[np.ndarray, np.ndarray]:
    """Layer norm's and batch norm's, in float64."""
    first, second = (steps[f"{kind}_norm_output"].value.astype(np.float64) for kind in ("layer", "batch"))
    return first, second


def _features_normalized(bn: np.ndarray, inference: bool) -> Any:
    if inference:
        return EXPERIMENT.undefined(
            "bn-features-normalised",
            Bilingual("用滑动平均时批内均值不必是 0。", "With running averages the batch need not have mean 0."),
        )
    return EXPERIMENT.measured("bn-features-normalised", _largest(bn.mean((0, 1))), 0.0, 1e-5)


def _inflated(x: np.ndarray, padding: int) -> float:
    """What the real tokens' root mean square must be once ``padding`` zeros follow each sentence.

    Of a feature with mean μ and variance σ² over the real tokens, a share r of all, the mean becomes rμ and the
    variance r(σ² + μ²) − r²μ²; so the real tokens' mean square becomes (σ² + (1 − r)²μ²) over that.
    """
    flat = x.astype(np.float64).reshape(-1, x.shape[-1])
    share = x.shape[1] / (x.shape[1] + padding)
    mean, variance = flat.mean(0), flat.var(0)
    after = share * (variance + mean**2) - (share * mean) ** 2
    return math.sqrt(float(((variance + ((1 - share) * mean) ** 2) / after).mean()))


def _moved(before: np.ndarray, after: np.ndarray) -> float:
    return _largest(after[0, 0] - before[0, 0])


def _map(steps: mf.Trace) -> Heatmap:
    """Tokens against features: layer norm evens out rows, batch norm columns."""
    values = [
        steps[name].value.reshape(-1, steps[name].value.shape[-1])[:SHOWN, :SHOWN]
        for name in ("input", "layer_norm_output", "batch_norm_output")
    ]
    length = steps["input"].value.shape[1]
    return Heatmap(
        Bilingual("层归一化管一行，批归一化管一列", "Layer norm takes a row, batch norm a column"),
        [
            Stage("input", Bilingual("输入", "input"), values[0][None], "signed"),
            Stage("layer", Bilingual("层归一化", "layer norm"), values[1][None], "signed"),
            Stage("batch", Bilingual("批归一化", "batch norm"), values[2][None], "signed"),
        ],
        rows=[f"{row // length}.{row % length}" for row in range(len(values[0]))],
        columns=[str(column) for column in range(values[0].shape[1])],
        row_axis=Bilingual("句子.词元", "sentence.token"),
        column_axis=Bilingual("特征", "feature"),
        name="normalised",
    )


def _by_batch_size(knobs: Mapping[str, Any], report: Report) -> Curve:
    """How far one token moves when the rest is replaced, by the batch's size."""
    length, width, spread = int(knobs["length"]), int(knobs["width"]), float(knobs["spread"])
    moved: list[tuple[float, float]] = []
    for size in SIZES:
        generator = np.random.default_rng([int(knobs["seed"]), size])
        x = generator.standard_normal((size, length, width)).astype(np.float32)
        before, after = (_outputs(_run(y, report)) for y in (x, _replace_the_rest(x, spread, generator)))
        moved.append((_moved(before[0], after[0]), _moved(before[1], after[1])))
    return Curve(
        Bilingual("换掉其余词元，这个词元变多少", "How far a token moves when the rest is replaced"),
        Bilingual("批大小 B", "batch size B"),
        Bilingual("最大变化", "largest change"),
        [
            Series(Bilingual("层归一化", "layer norm"), SIZES, [first for first, _ in moved]),
            Series(Bilingual("批归一化（训练）", "batch norm (training)"), SIZES, [second for _, second in moved]),
        ],
        log_x=True,
        marks=[(float(knobs["batch"]), "B")],
        name="by-batch-size",
    )


def _summary(batch: int, length: int, width: int, found: list[tuple[Any, ...]]) -> Table:
    (ln_moved, bn_moved, calm_moved), (ln_longer, bn_longer), (ln, bn) = found
    return Table(
        Bilingual("谁的统计量，由谁影响", "Whose statistics, and who has a say in them"),
        columns=[
            "",
            Bilingual("几组统计量", "sets of statistics"),
            Bilingual("每组几个数", "numbers in each"),
            Bilingual("换掉其余词元", "rest replaced"),
            Bilingual("补上填充", "padding added"),
        ],
        rows=[
            [Bilingual("层归一化", "layer norm"), batch * length, width, ln_moved,
             _largest(ln_longer[:, :length] - ln)],
            [Bilingual("批归一化，训练", "batch norm, training"), width, batch * length, bn_moved,
             _largest(bn_longer[:, :length] - bn)],
            [Bilingual("批归一化，推理", "batch norm, inference"), width, None, calm_moved, None],
        ],
        name="summary",
    )  # fmt: skip


def _largest(difference: np.ndarray) -> float:
    return float(np.abs(difference).max())
