"""Pairs of sentences of three kinds, and how the shipped BERTs' heads for pairs judge them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.pretrained.masked.samples import Kind, documents
from mlxformer.pretrained.order import evaluation
from tui.experiments.shared.kept import kept
from tui.experiments.shared.knobs import SEEDS_BEFOREHAND

SHOWN: tuple[Kind, ...] = ("tang", "lunyu", "verse")
ARMS = ("next", "swapped", "random")
TWINS = ("bert-nsp", "bert-sop")
PAIRS, LONGEST = 100, 51  # 24 tokens a sentence, as in training, and three special ones

Pair = evaluation.Pair


@cache
def reader() -> Any:
    """The model, loaded once: its weights never change here."""
    return mf.load_pretrained("bert-mini")


def pairs(kind: Kind, held_out: bool, seed: int) -> dict[str, list[Pair]]:
    """True neighbors, the same swapped, and a sentence of another document: ``PAIRS`` of each, or all there are."""
    generator = np.random.default_rng(seed)
    texts = documents(kind, held_out=held_out)
    near = [(text, place) for text in range(len(texts)) for place in range(len(texts[text]) - 1)]
    found: dict[str, list[Pair]] = {arm: [] for arm in ARMS}
    for index in generator.permutation(len(near))[:PAIRS]:
        text, place = near[index]
        first, second = texts[text][place : place + 2]
        stranger = texts[(text + 1 + int(generator.integers(len(texts) - 1))) % len(texts)]
        found["next"].append((first, second))
        found["swapped"].append((second, first))
        found["random"].append((first, stranger[int(generator.integers(len(stranger)))]))
    return found


def follows(of: Sequence[Pair]) -> np.ndarray:
    """The probability that B follows A, for each pair, [N]."""
    return evaluation.follows(reader(), of, LONGEST)


@kept(beforehand=[(kind, held_out, arm, seed) for kind in SHOWN for held_out in (True, False) for arm in ARMS
                  for seed in SEEDS_BEFOREHAND])  # fmt: skip
def share(kind: Kind, held_out: bool, arm: str, seed: int) -> float:
    """In per cent: how many of ``pairs`` are said to follow."""
    return 100.0 * float((follows(pairs(kind, held_out, seed)[arm]) > 0.5).mean())


@kept(beforehand=[(twin,) for twin in TWINS])
def accuracies(twin: str) -> tuple[float, ...]:
    """In per cent: how many held-out pairs a twin has right, half of them strangers; half of them swapped."""
    found = {arm: evaluation.follows(mf.load_pretrained(twin), of) for arm, of in evaluation.pairs().items()}
    return tuple(100.0 * evaluation.accuracy(found["next"], found[arm]) for arm in ("random", "swapped"))
