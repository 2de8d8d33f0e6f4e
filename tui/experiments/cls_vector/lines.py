"""Lines, and bert-mini's vectors of them in every layer, computed once."""

from __future__ import annotations

import contextvars
import re
from functools import cache
from typing import Any

import numpy as np

import mlxformer as mf
from mlxformer.backend import mx, to_numpy
from mlxformer.models.bert.pooling import POOLINGS, pool
from mlxformer.pretrained.masked.samples import Kind, documents, samples

OF_EACH = 96
CHARACTERS = 5  # of a line, without its marks: neither length nor punctuation tells a poem from the Analects
VERSES = 80
LONGEST = 16  # tokens of an English verse: enough, and quick
_MARKS = re.compile(r"[^\u4e00-\u9fff]")


@cache
def reader() -> Any:
    """The model, loaded once."""
    return mf.load_pretrained("bert-mini")


@cache
def lines() -> tuple[tuple[str, ...], np.ndarray]:
    """``OF_EACH`` lines of Tang poems (label 0) and of the Analects (1), each its first five characters."""
    found: list[str] = []
    labels: list[int] = []
    kinds: tuple[Kind, ...] = ("tang", "lunyu")
    for label, kind in enumerate(kinds):
        bare = [_MARKS.sub("", text) for held_out in (True, False) for text in samples(kind, held_out=held_out)]
        chosen = list(dict.fromkeys(text[:CHARACTERS] for text in bare if len(text) >= CHARACTERS))[:OF_EACH]
        found += chosen
        labels += [label] * len(chosen)
    return tuple(found), np.array(labels)


def vectors(texts: tuple[str, ...]) -> dict[str, list[np.ndarray]]:
    """By pooling, a list with the vectors [N, C] of the texts in each layer, layer 0 being the embeddings.

    mean, max and last are of the words, without [CLS] and [SEP]; ``first`` is the first word.
    """
    batch = reader().tokenizer(list(texts), max_length=LONGEST)
    real = to_numpy(batch.attention_mask)
    words = real.copy()
    words[:, 0] = 0
    words[np.arange(len(words)), real.sum(1) - 1] = 0
    with mf.trace(only="*.output") as steps:
        reader().model.bert(**batch)
    layers = len(reader().model.bert.encoder.layers)
    states = [_only(steps, "embeddings.output"), *(_only(steps, f"encoder.layers.{n}.output") for n in range(layers))]
    found: dict[str, list[np.ndarray]] = {how: [] for how in (*POOLINGS, "first")}
    for state in states:
        hidden, mask = mx.array(state), mx.array(words)
        for how in POOLINGS:
            found[how].append(to_numpy(pool(hidden, mask, how)))
        found["first"].append(state[:, 1])
    return found


def _only(steps: Any, path: str) -> np.ndarray:
    return np.asarray(steps[path].value)


@cache
def line_vectors() -> dict[str, list[np.ndarray]]:
    return untraced_vectors(lines()[0])


@cache
def passage_vectors() -> tuple[dict[str, list[np.ndarray]], np.ndarray]:
    """Of held-out English verses, and the passage that each is of."""
    passages = documents("verse", held_out=True)
    numbered = [(text, number) for number, passage in enumerate(passages) for text in passage][:VERSES]
    return untraced_vectors(tuple(text for text, _ in numbered)), np.array([number for _, number in numbered])


def untraced_vectors(texts: tuple[str, ...]) -> dict[str, list[np.ndarray]]:
    """Outside whatever trace is open: a tensor replaced there must not get into what is kept."""
    return contextvars.Context().run(vectors, texts)


def same_passage_auc(features: np.ndarray, numbers: np.ndarray) -> float:
    """How often two lines of one passage have a larger cosine than two of different ones: 0.5 is chance.

    The area under the ROC curve, from the ranks of all pairs (Mann & Whitney 1947).
    """
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    pairs = np.triu_indices(len(unit), 1)
    cosines, same = (unit @ unit.T)[pairs], (numbers[:, None] == numbers[None])[pairs]
    ranks = np.empty(len(cosines))
    ranks[cosines.argsort(kind="stable")] = np.arange(len(cosines))
    positives = int(same.sum())
    wins = ranks[same].sum() - positives * (positives - 1) / 2
    return float(wins / (positives * (len(same) - positives)))
