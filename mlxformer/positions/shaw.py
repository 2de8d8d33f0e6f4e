"""Shaw's relative keys: a learned vector for each distance, which every query is compared with as if it were a key.

    e_ij = x_i W^Q (x_j W^K + a_ij)ᵀ / √D,  a_ij = w[clip(j - i, -K, K)]       (Shaw et al. 2018, §3.1-3.2, Eq. 4)

By linearity ``e_ij = q_i · k_j / √D + q_i · a_ij / √D``; the second term is a bias, and this module computes it. As
in §3.3 the [Tq, Tk, D] vectors a_ij are never made: each query is multiplied by the 2K + 1 vectors w, once.
"""

from __future__ import annotations

import numpy as np

from mlxformer.axes import HEADS, SCORES
from mlxformer.backend import mx
from mlxformer.positions.relative import relative_positions
from mlxformer.projections import OddLinear
from mlxformer.tracing import Module, tap
from mlxformer.validation import require_floating, require_positive, require_shape


class RelativeKeys(Module):
    """``q_i · w[clip(j - i, -K, K)] / √D``: a learned vector for each distance, compared with the query as a key is.

    Give it to ``MultiHeadAttention(relative_keys=…)``, whose queries it needs. The vectors are shared among heads
    (§3.3). The paper's second term, relative *values* (Eq. 3), is left out: its ablation (Table 3) finds the keys alone
    as good.

    Args:
        head_dim: D, the width of a head.
        max_distance: K, tokens; keys farther away count as K away.

    Raises:
        ArgumentError: a number below 1; when called, queries of another rank or width.

    Source: Shaw et al. 2018, "Self-Attention with Relative Position Representations", §3.1-3.3, Eq. 4.

    >>> import mlxformer as mf
    >>> from mlxformer.backend import mx
    >>> relative = mf.RelativeKeys(head_dim=8, max_distance=4)
    >>> relative(mx.ones((1, 2, 3, 8)), 5).shape == (1, 2, 3, 5)
    True
    """

    def __init__(self, head_dim: int, max_distance: int) -> None:
        super().__init__()
        require_positive(head_dim=head_dim, max_distance=max_distance)
        self.head_dim = head_dim
        self.max_distance = max_distance
        self.distances = OddLinear(head_dim, 2 * max_distance + 1, bias=False)  # row r: the vector of distance r - K

    def _extra_repr(self) -> str:
        return f"head_dim={self.head_dim}, max_distance={self.max_distance}"

    def __call__(self, q: mx.array, key_length: int) -> mx.array:
        """The bias of the scores, the last query beside the last key.

        Args:
            q: projected queries, floating point [B, H, Tq, D].
            key_length: Tk, tokens.

        Returns:
            float32 [B, H, Tq, Tk], to be added to the scaled scores.

        Raises:
            ArgumentError: another rank or width, or numbers that are not floating point.
        """
        require_floating("q", q)
        require_shape("q", q, HEADS, (None, None, None, self.head_dim))
        clipped = np.clip(relative_positions(q.shape[2], key_length), -self.max_distance, self.max_distance)
        columns = mx.array(clipped + self.max_distance)  # [Tq, Tk]
        columns = mx.broadcast_to(columns, (*q.shape[:2], *columns.shape))  # [B, H, Tq, Tk]
        by_distance = self.distances(q.astype(mx.float32) * self.head_dim**-0.5)  # float32 [B, H, Tq, 2K + 1]
        bias = mx.take_along_axis(by_distance, columns, axis=-1)  # [B, H, Tq, Tk]
        return tap("output", bias, axes=SCORES, formula="Q a[key - query]ᵀ / √D")
