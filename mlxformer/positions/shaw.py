"""Shaw's relative keys: a learned vector for each distance, which every query is compared with as if it were a key.

    e_ij = x_i W^Q (x_j W^K + a_ij)ᵀ / √D,  a_ij = w[clip(j - i, -K, K)]       (Shaw et al. 2018, §3.1-3.2, Eq. 4)

By linearity ``e_ij = q_i · k_j / √D + q_i · a_ij / √D``; the second term is a bias, and this module computes it. As
in §3.3 the [Tq, Tk, D] vectors a_ij are never made: each query is multiplied by the 2K + 1 vectors w, once.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from mlxformer.backend import mx, nn
from mlxformer.positions.relative import relative_positions
from mlxformer.tracing import Module, tap
from mlxformer.validation import require_floating, require_positive, require_shape


class RelativeKeys(Module):
    """``q_i · w[clip(j - i, -K, K)] / √D`` for projected queries [B, H, Tq, D]: a bias [B, H, Tq, Tk].

    Give it to ``MultiHeadAttention(relative_keys=…)``, whose queries it needs. The vectors are shared among heads
    (§3.3). max_distance: K; keys farther away count as K away. The paper's second term, relative *values* (Eq. 3),
    is left out: its ablation (Table 3) finds the keys alone as good.
    """

    def __init__(self, head_dim: int, max_distance: int) -> None:
        super().__init__()
        require_positive(head_dim=head_dim, max_distance=max_distance)
        self.head_dim = head_dim
        self.max_distance = max_distance
        self.distances = nn.Linear(head_dim, 2 * max_distance + 1, bias=False)  # row r: the vector of distance r - K

    def __call__(self, q: Any, key_length: int) -> Any:
        """q [B, H, Tq, D], the last query beside the last of ``key_length`` keys -> [B, H, Tq, Tk]."""
        require_floating("q", q)
        require_shape("q", q, ("batch", "head", "query", "dim"), (None, None, None, self.head_dim))
        clipped = np.clip(relative_positions(q.shape[2], key_length), -self.max_distance, self.max_distance)
        columns = mx.array(clipped + self.max_distance)  # [Tq, Tk]
        columns = mx.broadcast_to(columns, (*q.shape[:2], *columns.shape))  # [B, H, Tq, Tk]
        by_distance = self.distances(q) * self.head_dim**-0.5  # [B, H, Tq, 2K + 1]
        bias = mx.take_along_axis(by_distance, columns, axis=-1)  # [B, H, Tq, Tk]
        return tap("output", bias, axes=("batch", "head", "query", "key"), formula="Q a[key - query]ᵀ / √D")
