"""The models under test, of random weights, and the influence of each input position on each output position."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx, to_numpy
from tui.experiments.contract import Report
from tui.experiments.shared.random_weights import draw, load

WIDTH, HEADS, HIDDEN, LAYERS = 32, 4, 64, 2
Run = Callable[[np.ndarray], Any]


class Models(mf.Module):
    """``stack``: BERT's encoder, and GPT's under a causal mask; ``encoder`` and ``decoder``: a translator."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        generator = np.random.default_rng(seed)

        def made(kind: Any) -> Any:
            stack = kind(LAYERS, WIDTH, HEADS, HIDDEN, mf.LayerConfig(activation="gelu"))
            return load(stack, draw(generator, stack))

        self.stack = made(mf.Encoder)
        self.encoder = made(mf.Encoder)
        self.decoder = made(mf.Decoder)


@dataclass(frozen=True)
class Masks:
    """What is masked in a translator: the source's padding (or None) in either place, and the two triangles."""

    encoder: Any = None
    cross: Any = None
    causal: bool = True
    cross_causal: bool = False


def translate(models: Models, source: np.ndarray, target: np.ndarray, masks: Masks) -> Any:
    """The decoder's output [1, Tt, C] for embedded source [Ts, C] and target [Tt, C]."""
    memory = models.encoder(mx.array(source)[None], masks.encoder)
    cross = masks.cross
    if masks.cross_causal:
        triangle = mx.array(np.tri(len(target), len(source), dtype=bool))  # target i sees source 0 to i
        cross = mf.masks.combine(cross, triangle)
    return models.decoder(mx.array(target)[None], memory, "causal" if masks.causal else None, cross)


def influence(run: Run, x: np.ndarray, seed: int, report: Report) -> np.ndarray:
    """[outputs, inputs]: the largest change of each output position when one row of ``x`` [T, C] is changed.

    One input at a time and always of one shape, so that what is not reached comes out bit for bit the same.
    """
    generator = np.random.default_rng([seed, 1])
    noise = generator.standard_normal(x.shape).astype(np.float32)
    # Opened so that a run can be cancelled; nothing is kept.
    with mf.trace(on_step=lambda path: report(0.5, path), only=""):
        before = to_numpy(run(x))[0]
        columns = []
        for position in range(len(x)):
            changed = x.copy()
            changed[position] = noise[position]
            columns.append(np.abs(to_numpy(run(changed))[0] - before).max(-1))
    return np.stack(columns, axis=1)


def future(changes: np.ndarray) -> float:
    """The largest influence of an input on an output before it; 0 where there is none."""
    return float(np.triu(changes, 1).max())
