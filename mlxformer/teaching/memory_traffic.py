"""Attention between a large slow memory and a small fast one: how many numbers are moved, at once and in blocks.

The two algorithms of FlashAttention's paper, run in float64 with every transfer counted: the standard one (Algorithm
0), which writes the scores and the weights out and reads them again, and the blocked one (Algorithm 1), in which
nothing n × n ever leaves the fast memory. Arithmetic is the same; what differs is the traffic, Θ(nd + n²) and
Θ(n²d²/M).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from mlxformer.errors import ArgumentError
from mlxformer.validation import require_positive


@dataclass
class FastMemory:
    """A fast memory of ``capacity`` numbers.

    Args:
        capacity: numbers that fit at a time.
        moved: numbers read from or written to the slow memory so far.

    >>> from mlxformer.teaching.memory_traffic import FastMemory
    >>> memory = FastMemory(100)
    >>> memory.move(60, held=60)
    >>> memory.moved
    60
    """

    capacity: int
    moved: int = 0

    def move(self, count: int, *, held: int) -> None:
        """Counts a transfer.

        Args:
            count: numbers read from or written to the slow memory.
            held: numbers that lie in the fast memory meanwhile.

        Raises:
            ArgumentError: more held than fits.
        """
        if held > self.capacity:
            message = f"{held} numbers do not fit into a fast memory of {self.capacity}: take smaller blocks"
            raise ArgumentError("fast-memory-full", message, held=held, capacity=self.capacity)
        self.moved += count


def standard_attention(q: np.ndarray, k: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, int]:
    """softmax(q kᵀ / √d) v with scores and weights written out: 4n² + 4nd numbers moved, each product streamed.

    Args:
        q: queries [n, d].
        k: keys [n, d].
        v: values [n, d].

    Returns:
        The output [n, d], float64, and how many numbers were moved.

    Source: Dao et al. 2022, Algorithm 0.

    >>> import numpy as np
    >>> from mlxformer.teaching.memory_traffic import standard_attention
    >>> standard_attention(*np.ones((3, 4, 2)))[1]
    96
    """
    n, d = q.shape
    scores = q.astype(np.float64) @ k.astype(np.float64).T / math.sqrt(d)
    moved = 2 * n * d + scores.size  # q and k in, the scores out
    weights = np.exp(scores - scores.max(-1, keepdims=True))
    weights /= weights.sum(-1, keepdims=True)
    moved += scores.size + weights.size  # the scores in, the weights out
    output = weights @ v.astype(np.float64)
    return output, moved + weights.size + v.size + output.size


def blocked_attention(q: np.ndarray, k: np.ndarray, v: np.ndarray, capacity: int) -> tuple[np.ndarray, int]:
    """The same in blocks of ⌈M/4d⌉ keys and min(⌈M/4d⌉, d) queries, which fit into a fast memory of M numbers.

    Args:
        q: queries [n, d].
        k: keys [n, d].
        v: values [n, d].
        capacity: M, at least 4d.

    Returns:
        The output [n, d], float64, and how many numbers were moved.

    Raises:
        ArgumentError: a capacity that is no positive integer, or below 4d.

    Source: Dao et al. 2022, Algorithm 1.

    >>> import numpy as np
    >>> from mlxformer.teaching.memory_traffic import blocked_attention, standard_attention
    >>> q, k, v = np.random.default_rng(0).standard_normal((3, 64, 4))
    >>> bool(np.allclose(blocked_attention(q, k, v, 128)[0], standard_attention(q, k, v)[0]))
    True
    """
    require_positive(capacity=capacity)
    n, d = q.shape
    if capacity < 4 * d:
        message = f"a block of one key and one query of width {d} takes 4d = {4 * d} numbers; capacity is {capacity}"
        raise ArgumentError("fast-memory-full", message, held=4 * d, capacity=capacity)
    columns = capacity // (4 * d)  # the floor: that which fits for certain
    rows = min(columns, d)
    memory = FastMemory(
        2 * capacity
    )  # the paper's M is up to a constant: scores and statistics come on top of 4 blocks
    output, total, highest = np.zeros((n, d)), np.zeros((n, 1)), np.full((n, 1), -np.inf)
    for start in range(0, n, columns):
        keys, values = (x[start : start + columns].astype(np.float64) for x in (k, v))
        memory.move(keys.size + values.size, held=keys.size + values.size)
        for first in range(0, n, rows):
            own = slice(first, first + rows)
            queries = q[own].astype(np.float64)
            scores = queries @ keys.T / math.sqrt(d)
            held = keys.size + values.size + 2 * queries.size + 2 * len(queries) + scores.size
            memory.move(2 * queries.size + 2 * len(queries), held=held)  # queries, output, l and m in
            top = np.maximum(highest[own], scores.max(-1, keepdims=True))
            shrink, weights = np.exp(highest[own] - top), np.exp(scores - top)
            total[own] = shrink * total[own] + weights.sum(-1, keepdims=True)
            output[own] = shrink * output[own] + weights @ values
            highest[own] = top
            memory.move(queries.size + 2 * len(queries), held=held)  # output, l and m out
    return output / total, memory.moved
