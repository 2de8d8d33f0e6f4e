"""A language model of a few words and random weights, causal, masked or prefix as its mask has it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx, nn, to_numpy
from tui.experiments.shared.kept import kept
from tui.experiments.shared.random_weights import draw, load

WIDTH, HEADS, HIDDEN, LAYERS = 32, 4, 128, 2
WORDS, LENGTH = 3, 4  # of all possible sentences: 3 words to the 4th, 81
MODELS = 6
SHARPNESS = 3.0  # the logits of random weights are nearly flat; trained ones are not


class LanguageModel(mf.Module):
    """``words`` words, a start and a [MASK]; the embedding is also the output matrix."""

    def __init__(self, words: int, *seed: int) -> None:
        super().__init__()
        self.start, self.mask = words, words + 1
        self.embedding = nn.Embedding(words + 2, WIDTH)
        self.stack = mf.CausalStack(LAYERS, WIDTH, HEADS, HIDDEN, mf.LayerConfig(norm="pre", activation="gelu"))
        load(self, draw(np.random.default_rng([10, *seed]), self))

    def embed(self, ids: Any) -> Any:
        """[B, T] -> [B, T, C]."""
        return self.embedding(ids) * WIDTH**0.5 + mf.sinusoidal_positions(ids.shape[1], WIDTH)

    def __call__(self, x: Any, mask: Any) -> Any:
        """Embedded [B, T, C] -> logits of the words [B, T, V]."""
        return self.embedding.as_linear(self.stack(x, mask))[..., : self.start]


def reach(model: LanguageModel, inputs: Sequence[int], rows: Sequence[int], targets: Sequence[int], mask: Any) -> Any:
    """‖∂ loss_i / ∂ input_j‖, [predictions, inputs]: row i of a batch has the i-th loss alone, in one backward pass."""
    count = len(rows)
    x = model.embed(mx.array(np.tile(np.array(inputs, np.int32), (count, 1))))
    wanted = mx.array(np.array(targets, np.int32))

    def losses(x: Any) -> Any:
        picked = model(x, mask)[mx.arange(count), mx.array(np.array(rows, np.int32))]  # [P, V]
        return mx.sum(nn.losses.cross_entropy(picked, wanted, reduction="none"))

    return np.linalg.norm(to_numpy(mx.grad(losses)(x)), axis=-1)


@kept()
def sums_over_all_sentences(seed: int, causal: Any = "causal", chain_rule: bool = False) -> tuple[float, float]:
    """Σ over all sentences of Π p(w_t | before) and of Π p(w_t | the others); with ``chain_rule`` twice the first.

    Each of ``MODELS`` models is asked; the sums furthest from 1 are given.
    """
    sums = np.array([_sums(LanguageModel(WORDS, seed, number), causal, chain_rule) for number in range(MODELS)])
    forwards, around = sums[np.abs(sums - 1).argmax(0), [0, 1]]
    return float(forwards), float(around)


def _sums(model: LanguageModel, causal: Any, chain_rule: bool) -> tuple[float, float]:
    sentences = np.array(list(itertools.product(range(WORDS), repeat=LENGTH)), np.int32)  # [N, T]
    inputs = np.concatenate([np.full((len(sentences), 1), model.start, np.int32), sentences[:, :-1]], axis=1)
    forwards = _log_probabilities(model, inputs, sentences, causal).sum(-1)
    hidden = np.repeat(sentences[None], LENGTH, axis=0)  # [T, N, T]: each place hidden in turn
    places = np.arange(LENGTH)
    hidden[places, :, places] = model.mask
    asked = np.repeat(sentences[None], LENGTH, axis=0).reshape(-1, LENGTH)
    found = _log_probabilities(model, hidden.reshape(-1, LENGTH), asked, None).reshape(LENGTH, -1, LENGTH)
    around = found[places, :, places].sum(0)
    return float(np.exp(forwards).sum()), float(np.exp(forwards if chain_rule else around).sum())


def _log_probabilities(model: LanguageModel, inputs: np.ndarray, targets: np.ndarray, mask: Any) -> np.ndarray:
    logits = model(model.embed(mx.array(inputs)), mask)
    losses = nn.losses.cross_entropy(SHARPNESS * logits, mx.array(targets), reduction="none")  # [N, T]
    return -to_numpy(losses).astype(np.float64)
