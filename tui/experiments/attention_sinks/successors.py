"""A head that must sometimes say nothing, and its training: fetch the letter's successor, where the text had it.

A text is ``[BOS]`` and letters. At letter x the output should be the vector of x + 1 (A after the last one) where that
stands among the last ``window`` letters, else zero. Each letter is some letter's answer, so each has a value that
matters; ``[BOS]`` alone is nobody's answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx, nn, optimizers, to_numpy, tree_flatten
from tui.experiments.contract import Report
from tui.experiments.shared.random_weights import load

TRAINED_LETTERS = 12  # of a text in training, and the window there
BATCH, LEARNING_RATE = 16, 0.03
BOS = "BOS"
Kind = Literal["softmax", "plus-one"]


@dataclass(frozen=True)
class Texts:
    """ids [N, T + 1] from ``[BOS]`` on, the last id; wanted [N, T + 1, V + 1]; answered [N, T + 1]: is there one?"""

    ids: np.ndarray
    wanted: np.ndarray
    answered: np.ndarray


def draw_texts(generator: np.random.Generator, count: int, length: int, letters: int, window: int) -> Texts:
    ids = generator.integers(0, letters, (count, length + 1))
    ids[:, 0] = letters
    place = np.arange(length + 1)
    in_window = (place[None] <= place[:, None]) & (place[:, None] - place[None] < window) & (place[None] > 0)
    is_answer = ids[:, None, :] == (ids[:, :, None] + 1) % letters  # [N, T + 1, T + 1]
    answered = (is_answer & in_window).any(-1)
    answered[:, 0] = False
    wanted = np.eye(letters + 1, dtype=np.float32)[(ids + 1) % letters] * answered[..., None]
    return Texts(ids, wanted, answered)


def embed(ids: np.ndarray, letters: int) -> Any:
    """[N, T] -> [N, T, V + 1]: each letter a direction of its own, of unit variance."""
    width = letters + 1
    return mx.array(np.sqrt(np.float32(width)) * np.eye(width, dtype=np.float32)[ids])


def make_head(letters: int, kind: Kind, weights: dict[str, np.ndarray]) -> Any:
    head = mf.MultiHeadAttention(letters + 1, 1, bias=False, sinks="one" if kind == "plus-one" else None)
    return load(head, weights)


@cache
def _trained(letters: int, kind: Kind, seed: int, steps: int, progress: Any) -> dict[str, np.ndarray]:
    """The head's weights after training. Keys and outputs stay the embeddings: only Q Kᵀ and V W^O matter."""
    width = letters + 1
    same = np.eye(width, dtype=np.float32)
    head = make_head(letters, kind, {
        "query_proj.weight": np.zeros((width, width), np.float32),
        "key_proj.weight": same,
        "value_proj.weight": same / np.sqrt(np.float32(width)),
        "out_proj.weight": same,
    })  # fmt: skip
    head.key_proj.freeze()
    head.out_proj.freeze()

    def loss(head: Any, x: Any, wanted: Any) -> Any:
        return mx.mean(mx.sum(mx.square(head(x, x, x, "causal") - wanted), axis=-1))

    optimizer, step_loss = optimizers.Adam(LEARNING_RATE), nn.value_and_grad(head, loss)
    generator = np.random.default_rng([seed, letters])
    for step in range(steps):
        progress.report(step / steps)
        texts = draw_texts(generator, BATCH, TRAINED_LETTERS, letters, TRAINED_LETTERS)
        _, gradients = step_loss(head, embed(texts.ids, letters), mx.array(texts.wanted))
        optimizer.update(head, gradients)
        mx.eval(head.parameters(), optimizer.state)
    return {name: to_numpy(value) for name, value in dict(tree_flatten(head.parameters())).items()}


class _Progress:
    """Says how far training is; every one is equal, so that the cache does not tell them apart."""

    def __init__(self, report: Report, start: float, end: float, text: str) -> None:
        self.report = lambda share: report(start + (end - start) * share, text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Progress)

    def __hash__(self) -> int:
        return 0


def trained_head(letters: int, kind: Kind, seed: int, steps: int, report: Report, start: float, end: float) -> Any:
    """A head of ``letters`` letters trained for ``steps``; trained once for each setting."""
    return make_head(letters, kind, _trained(letters, kind, seed, steps, _Progress(report, start, end, kind)))


@dataclass(frozen=True)
class Streamed:
    """errors [N, T + 1]: ‖output − wanted‖², what is right having the norm 1; held: tokens in the cache at the end."""

    errors: np.ndarray
    held: int


def stream(head: Any, texts: Texts, letters: int, first: int, last: int | None) -> Streamed:
    """The texts token by token through a cache that keeps the ``first`` tokens and the ``last`` (None: all)."""
    x, kept, outputs = embed(texts.ids, letters), mf.KVCache(), []
    for place in range(texts.ids.shape[1]):
        if last is not None:
            kept.evict(first, last - 1)
        token = x[:, place : place + 1]
        outputs.append(head(token, token, token, cache=kept))
    out = to_numpy(mx.concatenate(outputs, axis=1))
    return Streamed(np.square(out - texts.wanted, dtype=np.float64).sum(-1), len(kept))
