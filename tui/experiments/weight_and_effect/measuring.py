"""The shipped date model with its cross-attention looked into, and with one source token at a time left out of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx, to_numpy
from mlxformer.inspection.contributions import contributions, left_out
from tui.experiments.contract import Report
from tui.experiments.teacher_forcing.decoding import Sources, reader

LAYERS = (0, 1)
STEPS = 10  # the digits and dashes of an ISO date


@dataclass(frozen=True)
class Attended:
    """Of one layer, for N texts, the ``STEPS`` output tokens and S source tokens: what each key got, added and did."""

    weight: np.ndarray  # [N, STEPS, S]: the mean over the heads
    norm: np.ndarray  # [N, STEPS, S]: ‖Σ_h α v W_O‖
    effect: np.ndarray  # [N, STEPS, S]: total variation of the next token's distribution with the key left out here


def look(sources: Sources, report: Report) -> mf.Trace:
    """One teacher-forced pass of the decoder, traced."""
    model = reader().model
    with mf.trace(model, on_step=lambda path: report(0.3, path)) as steps:
        model.decode(mx.array(sources.gold[:, :-1]), sources.memory, sources.mask)
    return steps


def valid(sources: Sources) -> np.ndarray:
    """Which source tokens are not padding: [N, S]."""
    count, length = sources.memory.shape[:2]
    if sources.mask is None:
        return np.ones((count, length), bool)
    return np.broadcast_to(to_numpy(sources.mask)[:, 0, 0], (count, length))


def cross(steps: mf.Trace, layer: int, name: str) -> np.ndarray:
    return steps[f"decoder.layers.{layer}.cross_attention.{name}"].value


def added(steps: mf.Trace, layer: int) -> np.ndarray:
    """The vector each key adds: [N, T, S, C]."""
    attention = reader().model.decoder.layers[layer].cross_attention
    weights, values = (mx.array(cross(steps, layer, name)) for name in ("weights", "values"))
    return to_numpy(contributions(attention, weights, values))


def attended(sources: Sources, steps: mf.Trace, layer: int, report: Report) -> Attended:
    return Attended(
        cross(steps, layer, "weights").mean(1)[:, :STEPS],
        np.linalg.norm(added(steps, layer), axis=-1)[:, :STEPS],
        _effects(sources, steps, layer, report),
    )


def _effects(sources: Sources, steps: mf.Trace, layer: int, report: Report) -> np.ndarray:
    """Every source token left out of one layer's cross-attention: a copy of its text for each, decoded side by side.

    To leave out padding, which has no weight, does nothing.
    """
    model = reader().model
    real = valid(sources)
    text, token = np.nonzero(real)
    keep = mx.array((np.arange(real.shape[1]) != token[:, None])[:, None, None])  # [copies, 1, 1, S]
    many = sources.taken(text)
    with mf.trace(model, on_step=lambda path: report(0.5, path), only="logits") as without:
        without.replace(f"decoder.layers.{layer}.cross_attention.weights", lambda weights: left_out(weights, keep))
        model.decode(mx.array(many.gold[:, :-1]), many.memory, many.mask)
    before = _softmax(steps["logits"].value[:, :STEPS])  # [N, STEPS, V]
    after = _softmax(without["logits"].value[:, :STEPS])
    effects = np.zeros((*real.shape, STEPS))
    effects[text, token] = np.abs(after - before[text]).sum(-1) / 2
    return effects.swapaxes(1, 2)


def _softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits.astype(np.float64) - logits.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def rank_correlation(first: np.ndarray, second: np.ndarray) -> float:
    """Spearman's: the correlation of the ranks of two rows of distinct numbers."""
    one, other = (row.argsort().argsort().astype(np.float64) for row in (first, second))
    return float(np.corrcoef(one, other)[0, 1])


def agreement(found: Attended, real: np.ndarray, *, least: float, roll: int = 0) -> tuple[float, float, int]:
    """Mean rank correlation of weight and of norm with the effect, and over how many steps: those where it matters.

    least: the largest effect of a step counts from here on. roll: compare with the effect of another step.
    """
    by_weight, by_norm = [], []
    for text, keys in enumerate(real):
        for step in range(STEPS):
            effect = found.effect[text, (step + roll) % STEPS, keys]
            if effect.max() < least or keys.sum() < 3:
                continue
            by_weight.append(rank_correlation(found.weight[text, step, keys], effect))
            by_norm.append(rank_correlation(found.norm[text, step, keys], effect))
    if not by_weight:
        return float("nan"), float("nan"), 0
    return float(np.mean(by_weight)), float(np.mean(by_norm)), len(by_weight)


def idle_share(found: Attended, *, below: float) -> float:
    """The share of steps at which the key of the largest weight has an effect below ``below``."""
    top = found.weight.argmax(-1)[..., None]
    return float((np.take_along_axis(found.effect, top, -1) < below).mean())


def heavy_but_idle(found: Attended, real: np.ndarray, *, least: float, below: float) -> float:
    """The largest weight of a real key whose effect is below ``below``, at steps where another's reaches ``least``."""
    matters = found.effect.max(-1, keepdims=True) >= least
    idle = (found.effect < below) & real[:, None] & matters
    return float(np.where(idle, found.weight, 0.0).max())
