"""Runs one attention layer with rotary positions, shifted, with sinusoids added instead, and in the other layout."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx, to_numpy
from mlxformer.positions import RotaryEmbedding, sinusoidal_positions
from questions.bilingual import Bilingual
from tui.experiments.contract import Check, Report, Result
from tui.experiments.rotary.declaration import EXPERIMENT
from tui.experiments.shared.random_weights import draw, embed, load
from tui.experiments.shared.reported_trace import traced
from tui.experiments.shared.sentence import NO_TOKENS, split
from tui.figures.data import Curve, Figure, Heatmap, Series, Stage, Table

HEADS = 2
FARTHEST, TOGETHER = 512, 16  # of the curve of scores by distance, and how many distances are averaged in it
SHIFTS = (1, 10, 100, 1000, 5000)
BASES = (1000.0, 10_000.0, 500_000.0)


class Shifted:
    """``rope`` for a text that begins at position ``start``; ``turn_keys=False`` turns the queries alone."""

    def __init__(self, rope: RotaryEmbedding, start: int, *, turn_keys: bool = True) -> None:
        self.rope = rope
        self.start = start
        self.turn_keys = turn_keys
        self.called = 0

    def __call__(self, x: Any, offset: int = 0) -> Any:
        self.called += 1  # attention turns the queries first, then the keys
        if self.called % 2 == 0 and not self.turn_keys:
            return x
        return self.rope(x, offset=offset + self.start)


class Arms(mf.Module):
    """The same weights with different positions."""

    def __init__(self, knobs: Mapping[str, Any], base: float) -> None:
        super().__init__()
        width, turn_keys = int(knobs["head_dim"]), bool(knobs["turn_keys"])

        def layer(rope: Any) -> Any:
            return mf.MultiHeadAttention(HEADS * width, HEADS, bias=False, rope=rope)

        rope = RotaryEmbedding(width, base=base)
        weights = draw(np.random.default_rng(int(knobs["seed"])), layer(None))
        self.turned = load(layer(Shifted(rope, 0, turn_keys=turn_keys)), dict(weights))
        self.shifted = load(layer(Shifted(rope, int(knobs["shift"]), turn_keys=turn_keys)), dict(weights))
        self.plain = load(layer(None), dict(weights))
        self.mixed = load(layer(RotaryEmbedding(width, base=base, layout=knobs["other_layout"])), dict(weights))


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    tokens = split(str(knobs["sentence"]))
    if not tokens:
        return EXPERIMENT.nothing_to_run(NO_TOKENS)
    width, base, seed = int(knobs["head_dim"]), float(knobs["base"]), int(knobs["seed"])
    run_base = float(knobs["run_base"]) or base
    arms = Arms(knobs, run_base)
    x = mx.array(embed(tokens, HEADS * width, seed))[None]  # [1, T, C]
    with traced(report, 0.2, arms) as steps:
        for arm in (arms.turned, arms.shifted, arms.plain, arms.mixed):
            arm(x, x, x)
    added = [_added(arms, x, start, bool(knobs["add_positions"]), report) for start in (0, int(knobs["shift"]))]
    report(0.6, "checks")
    checks = _checks(
        steps, added, width, base, run_base, int(knobs["shift"]), len(set(tokens)), float(knobs["squeeze"])
    )
    figures: list[Figure] = [
        _by_shift(arms, steps, x, added[0], knobs, RotaryEmbedding(width, base=run_base), report),
        _maps(steps, added, tokens, int(knobs["shift"])),
        _by_distance(width, run_base, report),
        _pairs(width, run_base),
    ]
    return Result(figures, checks, tuple(step for step in steps if step.path.startswith("turned.")))


def _added(arms: Arms, x: Any, start: int, add: bool, report: Report) -> np.ndarray:
    """The weights [H, T, T] with sinusoids from position ``start`` on added to the input instead."""
    if add:
        x = x + sinusoidal_positions(x.shape[1], x.shape[2], offset=start)
    with traced(report, 0.4) as steps:
        arms.plain(x, x, x)
    return np.asarray(steps["weights"].value[0])


def _checks(
    steps: mf.Trace, added: Sequence[np.ndarray], width: int, base: float, run_base: float, shift: int, different: int,
    squeeze: float,
) -> list[Check]:  # fmt: skip
    measured = EXPERIMENT.measured
    turned, plain = (steps[f"{arm}.queries"].value.astype(np.float64) for arm in ("turned", "plain"))
    output = steps["turned.output"].value
    longest = 2 * math.pi * base ** ((width - 2) / width)
    ratio = np.linalg.norm(turned, axis=-1) / np.linalg.norm(plain, axis=-1)
    return [
        _where(
            "shift-changes-nothing", shift > 0 and different > 1,
            _largest(steps["shifted.weights"].value - steps["turned.weights"].value), 0.0, 2e-5,
        ),
        _where("shift-changes-added-positions", shift > 0 and different > 1, _largest(added[1] - added[0]), 0.005, 0.0),
        measured("is-complex-product", _largest(turned - _complex_product(plain, base)), 0.0, 1e-5),
        measured("norm-kept", _largest(ratio - 1), 0.0, 1e-5),
        measured("values-not-turned", _largest(steps["turned.values"].value - steps["plain.values"].value), 0.0),
        measured("slowest-wavelength", _slowest(width, run_base), longest, 1e-4 * longest),
        measured("interpolation", _interpolation(width, run_base, squeeze), 0.0, 1e-6),
        _where(
            "layouts-do-not-mix", different > 1,
            _largest(steps["mixed.output"].value - output) / _largest(output), 0.01, 0.0,
        ),
    ]  # fmt: skip


def _where(name: str, defined: bool, value: float, expected: float, tolerance: float) -> Check:
    if not defined:
        reason = Bilingual(
            "没有移动，或者词元都一样：注意力没有差别可言。",
            "Nothing was shifted, or all tokens are alike: attention has nothing to tell apart.",
        )
        return EXPERIMENT.undefined(name, reason)
    return EXPERIMENT.measured(name, value, expected, tolerance)


def _complex_product(plain: np.ndarray, base: float) -> np.ndarray:
    """Su et al. 2021, §3.2, with complex numbers: (x_{2i} + i x_{2i+1}) e^(i m θ_i). [B, H, T, D]."""
    width = plain.shape[-1]
    numbers = plain[..., 0::2] + 1j * plain[..., 1::2]  # [B, H, T, D/2]
    for position in range(plain.shape[2]):
        for pair in range(width // 2):
            numbers[:, :, position, pair] *= np.exp(1j * position * base ** (-2 * pair / width))
    return np.stack([numbers.real, numbers.imag], axis=-1).reshape(plain.shape)


def _angles(width: int, base: float) -> np.ndarray:
    """By how much each pair really turns from one position to the next: [D/2], read off a turned vector."""
    ones = np.zeros((1, 1, 2, width), np.float32)
    ones[..., 0::2] = 1
    turned = to_numpy(RotaryEmbedding(width, base=base)(mx.array(ones)))[0, 0, 1].astype(np.float64)
    return np.arctan2(turned[1::2], turned[0::2])


def _slowest(width: int, base: float) -> float:
    return float(2 * math.pi / _angles(width, base).min())


def _interpolation(width: int, base: float, squeeze: float) -> float:
    """Positions 0, 2, 4, … under the squeezed rotation against 0, 1, 2, … under the plain one."""
    x = mx.array(np.random.default_rng(0).standard_normal((1, 1, 1, width)).astype(np.float32))
    squeezed, plain = RotaryEmbedding(width, base=base, scale=squeeze), RotaryEmbedding(width, base=base)
    return max(
        _largest(to_numpy(squeezed(x, offset=2 * position)) - to_numpy(plain(x, offset=position)))
        for position in (1, 7, 100, 1000)
    )


def _maps(steps: mf.Trace, added: Sequence[np.ndarray], tokens: Sequence[str], shift: int) -> Heatmap:
    turned, shifted = (steps[f"{arm}.weights"].value[0] for arm in ("turned", "shifted"))
    return Heatmap(
        Bilingual(f"整句从位置 0 挪到 {shift}，权重变了多少", f"The sentence moves from position 0 to {shift}"),
        [
            Stage(
                "added",
                Bilingual("正弦位置加到输入：变化", "sinusoids added: the change"),
                added[1] - added[0],
                "signed",
            ),
            Stage("change", Bilingual("RoPE：变化", "RoPE: the change"), shifted - turned, "signed"),
            Stage("weights", Bilingual("RoPE：权重", "RoPE: weights"), shifted),
        ],
        rows=tokens,
        columns=tokens,
        heads=[str(head) for head in range(HEADS)],
        name="attention",
    )  # fmt: skip


def _by_shift(
    arms: Arms, steps: mf.Trace, x: Any, unmoved: np.ndarray, knobs: Mapping[str, Any], rope: RotaryEmbedding,
    report: Report,
) -> Curve:  # fmt: skip
    """The largest change of a weight as the sentence moves: of the same queries and keys turned, and of sinusoids."""
    queries, keys = (mx.array(steps[f"plain.{name}"].value) for name in ("queries", "keys"))
    still = steps["turned.weights"].value[0]
    turned, added = [], []
    shifts = sorted({*SHIFTS, int(knobs["shift"])} - {0})
    for start in shifts:
        moved = rope(keys, offset=start) if knobs["turn_keys"] else keys
        weights = to_numpy(mf.attention_weights(rope(queries, offset=start), moved))[0]
        turned.append(_largest(weights - still))
        added.append(_largest(_added(arms, x, start, bool(knobs["add_positions"]), report) - unmoved))
    at = [float(start) for start in shifts]
    return Curve(
        Bilingual(
            "整句后移，权重最多变多少：RoPE 只剩舍入，正弦位置真的变",
            "The sentence moves: the largest change of a weight (RoPE: rounding alone)",
        ),
        Bilingual("后移的位置数", "positions moved"),
        Bilingual("权重的最大变化", "largest change of a weight"),
        [
            Series(Bilingual("正弦位置加到输入", "sinusoids added"), at, added),
            Series("RoPE", at, turned),
        ],
        log_x=True,
        log_y=True,
        marks=[(float(knobs["shift"]), Bilingual("后移", "shift"))] if knobs["shift"] else [],
        name="by-shift",
    )


def _by_distance(width: int, base: float, report: Report) -> Curve:
    """The score of a vector of ones with itself, ``distance`` positions away: Σ 2 cos(distance · θ_i) / √D."""
    series = []
    distances = np.arange(FARTHEST + 1)
    for each in sorted({*BASES, base}):
        rope = RotaryEmbedding(width, base=each)
        keys = rope(mx.ones((1, 1, FARTHEST + 1, width)))  # [1, 1, distance, D]
        with traced(report, 0.8, measure=True) as steps:
            mf.attention_weights(rope(mx.ones((1, 1, 1, width))), keys)
        scores = steps["scaled"].value[0, 0, 0].astype(np.float64)
        means = [part[: len(part) // TOGETHER * TOGETHER].reshape(-1, TOGETHER).mean(1) for part in (distances, scores)]
        series.append(Series(Bilingual(f"底数 {each:g}", f"base {each:g}"), *(each.tolist() for each in means)))
    return Curve(
        Bilingual(
            f"同一个向量，隔得越远得分越低（有起伏；{TOGETHER} 个距离取平均）",
            f"One vector: the farther apart, the lower the score, with ripples (mean over {TOGETHER} distances)",
        ),
        Bilingual("距离", "distance"),
        Bilingual("得分", "score"),
        series,
        name="distance",
    )


def _pairs(width: int, base: float) -> Table:
    angles = _angles(width, base)
    chosen = sorted({0, len(angles) // 4, len(angles) // 2, 3 * len(angles) // 4, len(angles) - 1})
    return Table(
        Bilingual("每对分量转多快", "How fast each pair turns"),
        columns=[
            Bilingual("第几对", "pair"),
            Bilingual("每步转（弧度）", "radians a step"),
            Bilingual("转一圈的位置数", "positions a turn"),
        ],
        rows=[[pair, float(angles[pair]), float(2 * math.pi / angles[pair])] for pair in chosen],
        name="pairs",
    )


def _largest(difference: np.ndarray) -> float:
    return float(np.abs(difference).max())
