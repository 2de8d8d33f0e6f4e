"""Distances between keys and queries, from which relative positions are made."""

from __future__ import annotations

import numpy as np

from mlxformer.validation import require_positive


def relative_positions(query_length: int, key_length: int) -> np.ndarray:
    """Key position minus query position: 0 at a query's own key, negative in its past.

    The last query stands beside the last key, as in ``masks.causal``: so it is right with a cache of past keys.

    Args:
        query_length: Tq, tokens.
        key_length: Tk, tokens.

    Returns:
        int32 [Tq, Tk], a NumPy array.

    Raises:
        ArgumentError: a length below 1.

    >>> from mlxformer.positions import relative_positions
    >>> relative_positions(2, 3).tolist()
    [[-1, 0, 1], [-2, -1, 0]]
    """
    require_positive(query_length=query_length, key_length=key_length)
    queries = np.arange(key_length - query_length, key_length, dtype=np.int32)
    return np.arange(key_length, dtype=np.int32)[None, :] - queries[:, None]
