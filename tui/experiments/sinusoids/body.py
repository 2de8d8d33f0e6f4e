"""Measures the table of sinusoids, and attention on a sentence with and without them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx
from mlxformer.positions import SinusoidalPositions
from questions.bilingual import Bilingual
from tui.experiments.contract import Check, Report, Result
from tui.experiments.shared.random_weights import draw, embed, load
from tui.experiments.shared.reported_trace import traced
from tui.experiments.shared.sentence import NO_TOKENS, split
from tui.experiments.sinusoids.declaration import EXPERIMENT
from tui.figures.data import Curve, Figure, Heatmap, Series, Stage, Table

PAPER_BASE = 10_000.0  # what is expected; the knob `base` is what runs
POSITION = Bilingual("位置", "position")


class Arms(mf.Module):
    """The table, and one attention layer on tokens alone, on tokens and positions, and on positions alone."""

    def __init__(self, knobs: Mapping[str, Any]) -> None:
        super().__init__()
        width = int(knobs["width"])
        self.positions = SinusoidalPositions(width, layout=knobs["layout"], base=float(knobs["base"]))
        weights = draw(np.random.default_rng(int(knobs["seed"])), mf.MultiHeadAttention(width, 1, bias=False))
        self.plain, self.placed, self.projected = (
            load(mf.MultiHeadAttention(width, 1, bias=False), dict(weights)) for _ in range(3)
        )


def run(knobs: Mapping[str, Any], report: Report) -> Result:
    tokens = split(str(knobs["sentence"]))
    if not tokens:
        return EXPERIMENT.nothing_to_run(NO_TOKENS)
    width, length, offset = int(knobs["width"]), int(knobs["length"]), int(knobs["offset"])
    arms = Arms(knobs)
    x = mx.array(embed(tokens, width, int(knobs["seed"])))[None]  # [1, T, C]
    with traced(report, 0.3, arms) as steps:
        rows = arms.positions(max(length, len(tokens)))  # [T, C]
        arms.plain(x, x, x)
        placed = x + rows[: len(tokens)]
        arms.placed(placed, placed, placed)
        alone = rows[None, :length]
        arms.projected(alone, alone, alone)
    table = steps["positions.output"].value[:length].astype(np.float64)  # [T, C]
    checks = [*_table_checks(table, width, offset), *_attention_checks(steps, tokens, offset)]
    order = [declared.name for declared in EXPERIMENT.checks]
    checks.sort(key=lambda check: order.index(check.name))
    figures: list[Figure] = [
        _picture(table),
        _similarity(table, steps),
        _by_distance(table, width),
        _wavelengths(table),
    ]
    return Result(figures, checks, tuple(steps))


def _table_checks(table: np.ndarray, width: int, offset: int) -> list[Check]:
    measured = EXPERIMENT.measured
    frequencies = [PAPER_BASE ** (-2 * pair / width) for pair in range(width // 2)]
    shifted = table[:-offset] @ _shift_matrix(frequencies, offset).T
    dots = (table[:-offset] * table[offset:]).sum(-1)
    expected = sum(math.cos(offset * frequency) for frequency in frequencies)
    # At one query: the key `offset` places on, and the one as far before.
    both = table[2 * offset :] - table[: -2 * offset]
    longest = 2 * math.pi * PAPER_BASE ** ((width - 2) / width)
    slowest = 2 * math.pi / math.atan2(table[1, -2], table[1, -1])
    return [
        measured("shift-is-linear", _largest(shifted - table[offset:]), 0.0, 1e-5),
        measured("norm-constant", _largest(np.square(table).sum(-1) - width / 2), 0.0, 1e-5 * width),
        measured("dot-sees-distance", _largest(dots - expected), 0.0, 1e-5 * width),
        measured("dot-blind-to-direction", _largest((table[offset:-offset] * both).sum(-1)), 0.0, 1e-5 * width),
        measured("longest-wavelength", slowest, longest, 1e-3 * longest),
    ]


def _shift_matrix(frequencies: Sequence[float], offset: int) -> np.ndarray:
    """M_k: for each pair (sin, cos) the rotation by k·ω, from the addition theorems. [C, C]."""
    matrix = np.zeros((2 * len(frequencies), 2 * len(frequencies)))
    for pair, frequency in enumerate(frequencies):
        sine, cosine = math.sin(offset * frequency), math.cos(offset * frequency)
        matrix[2 * pair : 2 * pair + 2, 2 * pair : 2 * pair + 2] = [[cosine, sine], [-sine, cosine]]
    return matrix


def _attention_checks(steps: mf.Trace, tokens: Sequence[str], offset: int) -> list[Check]:
    scores = steps["projected.scores"].value[0, 0].astype(np.float64)  # [T, T]
    middle = range(offset, len(scores) - offset)
    direction = max(abs(scores[t, t + offset] - scores[t, t - offset]) for t in middle) / np.abs(scores).max()
    plain, placed = (steps[f"{arm}.output"].value[0] for arm in ("plain", "placed"))
    pairs = [(tokens.index(token), t) for t, token in enumerate(tokens) if tokens.index(token) < t]
    checks = [EXPERIMENT.measured("projections-see-direction", direction, 0.05)]
    if not pairs:
        reason = Bilingual("没有哪个词元出现两次。", "No token occurs twice.")
        names = ("without-positions-alike", "with-positions-different")
        return [*checks, *(EXPERIMENT.undefined(name, reason) for name in names)]
    without, placed_apart = (max(_largest(y[a] - y[b]) for a, b in pairs) for y in (plain, placed))
    return [
        *checks,
        EXPERIMENT.measured("without-positions-alike", without, 0.0, 1e-5),
        EXPERIMENT.measured("with-positions-different", placed_apart / _largest(placed), 0.001),
    ]


def _picture(table: np.ndarray) -> Heatmap:
    return Heatmap(
        Bilingual("正弦表：一行一个位置，左边快，右边慢", "The table: a row for each position, fast on the left"),
        [Stage("table", "PE", np.stack([table[:, 0::2], table[:, 1::2]]), "signed")],
        rows=[str(position) for position in range(table.shape[0])],
        columns=[str(pair) for pair in range(table.shape[1] // 2)],
        heads=(Bilingual("偶数维 sin", "even features, sin"), Bilingual("奇数维 cos", "odd features, cos")),
        row_axis=POSITION,
        column_axis=Bilingual("第几对", "pair"),
        name="table",
    )


def _similarity(table: np.ndarray, steps: mf.Trace) -> Heatmap:
    """Bands along the diagonals: only the distance counts, until W_Q and W_K come between."""
    labels = [str(position) for position in range(len(table))]
    return Heatmap(
        Bilingual(
            "位置与位置：直接点积是对称的条带", "Positions against positions: plain dot products make even bands"
        ),
        [
            Stage(
                "projected",
                Bilingual("过 W_Q、W_K 之后", "through W_Q and W_K"),
                steps["projected.scores"].value[0],
                "signed",
            ),
            Stage("dots", "PE · PE", (table @ table.T)[None], "signed"),
        ],
        rows=labels,
        columns=labels,
        row_axis=POSITION,
        column_axis=POSITION,
        name="similarity",
    )


def _by_distance(table: np.ndarray, width: int) -> Curve:
    middle = len(table) // 2
    distances = [float(position - middle) for position in range(len(table))]
    return Curve(
        Bilingual(f"位置 {middle} 与其他位置的点积，除以 d/2", f"Position {middle} against the others, over d/2"),
        Bilingual("距离", "distance"),
        Bilingual("相似度", "similarity"),
        [Series("PE · PE", distances, (table @ table[middle] / (width / 2)).tolist())],
        marks=[(0.0, Bilingual("自己", "itself"))],
        name="distance",
    )


def _wavelengths(table: np.ndarray) -> Table:
    pairs = table.shape[1] // 2
    chosen = sorted({0, pairs // 4, pairs // 2, 3 * pairs // 4, pairs - 1})
    # By how much a pair turns from position 0 to position 1, read off the table.
    angles = [math.atan2(table[1, 2 * pair], table[1, 2 * pair + 1]) for pair in chosen]
    return Table(
        Bilingual("波长按几何级数增长", "Wavelengths grow geometrically"),
        columns=[Bilingual("第几对", "pair"), "ω", Bilingual("波长（位置数）", "wavelength (positions)")],
        rows=[[pair, angle, 2 * math.pi / angle] for pair, angle in zip(chosen, angles, strict=True)],
        name="wavelengths",
    )


def _largest(difference: np.ndarray) -> float:
    return float(np.abs(difference).max())
