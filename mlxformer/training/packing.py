"""Several documents in one row: who stands where; ``masks.documents`` keeps them apart.

    row        a a a b b b b · ·
    segments   1 1 1 2 2 2 2 0 0        0 is padding
    positions  0 1 2 0 1 2 3 0 0        each document counts from 0
    mask       t sees s  iff  s ≤ t and segments[s] = segments[t] ≠ 0

With mask and positions a document's numbers are those it has alone (Krell et al. 2021); with a causal mask only, later
documents look into earlier ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from mlxformer.errors import ArgumentError
from mlxformer.validation import require_positive


class Packed(NamedTuple):
    """Rows of documents.

    Args:
        ids: int32 [B, T].
        segments: int32 [B, T], the document's number in its row from 1 on; 0 at padding.
        positions: int32 [B, T], counted within each document.
        places: of each document given, its row and where it begins there.

    >>> import numpy as np
    >>> from mlxformer.training.packing import pack
    >>> pack([np.array([7, 8])], 3).places
    ((0, 0),)
    """

    ids: np.ndarray
    segments: np.ndarray
    positions: np.ndarray
    places: tuple[tuple[int, int], ...]


def pack(documents: Sequence[np.ndarray], length: int, pad_id: int = 0) -> Packed:
    """The longest document first, each into the first row that has room (first-fit decreasing).

    Args:
        documents: ids [n] of each, at least one token and at most ``length``.
        length: T, of every row.
        pad_id: what fills the rest.

    Returns:
        As few rows as this order gives; none for no documents.

    Raises:
        ArgumentError: a document that is empty, longer than a row, or of another rank.

    Source: Krell et al. 2021, "Efficient Sequence Packing without Cross-contamination"; Johnson 1973.

    >>> import numpy as np
    >>> from mlxformer.training.packing import pack
    >>> packed = pack([np.array([7]), np.array([5, 6, 5])], 5)
    >>> packed.ids.tolist(), packed.segments.tolist(), packed.positions.tolist()
    ([[5, 6, 5, 7, 0]], [[1, 1, 1, 2, 0]], [[0, 1, 2, 0, 0]])
    """
    require_positive(length=length)
    for number, document in enumerate(documents):
        if document.ndim != 1 or not 0 < len(document) <= length:
            shape = list(document.shape)
            message = f"document {number} must have ids [n], n from 1 to {length}; it has shape {shape}"
            raise ArgumentError("document-length", message, number=number, length=length, given=shape)
    used: list[int] = []
    counts: list[int] = []
    places: dict[int, tuple[int, int]] = {}
    numbers: dict[int, int] = {}
    for index in sorted(range(len(documents)), key=lambda index: -len(documents[index])):
        size = len(documents[index])
        row = next((row for row, full in enumerate(used) if full + size <= length), len(used))
        if row == len(used):
            used.append(0)
            counts.append(0)
        places[index] = (row, used[row])
        used[row] += size
        counts[row] += 1
        numbers[index] = counts[row]
    ids = np.full((len(used), length), pad_id, np.int32)
    segments, positions = np.zeros_like(ids), np.zeros_like(ids)
    for index, (row, start) in places.items():
        here = slice(start, start + len(documents[index]))
        ids[row, here], segments[row, here] = documents[index], numbers[index]
        positions[row, here] = np.arange(len(documents[index]))
    return Packed(ids, segments, positions, tuple(places[index] for index in range(len(documents))))
