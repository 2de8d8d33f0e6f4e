"""Where a score comes from: the products of query and key, dimension by dimension.

    score_ij = Σ_d q_id k_jd,   scaled by 1/√D before the softmax

It is BertViz's "neuron view" (Vig 2019, "A Multiscale Visualization of Attention in the Transformer Model", §2.3).
"""

from __future__ import annotations

import numpy as np

from mlxformer.errors import ArgumentError


def query_key_products(queries: np.ndarray, keys: np.ndarray, head: int, query: int) -> np.ndarray:
    """``q_i ⊙ k_j`` for one query and every key; a row's sum is its score before scaling.

    Args:
        queries: of a trace, floating point [B, H, Tq, D], of whose batch the first is taken.
        keys: of the same trace, floating point [B, Hkv, Tk, D]; key/value head h // (H / Hkv) serves head h.
        head: h, counted from 0.
        query: i, counted from 0.

    Returns:
        float64 [Tk, D].

    Raises:
        ArgumentError: a head or query that there is not.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> from mlxformer.inspection.products import query_key_products
    >>> with mf.trace() as steps:
    ...     y = mf.Encoder(1, 8, 2, 16)(mx.ones((1, 3, 8)))
    >>> q, k, scores = (steps[f"layers.0.self_attention.{name}"].value for name in ("queries", "keys", "scores"))
    >>> bool(np.allclose(query_key_products(q, k, 1, 2).sum(-1), scores[0, 1, 2], atol=1e-5))
    True
    """
    for name, given, count in (("head", head, queries.shape[1]), ("query", query, queries.shape[2])):
        if not 0 <= given < count:
            message = f"{name}={given} does not exist: there are {count}, from 0"
            raise ArgumentError("no-such-place", message, name=name, given=given, count=count)
    group = queries.shape[1] // keys.shape[1]
    chosen: np.ndarray = queries[0, head, query].astype(np.float64) * keys[0, head // group].astype(np.float64)
    return chosen
