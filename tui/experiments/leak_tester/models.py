"""The models under test, of random weights, and the influence of each input position on each output position."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx, to_numpy
from tui.experiments.contract import Report, silent
from tui.experiments.shared.kept import kept
from tui.experiments.shared.random_weights import draw, embed, load

WIDTH, HEADS, HIDDEN, LAYERS = 32, 4, 64, 2
TARGET = ("<s>", "I", "saw", "the", "cat", "chase", "mice")
PAD = "[PAD]"
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


@kept(size=4)
def models_of(seed: int) -> Models:
    return Models(seed)


@dataclass(frozen=True)
class Masks:
    """What is masked in a translator: the source's padding in either place, and the two triangles."""

    encoder: bool = False
    cross: bool = False
    causal: bool = True
    cross_causal: bool = False


@dataclass(frozen=True)
class Given:
    """A source with its padding, and a target, embedded at their places by ``seed``."""

    words: tuple[str, ...]
    pads: int
    seed: int
    models: Models = field(init=False, compare=False)
    source: np.ndarray = field(init=False, compare=False)  # [Ts, C]
    target: np.ndarray = field(init=False, compare=False)  # [Tt, C]
    valid: Any = field(init=False, compare=False)  # [1, 1, 1, Ts]

    def __post_init__(self) -> None:
        real = (np.arange(len(self.words) + self.pads) < len(self.words))[None]
        for name, value in (
            ("models", models_of(self.seed)),
            ("source", place(embed([*self.words, *[PAD] * self.pads], WIDTH, self.seed))),
            ("target", place(embed(TARGET, WIDTH, self.seed))),
            ("valid", mf.masks.padding(mx.array(real))),
        ):
            object.__setattr__(self, name, value)

    def remembered(self, source: np.ndarray, masks: Masks) -> Any:
        """The encoder's output [B, Ts, C], the decoder's memory, for sources [B, Ts, C]."""
        return self.models.encoder(mx.array(source), self.valid if masks.encoder else None)

    def translate(self, memory: Any, target: np.ndarray, masks: Masks) -> Any:
        """The decoder's output [B, Tt, C] for targets [B, Tt, C]."""
        cross = self.valid if masks.cross else None
        if masks.cross_causal:
            triangle = mx.array(np.tri(target.shape[1], memory.shape[1], dtype=bool))  # target i sees source 0 to i
            cross = mf.masks.combine(cross, triangle)
        return self.models.decoder(mx.array(target), memory, "causal" if masks.causal else None, cross)

    def encode(self, source: np.ndarray, *, padding: bool, causal: bool) -> Any:
        """BERT's output [B, Ts, C] for texts [B, Ts, C]; GPT's under the causal mask."""
        length = source.shape[1]
        triangle = mf.masks.causal(length, length) if causal else None
        mask = mf.masks.combine(self.valid if padding else None, triangle)
        return self.models.stack(mx.array(source), mask)


def place(x: np.ndarray) -> np.ndarray:
    return x + np.array(mf.sinusoidal_positions(len(x), WIDTH), np.float32)


@kept()
def of_target(given: Given, masks: Masks, *, report: Report = silent) -> np.ndarray:
    """The influence of each target token on each output of the translator."""
    memory = given.remembered(given.source[None], masks)
    return influence(lambda x: given.translate(_each(memory, x), x, masks), given.target, given.seed, report)


@kept()
def of_source(given: Given, masks: Masks, first: int = 0, *, report: Report = silent) -> np.ndarray:
    """The influence of each source token from ``first`` on on each output of the translator."""

    def run(source: np.ndarray) -> Any:
        return given.translate(given.remembered(source, masks), _each(given.target[None], source), masks)

    return influence(run, given.source, given.seed, report, first)


@kept()
def of_input(given: Given, padding: bool, causal: bool, *, report: Report = silent) -> np.ndarray:
    """The influence of each token on each output of BERT, or of GPT."""
    encode = partial(given.encode, padding=padding, causal=causal)
    return influence(encode, given.source, given.seed, report)


@kept()
def of_memory(given: Given, masks: Masks, *, report: Report = silent) -> np.ndarray:
    """The influence of each place of a memory, given as it is and without an encoder before it, on each output."""
    triangle = mx.array(np.tri(len(given.target), len(given.source), dtype=bool)) if masks.cross_causal else None

    def run(memory: np.ndarray) -> Any:
        target = _each(given.target[None], memory)
        return given.models.decoder(mx.array(target), mx.array(memory), "causal", triangle)

    return influence(run, given.source, given.seed, report)


def _each(one: Any, batch: np.ndarray) -> Any:
    """``one`` [1, T, C] for each of a batch [B, …]."""
    return mx.broadcast_to(mx.array(one), (len(batch), *one.shape[1:]))


def influence(run: Run, x: np.ndarray, seed: int, report: Report, first: int = 0) -> np.ndarray:
    """[outputs, inputs]: the largest change of each output position when one row of ``x`` [T, C] is changed, from the
    one at ``first`` on.

    A batch of unchanged copies, and one in which copy i has row i changed: of one shape, with each copy at one place in
    both, so that what is not reached comes out bit for bit the same.
    """
    generator = np.random.default_rng([seed, 1])
    noise = generator.standard_normal(x.shape).astype(np.float32)
    positions = np.arange(first, len(x))
    same = np.repeat(x[None], len(positions), axis=0)
    changed = same.copy()
    changed[positions - first, positions] = noise[positions]
    report(0.5, "unchanged")
    before = to_numpy(run(same))
    report(0.5, "changed")
    return np.asarray(np.abs(to_numpy(run(changed)) - before).max(-1).T)


def future(changes: np.ndarray) -> float:
    """The largest influence of an input on an output before it; 0 where there is none."""
    return float(np.triu(changes, 1).max())
