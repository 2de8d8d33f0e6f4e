"""T5's relative positions: a learned scalar for each head and each bucket of distances, added to the scores.

    scores_ij = q_i · k_j + b_h[bucket(j - i)]                  (Raffel et al. 2020, §2.1, "position embeddings")

Near distances have a bucket each, far ones share logarithmic buckets up to ``max_distance``, and all beyond share the
last. (T5 itself does not divide by √D; give attention ``scale=1.0`` for its scores.)
"""

from __future__ import annotations

import math

import numpy as np

from mlxformer.axes import SCORES
from mlxformer.backend import mx
from mlxformer.errors import ArgumentError
from mlxformer.positions.relative import relative_positions
from mlxformer.projections import OddEmbedding
from mlxformer.tracing import Module, tap
from mlxformer.validation import require_positive


def t5_buckets(
    relative: np.ndarray, *, num_buckets: int = 32, max_distance: int = 128, bidirectional: bool = True
) -> np.ndarray:
    """The bucket of each relative position: one for each near distance, logarithmic ones further off.

    Args:
        relative: key position minus query position, integers of any shape; see ``relative_positions``.
        num_buckets: how many buckets there are, a multiple of 4 (of 2 where not ``bidirectional``).
        max_distance: tokens; every distance from here on has the last bucket.
        bidirectional: True (encoders): half of the buckets for keys before the query and half for keys after. False
            (decoders): all serve the past, and every key after the query falls into bucket 0, whatever the mask does
            with it.

    Returns:
        int32 of the same shape, 0 to ``num_buckets - 1``.

    Raises:
        ArgumentError: buckets that cannot be split, or a ``max_distance`` within the exact ones.

    Source: Raffel et al. 2020, §2.1, and its code.

    >>> import numpy as np
    >>> from mlxformer.positions import t5_buckets
    >>> t5_buckets(np.array([-200, -2, -1, 0, 1, 2, 200])).tolist()
    [15, 2, 1, 0, 17, 18, 31]
    """
    _check(num_buckets, max_distance, bidirectional)
    side = num_buckets // 2 if bidirectional else num_buckets
    distance = np.abs(relative) if bidirectional else np.maximum(-relative, 0)
    exact = side // 2
    # float32, as the published models were trained: float64 would move a distance that falls on a bucket's edge.
    ratio = np.log(np.maximum(distance, 1).astype(np.float32) / np.float32(exact))
    far = exact + (ratio / np.float32(math.log(max_distance / exact)) * np.float32(side - exact)).astype(np.int32)
    buckets = np.where(distance < exact, distance, np.minimum(far, side - 1))
    if bidirectional:
        buckets = buckets + np.where(relative > 0, side, 0)
    return buckets.astype(np.int32)


class T5RelativeBias(Module):
    """``b_h[bucket(j - i)]``: a learned number for each head and each bucket of distances, added to the scores.

    T5 makes it once and shares it among its layers. It does not divide scores by √D: give attention ``scale=1.0`` for
    its.

    Args:
        num_heads: H.
        num_buckets: how many buckets of distances there are, as in ``t5_buckets``.
        max_distance: tokens; every distance from here on has the last bucket.
        bidirectional: True for encoders, False for decoders, as in ``t5_buckets``.

    Raises:
        ArgumentError: a number below 1, buckets that cannot be split, or a ``max_distance`` within the exact ones.

    Source: Raffel et al. 2020, "Exploring the Limits of Transfer Learning …", §2.1.

    >>> import mlxformer as mf
    >>> mf.T5RelativeBias(num_heads=4)(3, 5).shape == (1, 4, 3, 5)
    True
    """

    def __init__(
        self, num_heads: int, *, num_buckets: int = 32, max_distance: int = 128, bidirectional: bool = True
    ) -> None:
        super().__init__()
        require_positive(num_heads=num_heads)
        _check(num_buckets, max_distance, bidirectional)
        self.num_heads = num_heads
        self.num_buckets = num_buckets
        self.max_distance = max_distance
        self.bidirectional = bidirectional
        self.embedding = OddEmbedding(num_buckets, num_heads)

    def _extra_repr(self) -> str:
        return (
            f"num_heads={self.num_heads}, num_buckets={self.num_buckets}, max_distance={self.max_distance}, "
            f"bidirectional={self.bidirectional}"
        )

    def __call__(self, query_length: int, key_length: int) -> mx.array:
        """The bias of ``query_length`` queries, the last beside the last key.

        Args:
            query_length: Tq, tokens.
            key_length: Tk, tokens.

        Returns:
            float32 [1, H, Tq, Tk].

        Raises:
            ArgumentError: a length below 1.
        """
        buckets = t5_buckets(
            relative_positions(query_length, key_length),
            num_buckets=self.num_buckets,
            max_distance=self.max_distance,
            bidirectional=self.bidirectional,
        )
        bias = self.embedding(mx.array(buckets)).transpose(2, 0, 1)  # [H, Tq, Tk]
        bias = bias.reshape(1, *bias.shape)  # [1, H, Tq, Tk]
        return tap("output", bias, axes=SCORES, formula="b[bucket(key - query)]")


def _check(num_buckets: int, max_distance: int, bidirectional: bool) -> None:
    require_positive(num_buckets=num_buckets, max_distance=max_distance)
    least = 4 if bidirectional else 2
    if num_buckets % least:
        raise ArgumentError(
            "buckets-not-divisible",
            f"num_buckets must be a multiple of {least} where bidirectional={bidirectional}: half of each side's "
            f"buckets are exact; got {num_buckets}",
            num_buckets=num_buckets,
        )
    exact = num_buckets // least
    if max_distance <= exact:
        raise ArgumentError(
            "max-distance",
            f"max_distance must be above the {exact} distances that have a bucket of their own; got {max_distance}",
            max_distance=max_distance,
            exact=exact,
        )
