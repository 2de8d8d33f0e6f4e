"""InfoNCE: of the N keys in a batch, tell the one that belongs to each query; the others are its negatives.

    s_ij = cos(q_i, k_j) / τ        L = −(1/N) Σ_i log softmax(s_i)_i

The gradient by s_ij is (softmax(s_i)_j − [i = j]) / N: a negative is pushed away as far as it is likely, so a small τ
looks at the hardest ones alone. All of it is float32, whatever the vectors are.
"""

from __future__ import annotations

from mlxformer.backend import mx, nn
from mlxformer.validation import require_floating, require_positive_number, require_shape


def cosine_scores(queries: mx.array, keys: mx.array, temperature: float = 0.05) -> mx.array:
    """``cos(q_i, k_j) / τ`` of all pairs.

    Args:
        queries: floating point [N, C].
        keys: floating point [M, C].
        temperature: τ, above 0.

    Returns:
        float32 [N, M].

    Raises:
        ArgumentError: other kinds and widths, τ not above 0.

    >>> from mlxformer.backend import mx
    >>> from mlxformer.training.contrastive import cosine_scores
    >>> cosine_scores(mx.array([[3.0, 0.0]]), mx.array([[1.0, 0.0], [0.0, 2.0]]), 0.5).tolist()
    [[2.0, 0.0]]
    """
    for name, x in (("queries", queries), ("keys", keys)):
        require_floating(name, x)
        require_shape(name, x, ("pair", "model"))
    require_shape("keys", keys, ("pair", "model"), (keys.shape[0], queries.shape[1]))
    require_positive_number("temperature", temperature)
    return _unit(queries) @ _unit(keys).T / temperature


def info_nce(queries: mx.array, keys: mx.array, temperature: float = 0.05) -> mx.array:
    """The cross-entropy of finding key i for query i among all keys; ln M where all are alike.

    Args:
        queries: floating point [N, C].
        keys: floating point [M, C], M ≥ N: key i belongs to query i, those after N to none (hard negatives).
        temperature: τ, above 0.

    Returns:
        A float32 scalar.

    Raises:
        ArgumentError: fewer keys than queries, other kinds and widths, τ not above 0.

    Source: van den Oord et al. 2018, "Representation Learning with Contrastive Predictive Coding", Eq. 4; with cosines
    and τ as in Chen et al. 2020, "SimCLR", Eq. 1, and Gao et al. 2021, "SimCSE", Eq. 1.

    >>> from mlxformer.backend import mx
    >>> from mlxformer.training.contrastive import info_nce
    >>> round(float(info_nce(mx.ones((4, 2)), mx.ones((4, 2)))), 4)  # ln 4
    1.3863
    """
    scores = cosine_scores(queries, keys, temperature)
    require_shape("keys", keys, ("pair", "model"), (max(keys.shape[0], queries.shape[0]), queries.shape[1]))
    return mx.mean(nn.losses.cross_entropy(scores, mx.arange(queries.shape[0])))


def _unit(x: mx.array) -> mx.array:
    x = x.astype(mx.float32)
    return x * mx.rsqrt(mx.maximum(mx.sum(mx.square(x), axis=-1, keepdims=True), 1e-12))
