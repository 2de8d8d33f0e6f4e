"""Three small decoders known by heart, as searches see them, and every sequence that they can give."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from mlxformer.generation.rules import SearchRules

PAD, START, EOS = 0, 1, 2
VOCAB = 16
NEVER = -1e4  # a logit that no search takes
Branches = Mapping[tuple[int, ...], Mapping[int, float]]
A, B, C, D, E, F = range(3, 9)

# Greedy takes A for 0.5 and can then have 0.4 at most; through B there is 0.4 · 0.9.
MISSED: Branches = {
    (): {A: 0.5, B: 0.4, C: 0.1},
    (A,): {D: 0.4, E: 0.35, F: 0.25},
    (B,): {D: 0.9, E: 0.1},
    (C,): {D: 1.0},
}
# [A .] has 0.5 · 0.8 = 0.4, and [B C D E .] 0.5 · 0.9 · 0.8 · 0.85 = 0.306.
LENGTHS: Branches = {
    (): {A: 0.5, B: 0.5},
    (A,): {EOS: 0.8, F: 0.2},
    (B,): {C: 0.9, F: 0.1},
    (B, C): {D: 0.8, F: 0.2},
    (B, C, D): {E: 0.85, F: 0.15},
}


def trap(beams: int) -> Branches:
    """K + 1 first tokens: K that look a little better, and then split in two, and one that leads on surely."""
    whole = 1.1 * beams + 1.0
    tree: dict[tuple[int, ...], dict[int, float]] = {
        (): {A + place: 1.1 / whole for place in range(beams)} | {A + beams: 1.0 / whole}
    }
    for place in range(beams):
        tree[A + place,] = {D: 0.5, E: 0.5}
    tree[A + beams,] = {D: 1.0}
    return tree


@dataclass
class TreeDecoder:
    """``generation.NextLogits`` for one source: the logits are the logarithms in the tree; elsewhere it ends."""

    tree: Branches

    def __call__(self, sequences: np.ndarray) -> np.ndarray:
        logits = np.full((len(sequences), VOCAB), NEVER, np.float32)
        for row, sequence in enumerate(sequences):
            for token, probability in self.tree.get(tuple(sequence[1:].tolist()), {EOS: 1.0}).items():
                logits[row, token] = math.log(probability)
        return logits

    def reorder(self, rows: np.ndarray) -> None:
        """A tree keeps no state."""


def rules(beams: int = 1, alpha: float = 0.0) -> SearchRules:
    """Searched to the end, so that nothing is missed by stopping early."""
    return SearchRules(START, PAD, (EOS,), 8, num_beams=beams, length_penalty=alpha, early_stopping="never")


def sequences(tree: Branches, prefix: tuple[int, ...] = ()) -> Iterator[tuple[tuple[int, ...], float]]:
    """Every sequence without its end token, and its probability: the product along its branches, in float64."""
    for token, probability in tree.get(prefix, {EOS: 1.0}).items():
        if token == EOS:
            yield prefix, probability
        else:
            for longer, rest in sequences(tree, (*prefix, token)):
                yield longer, probability * rest


def body(row: np.ndarray) -> tuple[int, ...]:
    """The tokens of a found row between start and end."""
    tokens = [int(token) for token in row if token not in (PAD, START)]
    return tuple(tokens[: tokens.index(EOS)] if EOS in tokens else tokens)


def spell(tokens: tuple[int, ...]) -> str:
    """A B C …: a tree's tokens as they are written."""
    return " ".join(chr(ord("A") + token - A) for token in tokens) + " ."
