"""One head cannot take one subspace from one place and another from another: the best it can do, and two heads'.

Two tokens with values v₁ and v₂, each in two halves A and B; wanted is (v₁ in A, v₂ in B). One head gives
a v₁ + (1 − a) v₂ with one a for both halves, so its squared error is (1 − a)² |Δ_A|² + a² |Δ_B|², Δ = v₁ − v₂, whose
minimum over all a is |Δ_A|² |Δ_B|² / (|Δ_A|² + |Δ_B|²). That is Vaswani's "averaging inhibits this" (2017, §3.2.2).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx, to_numpy
from tui.experiments.contract import Report
from tui.experiments.shared.reported_trace import cancellable

HALF = 4
# Score differences that take a from 6e-6 to 1 - 6e-6.
DIFFERENCES = np.linspace(-12, 12, 241, dtype=np.float32)


@dataclass(frozen=True)
class Compromise:
    """Squared errors over the sweep of a: of one head, the least of one and of two, and the least there can be."""

    attention_to_first: np.ndarray
    one_head: np.ndarray
    best_of_one: float
    best_of_two: float
    bound: float


def compare(seed: int, report: Report, *, split: bool = False) -> Compromise:
    """Real attention of one head and of two over the sweep of a. ``split`` makes two of the one (to be wrong)."""
    values = np.random.default_rng(seed).standard_normal((2, 2, HALF)).astype(np.float32)  # [token, half, HALF]
    wanted = np.stack([values[0, 0], values[1, 1]])  # [half, HALF]
    one = _outputs(np.concatenate([values[:, 0], values[:, 1]], axis=-1)[None], report)  # [1, N, 2·HALF]
    two = _outputs(values.swapaxes(0, 1), report)  # [half, N, HALF]
    one_halves = np.stack([one[0, :, :HALF], one[0, :, HALF:]])  # [half, N, HALF]
    errors = np.square(one_halves - wanted[:, None]).sum((0, 2))  # [N]
    best_of_two = np.square(two - wanted[:, None]).sum(-1).min(-1).sum()  # each head picks its own a
    distance_a, distance_b = np.square(values[0] - values[1]).astype(np.float64).sum(-1)
    return Compromise(
        attention_to_first=1 / (1 + np.exp(-DIFFERENCES.astype(np.float64))),
        one_head=errors,
        best_of_one=float(best_of_two if split else errors.min()),
        best_of_two=float(best_of_two),
        bound=float(distance_a * distance_b / (distance_a + distance_b)),
    )


def _outputs(values: np.ndarray, report: Report) -> np.ndarray:
    """What each of the heads makes of ``values`` [H, 2, width] at each score difference: [H, N, width] in float64."""
    heads = len(values)
    q = np.broadcast_to(DIFFERENCES[None, None, :, None], (1, heads, len(DIFFERENCES), 1))
    k = np.broadcast_to(np.array([0.5, -0.5], np.float32)[None, None, :, None], (1, heads, 2, 1))
    with cancellable(report, 0.8):
        output = mf.scaled_dot_product_attention(mx.array(q), mx.array(k), mx.array(values[None]))
    return to_numpy(output)[0].astype(np.float64)
