"""Both algorithms give the softmax's answer; their traffic is what the paper's loops add up to."""

from __future__ import annotations

import numpy as np
import pytest

from mlxformer.errors import ArgumentError
from mlxformer.teaching.memory_traffic import FastMemory, blocked_attention, standard_attention


def drawn(n: int, d: int) -> np.ndarray:
    return np.random.default_rng([n, d]).standard_normal((3, n, d))


@pytest.mark.parametrize(("n", "d", "capacity"), [(64, 4, 64), (50, 8, 500), (7, 4, 16), (33, 16, 4096)])
def test_blocks_of_any_size_give_the_same(n: int, d: int, capacity: int) -> None:
    q, k, v = drawn(n, d)
    rows = []
    for query in q:  # one row at a time, without any of the code
        weights = np.exp(k @ query / np.sqrt(d))
        rows.append(weights @ v / weights.sum())
    np.testing.assert_allclose(standard_attention(q, k, v)[0], rows, rtol=1e-10)
    np.testing.assert_allclose(blocked_attention(q, k, v, capacity)[0], rows, rtol=1e-10)


@pytest.mark.parametrize(("n", "d", "capacity"), [(256, 16, 4096), (512, 8, 1024)])
def test_the_traffic_is_that_of_the_loops(n: int, d: int, capacity: int) -> None:
    """Keys and values once, and for each block of keys all queries, outputs and statistics in and out."""
    q, k, v = drawn(n, d)
    passes = n // (capacity // (4 * d))
    assert blocked_attention(q, k, v, capacity)[1] == 2 * n * d + passes * n * (3 * d + 4)
    assert standard_attention(q, k, v)[1] == 4 * n * n + 4 * n * d


def test_twice_the_memory_halves_the_traffic_and_twice_the_length_quadruples_it() -> None:
    few, many = (blocked_attention(*drawn(1024, 8), capacity)[1] for capacity in (512, 1024))
    assert few / many == pytest.approx(2, rel=0.05)
    assert blocked_attention(*drawn(2048, 8), 512)[1] / few == pytest.approx(4, rel=0.05)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(ArgumentError, match="4d = 32"):
        blocked_attention(*drawn(4, 8), 31)
    with pytest.raises(ArgumentError, match="do not fit"):
        FastMemory(10).move(1, held=11)
