"""Batches of masked language modelling: ids with [MASK]s, where to predict what, and which pairs belong together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from mlxformer.masked_language_modelling import mask_tokens

PAD, UNK, CLS, SEP, MASK = range(5)  # the order of vocabulary.SPECIAL


class Batch(NamedTuple):
    """Arrays of NumPy or of the backend, int32.

    ids, types, attention: [B, T]. places [P]: where to predict, of ids.reshape(-1), and what, labels [P]. follows
    [B] or [0]: the labels of next-sentence prediction where the rows are pairs.
    """

    ids: Any
    types: Any
    attention: Any
    places: Any
    labels: Any
    follows: Any


def of_idioms(idioms: np.ndarray, source: np.random.Generator) -> Batch:
    """``[CLS] 画 蛇 添 [MASK] [SEP]``: one character of four is masked, in two rows of five two."""
    count = len(idioms)
    ids = np.full((count, 6), SEP, np.int32)
    ids[:, 0], ids[:, 1:5] = CLS, idioms
    order = source.permuted(np.tile(np.arange(1, 5), (count, 1)), axis=1)
    chosen = np.zeros((count, 6), bool)
    chosen[np.arange(count), order[:, 0]] = True
    chosen[np.arange(count), order[:, 1]] = source.random(count) < 0.4
    places = np.flatnonzero(chosen)
    masked = ids.copy()
    masked[chosen] = MASK
    return Batch(
        masked, np.zeros_like(ids), np.ones_like(ids), places, ids.reshape(-1)[places], np.zeros(0, np.int32)
    )  # fmt: skip


def of_rows(
    first: Sequence[np.ndarray],
    second: Sequence[np.ndarray] | None,
    follows: Sequence[int],
    rate: float,
    source: np.random.Generator,
    vocab_size: int,
) -> Batch:
    """``[CLS] A [SEP]`` or ``[CLS] A [SEP] B [SEP]``, masked at ``rate`` in the paper's 80/10/10."""
    rows, kinds = [], []
    for index, ids in enumerate(first):
        row, kind = [CLS, *ids, SEP], [0] * (len(ids) + 2)
        if second is not None:
            row += [*second[index], SEP]
            kind += [1] * (len(second[index]) + 1)
        rows.append(row)
        kinds.append(kind)
    length = max(map(len, rows))
    ids = np.array([[*row, *[PAD] * (length - len(row))] for row in rows], np.int32)
    types = np.array([[*kind, *[0] * (length - len(kind))] for kind in kinds], np.int32)
    masked = mask_tokens(
        ids, source, rate=rate, special=(PAD, UNK, CLS, SEP, MASK), mask_id=MASK, vocab_size=vocab_size,
        at_least_one=True,
    )  # fmt: skip
    places = np.flatnonzero(masked.predicted)
    return Batch(
        masked.input_ids, types, (ids != PAD).astype(np.int32), places, ids.reshape(-1)[places],
        np.array(follows, np.int32),
    )  # fmt: skip
