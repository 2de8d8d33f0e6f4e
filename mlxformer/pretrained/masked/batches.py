"""Batches of masked language modeling: ids with [MASK]s, where to predict what, and which pairs belong together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, NamedTuple, TypeVar

import numpy as np

from mlxformer.training.masked_lm import mask_tokens

POOL = 6  # times as many lines are drawn, where those of like length are to be put together
PAD, UNK, CLS, SEP, MASK = range(5)  # the order of vocabulary.SPECIAL


Array = TypeVar("Array")  # of NumPy while it is made, of the backend in training


class Batch(NamedTuple, Generic[Array]):
    """Arrays of NumPy or of the backend, int32.

    Args:
        input_ids: [B, T], masked.
        token_type_ids: [B, T], 0 in a first text and 1 in a second one.
        attention_mask: [B, T], 1 at real tokens.
        places: [P], where to predict, of ``input_ids.reshape(-1)``.
        labels: [P], what to predict.
        follows: [B], the labels of next-sentence prediction; [0] where the rows are no pairs.

    >>> import numpy as np
    >>> from mlxformer.pretrained.masked.batches import of_idioms
    >>> of_idioms(np.array([[10, 11, 12, 13]]), np.random.default_rng(0)).input_ids.shape
    (1, 6)
    """

    input_ids: Array
    token_type_ids: Array
    attention_mask: Array
    places: Array
    labels: Array
    follows: Array


def of_idioms(idioms: np.ndarray, generator: np.random.Generator) -> Batch[np.ndarray]:
    """``[CLS] 画 蛇 添 [MASK] [SEP]``: one character of four is masked, in two rows of five two.

    Args:
        idioms: ids [B, 4].
        generator: what draws.

    Returns:
        Six tokens a row, in NumPy.

    >>> import numpy as np
    >>> from mlxformer.pretrained.masked.batches import MASK, of_idioms
    >>> batch = of_idioms(np.array([[10, 11, 12, 13]]), np.random.default_rng(0))
    >>> bool((batch.input_ids.reshape(-1)[batch.places] == MASK).all())
    True
    """
    count = len(idioms)
    ids = np.full((count, 6), SEP, np.int32)
    ids[:, 0], ids[:, 1:5] = CLS, idioms
    order = generator.permuted(np.tile(np.arange(1, 5), (count, 1)), axis=1)
    chosen = np.zeros((count, 6), bool)
    chosen[np.arange(count), order[:, 0]] = True
    chosen[np.arange(count), order[:, 1]] = generator.random(count) < 0.4
    places = np.flatnonzero(chosen)
    masked = ids.copy()
    masked[chosen] = MASK
    return Batch(
        masked, np.zeros_like(ids), np.ones_like(ids), places, ids.reshape(-1)[places], np.zeros(0, np.int32)
    )  # fmt: skip


class Line(NamedTuple):
    """A text, or a pair of them with the label of next-sentence prediction.

    Args:
        first: ids [T], without special tokens.
        second: ids of the second text; None where there is none.
        follows: 0 where the second follows the first, 1 where it was drawn.

    >>> import numpy as np
    >>> from mlxformer.pretrained.masked.batches import Line
    >>> Line(np.array([7, 8]), np.array([9])).length
    6
    """

    first: np.ndarray
    second: np.ndarray | None = None
    follows: int = 0

    @property
    def length(self) -> int:
        """Tokens, with [CLS] and [SEP]."""
        return len(self.first) + 2 + (0 if self.second is None else len(self.second) + 1)


def of_like_length(lines: Sequence[Line], tokens: int, generator: np.random.Generator) -> list[Line]:
    """Some neighbors of ``lines`` by length, so many that they have about ``tokens`` tokens with their padding.

    Args:
        lines: of any length.
        tokens: at most about so many.
        generator: what draws which neighbors.

    Returns:
        At least one line.

    >>> import numpy as np
    >>> from mlxformer.pretrained.masked.batches import Line, of_like_length
    >>> lines = [Line(np.arange(length)) for length in (1, 9, 1, 9)]
    >>> len({line.length for line in of_like_length(lines, 8, np.random.default_rng(0))})
    1
    """
    groups: list[list[Line]] = [[]]
    for line in sorted(lines, key=lambda line: line.length):
        if groups[-1] and line.length * (len(groups[-1]) + 1) > tokens:
            groups.append([])
        groups[-1].append(line)
    return groups[generator.integers(len(groups))]


def of_rows(lines: Sequence[Line], rate: float, generator: np.random.Generator, vocab_size: int) -> Batch[np.ndarray]:
    """``[CLS] A [SEP]`` or ``[CLS] A [SEP] B [SEP]``, masked as in the paper (80/10/10).

    Args:
        lines: B of them, all pairs or none.
        rate: the share of tokens to predict, 0 to 1; at least one in each row.
        generator: what draws.
        vocab_size: V.

    Returns:
        The rows, padded, in NumPy.

    >>> import numpy as np
    >>> from mlxformer.pretrained.masked.batches import Line, of_rows
    >>> of_rows([Line(np.array([7, 8, 9]))], 0.15, np.random.default_rng(0), 20).attention_mask.tolist()
    [[1, 1, 1, 1, 1]]
    """
    rows, kinds = [], []
    for line in lines:
        row, kind = [CLS, *line.first, SEP], [0] * (len(line.first) + 2)
        if line.second is not None:
            row += [*line.second, SEP]
            kind += [1] * (len(line.second) + 1)
        rows.append(row)
        kinds.append(kind)
    follows = [line.follows for line in lines if line.second is not None]
    length = max(map(len, rows))
    ids = np.array([[*row, *[PAD] * (length - len(row))] for row in rows], np.int32)
    types = np.array([[*kind, *[0] * (length - len(kind))] for kind in kinds], np.int32)
    masked = mask_tokens(
        ids, generator, rate=rate, special=(PAD, UNK, CLS, SEP, MASK), mask_id=MASK, vocab_size=vocab_size,
        at_least_one=True,
    )  # fmt: skip
    places = np.flatnonzero(masked.predicted)
    return Batch(
        masked.input_ids, types, (ids != PAD).astype(np.int32), places, ids.reshape(-1)[places],
        np.array(follows, np.int32),
    )  # fmt: skip
